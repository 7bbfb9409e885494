"""CONN: how differently two mattes hang together.

P3M's definition (JizhiziLi/P3M, core/evaluate.py), after Rhemann et al. 2009. For the levels t = 0.1, 0.2, ... 1.0:

    omega(t) = largest 4-connected component of {a >= t and g >= t}, the first in row order on a tie;
               where the set is empty, the level is passed over
    l        = the level before the first one whose omega lacks the pixel (0, 0.1, ...), or 1 if none does
    phi(v)   = 1 - (v - l)  if v - l >= 0.15,  else 1
    CONN     = sum |phi(a) - phi(g)| / 1000

over the whole image. The distance weight of the 2009 paper is 1. Levels are compared as exactly k / 10, so
a pixel of 153 (of 255) passes 0.6. P3M's own script takes them from ``numpy.arange``, whose 0.6 is
0.6000000000000001: it lets that one value fail, in float64 only.
"""

from __future__ import annotations

import numpy as np

from zoo.data.opencv import cv2
from zoo.metrics.arrays import as_pair

LEVELS = 10
"""Number of levels; level k is k / 10."""

TOLERANCE = 0.15
"""A pixel less than this above its level counts as fully connected (Rhemann et al. 2009)."""

_BLOCK = 32
"""Rows compared with all levels while they are in the processor's cache. Any value gives the same result."""


def conn(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> float:
    """Sum of differences between the connectedness of two mattes, in thousands.

    Args:
        alpha: Predicted matte, (H, W), float in [0, 1] or uint8.
        target: True matte, same shape and range.
        trimap: Not used; P3M has no regional variant.

    Returns:
        Over the whole image; zero is perfect. Zero too if nowhere both mattes reach 0.1: every level is
        passed over.

    Raises:
        ShapeError: The shapes differ.
    """
    alpha, target = as_pair(alpha, target)
    lost = first_level_lost(_levels_reached(alpha, target))
    # Only a pixel well above its level counts, and with l = 1 none is: the rest is never looked at.
    seen = np.flatnonzero((lost <= LEVELS) & ((alpha >= TOLERANCE) | (target >= TOLERANCE)))
    level = (lost.ravel()[seen] - 1) / LEVELS
    difference = _phi(alpha.ravel()[seen], level) - _phi(target.ravel()[seen], level)
    return float(np.abs(difference).sum()) / 1000


def _phi(value: np.ndarray, level: np.ndarray) -> np.ndarray:
    above = value - level
    return np.where(above >= TOLERANCE, 1 - above, 1.0)


def _levels_reached(alpha: np.ndarray, target: np.ndarray) -> np.ndarray:
    """How many levels each pixel reaches in both mattes, uint8 in [0, 10]."""
    # Compared with each k / 10 itself: 10 x value, rounded, is 9 for a value just below 0.9.
    reached = np.zeros(alpha.shape, np.uint8)
    for top in range(0, len(alpha), _BLOCK):
        rows = slice(top, top + _BLOCK)
        lower = np.minimum(alpha[rows], target[rows])
        for k in range(1, LEVELS + 1):
            reached[rows] += (lower >= k / LEVELS).view(np.uint8)
    return reached


def first_level_lost(reached: np.ndarray) -> np.ndarray:
    """The first level whose omega lacks the pixel.

    Args:
        reached: (H, W) uint8: the levels that both mattes reach.

    Returns:
        (H, W) uint8 in [1, 10], 255 where no omega lacks the pixel.
    """
    lost = np.full(reached.shape, 255, np.uint8)
    # From the top: a pixel of one omega most likely lies in the next lower, larger one as well.
    seed: tuple[int, int] | None = None
    for k in range(int(reached.max()), 0, -1):
        passes = (reached >= k).view(np.uint8)
        omega, seed = largest_component(passes, seed or _thick_spot(passes))
        # omega is 255 inside and 0 outside, so this is "k where outside" and keeps the lower level.
        np.minimum(lost, omega | np.uint8(k), out=lost)
    return lost


def largest_component(passes: np.ndarray, seed: tuple[int, int]) -> tuple[np.ndarray, tuple[int, int]]:
    """Largest 4-connected component of a set, the first in row order on a tie.

    Filling from a seed is several times cheaper than labelling everything, and a component with more
    than half of all pixels is the largest.

    Args:
        passes: (H, W) uint8, 1 in the set and 0 outside; not empty.
        seed: (row, column) of any pixel, best of one in the component.

    Returns:
        (H, W) uint8, 255 in the component and 0 outside, and the position of one of its pixels.
    """
    if passes[seed]:
        filled = np.zeros((passes.shape[0] + 2, passes.shape[1] + 2), np.uint8)  # OpenCV wants a frame
        flags = 4 | cv2.FLOODFILL_MASK_ONLY | (255 << 8)  # 4-connected; writes 255 into `filled` only
        area = cv2.floodFill(passes, filled, seed[::-1], 0, flags=flags)[0]
        if 2 * area > cv2.countNonZero(passes):
            return filled[1:-1, 1:-1], seed
    _, labels, stats, _ = cv2.connectedComponentsWithStats(passes, connectivity=4, ltype=cv2.CV_32S)
    areas = stats[1:, cv2.CC_STAT_AREA]  # label 0 is the background
    largest = 1 + np.flatnonzero(areas == areas.max())
    row = int(stats[largest, cv2.CC_STAT_TOP].min())
    column = int(np.isin(labels[row], largest).argmax())
    return (labels == labels[row, column]).view(np.uint8) * np.uint8(255), (row, column)


def _thick_spot(passes: np.ndarray) -> tuple[int, int]:
    """(row, column) of a pixel with much of the set around it; a guess from every eighth pixel."""
    coarse = cv2.blur(passes[::8, ::8].astype(np.float32), (9, 9), borderType=cv2.BORDER_CONSTANT)
    row, column = np.unravel_index(int(coarse.argmax()), coarse.shape)
    return 8 * int(row), 8 * int(column)
