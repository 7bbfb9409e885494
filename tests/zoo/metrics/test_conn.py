import numpy as np
import pytest

from zoo.metrics import conn as module
from zoo.metrics.conn import conn, largest_component


def first_level_lost(value):
    return module.first_level_lost(module._levels_reached(value, value))


def test_by_hand():
    # One row, both mattes 1 but for two pixels:
    #   a  1  1    1  0.5  0.25          min 1 1 1 0.5 0.25
    #   g  1  1    1  1.0  0.25
    # Pixel 3 leaves at 0.6, l = 0.5: phi(a): d = 0 -> 1; phi(g): d = 0.5 -> 0.5; differs by 0.5.
    # Pixel 4 leaves at 0.3, l = 0.2: d = 0.05 both -> 1. The others never leave, l = 1, d = 0.
    alpha = np.array([[1, 1, 1, 0.5, 0.25]])
    target = np.array([[1, 1, 1, 1.0, 0.25]])
    assert conn(alpha, target) == pytest.approx(0.5 / 1000, rel=1e-14)


def test_a_part_cut_off_leaves_at_the_first_level():
    # Both 1 but for a gap; g has 1, a has 0.75 in the smaller part. It is in no omega: l = 0,
    # phi(a) = 0.25, phi(g) = 0. Two such pixels.
    alpha = np.array([[1, 1, 1, 0, 0.75, 0.75]])
    target = np.array([[1, 1, 1, 0, 1.0, 1.0]])
    assert conn(alpha, target) == pytest.approx(2 * 0.25 / 1000, rel=1e-14)


def test_empty_levels_are_passed_over():
    # Constant 0.5 in the truth: at 0.6 and above the set is empty, nobody leaves, l = 1 and all phi are 1, ...
    assert conn(np.ones((4, 4)), np.full((4, 4), 0.5)) == 0
    # ... so that an empty truth gives 0 for every prediction.
    assert conn(np.random.default_rng(0).random((9, 9)), np.zeros((9, 9))) == 0


def test_tolerance_is_inclusive():
    # Pixel 1 is 0 in one matte, so it leaves at 0.1: l = 0, and d is the value of the other. 0.15 counts in full.
    base = np.array([[1.0, 0.0]])
    assert conn(np.array([[1.0, 0.15]]), base) == pytest.approx(0.15 / 1000, rel=1e-14)
    assert conn(np.array([[1.0, np.nextafter(0.15, 0)]]), base) == 0


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_153_passes_the_level_0_6(dtype):
    # 153 / 255 = 0.6: pixel 1 is in omega(0.6) and leaves at 0.7, l = 0.6; d of the prediction, 1, is 0.4.
    # If it failed 0.6 (as with numpy.arange's 0.6000000000000001), l were 0.5 and phi(g) = 1 - 0.5 or 1 - 0.1.
    one, value = (255, 153) if dtype is np.uint8 else (1, np.float64(153) / 255)
    target = np.array([[one, value]], dtype)
    assert conn(np.array([[one, one]], dtype), target) == pytest.approx(0.4 / 1000, rel=1e-12)
    assert conn(np.array([[255, 255]], np.uint8), np.array([[255, 152]], np.uint8)) == pytest.approx(
        0.5 / 1000, rel=1e-12
    )


@pytest.mark.parametrize("k", range(1, 11))
def test_levels_are_exactly_k_tenths(k):
    # The first pixel is at a level, the second just below it and so lost one level earlier.
    value = np.array([[1.0, k / 10, np.nextafter(k / 10, 0)]])
    at, below = first_level_lost(value)[0, 1:]
    assert at == (k + 1 if k < 10 else 255)
    assert below == k


def test_components_are_4_connected():
    # The two squares touch at a corner only: the smaller one is lost from the first level on.
    value = np.zeros((5, 5))
    value[:3, :3] = value[3:, 3:] = 1
    assert (first_level_lost(value)[3:, 3:] == 1).all()
    assert (first_level_lost(value)[:3, :3] == 255).all()


def test_the_first_in_row_order_wins_a_tie():
    # Equal areas. In row order the first pixel of the right part (row 0) comes before that of the left one (row 1).
    value = np.array([[0, 0, 0, 1], [1, 0, 0, 1], [1, 0, 0, 1], [1, 0, 0, 0.0]])
    assert (first_level_lost(value) == np.where([False, False, False, True], [255], [1]))[:3].all()
    # Same row: the left one.
    value = np.array([[0, 1, 0, 1]])
    assert first_level_lost(value).tolist() == [[1, 255, 1, 1]]


def test_the_winner_may_change_between_levels():
    # Level 0.1: the left part is larger (3 to 2), the right one lost. Level 0.6: of the left part one pixel remains,
    # so the right one (2 pixels) is omega, and what remained on the left is lost too.
    value = np.array([[0.5, 1, 0.5, 0, 1, 1]])
    assert first_level_lost(value).tolist() == [[6, 6, 6, 1, 1, 1]]


def test_the_seed_does_not_matter():
    rng = np.random.default_rng(3)
    for density in (0.3, 0.5, 0.6, 0.7, 0.9):
        passes = (rng.random((40, 60)) < density).astype(np.uint8)
        expected, inside = largest_component(passes, (0, 0))
        assert expected[inside] == 255
        for _ in range(20):
            found, _ = largest_component(passes, (int(rng.integers(40)), int(rng.integers(60))))
            assert (found == expected).all()


def test_axioms():
    alpha, target = np.random.default_rng(4).random((2, 33, 41))
    assert conn(alpha, alpha) == 0
    assert conn(alpha, target) == conn(target, alpha)
    assert conn(np.ones((1, 1)), np.ones((1, 1))) == 0
