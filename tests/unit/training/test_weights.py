import os
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from spinepose.errors import ModelError, OutputError, UsageError  # noqa: E402
from spinepose.skeleton import HALPE26, SPINETRACK  # noqa: E402
from spinepose.training.pose.networks.rtmcc import RTMPose, rtmpose  # noqa: E402
from spinepose.training.pose.networks.weights import (  # noqa: E402
    convert_official,
    load_state,
    load_weights,
    read_state,
    save_weights,
    widen,
)

State = dict[str, Any]


def scattered(size: str = "tiny", keypoints: int = 37, seed: int = 0, **kwargs: Any) -> RTMPose:
    """Return a network of which no two values are alike, norms included."""
    torch.manual_seed(seed)
    network = rtmpose(size, keypoints, **kwargs).eval()
    for name, value in network.state_dict().items():
        if value.is_floating_point():
            value.copy_(torch.rand_like(value) + 0.5 if "bn." in name else torch.randn_like(value))
    return network


def answers(network: RTMPose) -> torch.Tensor:
    crops = torch.ones(1, 3, network.crop.height, network.crop.width)
    with torch.no_grad():
        return torch.cat(network(crops), dim=-1)


@pytest.fixture(scope="module")
def teacher() -> RTMPose:
    return scattered("small", 26)


def one_line(error: pytest.ExceptionInfo[Exception]) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert len(text) < 500
    return text


class TestSafetensors:
    def test_what_is_saved_is_loaded(self, tmp_path: Path) -> None:
        network, other = scattered(seed=1), scattered(seed=2)
        save_weights(network, tmp_path / "a" / "w.safetensors", {"size": "tiny"})
        assert load_weights(other, tmp_path / "a" / "w.safetensors") == {"size": "tiny"}
        assert torch.equal(answers(network), answers(other))
        read = read_state(tmp_path / "a" / "w.safetensors")
        assert torch.equal(read["head.mlp.1.weight"], network.head.mlp[1].weight)
        assert [p.name for p in (tmp_path / "a").iterdir()] == ["w.safetensors"]

    def test_memory_order_is_not_kept(self, tmp_path: Path) -> None:
        network, other = scattered(seed=1), scattered(seed=2)
        network.to(memory_format=torch.channels_last)
        save_weights(network, tmp_path / "w.safetensors")
        assert load_weights(other, tmp_path / "w.safetensors") == {}
        for name, value in network.state_dict().items():
            assert torch.equal(value, other.state_dict()[name])

    def test_the_auxiliary_head_is_neither_kept_nor_asked_for(self, tmp_path: Path) -> None:
        path = tmp_path / "w.safetensors"
        trained = scattered(auxiliary=True)
        save_weights(trained, path)
        deployed = scattered(seed=2)
        load_weights(deployed, path)
        assert torch.equal(answers(trained), answers(deployed))
        again = scattered(seed=3, auxiliary=True)
        kept = again.auxiliary.weight.clone()
        load_weights(again, path)
        assert torch.equal(again.auxiliary.weight, kept)
        load_state(deployed, trained.state_dict())

    def test_a_cut_file_is_named(self, tmp_path: Path) -> None:
        path = tmp_path / "w.safetensors"
        save_weights(scattered(), path)
        os.truncate(path, path.stat().st_size // 2)
        with pytest.raises(ModelError, match=r"w\.safetensors are cut short") as error:
            load_weights(scattered(), path)
        one_line(error)

    @pytest.mark.parametrize("content", [b"", b"\x80\x02}q\x00.", b"\xff" * 64])
    def test_another_kind_of_file_is_named(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "w.pth").write_bytes(content)
        with pytest.raises(ModelError, match="not a safetensors file"):
            load_weights(scattered(), tmp_path / "w.pth")

    def test_no_file_and_a_folder(self, tmp_path: Path) -> None:
        for path in (tmp_path / "none", tmp_path):
            with pytest.raises(ModelError, match="cannot read weights") as error:
                load_weights(scattered(), path)
            one_line(error)
        with pytest.raises(OutputError):
            save_weights(scattered(), tmp_path)

    def test_other_keypoints_do_not_fit_and_change_nothing(self, tmp_path: Path) -> None:
        save_weights(scattered(keypoints=26), tmp_path / "w")
        network = scattered(seed=2)
        before = answers(network)
        with pytest.raises(ModelError) as error:
            load_weights(network, tmp_path / "w")
        text = one_line(error)
        assert "2 mis-shaped" in text
        assert "head.final_layer.weight is 26x384x7x7, not 37x384x7x7" in text
        assert torch.equal(answers(network), before)

    def test_another_size_tells_a_few_names(self, tmp_path: Path) -> None:
        save_weights(scattered("small"), tmp_path / "w")
        with pytest.raises(ModelError, match=r"\d+ unknown \(.*, \.\.\.\).*mis-shaped") as error:
            load_weights(scattered(), tmp_path / "w")
        one_line(error)

    def test_missing_and_unknown_tensors_are_told_apart(self) -> None:
        state = scattered().state_dict()
        state["extra"] = state.pop("head.cls_x.weight")
        with pytest.raises(ModelError, match=r"1 missing \(head\.cls_x\.weight\).*1 unknown"):
            load_state(scattered(), state)


class TestOfficial:
    def meta(self) -> dict[str, Any]:
        """What MMEngine and MMPose keep beside weights."""
        sigmas = np.full(26, 0.05, np.float32)
        info = {
            "sigmas": sigmas,
            "keypoint_colors": np.zeros((26, 3), np.uint8),
            "scale": sigmas[0],
        }
        return {"epoch": 700, "cfg": "a = 1", "dataset_meta": info, "time": "20230605"}

    @pytest.mark.parametrize("prefix", ["", "module.", "student.", "model.", "module.student."])
    def test_weights_load_by_name(self, tmp_path: Path, teacher: RTMPose, prefix: str) -> None:
        state = OrderedDict((prefix + n, v) for n, v in teacher.state_dict().items())
        state["data_preprocessor.mean"] = torch.zeros(3, 1, 1)
        state[("module." if "module." in prefix else "") + "teacher.head.x"] = torch.zeros(1)
        path = tmp_path / "official.pth"
        raw = {"steps": torch.tensor(1), "module.backbone.x": torch.zeros(1)}
        torch.save({"meta": self.meta(), "state_dict": state, "ema_state_dict": raw}, path)
        found = convert_official(path)
        assert (found.size, found.keypoints) == ("small", 26)
        network = scattered("small", 26, seed=5)
        load_state(network, found.state)
        assert torch.equal(answers(network), answers(teacher))

    @pytest.mark.parametrize(("size", "keypoints"), [("tiny", 17), ("medium", 37)])
    def test_size_and_keypoints_come_from_shapes(
        self, tmp_path: Path, size: str, keypoints: int
    ) -> None:
        state = {n: v.half() for n, v in rtmpose(size, keypoints).state_dict().items()}
        torch.save(state, tmp_path / "plain.pth")
        found = convert_official(tmp_path / "plain.pth")
        assert (found.size, found.keypoints) == (size, keypoints)
        assert found.state["head.cls_x.weight"].dtype == torch.float32

    def test_metadata_of_older_numpy(self, tmp_path: Path, teacher: RTMPose) -> None:
        path = tmp_path / "old.pth"
        content = {"meta": self.meta(), "state_dict": teacher.state_dict()}
        torch.save(content, path, _use_new_zipfile_serialization=False)
        path.write_bytes(path.read_bytes().replace(b"cnumpy._core.", b"cnumpy.core."))
        assert b"cnumpy.core.multiarray\n" in path.read_bytes()
        assert convert_official(path).keypoints == 26

    def test_code_is_refused_and_not_run(self, tmp_path: Path, teacher: RTMPose) -> None:
        witness = tmp_path / "was-run"

        class Code:
            def __reduce__(self) -> tuple[Any, ...]:
                return os.mkdir, (str(witness),)

        path = tmp_path / "bad.pth"
        torch.save({"meta": Code(), "state_dict": teacher.state_dict()}, path)
        with pytest.raises(ModelError, match=r"refused: it holds \w+\.mkdir") as error:
            convert_official(path)
        one_line(error)
        assert not witness.exists()

    def test_broken_files(self, tmp_path: Path, teacher: RTMPose) -> None:
        path = tmp_path / "cut.pth"
        torch.save(teacher.state_dict(), path)
        for size in (path.stat().st_size // 2, 100, 0):
            os.truncate(path, size)
            with pytest.raises(ModelError, match="broken or no checkpoint") as error:
                convert_official(path)
            one_line(error)
        with pytest.raises(ModelError, match="cannot read"):
            convert_official(tmp_path / "none.pth")

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ([1], "holds no weights"),
            ({"state_dict": [1]}, "holds no weights"),
            ({"state_dict": {}}, "no RTMPose network"),
            ({"state_dict": {"backbone.conv1.weight": 0}}, "no RTMPose network"),
        ],
    )
    def test_other_checkpoints(self, tmp_path: Path, content: Any, message: str) -> None:
        torch.save(content, tmp_path / "other.pth")
        with pytest.raises(ModelError, match=message) as error:
            convert_official(tmp_path / "other.pth")
        one_line(error)

    def test_networks_that_are_not_of_the_family(self, tmp_path: Path, teacher: RTMPose) -> None:
        path = tmp_path / "other.pth"
        state = teacher.state_dict()
        torch.save(state | {"backbone.stem.0.conv.weight": torch.zeros(17, 3, 3, 3)}, path)
        with pytest.raises(ModelError, match="17 channels"):
            convert_official(path)
        torch.save(state | {"head.mlp.1.weight": torch.zeros(256, 108)}, path)
        with pytest.raises(ModelError, match="256x108, not 256x48"):
            convert_official(path)
        torch.save(state | {f"student.{n}": v for n, v in state.items()}, path)
        with pytest.raises(ModelError, match="twice"):
            convert_official(path)


class TestWiden:
    def test_halpe_comes_first_in_spinetrack(self) -> None:
        """Rows keep their meaning, and mirroring does not mix old rows with new ones."""
        assert SPINETRACK.keypoints[:26] == HALPE26.keypoints
        assert SPINETRACK.flip[:26].tolist() == HALPE26.flip.tolist()

    def test_old_rows_stay_and_new_ones_are_alike(self) -> None:
        network = scattered("small", 26, auxiliary=True)
        with torch.no_grad():
            network.head.final_layer.weight.mul_(0.1).add_(torch.randn(512, 7, 7))
        state = network.state_dict()
        wider = widen(state, generator=torch.Generator().manual_seed(1))
        load_state(rtmpose("small"), wider)
        for name in ("head.final_layer.weight", "head.final_layer.bias"):
            assert torch.equal(wider[name][:26], state[name])
            assert len(wider[name]) == 37
        changed = {n for n in wider if wider[n].shape != state[n].shape}
        assert changed == {"head.final_layer.weight", "head.final_layer.bias"}
        old, new = (rows.flatten(1) for rows in wider["head.final_layer.weight"].split([26, 11]))
        score = (new - old.mean(0)) / old.std(0)
        assert score.mean().abs() < 0.01
        assert score.std().item() == pytest.approx(1, abs=0.01)
        assert np.corrcoef(score.numpy()).max(where=~np.eye(11, dtype=bool), initial=0) < 0.05

    def test_draws_can_be_repeated(self) -> None:
        state = scattered(keypoints=26).state_dict()
        a, b, c = (widen(state, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2))
        assert torch.equal(a["head.final_layer.weight"], b["head.final_layer.weight"])
        assert not torch.equal(a["head.final_layer.weight"], c["head.final_layer.weight"])

    def test_as_many_keypoints_stay_and_fewer_are_refused(self) -> None:
        state = scattered().state_dict()
        assert torch.equal(widen(state)["head.final_layer.bias"], state["head.final_layer.bias"])
        with pytest.raises(UsageError, match="37 keypoints cannot be widened to 26"):
            widen(state, 26)
