"""What a picture and its trimap become at the working size, and the way back."""

import numpy as np
import pytest
from zoo_pymatting.working_size import enlarge, shrink, working_size


@pytest.mark.parametrize(
    ("size", "most", "expected"),
    [
        ((1080, 1620), None, (1080, 1620)),
        ((1080, 1620), 2048, (1080, 1620)),
        ((1080, 1620), 810, (540, 810)),
        ((1620, 1080), 810, (810, 540)),
        ((2, 2000), 100, (1, 100)),  # 0.1 of a pixel is one
    ],
)
def test_the_longer_side_is_bounded(size, most, expected):
    assert working_size(*size, most) == expected


def test_a_pixel_is_known_where_all_that_it_stands_for_is():
    trimap = np.array([[255, 255, 255, 128, 0, 0, 0, 0], [255, 255, 255, 255, 128, 0, 0, 0]], np.uint8)
    image = np.zeros((2, 8, 3), np.uint8)
    image[:, :2] = 100, 200, 50
    small, known = shrink(image, trimap, 4)
    # Pairs of columns: wholly 255; 255 and 128; 0 and 128; wholly 0. Below, the row again twice: three is the least.
    assert known.tolist() == [[1, 0.5, 0.5, 0]] * 3
    assert small[0, 0] == pytest.approx(np.array([100, 200, 50]) / 255)
    assert small[:, 1:].max() == 0


def test_a_region_too_thin_for_the_working_size_stays():
    trimap = np.full((12, 12), 128, np.uint8)
    trimap[:, 0], trimap[:6, 11] = 255, 0  # lines of one pixel; three of them become one
    _, known = shrink(np.zeros((12, 12, 3), np.uint8), trimap, 4)
    assert (known == 1).tolist() == [[True, False, False, False]] * 4
    assert (known == 0).tolist() == [[False, False, False, True]] * 2 + [[False] * 4] * 2


def test_back_at_the_whole_size_the_trimap_holds_exactly():
    trimap = np.full((8, 8), 128, np.uint8)
    trimap[0], trimap[-1] = 255, 0
    alpha = enlarge(np.full((4, 4), 0.25), trimap, 4)
    assert alpha.dtype == np.float32
    assert (alpha[0] == 1).all()
    assert (alpha[1:-1] == 0.25).all()  # a plain alpha stays plain
    assert (alpha[-1] == 0).all()


def test_what_was_added_to_reach_three_pixels_is_left_out():
    trimap = np.full((1, 5), 128, np.uint8)
    small, known = shrink(np.zeros((1, 5, 3), np.uint8), trimap, None)
    assert small.shape == (3, 5, 3)
    assert known.shape == (3, 5)
    solved = np.stack([np.full(5, 0.5), np.full(5, 0.9), np.full(5, 0.9)])
    assert (enlarge(solved, trimap, None) == 0.5).all()


def test_a_smaller_working_size_is_still_near_the_truth(matting, disc):
    image, alpha, trimap = disc
    whole, half = (matting("closed_form", side).predict(image, trimap) for side in (None, 30))
    assert np.abs(half - alpha)[trimap == 128].mean() < 0.03  # a quarter of a pixel of the edge's eight
    assert not np.array_equal(whole, half)
