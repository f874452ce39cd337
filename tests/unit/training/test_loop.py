"""The loop: schedule, groups, learning, and runs that stop and go on to the same numbers."""

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from toy import ToyNetwork, dot_pack  # noqa: E402

from spinepose.errors import DataError, ModelError, SpinePoseError  # noqa: E402
from spinepose.training.pose.augmentation import Strength  # noqa: E402
from spinepose.training.pose.config import LoopSettings  # noqa: E402
from spinepose.training.pose.loop import Trainer, parameter_groups, rate_share  # noqa: E402
from spinepose.training.pose.networks.weights import load_weights  # noqa: E402
from spinepose.training.pose.objectives import LossWeights  # noqa: E402
from spinepose.training.pose.shards import Mixture, Pack  # noqa: E402

STILL = Strength(scale=0, turn=0, wild=0, shift=0, half=0, mirror=0, colour=0, cover=0, paste=0,
                 blur=0, coarse=0, noise=0, jpeg=0)  # fmt: skip
SETTINGS = LoopSettings(
    steps=8, batch=4, rate=3e-3, warmup=2, check_every=4, ema=0.5, precision="float32"
)
PLACES = LossWeights(position=1, distill=0, structure=0, spine=0)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return dot_pack(tmp_path_factory.mktemp("people"), 12)


def _trainer(people: Pack, out: Path, settings: LoopSettings = SETTINGS, **more: object) -> Trainer:
    options: dict[str, object] = {"strength": STILL, "weights": PLACES} | more
    mixture = Mixture([people], [1.0], settings.seed)
    return Trainer(ToyNetwork(), settings, mixture=mixture, dev=[people], out=out, **options)


def test_the_rate_rises_evenly_and_falls_as_a_cosine() -> None:
    settings = LoopSettings(steps=110, warmup=10, floor=0.1)
    shares = [rate_share(step, settings) for step in range(110)]
    assert shares[:10] == pytest.approx([0.1 * k for k in range(1, 11)])
    assert shares[10] == pytest.approx(1)
    assert shares[60] == pytest.approx(0.55)  # half way: the middle of 1 and the floor
    assert rate_share(110, settings) == pytest.approx(0.1)
    assert shares[10:] == sorted(shares[10:], reverse=True)


def test_groups_follow_the_longest_name_and_spare_vectors_the_decay() -> None:
    network = ToyNetwork()
    settings = LoopSettings(rate=0.01, decay=0.3, rates={"body": 0.5, "body.3": 0.0, "head_x": 2.0})
    groups = parameter_groups(network, settings)
    found = {
        name: (group["peak"], group["weight_decay"])
        for group in groups
        for name, parameter in network.named_parameters()
        if any(parameter is p for p in group["params"])
    }
    assert found["body.0.weight"] == (0.005, 0.3)
    assert found["body.1.weight"] == (0.005, 0.0)
    assert found["head_x.weight"] == (0.02, 0.3)
    assert found["head_y.bias"] == (0.01, 0.0)
    assert "body.3.weight" not in found
    assert not network.body[3].weight.requires_grad


def test_relative_rates_follow_the_size_of_each_tensor() -> None:
    network = ToyNetwork()
    with torch.no_grad():
        network.head_x.weight.fill_(-0.5)
        network.head_y.weight.zero_()
    settings = LoopSettings(rate=0.01, relative=True, rates={"head": 0.5})
    peaks = {
        id(parameter): group["peak"]
        for group in parameter_groups(network, settings)
        for parameter in group["params"]
    }
    assert peaks[id(network.head_x.weight)] == pytest.approx(0.01 * 0.5 * 0.5)
    # What begins at zero grows all the same.
    assert 0 < peaks[id(network.head_y.weight)] < 1e-3


def test_a_rate_for_nothing_is_an_error() -> None:
    with pytest.raises(ModelError, match="no parameter neck"):
        parameter_groups(ToyNetwork(), LoopSettings(rates={"neck": 0.1}))


def test_it_learns(people: Pack, tmp_path: Path) -> None:
    settings = replace_steps(SETTINGS, 150, rate=1e-2)
    trainer = _trainer(people, tmp_path, settings)
    scores = trainer.run()
    losses = [n["position"] for n in _notes(tmp_path) if "position" in n]
    assert losses[-1] < 0.5 * losses[0]
    first = next(n["dots/all"] for n in _notes(tmp_path) if "dots/all" in n)
    assert scores["dots/all"] > max(first, 60)


def replace_steps(settings: LoopSettings, steps: int, **more: float) -> LoopSettings:
    import msgspec

    return msgspec.structs.replace(settings, steps=steps, check_every=steps // 3, **more)


def _notes(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


def _same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


def test_a_resumed_run_ends_with_the_same_numbers(people: Pack, tmp_path: Path) -> None:
    hard = replace(STILL, turn=30, colour=0.5, mirror=0.5)
    whole = _trainer(people, tmp_path / "whole", strength=hard)
    whole.run()

    class _Stop(Exception):
        pass

    def stop(step: int, found: object) -> None:
        if step == 4 and "dots/all" in found:
            raise _Stop

    first = _trainer(people, tmp_path / "parts", strength=hard)
    with pytest.raises(_Stop):
        first.run(stop)
    # Stopped in the check at step 4, before it saved: an interrupt a moment later saves.
    first.save()
    second = _trainer(people, tmp_path / "parts", strength=hard)
    assert second.step == 4
    second.run()
    assert _same(whole.network, second.network)
    assert _same(whole.mean, second.mean)
    # The check of step 4 was noted once, and only steps that count are in the notes.
    steps = [n["step"] for n in _notes(tmp_path / "parts")]
    assert steps == sorted(steps)
    assert steps.count(8) == 1


def test_an_interrupt_saves_first(people: Pack, tmp_path: Path) -> None:
    def interrupt(step: int, found: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _trainer(people, tmp_path).run(interrupt)
    assert _trainer(people, tmp_path).step == 4


def test_the_best_mean_weights_are_kept(people: Pack, tmp_path: Path) -> None:
    trainer = _trainer(people, tmp_path)
    trainer.run()
    kept = ToyNetwork(seed=5)
    metadata = load_weights(kept, tmp_path / "best.safetensors")
    best = max(_notes(tmp_path), key=lambda n: n.get("dots/all", -1))
    assert int(metadata["step"]) >= best["step"]
    assert float(metadata["score"]) == pytest.approx(best["dots/all"], abs=1e-3)


def test_the_mean_follows_faster_while_it_is_young(people: Pack, tmp_path: Path) -> None:
    import msgspec

    slow = msgspec.structs.replace(SETTINGS, steps=1, ema=0.999)
    trainer = _trainer(people, tmp_path, slow)
    before = trainer.mean.head_x.weight.clone()
    trainer.run()
    after, network = trainer.mean.head_x.weight, trainer.network.head_x.weight
    keep = 2 / 11
    torch.testing.assert_close(after, keep * before + (1 - keep) * network.detach())


def test_a_teacher_is_followed_and_stays_as_it_is(people: Pack, tmp_path: Path) -> None:
    teacher = ToyNetwork(keypoints=26, seed=3)
    before = {k: v.clone() for k, v in teacher.state_dict().items()}
    weights = LossWeights(position=0, distill=1, structure=0, spine=0)
    trainer = _trainer(
        people, tmp_path, replace_steps(SETTINGS, 60), weights=weights, teacher=teacher
    )
    trainer.run()
    losses = [n["distill"] for n in _notes(tmp_path) if "distill" in n]
    assert losses[-1] < losses[0]
    assert all(torch.equal(v, before[k]) for k, v in teacher.state_dict().items())


def test_a_loss_that_is_not_a_number_ends_the_run_and_keeps_the_checkpoint(
    people: Pack, tmp_path: Path
) -> None:
    _trainer(people, tmp_path).run()
    saved = (tmp_path / "last.pt").read_bytes()
    trainer = _trainer(people, tmp_path, replace_steps(SETTINGS, 60))
    with torch.no_grad():
        trainer.network.head_x.weight.fill_(math.nan)
    with pytest.raises(SpinePoseError, match=r"no longer a number at step 20.*lower"):
        trainer.run()
    assert (tmp_path / "last.pt").read_bytes() == saved


def test_out_of_memory_says_what_to_do(
    people: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = _trainer(people, tmp_path)

    def full(crops: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 GB")

    monkeypatch.setattr(trainer.network, "outputs", full)
    with pytest.raises(SpinePoseError, match=r"out of memory at step 0 with .* batch 4"):
        trainer.run()


@pytest.mark.parametrize("content", [b"", b"junk" * 100])
def test_a_broken_checkpoint_is_named(people: Pack, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "last.pt").write_bytes(content)
    with pytest.raises(DataError, match=r"last\.pt: not a checkpoint of this run"):
        _trainer(people, tmp_path)


def test_a_batch_in_chunks_has_the_gradient_of_the_whole(people: Pack, tmp_path: Path) -> None:
    import msgspec

    gradients = []
    for chunk in (0, 1, 3):
        settings = msgspec.structs.replace(SETTINGS, chunk=chunk, batch=4)
        trainer = _trainer(people, tmp_path / str(chunk), settings)
        trainer.network.body[1] = torch.nn.Identity()  # a norm would see other people
        found = trainer._gradients(trainer._load(0))
        gradients.append([found["loss"], *(p.grad for p in trainer.network.head_x.parameters())])
    for other in gradients[1:]:
        for mine, theirs in zip(gradients[0], other, strict=True):
            torch.testing.assert_close(theirs, mine)


def test_a_frozen_beginning_is_computed_once_for_teacher_and_student(
    people: Pack, tmp_path: Path
) -> None:
    import msgspec

    from spinepose.training.pose.networks.movenet import MoveNetPose

    torch.manual_seed(0)
    network, teacher = MoveNetPose(37, side=64), MoveNetPose(26, side=64)
    teacher.trunk.load_state_dict(network.trunk.state_dict())
    still = {f"trunk.blocks.{i}." : 0.0 for i in range(5)} | {"trunk.stem": 0.0}  # fmt: skip
    settings = msgspec.structs.replace(SETTINGS, rates=still)
    mixture = Mixture([people], [1.0], 0)
    weights = LossWeights(position=1, distill=1, structure=0, spine=0)
    trainer = Trainer(network, settings, weights, STILL, mixture, [], tmp_path, teacher)
    assert trainer.shared
    batch = trainer._load(0)
    together = trainer._gradients(batch)
    trainer.shared = False
    apart = trainer._gradients(batch)
    for name, value in together.items():
        torch.testing.assert_close(value, apart[name])
    # A beginning that learns, or is another one, belongs to one of them only.
    moving = Trainer(network, SETTINGS, weights, STILL, mixture, [], tmp_path, teacher)
    assert not moving.shared
    with torch.no_grad():
        teacher.trunk.stem.weight.add_(0.1)
    assert not Trainer(network, settings, weights, STILL, mixture, [], tmp_path, teacher).shared
