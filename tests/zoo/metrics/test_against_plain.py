"""Every metric against an independent implementation, `plain.py`."""

import cv2
import numpy as np
import pytest

from zoo.metrics.definitions import NAMES
from zoo.metrics.score import score

SIZES = [(1, 1), (1, 9), (9, 1), (2, 7), (3, 5), (7, 7), (31, 33), (32, 32), (33, 65), (61, 47), (101, 64)]


def check(plain, alpha, target, trimap=None, truth=None):
    """``score`` of these mattes is ``plain.scores`` of their float64 values (``truth``, if given elsewise)."""
    found = score(alpha, target, trimap)
    expected = plain.scores(*(truth or (np.float64(alpha), np.float64(target))), trimap)
    assert list(found) == list(expected)
    for name, value in expected.items():
        if value is None:
            assert found[name] is None, name
        else:
            # 1e-9 of the value; the floor is for sums that are zero but for rounding.
            assert found[name] == pytest.approx(value, rel=1e-9, abs=1e-13), name


def noise(seed, size):
    rng = np.random.default_rng(seed)
    trimap = rng.choice(np.array([0, 128, 255], np.uint8), size)
    return rng.random(size), rng.random(size), trimap


def blobs(seed, size):
    """Two related soft mattes with flat insides, and a trimap of the second."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]]
    target = np.zeros(size)
    for _ in range(4):
        centre, radius = rng.random(2) * size, 1 + rng.random() * max(size) / 3
        target = np.maximum(target, np.clip((radius - np.hypot(y - centre[0], x - centre[1])) / 4, 0, 1))
    alpha = np.clip(target + (target > 0.1) * rng.normal(0, 0.15, size), 0, 1)
    trimap = np.where(target == 1, 255, np.where(target == 0, 0, 128)).astype(np.uint8)
    return alpha, target, trimap


@pytest.mark.parametrize("make", [noise, blobs])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_random_mattes(plain, make, size):
    for seed in range(3):
        check(plain, *make(seed, size))


@pytest.mark.parametrize("size", [(61, 47), (64, 96)], ids=str)
def test_eight_bit_mattes(plain, size):
    for seed in range(3):
        alpha, target, trimap = blobs(seed, size)
        alpha, target = (np.rint(matte * 255).astype(np.uint8) for matte in (alpha, target))
        check(plain, alpha, target, trimap, truth=(alpha / 255, target / 255))


def test_an_8_bit_truth_and_a_trimap_that_contradicts_it(plain):
    for seed in range(3):
        alpha, target, _ = blobs(seed, (61, 47))
        target = np.rint(target * 255).astype(np.uint8)
        trimap = noise(seed, (61, 47))[2]
        check(plain, alpha.astype(np.float32), target, trimap, truth=(np.float64(np.float32(alpha)), target / 255))


def hairy(seed, size):
    """A soft body with strands a pixel wide and islands; the prediction nowhere exact, and sloped everywhere."""
    rng = np.random.default_rng(seed)
    target = blobs(seed, size)[1]
    for _ in range(60):
        start, end = (tuple(int(value) for value in rng.integers(0, size[::-1])) for _ in range(2))
        drawn = np.zeros(size, np.uint8)
        cv2.line(drawn, start, end, int(rng.integers(40, 255)), 1, cv2.LINE_AA)
        target = np.maximum(target, drawn / 255)
    y, x = np.mgrid[: size[0], : size[1]]
    wave = 0.001 * (1 + np.sin(x / 40) * np.cos(y / 30))
    alpha = np.clip(cv2.GaussianBlur(target, (0, 0), 1.0), wave, 1 - wave)
    trimap = np.where(target > 0.99, 255, np.where(target < 0.01, 0, 128)).astype(np.uint8)
    return alpha, target, trimap


# More pixels, blocks and cells than are worked through at a time, with and without a rest in cells and blocks.
@pytest.mark.parametrize("size", [(384, 512), (301, 407), (1100, 70)], ids=str)
@pytest.mark.parametrize("make", [blobs, hairy])
def test_images_larger_than_what_is_done_at_a_time(plain, make, size):
    alpha, target, trimap = make(1, size)
    check(plain, alpha, target, trimap)
    alpha, steps = alpha.astype(np.float32), np.rint(target * 255).astype(np.uint8)
    check(plain, alpha, steps, trimap, truth=(np.float64(alpha), steps / 255))


@pytest.mark.parametrize("levels", [2, 3, 11, 21])
def test_coarse_values_give_many_ties_and_exact_hits_of_the_levels(plain, levels):
    rng = np.random.default_rng(levels)
    for size in [(5, 6), (23, 31), (70, 40)]:
        alpha, target = (rng.integers(0, levels, size) / (levels - 1) for _ in range(2))
        check(plain, alpha, target, np.full(size, 128, np.uint8))


@pytest.mark.parametrize("a", [0.0, 0.1, 0.15, 0.5, 0.6, 0.95, 1.0])
@pytest.mark.parametrize("g", [0.0, 0.3, 1.0])
def test_constant_mattes(plain, a, g):
    check(plain, np.full((17, 40), a), np.full((17, 40), g))


def test_float32_is_taken_at_its_own_value(plain):
    alpha, target, trimap = (array.astype(np.float32) for array in noise(5, (40, 41)))
    check(plain, alpha, target, trimap.astype(np.uint8))


def test_an_error_in_one_corner_or_one_pixel_only(plain):
    # Most tiles are skipped here; those that are not reach over the border and the edge of a tile.
    _, target, _ = blobs(0, (100, 131))
    for row, column in [(0, 0), (99, 130), (31, 32), (63, 64), (96, 128), (50, 5)]:
        alpha = target.copy()
        alpha[row, column] = 0.5 if target[row, column] != 0.5 else 0.4
        check(plain, alpha, target)


@pytest.mark.parametrize("layout", ["fortran", "reversed", "strided"])
def test_any_memory_layout(plain, layout):
    alpha, target, trimap = noise(1, (40, 38))
    arrange = {
        "fortran": np.asfortranarray,
        "reversed": lambda array: array[::-1, ::-1],
        "strided": lambda array: np.repeat(array, 2, axis=1)[:, ::2],
    }[layout]
    check(plain, arrange(alpha), arrange(target), arrange(trimap))


def test_names_and_their_order():
    assert NAMES == ("SAD", "MSE", "MAD", "GRAD", "CONN", "SAD-T", "MSE-T", "MAD-T", "SAD-FG", "SAD-BG")
