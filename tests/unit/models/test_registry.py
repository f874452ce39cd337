import logging
from pathlib import Path

import numpy as np
import pytest

from spinepose.errors import ModelError, ProviderError
from spinepose.models import (
    ModelCard,
    create_session,
    fetch,
    find_card,
    list_models,
    resolve_detector,
    resolve_pose,
    self_test,
)
from spinepose.models import registry as registry_module
from tests.unit.conftest import MakeModel, detector_card, pose_card


def test_every_mode_works_and_a_missing_size_warns_once(caplog: pytest.LogCaptureFixture) -> None:
    registry_module._warn_once.cache_clear()
    logging.getLogger("spinepose").propagate = True
    with caplog.at_level(logging.WARNING, "spinepose"):
        for _ in range(2):
            for mode in ("tiny", "small", "medium", "large", "xlarge"):
                assert resolve_pose(mode).card.task == "pose"
    texts = [record.getMessage() for record in caplog.records]
    trained = {row.name for row in list_models() if row.status == "built in"}
    assert len(texts) == len({"tiny", "small", "medium", "large", "xlarge"} - trained)


def test_auto_warns_about_nothing(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("spinepose").propagate = True
    assert resolve_pose("auto").card.task == "pose"
    assert caplog.records == []


def test_unknown_names_list_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="medium"):
        resolve_pose("gigantic")
    with pytest.raises(ModelError, match="yolox"):
        resolve_detector("nobody")
    with pytest.raises(ModelError, match="yolox"):
        resolve_detector("small")
    with pytest.raises(ModelError, match="no such model file"):
        resolve_pose(str(tmp_path / "none.onnx"))
    with pytest.raises(ModelError, match="known"):
        find_card("nothing")


def test_a_model_of_one_s_own(make_model: MakeModel) -> None:
    made = make_model(pose_card(), [("simcc_x", np.zeros((1, 37, 128), np.float32))])
    assert resolve_pose(str(made.path)).card.id == "test-pose"
    with pytest.raises(ModelError, match="a detection model is wanted"):
        resolve_detector(str(made.path))
    assert find_card(str(made.path))["id"] == "test-pose"
    assert fetch(str(made.path)) == made.path
    with pytest.raises(ModelError, match="no such model file"):
        fetch(str(made.path.with_name("none.onnx")))


def test_listing_and_cards_agree() -> None:
    for row in list_models():
        assert row.to_dict()["name"] == row.name
        assert find_card(row.name)["license"] == row.license
        if row.task == "pose":
            assert fetch(row.name) == resolve_pose(row.name).path
    assert fetch("person").is_file()


def test_corrupted_weights_are_not_parsed(make_model: MakeModel) -> None:
    made = make_model(detector_card("boxes"), [("boxes", np.zeros((1, 1, 4), np.float32))])
    data = bytearray(made.path.read_bytes())
    data[-1] ^= 1
    made.path.write_bytes(data)
    with pytest.raises(ModelError, match="corrupted") as caught:
        create_session(made)
    assert str(made.card.sha256) in str(caught.value)
    assert "\n" not in str(caught.value)
    made.path.unlink()
    with pytest.raises(ModelError, match="no such model file"):
        create_session(made)


def test_a_device_that_is_named_must_work(make_model: MakeModel) -> None:
    made = make_model(detector_card("boxes"), [("boxes", np.zeros((1, 1, 4), np.float32))])
    assert create_session(made, "cpu").provider == "CPUExecutionProvider"
    assert create_session(made, "auto", threads=1).provider
    with pytest.raises(ProviderError, match="unknown device"):
        create_session(made, "toaster")
    with pytest.raises(ProviderError, match="unknown device"):
        create_session(made, "cuda:one")


def test_a_missing_provider_says_what_to_install(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make_model(detector_card("boxes"), [("boxes", np.zeros((1, 1, 4), np.float32))])
    monkeypatch.setattr(
        "spinepose.models.session.available_providers", lambda: ["CPUExecutionProvider"]
    )
    for device in ("cuda", "cuda:1", "gpu", "mps", "openvino"):
        with pytest.raises(ProviderError, match=r"install|macOS"):
            create_session(made, device)


def test_a_provider_that_does_not_start_is_not_silently_the_cpu(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import onnxruntime as ort

    made = make_model(detector_card("boxes"), [("boxes", np.zeros((1, 1, 4), np.float32))])
    real = ort.InferenceSession
    monkeypatch.setattr(
        "spinepose.models.session.available_providers",
        lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"],
    )
    monkeypatch.setattr(
        ort,
        "InferenceSession",
        lambda data, options, providers, **_: real(
            data, options, providers=["CPUExecutionProvider"]
        ),
    )
    monkeypatch.setattr(ort, "preload_dlls", lambda: print("no libcublas"), raising=False)
    with pytest.raises(ProviderError, match="does not start"):
        create_session(made, "cuda")
    assert create_session(made, "auto").provider == "CPUExecutionProvider"
    assert capsys.readouterr().out == ""


def test_a_provider_that_fails_is_an_error_and_nothing_is_printed(
    make_model: MakeModel, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The runtime by itself would print four lines and go on with the CPU."""
    import onnxruntime as ort

    def fail(self: object, *_: object) -> None:
        raise RuntimeError("the card is on fire")

    made = make_model(detector_card("boxes"), [("boxes", np.zeros((1, 1, 4), np.float32))])
    monkeypatch.setattr(ort.InferenceSession, "_create_inference_session", fail)
    monkeypatch.setattr(
        "spinepose.models.session.available_providers", lambda: ["CUDAExecutionProvider"]
    )
    monkeypatch.setattr(ort, "preload_dlls", lambda: None, raising=False)
    with pytest.raises(ProviderError, match="on fire"):
        create_session(made, "cuda")
    assert capsys.readouterr().out == ""


def test_a_file_that_is_no_network(make_model: MakeModel, tmp_path: Path) -> None:
    from dataclasses import replace

    made = make_model(detector_card("boxes"), [("boxes", np.zeros((1, 1, 4), np.float32))])
    made.path.write_bytes(b"not a network")
    card = replace(made.card, sha256=None)
    with pytest.raises(ModelError, match="cannot be loaded"):
        create_session(replace(made, card=card))


def test_the_installation_tests_itself() -> None:
    checks = {check.name: check for check in self_test()}
    assert checks["pose network"].ok, checks["pose network"].detail
    assert checks["person detector"].ok, checks["person detector"].detail


def test_a_detector_of_others_comes_from_its_host_and_finds_people(
    make_model: MakeModel,
    server: tuple[str, Path, list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from spinepose.inference.detector import PersonDetector

    url, folder, asked = server
    monkeypatch.setenv("SPINEPOSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SPINEPOSE_OFFLINE", raising=False)
    answer = np.float32([[[8, 4, 24, 28, 0.9]]])
    made = make_model(detector_card("rtmdet"), [("dets", answer), ("labels", np.array([[0]]))])
    made.path.rename(folder / "detector.onnx")
    card = ModelCard.from_dict(made.card.raw | {"urls": [f"{url}/detector.onnx"]})
    monkeypatch.setattr(registry_module, "_remote", lambda: {"rtmdet": card})
    assert {row.name: row.status for row in list_models()}["rtmdet"] == "to download"
    found = resolve_detector("rtmdet")
    assert asked == ["/detector.onnx"]
    assert {row.name: row.status for row in list_models()}["rtmdet"] == "downloaded"
    boxes, _ = PersonDetector(found.card, create_session(found, "cpu", 1)).detect(
        np.zeros((64, 64, 3), np.uint8)
    )
    np.testing.assert_allclose(boxes, [[8, 4, 24, 28]])


def test_the_cards_of_others_are_valid_and_name_public_hosts() -> None:
    cards = registry_module._remote()
    assert set(cards) == {"yolox", "rtmdet", "rfdetr"}
    assert {card.output.kind for card in cards.values()} == set(cards)
    for card in cards.values():
        assert all(url.startswith("https://") for url in card.raw["urls"])
