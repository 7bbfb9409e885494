import cv2
import numpy as np
import pytest

from zoo.metrics import conn as module
from zoo.metrics.cells import CELL, cut
from zoo.metrics.conn import conn, largest_component, levels_reached


def first_level_lost(value):
    height, width = value.shape
    return module.first_level_lost(levels_reached(cut(value), cut(value))[:height, :width])


def by_labelling(reached):
    """`first_level_lost`, every level labelled by SciPy; written without anything of the module."""
    ndimage = pytest.importorskip("scipy.ndimage")
    lost = np.full(reached.shape, 255, np.uint8)
    for k in range(10, 0, -1):
        labels, count = ndimage.label(reached >= k)
        if count:
            lost[labels != 1 + np.argmax(np.bincount(labels.ravel())[1:])] = k
    return lost


def bumps(rng, size, height):
    """Levels of a random smooth landscape, cut off at ``height``."""
    noise = cv2.GaussianBlur(rng.normal(0, 1, size), (0, 0), float(rng.uniform(1, 8)))
    return np.clip(noise.reshape(size) * rng.uniform(20, 100) + rng.uniform(3, 9), 0, height).astype(np.uint8)


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


def test_a_cell_that_just_reaches_the_tolerance_is_looked_at():
    # As above, but alone among zeros: pixel 30 is in no cell with pixel 0.
    base = np.zeros((1, 40))
    base[0, 0] = 1
    alpha = base.copy()
    alpha[0, 30] = 0.15
    assert conn(alpha, base) == pytest.approx(0.15 / 1000, rel=1e-14)


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


@pytest.mark.parametrize("seed", range(8))
def test_levels_against_labelling(seed):
    rng = np.random.default_rng(seed)
    for _ in range(25):
        size = tuple(int(side) for side in rng.integers(1, 130, 2))
        reached = bumps(rng, size, int(rng.integers(1, 11)))
        assert (module.first_level_lost(reached) == by_labelling(reached)).all()


def test_noise_and_ties_against_labelling():
    rng = np.random.default_rng(9)
    for levels in (2, 3, 11):
        for size in [(1, 1), (1, 40), (40, 1), (5, 9), (60, 50)]:
            reached = rng.integers(0, levels, size).astype(np.uint8)
            assert (module.first_level_lost(reached) == by_labelling(reached)).all()


def islands(rng, size):
    """Solid squares of the top level, many large enough to be hollowed, on a floor with specks."""
    reached = np.full(size, int(rng.integers(0, 3)), np.uint8)
    for _ in range(int(rng.integers(1, 7))):
        row, column, side = (int(value) for value in (*(rng.random(2) * size), rng.integers(8, 90)))
        reached[row : row + side, column : column + side] = int(rng.integers(8, 11))
    specks = rng.random(size) < 0.003
    reached[specks] = rng.integers(0, 11, int(specks.sum()))
    return reached


@pytest.mark.parametrize("seed", range(8))
def test_large_islands_against_labelling(seed):
    rng = np.random.default_rng(100 + seed)
    deep = 0
    for _ in range(12):
        reached = islands(rng, (int(rng.integers(60, 230)), int(rng.integers(60, 230))))
        deep += module._hollowed(reached, 8)[1].sum()
        assert (module.first_level_lost(reached) == by_labelling(reached)).all()
    assert deep > 0  # what is hollowed is part of the test


def test_hollowing_keeps_components_and_their_areas():
    rng = np.random.default_rng(5)
    for _ in range(30):
        reached = islands(rng, (150, 170))
        hollow, deep = module._hollowed(reached, 9)
        for k in (1, 5, 9):
            count, labels = cv2.connectedComponents((reached >= k).view(np.uint8), connectivity=4)
            hollow_count, hollow_labels = cv2.connectedComponents((hollow >= k).view(np.uint8), connectivity=4)
            assert count == hollow_count
            # One and the same component has one and the same number, as both count in row order.
            assert (labels == hollow_labels)[hollow >= k].all()
            removed = np.bincount(labels[: len(deep) * CELL : CELL, ::CELL][:, : deep.shape[1]][deep], minlength=count)
            areas = np.bincount(hollow_labels.ravel(), minlength=count) + 56 * removed
            assert (areas[1:] == np.bincount(labels.ravel(), minlength=count)[1:]).all()


def test_what_was_hollowed_counts_among_many_components():
    # A square of 64 x 64 = 4096 pixels loses 6 x 6 deep cells of 56 pixels each, and has 2080 left. Six grids of lines
    # have 31 x 96 + 30 = 3006 each. None is more than all that is left after three fillings, so all are labelled.
    reached = np.zeros((760, 96), np.uint8)
    for grid in range(6):
        reached[115 * grid : 115 * grid + 61 : 2] = 10
        reached[115 * grid + 1 : 115 * grid + 60 : 2, grid % 2 * 95] = 10
    reached[688:752, 16:80] = 10
    assert module._hollowed(reached, 9)[1].sum() == 36
    lost = module.first_level_lost(reached)
    assert (lost == by_labelling(reached)).all()
    assert (lost[688:752, 16:80] == 255).all()


def test_one_body_is_not_labelled(monkeypatch):
    # Filling it is enough: it is most of the set, counting what was hollowed.
    reached = np.zeros((300, 300), np.uint8)
    reached[50:250, 50:250] = 10
    reached[::7, 0] = 10
    expected = by_labelling(reached)
    monkeypatch.setattr(module, "_outside_the_largest_of_all", None)
    assert (module.first_level_lost(reached) == expected).all()


def test_levels_left_out_are_those_without_a_peak():
    # Heights 3 2 1 2 2 1 1: the two of height 2 on the right have no higher neighbour, the others lead to the 3.
    landscape = np.array([[3, 2, 1, 2, 2, 1, 1, 0]], np.uint8)
    assert module._peaks(landscape, 3) == {2}
    assert module._peaks(landscape[:, :3], 3) == set()
    # The path may lead in each direction.
    for turns in range(4):
        assert module._peaks(np.ascontiguousarray(np.rot90([[3, 2, 2, 1, 1]], turns), np.uint8), 3) == set()
    # A step takes one pixel: a plateau wider than what is looked at counts as a peak, which costs time only.
    wide = np.array([[3] + [2] * 30], np.uint8)
    assert module._peaks(wide, 3) == {2}
    assert (module.first_level_lost(wide) == by_labelling(wide)).all()


def test_two_people_of_equal_size():
    # Neither is more than half, so filling one proves nothing; the left one is first, as both begin in row 0.
    reached = np.zeros((100, 200), np.uint8)
    reached[:, :90] = reached[:, 110:] = 10
    assert (module.first_level_lost(reached) == by_labelling(reached)).all()
    reached[0, 0] = 0  # now the right one is larger
    lost = module.first_level_lost(reached)
    assert (lost == by_labelling(reached)).all()
    assert lost[50, 150] == 255


def test_axioms():
    alpha, target = np.random.default_rng(4).random((2, 33, 41))
    assert conn(alpha, alpha) == 0
    assert conn(alpha, target) == conn(target, alpha)
    assert conn(np.ones((1, 1)), np.ones((1, 1))) == 0
