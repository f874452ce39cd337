"""Where the numbers of the body model come from."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["SOURCES"]

SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "white-panjabi": (
            "White and Panjabi 1990, Clinical Biomechanics of the Spine, 2nd ed., Lippincott, "
            "chapter 2: representative ranges of rotation of each level (flexion and extension "
            "together, bending and rotation to one side)"
        ),
        "heights": (
            "Vertebral body plus disc: shares of the way from L5/S1 to C7 as in "
            "spinepose.synth.anatomy, after Kunkel et al. 2011 (J Anat 219:375, Table 2), Gilad "
            "and Nissan 1985 (J Anat 143:115), Bach et al. 2019 (World Neurosurg 124:e106); levels "
            "between those are interpolated"
        ),
        "cervical": "Yukawa et al. 2012, Eur Spine J 21:1492: heights of cervical bodies and discs",
        "vialle": (
            "Vialle et al. 2005, J Bone Joint Surg Am 87:260: standing adults, pelvic tilt 13, "
            "sacral slope 41, lordosis 60, kyphosis 41 degrees; levels between are interpolated"
        ),
        "dumas": (
            "Dumas, Cheze and Verriest 2007, J Biomech 40:543: width of the pelvis 224 mm in "
            "men and 238 mm in women, L5/S1 to the hip joints 94 and 107 mm, L5/S1 to C7/T1 477 mm "
            "in men of 1.77 m"
        ),
        "de-leva": (
            "de Leva 1996, J Biomech 29:1223, Table 4, men of 1.741 m: lengths between joint "
            "centres"
        ),
        "winter": (
            "Winter 2009, Biomechanics and Motor Control of Human Movement, 4th ed., Figure 4.1, "
            "after Drillis and Contini 1966: lengths as shares of stature"
        ),
        "bell": (
            "Bell, Pedersen and Brand 1990, J Biomech 23:617: a hip joint lies 14 % of the width "
            "of the pelvis medial to the spine of the ilium"
        ),
        "mesh": (
            "Keypoints of the mean adult of spinepose.synth (SpineTrack's definitions on the Anny "
            "0.6 body), scaled to 1.75 m"
        ),
        "pearcy": (
            "Pearcy, Portek and Shepherd 1984, Spine 9:294: three quarters of the sagittal range "
            "of the lumbar spine are flexion; at L5/S1 alone, some extend more than they flex"
        ),
        "inman": (
            "Inman, Saunders and Abbott 1944, J Bone Joint Surg 26:1: the clavicle rises by 40 "
            "degrees"
        ),
        "ludewig": (
            "Ludewig et al. 2009, J Bone Joint Surg Am 91:378: the clavicle retracts by up to 30 "
            "degrees when the arm is raised"
        ),
        "aaos": (
            "American Academy of Orthopaedic Surgeons 1965, Joint Motion: Method of Measuring and "
            "Recording: ranges of the limbs"
        ),
        "model": "A choice of this model, free of anatomy: the ground and what cannot be seen",
    }
)
"""Key to citation."""
