from __future__ import annotations

from math import sqrt

import msgspec
import numpy as np
import pytest
import torch

from neurodeploy.errors import UsageError
from neurodeploy.training.augment import (
    Augmentation,
    Crop,
    Cutout,
    Erase,
    Flip,
    Roll,
    augment,
    changed,
    check,
)
from neurodeploy.training.auto_augment import AutoAugment

ALL = (Crop(3), Flip(), Roll(2), Cutout(4), Erase())


def stream(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def images() -> torch.Tensor:
    return torch.rand(40, 3, 8, 10, generator=stream(9))


def draws(count: int, low: int, high: int, draw: torch.Generator) -> list[int]:
    return (torch.randint(high - low, (count,), generator=draw) + low).tolist()


@pytest.mark.parametrize("change", ALL, ids=lambda change: type(change).__name__)
def test_seed_frames_and_the_callers_images(change: Augmentation, images: torch.Tensor) -> None:
    before = images.clone()
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    a, b = change(images, stream(4)), change(images, stream(4))
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(a, b)
    assert torch.equal(images, before)
    assert (a.shape, a.dtype) == (images.shape, images.dtype)
    video = change(torch.stack([images, images], 1), stream(4))
    assert torch.equal(video[:, 0], a)
    assert torch.equal(video[:, 1], a)
    assert not torch.equal(a, change(images, stream(5)))


def test_crop_against_slices(images: torch.Tensor) -> None:
    draw = stream(2)
    rows, columns = draws(40, 0, 7, draw), draws(40, 0, 7, draw)
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (3, 3), (3, 3)))
    made = Crop(3)(images, stream(2)).numpy()
    for n, (r, c) in enumerate(zip(rows, columns, strict=True)):
        assert np.array_equal(made[n], padded[n, :, r : r + 8, c : c + 10])


def test_roll_against_numpy(images: torch.Tensor) -> None:
    draw = stream(2)
    rows, columns = draws(40, -5, 6, draw), draws(40, -5, 6, draw)
    made = Roll(5)(images, stream(2)).numpy()
    for n, (r, c) in enumerate(zip(rows, columns, strict=True)):
        assert np.array_equal(made[n], np.roll(images[n].numpy(), (r, c), (1, 2)))


def test_flip(images: torch.Tensor) -> None:
    made = Flip()(images, stream())
    flipped = [torch.equal(y, x.flip(-1)) for x, y in zip(images, made, strict=True)]
    kept = [torch.equal(y, x) for x, y in zip(images, made, strict=True)]
    assert all(a != b for a, b in zip(flipped, kept, strict=True))
    assert 10 < sum(flipped) < 30
    assert torch.equal(Flip(1.0)(images, stream()), images.flip(-1))
    assert torch.equal(Flip(0.0)(images, stream()), images)


def test_cutout_against_a_loop(images: torch.Tensor) -> None:
    draw = stream(3)
    rows, columns = draws(40, 0, 8, draw), draws(40, 0, 10, draw)
    made = Cutout(4)(images, stream(3))
    for n, (r, c) in enumerate(zip(rows, columns, strict=True)):
        expected = images[n].clone()
        expected[:, max(r - 2, 0) : r + 2, max(c - 2, 0) : c + 2] = 0
        assert torch.equal(made[n], expected)


def test_erase_against_a_loop(images: torch.Tensor) -> None:
    draw = stream(3)
    chosen, area, aspect, down, right = (torch.rand(40, generator=draw) for _ in range(5))
    grey = torch.randint(256, (40,), generator=draw)
    made = Erase(0.6)(images, stream(3))
    for n in range(40):
        expected = images[n].clone()
        a, r = float((0.02 + 0.38 * area[n]) * 80), float(0.4 + 2.1 * aspect[n])
        h, w = min(round(sqrt(a * r)), 8), min(round(sqrt(a / r)), 10)
        top, left = int(down[n] * (8 - h + 1)), int(right[n] * (10 - w + 1))
        if chosen[n] < 0.6:
            expected[:, top : top + h, left : left + w] = grey[n] / 255
        assert torch.equal(made[n], expected)


def test_one_after_the_other(images: torch.Tensor) -> None:
    both = augment(images, (Crop(3), Flip()), stream(8))
    draw = stream(8)
    assert torch.equal(both, Flip()(Crop(3)(images, draw), draw))


def test_written_in_toml() -> None:
    text = '[[augment]]\nkind = "crop"\npadding = 2\n[[augment]]\nkind = "erase"\narea = [0.1, 0.2]\n'
    made = msgspec.toml.decode(text, type=dict[str, list[Augmentation]])
    assert made["augment"] == [Crop(2), Erase(area=(0.1, 0.2))]
    chosen = msgspec.toml.decode('[[augment]]\nkind = "auto-augment"\n', type=dict[str, list[Augmentation]])
    assert chosen["augment"] == [AutoAugment()]
    for wrong in ('kind = "crop"\nsize = 2', 'kind = "spin"', 'kind = "crop"\npadding = -1'):
        with pytest.raises(msgspec.ValidationError):
            msgspec.toml.decode(f"[[augment]]\n{wrong}\n", type=dict[str, list[Augmentation]])


def test_images_without_a_channel_axis_are_changed_alike() -> None:
    x = torch.rand(3, 4, 6, 6)
    flat = changed(x, (Flip(1.0),), (6, 6), stream())
    assert torch.equal(flat, x.flip(-1))
    assert torch.equal(changed(x, (Crop(2),), (4, 6, 6), stream(3)), Crop(2)(x, stream(3)))


@pytest.mark.parametrize(
    ("change", "shape", "message"),
    [
        (
            Flip(),
            (64,),
            r"flip takes images \(H, W\) or \(C, H, W\), but a time step of the data has shape \(64,\)",
        ),
        (AutoAugment(), (1, 28, 28), r"autoaugment takes images \(3, H, W\)"),
    ],
)
def test_check_refuses(change: Augmentation, shape: tuple[int, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check((change,), shape)
