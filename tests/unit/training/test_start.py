"""Networks as settings ask for them, and as files of weights hold them."""

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")
pytest.importorskip("onnx")
pytest.importorskip("msgspec")

from spinepose.errors import ModelError, SpinePoseError, UsageError  # noqa: E402
from spinepose.training.pose.config import NetworkSettings  # noqa: E402
from spinepose.training.pose.networks.base import PoseNetwork  # noqa: E402
from spinepose.training.pose.networks.movenet import MoveNetPose  # noqa: E402
from spinepose.training.pose.networks.rtmcc import SIZES, RTMPose, rtmpose  # noqa: E402
from spinepose.training.pose.networks.start import (  # noqa: E402
    build_network,
    mean_network,
    open_network,
)
from spinepose.training.pose.networks.weights import save_weights  # noqa: E402

LAYER = "head.final_layer.weight"


def asked(**values: Any) -> NetworkSettings:
    return NetworkSettings(**{"size": "tiny", "side": 64} | values)


def square(keypoints: int = 37, side: int = 64, seed: int = 3) -> MoveNetPose:
    torch.manual_seed(seed)
    return MoveNetPose(keypoints, side=side)


def tiny(keypoints: int = 37, size: str = "tiny", **more: Any) -> RTMPose:
    torch.manual_seed(3)
    return rtmpose(size, keypoints, **more)


def saved(network: PoseNetwork, path: Path) -> Path:
    save_weights(network, path, {"model": "test", "family": "any"})
    return path


def same(a: PoseNetwork, b: PoseNetwork, names: str = "") -> bool:
    """Tell whether all weights are alike whose name begins so."""
    left, right = a.state_dict(), b.state_dict()
    return all(torch.equal(left[n], right[n]) for n in left if n.startswith(names))


def refused(error: type[SpinePoseError], match: str, settings: NetworkSettings) -> None:
    with pytest.raises(error, match=match) as found:
        build_network(settings)
    assert "\n" not in str(found.value)
    assert len(str(found.value)) < 500


class TestRandom:
    @pytest.mark.parametrize("family", ["rtmpose", "movenet"])
    def test_the_seed_decides(self, family: str) -> None:
        one, two, three = (build_network(asked(family=family), seed) for seed in (1, 1, 2))
        assert same(one, two)
        assert not same(one, three)
        assert one.keypoints == 37

    def test_the_settings_are_met(self) -> None:
        network = build_network(asked(size="small", keypoints=26, auxiliary=True))
        assert isinstance(network, RTMPose)
        assert (network.size.name, network.keypoints) == ("small", 26)
        assert network.auxiliary is not None
        network = build_network(asked(family="movenet", side=96, keypoints=17))
        assert (network.crop.width, network.keypoints) == (96, 17)


class TestOurs:
    def test_rtmpose(self, tmp_path: Path) -> None:
        start = saved(tiny(), tmp_path / "w.safetensors")
        assert same(build_network(asked(start=str(start)), seed=9), tiny())
        taught = build_network(asked(start=str(start), auxiliary=True), seed=9)
        assert same(taught, tiny(auxiliary=True), "head.")

    def test_rtmpose_with_other_keypoints(self, tmp_path: Path) -> None:
        start = saved(tiny(26), tmp_path / "w.safetensors")
        wide = build_network(asked(start=str(start)))
        assert wide.keypoints == 37
        assert torch.equal(wide.state_dict()[LAYER][:26], tiny(26).state_dict()[LAYER])
        assert same(wide, tiny(26), "backbone.")
        few = build_network(asked(start=str(start), keypoints=17))
        assert torch.equal(few.state_dict()[LAYER], tiny(26).state_dict()[LAYER][:17])
        assert same(build_network(asked(start=str(start))), wide)

    def test_movenet(self, tmp_path: Path) -> None:
        start = saved(square(), tmp_path / "w.safetensors")
        settings = asked(family="movenet", start=str(start))
        assert same(build_network(settings, seed=9), square())

    def test_movenet_with_other_keypoints_and_another_side(self, tmp_path: Path) -> None:
        start = saved(square(26), tmp_path / "w.safetensors")
        for keypoints, side in ((37, 64), (17, 64), (26, 96), (37, 32)):
            settings = asked(family="movenet", start=str(start), keypoints=keypoints, side=side)
            network = build_network(settings)
            assert (network.keypoints, network.crop.width) == (keypoints, side)
            assert same(network, square(26), "trunk.")
            rows = min(keypoints, 26)
            assert torch.equal(network.heat.weight[:rows], square(26).heat.weight[:rows])


class TestOfficial:
    def test_a_published_checkpoint(self, tmp_path: Path) -> None:
        path = tmp_path / "official.pth"
        torch.save({"state_dict": tiny(26).state_dict(), "meta": {"epoch": 1}}, path)
        network = build_network(asked(start=str(path)))
        assert network.keypoints == 37
        assert same(network, tiny(26), "backbone.")
        assert torch.equal(network.state_dict()[LAYER][:26], tiny(26).state_dict()[LAYER])

    def test_another_size_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "official.pth"
        torch.save(tiny(26).state_dict(), path)
        refused(ModelError, "is a tiny network, not small", asked(size="small", start=str(path)))

    def test_broken_ones(self, tmp_path: Path) -> None:
        path = tmp_path / "official.pth"
        path.write_bytes(b"nothing")
        refused(ModelError, "broken or no checkpoint", asked(start=str(path)))


class TestWrongStarts:
    def test_no_file_and_kinds_that_nobody_reads(self, tmp_path: Path) -> None:
        refused(UsageError, "no such file to start from", asked(start=str(tmp_path / "none.pth")))
        refused(ModelError, "unknown mode", asked(start=str(tmp_path)))  # no suffix: a name
        path = tmp_path / "w.pt"
        path.write_bytes(b"")
        refused(UsageError, r"starts from \.safetensors or \.pth", asked(start=str(path)))
        settings = asked(family="movenet", start=str(path))
        refused(UsageError, r"starts from \.safetensors or \.onnx", settings)

    def test_the_other_family(self, tmp_path: Path) -> None:
        one = saved(tiny(), tmp_path / "r.safetensors")
        two = saved(square(), tmp_path / "m.safetensors")
        settings = asked(family="movenet", start=str(one))
        refused(ModelError, "no network of the movenet family", settings)
        refused(ModelError, "no network of the rtmpose family", asked(start=str(two)))

    def test_another_size_of_ours(self, tmp_path: Path) -> None:
        start = saved(tiny(), tmp_path / "w.safetensors")
        refused(ModelError, "do not fit the network", asked(size="small", start=str(start)))

    def test_cut_files(self, tmp_path: Path) -> None:
        path = tmp_path / "w.safetensors"
        path.write_bytes(b"\0" * 9)
        for family in ("rtmpose", "movenet"):
            refused(ModelError, "cut short", asked(family=family, start=str(path)))
        path = tmp_path / "w.onnx"
        path.write_bytes(b"nothing")
        refused(ModelError, "no ONNX file", asked(family="movenet", start=str(path)))

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"keypoints": 38}, r"\[network\] keypoints: 38 is not within 1 to 37"),
            ({"keypoints": 0}, "keypoints: 0"),
            ({"family": "movenet", "keypoints": 16}, "16 is not within 17 to 37"),
            ({"family": "movenet", "side": 100}, r"\[network\] side: 100 is not a multiple of 32"),
            ({"family": "movenet", "side": 0}, "side: 0"),
        ],
    )
    def test_numbers_out_of_range(self, values: dict[str, Any], message: str) -> None:
        refused(UsageError, message, asked(**values))


class TestOpen:
    @pytest.mark.parametrize("size", ["small", "xlarge"])
    def test_rtmpose_by_its_shapes(self, tmp_path: Path, size: str) -> None:
        with torch.device("meta"):
            shapes = rtmpose(size, 26).state_dict()
        path = tmp_path / "w.safetensors"
        state = {n: torch.zeros(v.shape) for n, v in shapes.items() if "num_batches" not in n}
        safetensors.save_file(state, str(path))
        network = open_network(path)
        assert isinstance(network, RTMPose)
        assert (network.size, network.keypoints) == (SIZES[size], 26)
        assert not network.training

    @pytest.mark.parametrize(("keypoints", "side"), [(37, 64), (26, 96)])
    def test_movenet_by_its_shapes(self, tmp_path: Path, keypoints: int, side: int) -> None:
        path = saved(square(keypoints, side), tmp_path / "w.safetensors")
        network = open_network(path)
        assert isinstance(network, MoveNetPose)
        assert (network.keypoints, network.crop.width) == (keypoints, side)
        assert same(network, square(keypoints, side))

    def test_another_width_of_tokens(self, tmp_path: Path) -> None:
        narrow = MoveNetPose(37, 32, 64)
        assert same(open_network(saved(narrow, tmp_path / "w.safetensors")), narrow)

    def test_the_head_for_training_does_not_hinder(self, tmp_path: Path) -> None:
        path = saved(tiny(auxiliary=True), tmp_path / "w.safetensors")
        assert same(open_network(path), tiny())

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"backbone.stem.0.conv.weight": (17, 3, 3, 3)}, "17 channels in the first layer"),
            ({"head.cls_x.weight": (5, 256)}, "head.cls_x.weight is 5x256, not 384x256"),
            ({"head.cls_x.weight": None}, "1 missing"),
            ({LAYER: ()}, "0 keypoints"),
            ({LAYER: (99, 384, 7, 7)}, "99 keypoints"),
            ({LAYER: None}, "no network of a known family"),
            ({"more": (1,)}, "1 unknown"),
        ],
    )
    def test_foreign_rtmpose(self, tmp_path: Path, changes: dict[str, Any], message: str) -> None:
        self.foreign(tiny().state_dict(), changes, message, tmp_path)

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            (
                {"upsample.weight": (126, 16)},
                "126 bins, 37 keypoints and tokens of 192 fit no network",
            ),
            ({"upsample.weight": (0, 16)}, "0 bins"),
            ({"upsample.weight": ()}, "0 bins"),
            ({"heat.weight": (16, 96, 1, 1)}, "16 keypoints"),
            ({"heat.weight": (99, 96, 1, 1)}, "99 keypoints"),
            ({"heat.weight": (26, 96, 1, 1)}, "do not fit the network"),
            ({"head_x.weight": (128,)}, "tokens of 0 fit no network"),
            ({"head_x.weight": None}, "no network of a known family"),
        ],
    )
    def test_foreign_movenet(self, tmp_path: Path, changes: dict[str, Any], message: str) -> None:
        self.foreign(square().state_dict(), changes, message, tmp_path)

    def test_other_files(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="no such file"):
            open_network(tmp_path / "none.safetensors")
        (tmp_path / "w.safetensors").write_bytes(b"nothing at all")
        with pytest.raises(ModelError, match="not a safetensors file"):
            open_network(tmp_path / "w.safetensors")

    def foreign(
        self, state: dict[str, Any], changes: dict[str, Any], message: str, folder: Path
    ) -> None:
        for name, shape in changes.items():
            state.pop(name, None)
            if shape is not None:
                state[name] = torch.zeros(shape)
        safetensors.save_file(state, str(folder / "w.safetensors"))
        with pytest.raises(ModelError, match=message) as found:
            open_network(folder / "w.safetensors")
        assert "w.safetensors" in str(found.value)
        assert "\n" not in str(found.value)


def test_the_mean_of_teacher_and_student_keeps_what_only_the_student_knows(tmp_path: Path) -> None:
    student, teacher = MoveNetPose(37, side=64), MoveNetPose(26, side=64)
    for name, network in (("student", student), ("teacher", teacher)):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.copy_(torch.randn_like(parameter))
        save_weights(network, tmp_path / f"{name}.safetensors")
    paths = [tmp_path / "teacher.safetensors", tmp_path / "student.safetensors"]
    mean = mean_network(paths)
    assert mean.keypoints == 37
    half = (student.heat.weight[:26] + teacher.heat.weight) / 2
    torch.testing.assert_close(mean.heat.weight[:26], half)
    torch.testing.assert_close(mean.heat.weight[26:], student.heat.weight[26:])
    half = (student.trunk.last.bias + teacher.trunk.last.bias) / 2
    torch.testing.assert_close(mean.trunk.last.bias, half)
    half = (student.centre_sharpness + teacher.centre_sharpness) / 2
    torch.testing.assert_close(mean.centre_sharpness, half)
    alone = mean_network(paths[1:])
    assert all(torch.equal(v, student.state_dict()[k]) for k, v in alone.state_dict().items())


def test_only_equal_networks_have_a_mean(tmp_path: Path) -> None:
    paths = [tmp_path / "wide.safetensors", tmp_path / "narrow.safetensors"]
    for path, side in zip(paths, (96, 64), strict=True):
        save_weights(MoveNetPose(37, side=side), path)
    with pytest.raises(ModelError, match="another shape"):
        mean_network(paths)
