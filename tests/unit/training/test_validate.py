"""Measuring on packs: places come back to the picture, mirrors agree, shares are counted right."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from toy import ToyNetwork, dot_pack  # noqa: E402

from spinepose.skeleton import SPINETRACK  # noqa: E402
from spinepose.training.pose.networks.base import CropSpec, decode  # noqa: E402
from spinepose.training.pose.shards import Pack  # noqa: E402
from spinepose.training.pose.validate import (  # noqa: E402
    mirrored_logits,
    read_people,
    scores_of,
    share_of,
)

K = len(SPINETRACK)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    return dot_pack(tmp_path_factory.mktemp("people"), 5)


def _bright(spec: CropSpec):
    """Return a network that points every keypoint at the middle of what is bright."""

    def forward(inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        weights = (inputs.mean(dim=1) - inputs.mean(dim=1).amin(dim=(1, 2), keepdim=True)) ** 4
        logits = []
        for axis, bins in ((1, spec.bins[0]), (2, spec.bins[1])):
            marginal = weights.sum(dim=axis)
            at = (marginal * torch.arange(marginal.shape[1])).sum(1) / marginal.sum(1)
            places = torch.arange(bins) / spec.split_ratio
            logits.append(-((places - at[:, None]) ** 2)[:, None].expand(-1, K, -1))
        return logits[0], logits[1]

    return forward


@pytest.mark.parametrize("flip", [False, True])
def test_places_come_back_to_the_packed_picture(people: Pack, flip: bool) -> None:
    spec = CropSpec(128, 128)
    points, peaks = read_people(_bright(spec), spec, people, flip_test=flip)
    centres = people.points.mean(axis=1)
    # A pixel of the crop is two to three of the packed picture.
    assert np.abs(points - centres[:, None]).max() < 3
    assert peaks.shape == (5, K)
    assert (peaks > 0).all()
    assert (peaks <= 1).all()


def test_mirrored_logits_of_a_mirrored_person_are_those_of_the_person() -> None:
    spec = CropSpec(32, 32)
    rng = np.random.default_rng(0)
    places = torch.from_numpy(rng.integers(2, 29, (3, K, 2))).float()
    swap = torch.from_numpy(SPINETRACK.flip)

    def logits(at: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        bins = torch.arange(64) / 2
        x, y = (-((bins - at[..., axis, None]) ** 2) for axis in (0, 1))
        return x, y

    mirrored = places[:, swap].clone()
    mirrored[..., 0] = 31 - mirrored[..., 0]
    x, y = mirrored_logits(*logits(mirrored), spec)
    assert torch.equal(decode(x, y), places)


def test_shares_count_people_over_thresholds(people: Pack) -> None:
    assert share_of(people.points, people, "spine") == 100
    far = people.points + 1000
    assert share_of(far, people, "spine") == 0
    # Three of five people right at every threshold.
    some = np.where(np.arange(5)[:, None, None] < 3, people.points, far)
    assert share_of(some, people, "body") == pytest.approx(60)
    unlabelled = Pack(**{**vars(people), "trust": np.zeros_like(people.trust)})
    assert np.isnan(share_of(some, unlabelled, "body"))


def test_scores_name_set_and_subset_and_leave_out_what_is_not_labelled(people: Pack) -> None:
    trust = people.trust.copy()
    trust[:, SPINETRACK.indices("feet")] = 0
    pack = Pack(**{**vars(people), "trust": trust})
    assert set(scores_of(ToyNetwork().eval(), [pack])) == {
        "dots/body", "dots/spine", "dots/all",
    }  # fmt: skip
