"""From a picture to the network's input and back."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.config import resolve
from zoo.engine.resize import input_size, prepare, restore


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1080, 1620), (512, 768)),
        ((512, 512), (512, 512)),
        ((100, 100), (512, 512)),  # also enlarges
        ((1080, 1440), (512, 672)),  # 682.67 is cut to a multiple of 32
        ((2000, 1333), (768, 512)),
        ((1, 50), (512, 25600)),
    ],
)
def test_short_side_512_and_multiples_of_32(size, expected):
    assert input_size(*size, 512, 32) == expected


def test_never_below_one_stride():
    assert input_size(10, 10, 8, 32) == (32, 32)


def test_prepare_normalises_channels_first():
    image = np.zeros((64, 96, 3), np.uint8)
    image[..., 0], image[..., 1], image[..., 2] = 255, 0, 51
    config = resolve(settings=["eval.short_side=32", "model.mean=[0.5, 0.5, 0]", "model.std=[0.5, 0.25, 1]"]).config
    planes = prepare(image, config)
    assert planes.shape == (1, 3, 32, 48 // 32 * 32)
    assert planes.dtype == np.float32
    assert planes[0, :, 0, 0] == pytest.approx([1.0, -2.0, 0.2], abs=1e-6)


def test_restore_keeps_constants_and_range():
    half = np.full((32, 64), 0.5, np.float32)
    assert np.allclose(restore(half, 45, 91), 0.5)
    noise = np.random.default_rng(0).random((32, 64), np.float32)
    for size in ((32, 64), (70, 130), (9, 7), (1, 1)):
        alpha = restore(noise, *size)
        assert alpha.shape == size
        assert alpha.dtype == np.float32
        assert 0 <= alpha.min() <= alpha.max() <= 1


def test_restore_of_a_ramp_has_half_pixel_centres():
    # Doubling a ramp with half-pixel centres: the samples lie a quarter to either side of each pixel.
    ramp = np.array([[0.0, 1.0]], np.float32)
    assert np.allclose(restore(ramp, 1, 4), [[0.0, 0.25, 0.75, 1.0]])
