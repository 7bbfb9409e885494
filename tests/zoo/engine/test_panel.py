"""The pictures that show what a network makes of validation pictures."""

from __future__ import annotations

import numpy as np
import pytest
from disc_set import disc

from zoo.engine.panel import panel

STRIP, GAP = 20, 4


def tiles(found: np.ndarray, count: int) -> list[np.ndarray]:
    """The pictures under the titles."""
    assert found.shape[1] == count * 256 + (count - 1) * GAP
    return [found[STRIP:, start : start + 256] for start in range(0, found.shape[1], 256 + GAP)]


def test_image_target_matte_and_error_side_by_side():
    image, target = disc(1, height=512, width=512)
    matte = np.clip(target - 0.25, 0, 1).astype(np.float32)
    found = panel(image, target, matte)
    assert found.dtype == np.uint8
    assert found.shape == (STRIP + 256, 4 * 256 + 3 * GAP, 3)
    shown, true, answer, error = tiles(found, 4)
    # Halved by area: each pixel is the mean of four.
    mean = image.reshape(256, 2, 256, 2, 3).mean((1, 3))
    assert np.abs(shown - mean).max() <= 1
    assert np.abs(true[..., 0] / 255 - target.reshape(256, 2, 256, 2).mean((1, 3))).max() < 1 / 255 + 1e-6
    assert np.abs(answer[..., 1] / 255 - matte.reshape(256, 2, 256, 2).mean((1, 3))).max() < 1 / 255 + 1e-6
    # No error is black, and a greater one is brighter.
    assert error[0, 0].max() <= 4
    inside = np.unravel_index(target.reshape(256, 2, 256, 2).mean((1, 3)).argmax(), (256, 256))
    assert error[inside].max() > 100
    # Ink of the titles stands above the first pixel of each picture, and only there.
    assert all((strip < 200).any() for strip in np.split(found[:STRIP, :1024], 4, axis=1))


def test_without_a_truth_there_is_no_error():
    image, alpha = disc(2)
    found = panel(image, None, alpha)
    assert len(tiles(found, 2)) == 2
    assert found.shape == (STRIP + 192, 2 * 256 + GAP, 3)  # 48 x 64 enlarged four times


@pytest.mark.parametrize(("size", "height"), [((2000, 100), 384), ((30, 3000), 3), ((1, 1), 256)])
def test_pictures_of_any_shape_fit(size, height):
    image, plane = np.zeros((*size, 3), np.uint8), np.zeros(size, np.float32)
    assert panel(image, plane, plane).shape == (STRIP + height, 4 * 256 + 3 * GAP, 3)
