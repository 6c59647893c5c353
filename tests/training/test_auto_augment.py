from __future__ import annotations

import numpy as np
import pytest
import torch

from neurodeploy.errors import UsageError
from neurodeploy.training import image_operations as ops
from neurodeploy.training.auto_augment import OPERATIONS, POLICY, AutoAugment

Image = pytest.importorskip("PIL.Image", reason="the operations are compared with those of Pillow")
ImageEnhance = pytest.importorskip("PIL.ImageEnhance")
ImageOps = pytest.importorskip("PIL.ImageOps")


@pytest.fixture
def images() -> torch.Tensor:
    """Smooth colour images of 256 levels."""
    draw = torch.Generator().manual_seed(3)
    coarse = torch.rand(4, 3, 4, 4, generator=draw)
    smooth = torch.nn.functional.interpolate(coarse, size=(32, 32), mode="bilinear")
    return (smooth * 230 + 10).round() / 255


def pillow(x: torch.Tensor) -> Image.Image:
    return Image.fromarray((x.permute(1, 2, 0) * 255).round().byte().numpy())


def levels(image: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(image)).permute(2, 0, 1) / 255


def amount(value: float) -> torch.Tensor:
    return torch.full((4, 1, 1, 1), value)


EXACT = [
    (ops.invert, 0, ImageOps.invert),
    (ops.solarize, 100, lambda image: ImageOps.solarize(image, 100)),
    (ops.posterize, 5, lambda image: ImageOps.posterize(image, 5)),
    (ops.equalize, 0, ImageOps.equalize),
]
NEAR = [
    (ops.auto_contrast, 0, ImageOps.autocontrast),
    (ops.brightness, 0.7, lambda image: ImageEnhance.Brightness(image).enhance(1.7)),
    (ops.brightness, -0.3, lambda image: ImageEnhance.Brightness(image).enhance(0.7)),
    (ops.color, 0.7, lambda image: ImageEnhance.Color(image).enhance(1.7)),
    (ops.contrast, -0.6, lambda image: ImageEnhance.Contrast(image).enhance(0.4)),
    (ops.sharpness, 0.9, lambda image: ImageEnhance.Sharpness(image).enhance(1.9)),
]


@pytest.mark.parametrize(("operation", "value", "reference"), EXACT)
def test_equal_to_pillow(operation, value, reference, images) -> None:
    made = operation(images, amount(float(value)))
    assert not torch.equal(made, images)
    for x, y in zip(images, made, strict=True):
        assert torch.equal((y * 255).round(), (levels(reference(pillow(x))) * 255).round())


@pytest.mark.parametrize(("operation", "value", "reference"), NEAR)
def test_as_pillow_but_for_its_rounding(operation, value, reference, images) -> None:
    made = operation(images, amount(float(value)))
    for x, y in zip(images, made, strict=True):
        assert float((y - levels(reference(pillow(x)))).abs().max()) < 2.1 / 255


def affine(x: torch.Tensor, matrix: tuple[float, ...]) -> torch.Tensor:
    made = pillow(x).transform((32, 32), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    return levels(made)


@pytest.mark.parametrize(
    ("operation", "value", "matrix"),
    [
        (ops.shear_x, 0.25, (1, 0.25, 0, 0, 1, 0)),
        (ops.shear_y, -0.2, (1, 0, 0, -0.2, 1, 0)),
        (ops.translate_x, 0.25, (1, 0, 8, 0, 1, 0)),
        (ops.translate_y, -0.125, (1, 0, 0, 0, 1, -4)),
    ],
)
def test_geometry_inside(operation, value, matrix, images) -> None:
    made = operation(images, amount(value))
    for x, y in zip(images, made, strict=True):
        assert float((y - affine(x, matrix))[:, 10:-10, 10:-10].abs().max()) < 1.5 / 255


def test_rotation(images) -> None:
    quarter = ops.rotate(images, amount(90.0))
    assert float((quarter - torch.rot90(images, 1, (2, 3))).abs().max()) < 1e-5
    turned = levels(pillow(images[0]).rotate(20, Image.Resampling.BILINEAR))
    assert float((ops.rotate(images, amount(20.0))[0] - turned)[:, 8:-8, 8:-8].abs().max()) < 1.5 / 255


def test_outside_is_grey(images) -> None:
    assert torch.allclose(ops.translate_x(images, amount(0.5))[..., 16:], torch.tensor(128 / 255))


def test_flat_channels_stay() -> None:
    flat = torch.full((1, 3, 4, 4), 0.4)
    assert torch.equal(ops.auto_contrast(flat, amount(0)[:1]), flat)
    assert torch.equal(ops.equalize(flat, amount(0)[:1]), flat)


def test_amounts() -> None:
    assert [OPERATIONS[name].amount(9) for name in ("shear-x", "rotate", "posterize", "solarize")] == [
        0.3,
        30.0,
        4.0,
        0.0,
    ]
    assert OPERATIONS["posterize"].amount(0) == 8.0
    assert len(POLICY) == 25
    assert all(name in OPERATIONS and 0 <= p <= 1 and 0 <= m <= 9 for pair in POLICY for name, p, m in pair)


def test_each_image_goes_its_own_way(images) -> None:
    many = images.repeat(60, 1, 1, 1)
    before = many.clone()
    made = AutoAugment()(many, torch.Generator().manual_seed(1))
    assert torch.equal(many, before)
    assert torch.equal(made, AutoAugment()(many, torch.Generator().manual_seed(1)))
    assert (float(made.min()) >= 0.0, float(made.max()) <= 1.0 + 1e-6) == (True, True)
    changed = (made != many).flatten(1).any(1).float().mean()
    expected = np.mean([1 - (1 - a[1]) * (1 - b[1]) for a, b in POLICY])
    assert float(changed) == pytest.approx(expected, abs=0.08)
    assert len({y.numpy().tobytes() for y in made[::4]}) > 20


def test_colour_images_only() -> None:
    with pytest.raises(UsageError, match=r"takes colour images \(N, 3, H, W\), not \(2, 1, 8, 8\)"):
        AutoAugment()(torch.rand(2, 1, 8, 8), torch.Generator())
