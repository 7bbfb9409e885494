"""The guided filter: against its formula written out, and at hair."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from registry import ShapeError
from zoo.data.demo.portrait import compose
from zoo.predict.refine import _rows, fit, guided


def test_the_fit_is_that_of_the_paper():
    """The paper's least squares with a guide of three colours, window by window."""
    rng = np.random.default_rng(0)
    guide, matte = rng.random((9, 11, 3), np.float32), rng.random((9, 11), np.float32)
    radius, epsilon = 1, 0.01
    slopes = np.zeros((9, 11, 3))
    padded = [np.pad(a, [(1, 1), (1, 1)] + [(0, 0)] * (a.ndim - 2), "reflect") for a in (guide, matte)]
    for y in range(9):
        for x in range(11):
            colours = padded[0][y : y + 3, x : x + 3].reshape(-1, 3).astype(np.float64)
            values = padded[1][y : y + 3, x : x + 3].ravel().astype(np.float64)
            covariance = np.cov(colours.T, bias=True) + epsilon * np.eye(3)
            both = (colours * values[:, None]).mean(0) - colours.mean(0) * values.mean()
            slopes[y, x] = np.linalg.solve(covariance, both)
    assert np.allclose(fit(guide, matte, radius, epsilon), slopes, atol=1e-4)


def test_rows_are_those_of_the_whole():
    array = np.random.default_rng(0).random((13, 17, 3), np.float32)
    whole = cv2.resize(array, (50, 71), interpolation=cv2.INTER_LINEAR)
    for rows in (slice(0, 71), slice(0, 9), slice(30, 50), slice(70, 71)):
        # remap keeps places to 1/32 of a pixel
        assert np.abs(_rows(array, rows, 71, 50) - whole[rows]).max() < 0.05


@pytest.mark.parametrize("seed", [3, 5])
def test_hair_comes_back_that_a_small_matte_has_lost(seed):
    portrait = compose(np.random.default_rng(seed), 400)
    image = np.rint(np.clip(portrait.image, 0, 1) * 255).astype(np.uint8)
    height, width = portrait.alpha.shape
    small = cv2.resize(portrait.alpha, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    plain = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    errors = [float(np.abs(matte - portrait.alpha).mean()) for matte in (plain, guided(image, small))]
    # 0.30 and 0.23 when this was written.
    assert errors[1] < 0.4 * errors[0]


def test_known_regions_stay_and_sizes_are_kept():
    rng = np.random.default_rng(0)
    small = np.zeros((20, 30), np.float32)
    small[:, 15:] = 1
    image = rng.integers(0, 256, (81, 119, 3), np.uint8)  # as restless as can be
    matte = guided(image, small)
    assert matte.shape == (81, 119)
    assert (matte[:, :30] == 0).all()
    assert (matte[:, -30:] == 1).all()
    for shape in ((1, 1), (1, 40), (40, 1)):
        assert guided(np.zeros((*shape, 3), np.uint8), np.full(shape, 0.5, np.float32)).shape == shape
    with pytest.raises(ShapeError, match="more than the picture"):
        guided(image[:10], small)
