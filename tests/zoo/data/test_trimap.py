import numpy as np
import pytest
from scipy import ndimage

from zoo.data.trimap import evaluation_trimap, training_trimap


class Fixed:
    """A generator that draws the same two numbers each time."""

    def __init__(self, wide, narrow):
        self.drawn = np.array([wide, narrow])

    def integers(self, low, high, size, endpoint):
        assert (low, high, size, endpoint) == (10, 20, 2, True)
        return self.drawn


def disc(size, radius, softness=4.0):
    rows, columns = np.mgrid[:size, :size]
    distance = np.hypot(rows - size / 2, columns - size / 2)
    return np.clip((radius - distance) / softness, 0, 1).astype(np.float32)


# --- For training ---


def test_by_hand():
    """A row of 64: kernels of round(64 / 256 * 12) = 3, so one pixel to either side."""
    row = [0] * 20 + [0.1, 0.5, 0.89, 0.9] + [1] * 40
    trimap = training_trimap(np.tile(np.float32(row), (64, 1)), Fixed(12, 12))
    # Not-background starts at 20 and grows to 19; foreground starts at 23 and shrinks to 24.
    assert trimap[30].tolist() == [0] * 19 + [0.5] * 5 + [1] * 40
    assert trimap.dtype == np.float32


@pytest.mark.parametrize(("wide", "narrow"), [(5, 9), (9, 5), (7, 7)])
def test_against_the_authors_words(wide, narrow):
    """The rule of ZHKKKe/MODNet issue 74 computed with SciPy; odd sides, since the two centre even ones apart."""
    alpha = (disc(128, 40) * (np.random.default_rng(0).random((128, 128)) > 0.001)).astype(np.float32)
    expected = (alpha >= 0.9).astype(np.float32)
    grown = ndimage.grey_dilation((alpha > 0).astype(np.float32), size=(wide, wide))
    expected[grown - ndimage.grey_erosion(expected, size=(narrow, narrow)) != 0] = 0.5
    np.testing.assert_array_equal(training_trimap(alpha, Fixed(2 * wide, 2 * narrow)), expected)  # 128 / 256 = 1 / 2


def test_values_and_agreement_with_the_alpha():
    for seed in range(20):
        alpha = disc(96, 30, softness=8)
        trimap = training_trimap(alpha, np.random.default_rng(seed))
        assert set(np.unique(trimap)) == {0, 0.5, 1}
        assert (alpha[trimap == 0] == 0).all()
        assert (alpha[trimap == 1] >= 0.9).all()


def test_kernels_follow_the_side_and_the_draw():
    step = np.zeros((512, 512), np.float32)
    step[:, 256:] = 1
    widths = {int((training_trimap(step, np.random.default_rng(s))[0] == 0.5).sum()) for s in range(200)}
    # Sides 20 to 40 in steps of 2: dilation of side d and erosion of side e reach d // 2 and e // 2 (or one less).
    assert min(widths) >= 18
    assert max(widths) <= 40
    assert len(widths) > 8


def test_tiny_and_uniform_alphas():
    assert training_trimap(np.zeros((8, 8), np.float32), np.random.default_rng(0)).max() == 0
    assert training_trimap(np.ones((8, 8), np.float32), np.random.default_rng(0)).min() == 1


# --- For evaluation ---


def test_evaluation_by_hand():
    """Short side 100: an ellipse of 2 * int(23 * 100 / 1080 / 2) + 1 = 3, a cross."""
    alpha = np.zeros((100, 100))
    alpha[40:60, 40:60] = 1
    alpha[40, 40] = 0.5
    trimap = evaluation_trimap(alpha)
    expected = np.zeros((100, 100), np.uint8)
    expected[40:60, 39:61] = expected[39:61, 40:60] = 128
    expected[41:59, 41:59] = 255
    expected[41, 41] = 255  # the cross around it does not touch the soft corner
    np.testing.assert_array_equal(trimap, expected)


def test_evaluation_kernel_is_23_at_native_size():
    alpha = np.zeros((1080, 1200))
    alpha[:, 600:] = 1
    row = evaluation_trimap(alpha)[500]
    assert (row == 128).sum() == 22  # 11 to either side of the edge
    assert row[588] == 0
    assert row[611] == 255
    np.testing.assert_array_equal(evaluation_trimap(alpha), evaluation_trimap(alpha))


def test_evaluation_of_small_pictures_leaves_something_known():
    for size in (8, 16, 64, 256):
        trimap = evaluation_trimap(disc(size, size / 3, softness=1))
        assert set(np.unique(trimap)) >= {0, 255}


def test_evaluation_counts_what_8_bits_would_store():
    alpha = np.array([[0.4 / 255, 0.6 / 255, 254.4 / 255, 254.6 / 255]])
    assert evaluation_trimap(alpha).tolist() == [[0, 128, 128, 255]]
