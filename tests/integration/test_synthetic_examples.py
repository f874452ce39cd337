"""The twelve labelled pictures in examples/synth: labels agree with cameras, models with labels."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from spinepose import SpinePoseEstimator
from spinepose.evaluation.oks import oks
from spinepose.skeleton import SPINETRACK

_ROOT = Path(__file__).parents[2] / "examples" / "synth"


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    path = _ROOT / "annotations" / "person_keypoints_train-unreal.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def _picture(content: dict[str, Any], number: int) -> Any:
    image = next(i for i in content["images"] if i["id"] == number)
    pixels = cv2.imread(str(_ROOT / "images" / "train-unreal" / image["file_name"]))
    assert pixels is not None
    assert pixels.shape == (image["height"], image["width"], 3)
    return pixels


def test_every_picture_has_its_people(content: dict[str, Any]) -> None:
    assert len(content["images"]) == 12
    assert {a["image_id"] for a in content["annotations"]} == {i["id"] for i in content["images"]}
    files = {p.name for p in (_ROOT / "images" / "train-unreal").iterdir()}
    assert files == {i["file_name"] for i in content["images"]}


def test_keypoints_are_the_projected_3d_points(content: dict[str, Any]) -> None:
    cameras = {c["id"]: c for c in content["cameras"]}
    images = {i["id"]: i for i in content["images"]}
    for annotation in content["annotations"]:
        camera = cameras[images[annotation["image_id"]]["camera"]]
        world = np.array(annotation["keypoints_3d_world"], float)
        rotation = cv2.Rodrigues(np.array(camera["R"], float))[0]
        shift, matrix, lens = (np.array(camera[name], float) for name in ("t", "K", "distortion"))
        expected, _ = cv2.projectPoints(world, rotation, shift, matrix, lens)
        labelled = np.array(annotation["keypoints"], float).reshape(-1, 3)
        inside = labelled[:, 2] > 0
        np.testing.assert_allclose(labelled[inside, :2], expected[inside, 0], atol=0.1)


def test_the_shipped_model_finds_their_spines(content: dict[str, Any]) -> None:
    estimator = SpinePoseEstimator()
    spine = SPINETRACK.spine_indices
    scores = []
    for image in content["images"]:
        people = [a for a in content["annotations"] if a["image_id"] == image["id"]]
        boxes = np.array([a["bbox"] for a in people], np.float32)
        boxes[:, 2:] += boxes[:, :2]
        keypoints, _ = estimator.predict(_picture(content, image["id"]), boxes)
        truth = np.array([a["keypoints"] for a in people], float).reshape(-1, 37, 3)
        labelled = np.where(truth[:, spine, 2:] > 0, truth[:, spine, :2], np.nan)
        areas = np.array([a["area"] for a in people], float)
        scores.append(oks(keypoints[:, spine], labelled, areas, SPINETRACK.sigma_array[spine]))
    assert np.concatenate(scores).mean() > 0.85
