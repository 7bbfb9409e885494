"""The subject's own colours: against layers that are known because they were drawn."""

from __future__ import annotations

import numpy as np
import pytest

from registry import ShapeError
from zoo.data.demo.portrait import compose
from zoo.predict import foreground
from zoo.predict.foreground import estimate


@pytest.fixture(scope="module")
def portrait():
    return compose(np.random.default_rng(3), 200)


@pytest.fixture(scope="module")
def image(portrait) -> np.ndarray:
    return np.rint(np.clip(portrait.image, 0, 1) * 255).astype(np.uint8)


def error(portrait, found: np.ndarray) -> float:
    """Of the colours on any new background, a F - a F', root mean square over soft pixels, of 255."""
    soft = (portrait.alpha > 0) & (portrait.alpha < 1)
    unit = found / np.iinfo(found.dtype).max
    return float(np.sqrt(((portrait.alpha[..., None] * unit - portrait.foreground)[soft] ** 2).mean()) * 255)


def test_it_is_far_better_than_the_picture_itself(portrait, image):
    # 7.6 against 2.1 when this was written; PyMatting's multi-level method has 3.7.
    plain, ours = error(portrait, image), error(portrait, estimate(image, portrait.alpha))
    assert ours < 0.45 * plain


def test_16_bit_pictures_give_16_bit_colours(portrait, image):
    deep = np.rint(np.clip(portrait.image, 0, 1) * 65535).astype(np.uint16)
    found = estimate(deep, portrait.alpha)
    assert found.dtype == np.uint16
    assert error(portrait, found) <= error(portrait, estimate(image, portrait.alpha)) + 0.1


def test_known_pixels_keep_their_colours(portrait, image):
    front = estimate(image, portrait.alpha)
    assert np.array_equal(front[portrait.alpha == 1], image[portrait.alpha == 1])
    # Where nothing of the subject is seen there is nothing of the old background either.
    assert np.abs(front[portrait.alpha == 0].astype(int) - image[portrait.alpha == 0]).mean() > 10


def test_a_red_subject_on_blue_stays_red():
    """A colour that is the same all over is found exactly, whatever the edge is like."""
    alpha = np.tile(np.clip((np.arange(64) - 16) / 32, 0, 1).astype(np.float32), (40, 1))
    image = np.rint(alpha[..., None] * (255, 0, 0) + (1 - alpha[..., None]) * (0, 0, 255)).astype(np.uint8)
    assert np.abs(estimate(image, alpha).astype(int) - (255, 0, 0)).max() <= 2


def test_tiles_change_nothing(portrait, image, monkeypatch):
    found = {}
    for tile in (32, 10_000):
        monkeypatch.setattr(foreground, "_TILE", tile)
        found[tile] = estimate(image, portrait.alpha).astype(int)
    # Not bit for bit: a tile takes from pixels of a coarser level that other tiles did not touch.
    soft = (portrait.alpha > 0) & (portrait.alpha < 1)
    assert np.abs((found[32] - found[10_000])[soft] * portrait.alpha[soft][:, None]).max() <= 3


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (7, 300)])
@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_thin_pictures_and_flat_mattes(shape, value):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    front = estimate(image, np.full(shape, value, np.float32))
    assert front.shape == image.shape
    if value == 1:
        assert np.array_equal(front, image)


def test_another_size_is_refused(image):
    with pytest.raises(ShapeError, match="the picture has size"):
        estimate(image, np.zeros((5, 5), np.float32))
