"""Crops changed on the device: labels stay on what they label, and one generator decides all."""

from dataclasses import asdict, replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from spinepose.geometry import apply_affine, crop_transforms  # noqa: E402
from spinepose.skeleton import SPINETRACK  # noqa: E402
from spinepose.training.pose.appearance import (  # noqa: E402
    Dice,
    blurred,
    coarsened,
    compressed,
    covered,
    jpeg,
    noisy,
    pasted,
    recoloured,
)
from spinepose.training.pose.augmentation import Strength, augment, plain  # noqa: E402
from spinepose.training.pose.networks.base import CropSpec  # noqa: E402

Tensor = torch.Tensor
K = len(SPINETRACK)
SIDE = 160
SPECS = [CropSpec(), CropSpec(256, 256), CropSpec(288, 384)]
NOTHING = Strength(**dict.fromkeys(asdict(Strength()), 0.0))
PLACES = replace(Strength(), **dict.fromkeys(("colour", "cover", "paste"), 0.0))
PLACES = replace(PLACES, **dict.fromkeys(("blur", "coarse", "noise", "jpeg"), 0.0))


def dice(seed: int = 0) -> Dice:
    return Dice(torch.Generator().manual_seed(seed))


def at(name: str) -> int:
    return SPINETRACK.index(name)


def scenery(count: int, side: int = SIDE) -> Tensor:
    """Return pictures (N, 3, side, side) with soft shapes, like photos."""
    rng = np.random.default_rng(5)
    small = rng.integers(0, 256, (count, 12, 12, 3), np.uint8)
    large = [cv2.resize(s, (side, side), interpolation=cv2.INTER_CUBIC) for s in small]
    return torch.from_numpy(np.stack(large)).permute(0, 3, 1, 2).contiguous()


@pytest.fixture
def people() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    rng = np.random.default_rng(1)
    boxes = np.array([[50, 30, 100, 130], [30, 60, 130, 100], [55, 55, 105, 105]], np.float32)
    low, high = boxes[:, None, :2], boxes[:, None, 2:] - 1
    points = (low + rng.random((3, K, 2)) * (high - low)).astype(np.float32)
    return scenery(3), torch.from_numpy(boxes), torch.from_numpy(points), torch.ones(3, K)


# Plain crops


@pytest.mark.parametrize("spec", SPECS)
def test_plain_crops_are_those_of_opencv(people, spec) -> None:
    crops, boxes, points, _ = people
    pictures, transforms = plain(crops, boxes, spec)
    size = (spec.width, spec.height)
    expected = crop_transforms(boxes.numpy(), size)
    mapped = apply_affine(transforms.double().numpy(), points.double().numpy())
    assert np.abs(mapped - apply_affine(expected, points.double().numpy())).max() < 0.02
    for picture, crop, affine in zip(pictures, crops, expected, strict=True):
        warped = cv2.warpAffine(crop.permute(1, 2, 0).numpy(), affine, size)
        assert np.abs(picture.permute(1, 2, 0).numpy() - warped).mean() < 1


@settings(max_examples=50, deadline=None)
@given(
    low=st.tuples(st.floats(-50, 300), st.floats(-50, 300)),
    sides=st.tuples(st.floats(0, 400), st.floats(0, 400)),
    spec=st.sampled_from(SPECS),
)
def test_plain_transforms_for_any_box(low, sides, spec) -> None:
    box = np.array([[*low, low[0] + sides[0], low[1] + sides[1]]], np.float32)
    _, transforms = plain(torch.zeros(1, 3, 8, 8, dtype=torch.uint8), torch.from_numpy(box), spec)
    expected = crop_transforms(box, (spec.width, spec.height))
    corners = box.reshape(1, 2, 2).astype(np.float64)
    found = apply_affine(transforms.double().numpy(), corners)
    assert np.abs(found - apply_affine(expected, corners)).max() < 0.02


def test_no_strength_gives_plain_crops(people) -> None:
    crops, boxes, points, trust = people
    spec = CropSpec()
    before = crops.clone()
    pictures, found, kept = augment(crops, boxes, points, trust, spec, NOTHING, dice().generator)
    expected, transforms = plain(crops, boxes, spec)
    assert torch.allclose(pictures, expected, atol=1e-3)
    mapped = apply_affine(transforms.double().numpy(), points.double().numpy())
    assert np.abs(found.numpy() - mapped).max() < 1e-3
    assert torch.equal(kept, trust)
    assert torch.equal(crops, before)


# Places


def dots(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return a person whose wrists and nose are a red, a green and a blue dot on black."""
    rng = np.random.default_rng(seed)
    corner = rng.uniform(30, 40, 2)
    box = np.concatenate([corner, corner + rng.uniform(60, 90, 2)]).astype(np.float32)
    points = np.full((1, K, 2), np.nan, np.float32)
    y, x = np.mgrid[:SIDE, :SIDE]
    picture = np.zeros((1, 3, SIDE, SIDE), np.uint8)
    for channel, name in enumerate(("left_wrist", "right_wrist", "nose")):
        place = rng.uniform(box[:2] + 5, box[2:] - 5)
        points[0, at(name)] = place
        gap = (x - place[0]) ** 2 + (y - place[1]) ** 2
        picture[0, channel] = np.round(255 * np.exp(-gap / (2 * 1.5**2)))
    points = torch.from_numpy(points)
    return (
        torch.from_numpy(picture),
        torch.from_numpy(box[None]),
        points,
        (~points[..., 0].isnan()).float(),
    )


def middle_of(dot: Tensor) -> Tensor:
    y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in dot.shape), indexing="ij")
    return torch.stack([(dot * x).sum(), (dot * y).sum()]) / dot.sum()


@pytest.mark.parametrize("mirror", [0.0, 1.0])
def test_dots_are_where_labels_say(mirror) -> None:
    names = (
        ("right_wrist", "left_wrist", "nose") if mirror else ("left_wrist", "right_wrist", "nose")
    )
    seen = 0
    for seed in range(50):
        spec = SPECS[seed % 3]
        how = replace(PLACES, mirror=mirror)
        pictures, points, trust = augment(*dots(seed), spec, how, dice(seed).generator)
        assert trust.sum() <= 3
        for channel, name in enumerate(names):
            place = points[0, at(name)]
            border = min(*place, spec.width - 1 - place[0], spec.height - 1 - place[1])
            if trust[0, at(name)] and border > 40:  # the whole dot is in the crop
                assert (middle_of(pictures[0, channel]) - place).abs().max() < 0.05
                seen += 1
    assert seen > 80


def test_turned_people_fill_the_crop_as_detected_ones_do() -> None:
    # A standing person laid down: the box's height must fit the narrow width of the crop.
    spec, crops = CropSpec(192, 256), torch.zeros(200, 3, 8, 8, dtype=torch.uint8)
    boxes = torch.tensor([[60.0, 20, 100, 140]]).expand(200, 4)
    points = torch.zeros(200, K, 2)
    points[:, 0], points[:, 1] = torch.tensor([79.5, 19.5]), torch.tensor([79.5, 139.5])
    trust = torch.zeros(200, K)
    trust[:, :2] = 1
    how = replace(NOTHING, wild=1.0)
    _, found, kept = augment(crops, boxes, points, trust, spec, how, dice().generator)
    assert kept[:, :2].all()
    reach = (found[:, 0] - found[:, 1]).abs()
    lying = reach[:, 0] > 5 * reach[:, 1]
    assert 10 < lying.sum() < 100
    assert (reach[lying, 0] - 192 / 1.25).abs().max() < 12


def test_outside_the_crop_and_without_label_there_is_no_trust(people) -> None:
    crops, boxes, points, trust = people
    points[:, 5] = 10_000
    points[:, 6] = float("nan")
    trust[:, 6] = 0
    points[:, 7], trust[:, 7] = float("nan"), 1
    for seed in range(10):
        pictures, found, kept = augment(
            crops,
            boxes,
            points,
            trust,
            CropSpec(),
            Strength(mirror=0, half=0),
            dice(seed).generator,
        )
        assert pictures.shape == (3, 3, 256, 192)
        assert found.isfinite().all()
        assert not kept[:, 5:8].any()
        inside = ((found >= 0) & (found <= torch.tensor([191, 255]))).all(-1)
        assert not kept[~inside].any()
        assert (kept[:, 8:] == trust[:, 8:])[inside[:, 8:]].all()


def test_half_bodies_show_one_half() -> None:
    spec = CropSpec()
    count = 60
    boxes = torch.tensor([[50.0, 20, 110, 140]]).expand(count, 4)
    points = torch.full((count, K, 2), 80.0)
    heights = {
        "ankle": 135.0,
        "toe": 138,
        "heel": 137,
        "knee": 110,
        "hip": 85,
        "spine_01": 80,
        "spine_02": 75,
    }
    for i, name in enumerate(SPINETRACK.keypoints):
        found = [y for part, y in heights.items() if part in name]
        points[:, i, 1] = found[0] if found else 30 + i % 10
    crops = torch.zeros(count, 3, SIDE, SIDE, dtype=torch.uint8)
    how = replace(NOTHING, half=1.0)
    trust = torch.ones(count, K)
    _, _, kept = augment(crops, boxes, points, trust, spec, how, dice().generator)
    feet, head = kept[:, at("left_ankle")] > 0, kept[:, at("nose")] > 0
    assert (feet ^ head).all()
    assert 24 < head.sum() < 48  # 60 %
    trust[:, 5:] = 0  # too few labels to tell halves
    _, _, kept = augment(crops, boxes, points, trust, spec, how, dice().generator)
    assert kept[:, :5].all()


def test_hidden_keypoints_keep_their_trust(people) -> None:
    how = replace(NOTHING, cover=1.0, paste=1.0)
    pictures, _, kept = augment(*people, CropSpec(), how, dice().generator)
    changed = (pictures - plain(people[0], people[1], CropSpec())[0]).abs().amax(1) > 0
    assert changed.any(-1).any(-1).all()
    assert changed.float().mean() < 0.6
    assert kept.all()


# Randomness


def test_the_generator_decides_everything(people) -> None:
    how = Strength(half=0.5, cover=0.5, paste=0.5, blur=0.5, coarse=0.5, noise=0.5, jpeg=0.5)
    generator = dice(3).generator
    augment(*people, CropSpec(), how, generator)
    state = generator.get_state()
    first = augment(*people, CropSpec(), how, generator)
    torch.rand(5)  # the global generator must not matter
    again = torch.Generator()
    again.set_state(state)
    second = augment(*people, CropSpec(), how, again)
    third = augment(*people, CropSpec(), how, again)
    for a, b in zip(first, second, strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first[0], third[0])


def test_one_person_and_many_work(people) -> None:
    how = replace(Strength(), paste=1.0, cover=1.0, blur=1.0, coarse=1.0, noise=1.0, jpeg=1.0)
    for count in (1, 2):
        batch = [t[:count] for t in people]
        pictures, _, _ = augment(*batch, CropSpec(), how, dice().generator)
        assert pictures.isfinite().all()
        assert pictures.min() >= 0
        assert pictures.max() <= 255


def test_half_precision_around_it_changes_nothing(people) -> None:
    how = replace(Strength(), colour=1.0, blur=1.0, jpeg=1.0)
    expected = augment(*people, CropSpec(), how, dice().generator)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = augment(*people, CropSpec(), how, dice().generator)
    for a, b in zip(expected, found, strict=True):
        assert torch.equal(a, b)


# Looks


@pytest.mark.parametrize("change", [recoloured, blurred, coarsened, noisy, compressed, covered])
def test_changes_keep_shape_and_nearly_the_range(change) -> None:
    pictures = scenery(4, 72).float()
    before = pictures.clone()
    changed = change(pictures, dice())
    assert changed.shape == pictures.shape
    assert changed.isfinite().all()
    assert (changed - before).abs().amax((1, 2, 3)).min() > 0.1
    assert changed.min() > -80
    assert changed.max() < 335
    assert torch.equal(pictures, before)


@pytest.mark.parametrize("change", [blurred, coarsened])
def test_filters_leave_even_pictures_as_they_are(change) -> None:
    even = torch.full((5, 3, 64, 48), 77.0)
    assert torch.allclose(change(even, dice()), even, atol=1e-2)


@pytest.mark.parametrize("change", [blurred, coarsened])
def test_filters_do_not_move_what_they_soften(change) -> None:
    y, x = torch.meshgrid(torch.arange(96.0), torch.arange(72.0), indexing="ij")
    dot = 255 * torch.exp(-((x - 30.3) ** 2 + (y - 51.7) ** 2) / (2 * 5**2))
    for softened in change(dot.expand(6, 3, 96, 72), dice())[:, 0]:
        assert (middle_of(softened) - torch.tensor([30.3, 51.7])).abs().max() < 0.1


def test_coarse_pictures_are_those_of_opencv() -> None:
    class Fixed(Dice):
        def uniform(self, low: float, high: float, *shape: int) -> Tensor:
            return torch.full(shape, 2.5)

    picture = scenery(1, 100)[0]
    found = coarsened(picture[None].float(), Fixed(torch.Generator()))[0]
    image = picture.permute(1, 2, 0).numpy().astype(np.float32)
    small = cv2.resize(image, (40, 40), interpolation=cv2.INTER_AREA)
    expected = cv2.resize(small, (100, 100), interpolation=cv2.INTER_LINEAR)
    assert np.abs(found.permute(1, 2, 0).numpy() - expected).max() < 0.1


def test_pieces_of_others_are_pasted() -> None:
    pictures, others = torch.zeros(20, 3, 64, 48), torch.full((20, 3, 64, 48), 9.0)
    share = (pasted(pictures, others, dice()) == 9).float().mean((1, 2, 3))
    assert 0 < share.max() <= 0.45**2
    assert share.mean() > 0.02


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return 10 * float(np.log10(255**2 / np.mean((a.astype(float) - b) ** 2)))


def test_jpeg_loses_what_opencv_loses() -> None:
    rng = np.random.default_rng(0)
    image = scenery(1, 120)[0].permute(1, 2, 0).numpy()
    image = np.clip(image + rng.normal(0, 8, image.shape), 0, 255).astype(np.uint8)
    qualities = [10, 25, 50, 75, 92]
    batch = torch.from_numpy(image).permute(2, 0, 1).float().expand(len(qualities), -1, -1, -1)
    ours = jpeg(batch, torch.tensor(qualities, dtype=torch.float32)).permute(0, 2, 3, 1).numpy()
    losses = []
    for quality, mine in zip(qualities, ours, strict=True):
        # Channel order matters for the chroma; OpenCV takes blue first.
        _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
        theirs = cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1]
        losses.append((psnr(image, mine.clip(0, 255)), psnr(image, theirs)))
        assert psnr(mine.clip(0, 255), theirs) > losses[-1][1] + 3
    for mine, theirs in losses:
        assert mine == pytest.approx(theirs, abs=0.5)
    assert [m for m, _ in losses] == sorted(m for m, _ in losses)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_it_runs_on_a_gpu(people) -> None:
    batch = [t.cuda() for t in people]
    generator = torch.Generator("cuda").manual_seed(0)
    how = replace(Strength(), paste=1.0, cover=1.0, blur=1.0, coarse=1.0, noise=1.0, jpeg=1.0)
    assert all(t.is_cuda for t in augment(*batch, CropSpec(), how, generator))
    expected, _ = plain(people[0], people[1], CropSpec())
    found, _ = plain(batch[0], batch[1], CropSpec())
    assert (found.cpu() - expected).abs().max() < 0.1
