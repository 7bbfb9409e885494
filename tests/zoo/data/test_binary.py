import cv2
import numpy as np
import pytest

from zoo.data.binary import is_binary


def mask(side=300):
    """A head and shoulders, 0 and 255."""
    drawn = np.zeros((side, side), np.uint8)
    cv2.circle(drawn, (side // 2, side // 3), side // 5, 255, -1)
    cv2.ellipse(drawn, (side // 2, side), (side // 3, side // 2), 0, 0, 360, 255, -1)
    return drawn


def soft(width):
    """The same with an edge that takes so many pixels to fall from 255 to 0."""
    inside, outside = (cv2.distanceTransform(m, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) for m in (mask(), 255 - mask()))
    distance = inside - outside - 0.5 * np.sign(inside - outside)  # from the contour, which runs between pixels
    return np.rint(np.clip(distance / width + 0.5, 0, 1) * 255).astype(np.uint8)


@pytest.mark.parametrize("alpha", [mask(), mask().astype(np.uint16) * 257, mask().astype(np.float32) / 255])
def test_mask(alpha):
    assert is_binary(alpha)


@pytest.mark.parametrize("value", [0, 255])
def test_all_the_same(value):
    assert is_binary(np.full((10, 10), value, np.uint8))


def test_all_half():
    assert not is_binary(np.full((10, 10), 128, np.uint8))


@pytest.mark.parametrize("side", [64, 300, 1000])
@pytest.mark.parametrize("quality", [50, 75, 95])
def test_mask_that_was_a_jpeg(quality, side):
    """Its edge rings into the range between, so that an alpha of this kind has values everywhere."""
    saved = cv2.imdecode(cv2.imencode(".jpg", mask(side), [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 0)
    assert (quality == 95) or ((saved > 0.02 * 255) & (saved < 0.98 * 255)).any()
    assert is_binary(saved)


@pytest.mark.parametrize("width", [3, 5, 20])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_matte(width, dtype):
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    assert not is_binary((soft(width) / 255 * top).astype(dtype))


def test_a_lock_of_hair_is_enough():
    """Binary but for a tenth of its contour, where it is soft over 20 pixels."""
    alpha = np.where(np.arange(300)[:, None] < 60, soft(20), mask())
    assert not is_binary(alpha.astype(np.uint8))


def test_a_shrunk_mask_passes_for_a_matte():
    """Of each two by two pixels of its edge one is made: half of the contour lies between, as with thin hair."""
    assert not is_binary(cv2.resize(mask(600), (300, 300), interpolation=cv2.INTER_AREA))
