"""Parts of a picture make the same matte as the whole."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from zoo.predict.tiles import OVERLAP, _feather, in_tiles, windows


def near(image, trimap=None):
    """A matte that depends on 9 x 9 pixels and on nothing further away."""
    return cv2.blur(image.max(axis=2).astype(np.float32) / np.float32(255), (9, 9))


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 2, (27, 36, 3), np.uint8) * 255
    return cv2.resize(coarse, (480, 360), interpolation=cv2.INTER_LINEAR)


@pytest.mark.parametrize(("height", "width", "side"), [(100, 100, 64), (65, 64, 64), (64, 1000, 64), (1, 200, 64)])
def test_windows_cover_and_overlap(height, width, side):
    seen = np.zeros((height, width), int)
    weights = np.zeros((height, width), np.float32)
    for window in windows(height, width, side):
        assert seen[window].shape == (min(height, side), min(width, side))
        seen[window] += 1
        weights[window] += _feather(window, height, width, side)
    assert seen.min() >= 1
    assert weights.min() > 0
    columns = sorted({(w[1].start, w[1].stop) for w in windows(height, width, side)})
    assert all(a[1] - b[0] >= int(side * OVERLAP) for a, b in pairwise(columns))


def test_no_seam_is_to_be_seen(image):
    """The model answers the whole picture and its parts alike, but for 4 pixels at a part's edge."""
    whole = near(image)
    tiled = in_tiles(near, image, None, whole, 128)
    difference = np.abs(tiled - whole)
    # At the edge of a part the model mirrors the picture and is wrong; there a part weighs at most 4.5 / 32 of itself.
    alone = np.abs(near(np.ascontiguousarray(image[:, :128])) - whole[:, :128]).max()
    assert alone > 0.1
    assert difference.max() < 0.02
    # A seam is a step: no step between neighbours that the whole matte does not have.
    for axis in (0, 1):
        assert np.abs(np.diff(tiled, axis=axis) - np.diff(whole, axis=axis)).max() < 0.01


def test_a_model_that_differs_from_part_to_part_leaves_no_step(image):
    """Every part is answered with a level of its own; between them there is a slope, not an edge."""
    answers = iter(np.linspace(0.2, 0.8, 64))

    def level(image, trimap=None):
        return np.full(image.shape[:2], next(answers), np.float32)

    tiled = in_tiles(level, image, None, np.full(image.shape[:2], 0.5, np.float32), 128)
    for axis in (0, 1):
        assert np.abs(np.diff(tiled, axis=axis)).max() < 0.05  # a slope of 0.6 over 32 pixels and what overlaps twice


def test_known_regions_are_not_asked_about(image):
    asked = []

    def count(part, trimap=None):
        asked.append(part.shape)
        return np.full(part.shape[:2], 0.25, np.float32)

    whole = np.zeros(image.shape[:2], np.float32)
    whole[:, 240:] = 1
    assert in_tiles(count, image, None, whole, 128) is not None
    assert asked == []
    whole[20:30, 20:30] = 0.5
    tiled = in_tiles(count, image, None, whole, 128)
    assert asked == [(128, 128, 3)]
    assert tiled[25, 25] == 0.25
    assert np.array_equal(tiled[:, 240:], whole[:, 240:])
    assert np.array_equal(tiled[100:, :240], whole[100:, :240])


def test_a_small_picture_is_whole(image):
    whole = near(image)
    assert in_tiles(near, image, None, whole, 480) is whole


def test_trimaps_are_cut_alike(image):
    trimap = np.full(image.shape[:2], 128, np.uint8)

    def with_trimap(part, trimap):
        assert trimap.shape == part.shape[:2]
        return trimap.astype(np.float32) / 255

    assert np.allclose(in_tiles(with_trimap, image, trimap, near(image), 128)[180, 240], 128 / 255, atol=0.05)
