"""Difference in connectedness of two mattes over a region: what CONN is in every dialect but p3m.

    omega(t) = largest 4-connected component of {a >= t and g >= t}, for the levels t_1 < ... < t_10
    l        = the level before the first one whose omega lacks the pixel (t_0 = 0), or 1 if none does
    phi(v)   = 1 - (v - l)  if v - l >= 0.15,  else 1
    sum over the region of |phi(a) - phi(g)|

As `zoo.metrics.conn`, whose search for the components this is. The dialects differ in the levels, in which of two
equally large components wins, and in what an empty set means.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo.metrics.conn import LEVELS, TOLERANCE, first_level_lost

TENTHS = tuple(k / LEVELS for k in range(LEVELS + 1))
"""Levels 0, 0.1, ... 1, each the nearest float64 of k / 10; so a pixel of 153 (of 255) passes 0.6.

Code that compares in float32 does the same with 8-bit mattes: 153 / 255 and 0.6 are the same float32, however 0.6 was
computed, and no other value of 8 bits but multiples of 51 is a level.
"""

ARANGE = tuple(np.arange(0, 1.1, 0.1).tolist())
"""Levels of ``numpy.arange(0, 1 + 0.1, 0.1)`` in float64, whose 0.6 is 0.6000000000000001: a pixel of 153 fails it."""

_BLOCK = 32
"""Rows compared with all levels while they are in the processor's cache. Any value gives the same result."""


@dataclass(frozen=True)
class Rules:
    """How a dialect searches.

    Attributes:
        levels: The eleven levels t_0 ... t_10, float64.
        empty_is_lost: An empty set lacks every pixel, as the code of mmagic and PaddleSeg has it; else its level
            is passed over.
        by_columns: Of equally large components the first in column order wins (MATLAB), else in row order.
    """

    levels: tuple[float, ...] = TENTHS
    empty_is_lost: bool = False
    by_columns: bool = False


def connectedness_error(alpha: np.ndarray, target: np.ndarray, region: np.ndarray, rules: Rules) -> float:
    """Sum of differences between the connectedness of two mattes.

    Args:
        alpha: Predicted matte, (H, W) float64 in [0, 1].
        target: True matte, same shape and range.
        region: (H, W) uint8, 1 where the sum runs and 0 elsewhere. The components are those of the whole
            mattes, whatever it is.
        rules: Of the dialect.

    Returns:
        The sum, undivided; 0 for an empty region.
    """
    # A pixel counts only well above its level, and with l = 1 none is: the rest is never looked at.
    seen = (region != 0) & ((alpha >= TOLERANCE) | (target >= TOLERANCE))
    if not seen.any():
        return 0.0
    lost = _first_level_lost(_levels_reached(alpha, target, rules.levels), rules)
    seen &= lost <= LEVELS
    level = np.array(rules.levels)[lost[seen] - 1]
    return float(np.abs(_phi(alpha[seen], level) - _phi(target[seen], level)).sum())


def _phi(value: np.ndarray, level: np.ndarray) -> np.ndarray:
    above = value - level
    return np.where(above >= TOLERANCE, 1 - above, 1.0)


def _levels_reached(alpha: np.ndarray, target: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """How many of the levels above 0 each pixel reaches in both mattes, (H, W) uint8 in [0, 10]."""
    reached = np.zeros(alpha.shape, np.uint8)
    for top in range(0, len(alpha), _BLOCK):
        rows = slice(top, top + _BLOCK)
        lower = np.minimum(alpha[rows], target[rows])
        for level in levels[1:]:
            reached[rows] += (lower >= level).view(np.uint8)
    return reached


def _first_level_lost(reached: np.ndarray, rules: Rules) -> np.ndarray:
    """(H, W) uint8 in [1, 10], 255 where no omega lacks the pixel."""
    if rules.by_columns:
        # 4-connectedness does not change when rows and columns are exchanged; only who is first does.
        lost = first_level_lost(np.ascontiguousarray(reached.T)).T
    else:
        lost = first_level_lost(reached)
    highest = int(reached.max())
    if rules.empty_is_lost and highest < LEVELS:
        lost = np.minimum(lost, np.uint8(highest + 1))
    return lost
