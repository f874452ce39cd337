"""Render one scene into files: what a worker process does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from spinepose.files import atomic_write, output_error
from spinepose.synth.cameras import Camera
from spinepose.synth.finish import developed, encoded
from spinepose.synth.labels import annotation_of, label_people
from spinepose.synth.render.photo import photograph
from spinepose.synth.scene import Moment, Recipe, Scene, Studio
from spinepose.synth.streams import stream

__all__ = ["IMAGES", "render_scene", "scene_file", "start_worker", "worker_scene"]

IMAGES = Path("images") / "train-unreal"
"""Where SpineTrack keeps the pictures of its synthetic half."""

_SCENES = Path(".scenes")

_studio: Studio | None = None


def scene_file(out: Path, number: int) -> Path:
    """Return the file that says that a scene is done, and holds its labels."""
    return out / _SCENES / f"{number:06d}.json"


def start_worker(recipe: Recipe) -> None:
    """Prepare a worker process."""
    import cv2

    global _studio
    cv2.setNumThreads(1)
    _studio = Studio(recipe)


def worker_scene(number: int, out: Path) -> int:
    """Render a scene in a prepared worker process and return its number of annotations."""
    if _studio is None:  # pragma: no cover - start_worker comes first
        raise RuntimeError("the worker was not started")
    return render_scene(_studio, number, out)


def render_scene(studio: Studio, number: int, out: Path) -> int:
    """Write the pictures of a scene, then its labels, and return how many annotations it has.

    The label file is written last: a scene without one was not finished.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    recipe = studio.recipe
    scene = studio.scene(number)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    tracks = np.zeros((len(scene.people), recipe.frames, 37, 3), np.float64)
    for frame in range(recipe.frames):
        moment = scene.first if frame == 0 else None
        if moment is None:
            moment = studio.moment(scene, frame / recipe.fps)
        for index, posed in enumerate(moment.posed):
            tracks[index, frame] = posed.keypoints
        for view, camera in enumerate(scene.cameras):
            name = f"{number:06d}_c{view}"
            name += f"_f{frame:04d}.jpg" if recipe.frames > 1 else ".jpg"
            labels = _picture(studio, scene, moment, camera, (frame, view), out / IMAGES / name)
            images.append(_image_of(scene, recipe, name, frame, view))
            annotations += [label | {"image": len(images) - 1} for label in labels]
    record = {
        "images": images,
        "annotations": annotations,
        "cameras": [_camera_of(camera) for camera in scene.cameras],
        "subjects": [_subject_of(scene, index) for index in range(len(scene.people))],
        "tracks": tracks.round(4).tolist(),
    }
    with atomic_write(scene_file(out, number)) as temporary:
        temporary.write_text(json.dumps(record, allow_nan=False), encoding="utf-8")
    return len(annotations)


def _picture(
    studio: Studio,
    scene: Scene,
    moment: Moment,
    camera: Camera,
    at: tuple[int, int],
    path: Path,
) -> list[dict[str, Any]]:
    """Take one picture, write it, and return its labels."""
    view = photograph(moment.lit, scene.backdrop, camera)
    labels = label_people(view, moment.lit.geometry, camera, moment.posed, studio.body.skin_faces)
    rng = stream(studio.recipe.seed, scene.number, "photo", *at)
    data = encoded(developed(view.image, rng), rng)
    with atomic_write(path) as temporary:
        try:
            temporary.write_bytes(data)
        except OSError as error:
            raise output_error(path, error) from error
    result = []
    for label in labels:
        person, posed = scene.people[label.person], moment.posed[label.person]
        pose = moment.poses[label.person]
        flexion, lateral, twist = pose.trunk
        result.append(
            annotation_of(label, posed, camera)
            | {
                "person": label.person,
                "activity": person.motion.activity,
                "angles": {name: round(value, 2) for name, value in posed.angles.items()},
                "trunk": {
                    "flexion": round(flexion, 2),
                    "lateral": round(lateral, 2),
                    "twist": round(twist, 2),
                },
                "segments": {
                    name: Rotation.from_matrix(turn).as_rotvec().round(4).tolist()
                    for name, turn in person.poser.segments(posed.transforms).items()
                },
            }
        )
    return result


def _image_of(scene: Scene, recipe: Recipe, name: str, frame: int, view: int) -> dict[str, Any]:
    return {
        "file_name": name,
        "width": recipe.size,
        "height": recipe.size,
        "scene": scene.number,
        "view": view,
        "time": round(frame / recipe.fps, 4),
        "backdrop": {"kind": scene.backdrop.kind, "name": scene.backdrop.name},
    }


def _camera_of(camera: Camera) -> dict[str, Any]:
    return {
        "width": camera.width,
        "height": camera.height,
        "K": camera.matrix.round(4).tolist(),
        "R": camera.rotation.round(9).tolist(),
        "t": camera.translation.round(6).tolist(),
        "distortion": camera.distortion.round(6).tolist(),
    }


def _subject_of(scene: Scene, index: int) -> dict[str, Any]:
    """Return what is known of a person."""
    person = scene.people[index]
    poser = person.poser
    curvature = poser.curvature
    things = scene.first.belongings[index].names if scene.first is not None else ()
    neutral = {name: round(value, 2) for name, value in curvature.reached.items()}
    return {
        "shape": poser.subject.shape.as_dict(),
        "stature_m": round(poser.subject.rest.stature, 4),
        "neutral": {"variant": curvature.target.variant} | neutral,
        "clothes": list(person.wardrobe.names),
        "belongings": list(things),
    }
