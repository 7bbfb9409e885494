import numpy as np
import pytest

from registry import ShapeError
from zoo.metrics.pixel import mad, mad_t, mse, mse_t, sad, sad_bg, sad_fg, sad_t

# Five pixels, errors |a - g| by hand:      F      F     U     B     U
ALPHA = np.array([[0.75, 1.00, 0.5, 0.25, 0.0]])
TARGET = np.array([[1.00, 0.50, 0.5, 0.00, 1.0]])
TRIMAP = np.array([[255, 255, 128, 0, 128]], np.uint8)
#       error     0.25   0.50  0     0.25  1.0     sum 2.0, squares 0.0625 + 0.25 + 0 + 0.0625 + 1 = 1.375
# a forced to     1      1     0.5   0     0.0
#       error     0      0.50  0     0     1.0     sum 1.5, squares 0.25 + 1 = 1.25; |U| = 2


def test_whole_image():
    assert sad(ALPHA, TARGET) == pytest.approx(2.0 / 1000, rel=1e-15)
    assert mse(ALPHA, TARGET) == pytest.approx(1.375 / 5, rel=1e-15)
    assert mad(ALPHA, TARGET) == pytest.approx(2.0 / 5, rel=1e-15)


def test_regions():
    # The second pixel is an error of the trimap (foreground, truth 0.5): counted though outside U.
    assert sad_t(ALPHA, TARGET, TRIMAP) == pytest.approx(1.5 / 1000, rel=1e-15)
    assert mse_t(ALPHA, TARGET, TRIMAP) == pytest.approx(1.25 / 2, rel=1e-15)
    assert mad_t(ALPHA, TARGET, TRIMAP) == pytest.approx(1.5 / 2, rel=1e-15)
    assert sad_fg(ALPHA, TARGET, TRIMAP) == pytest.approx(0.75 / 1000, rel=1e-15)
    assert sad_bg(ALPHA, TARGET, TRIMAP) == pytest.approx(0.25 / 1000, rel=1e-15)


def test_without_a_trimap_regions_are_undefined():
    for metric in (sad_t, mse_t, mad_t, sad_fg, sad_bg):
        assert metric(ALPHA, TARGET, None) is None


def test_without_an_unknown_pixel_only_the_means_over_it_are_undefined():
    trimap = np.array([[255, 255, 255, 0, 0]], np.uint8)
    assert mse_t(ALPHA, TARGET, trimap) is None
    assert mad_t(ALPHA, TARGET, trimap) is None
    # a forced to 1 1 1 0 0: errors 0, 0.5, 0.5, 0, 1
    assert sad_t(ALPHA, TARGET, trimap) == pytest.approx(2.0 / 1000, rel=1e-15)


def test_without_foreground_or_background_their_sums_are_zero():
    unknown = np.full(ALPHA.shape, 128, np.uint8)
    assert sad_fg(ALPHA, TARGET, unknown) == 0
    assert sad_bg(ALPHA, TARGET, unknown) == 0


@pytest.mark.parametrize("error", [0.25, 1.0])
def test_a_constant_error(error):
    # 30 x 40 pixels: SAD 1200 e / 1000, MSE e^2, MAD e
    alpha, target = np.zeros((30, 40)), np.full((30, 40), error)
    assert sad(alpha, target) == pytest.approx(1.2 * error)
    assert mse(alpha, target) == pytest.approx(error**2)
    assert mad(alpha, target) == pytest.approx(error)


def test_symmetry_where_it_holds():
    for metric in (sad, mse, mad):
        assert metric(ALPHA, TARGET) == metric(TARGET, ALPHA)
    for metric in (sad_fg, sad_bg):
        assert metric(ALPHA, TARGET, TRIMAP) == metric(TARGET, ALPHA, TRIMAP)


def test_uint8_is_a_255th():
    # (255 - 204) / 255 = 0.2
    assert sad(np.array([[204]], np.uint8), np.array([[255]], np.uint8)) == pytest.approx(0.2 / 1000, rel=1e-14)


def test_refusals():
    with pytest.raises(ShapeError, match=r"^alpha has shape \(1, 5\), target has \(5, 1\): resize the prediction"):
        sad(ALPHA, TARGET.T)
    with pytest.raises(ShapeError, match=r"^trimap has shape \(5, 1\), target has \(1, 5\)"):
        sad_t(ALPHA, TARGET, TRIMAP.T)
