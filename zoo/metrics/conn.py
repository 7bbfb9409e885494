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
from zoo.metrics.arrays import as_mattes, to_float64
from zoo.metrics.cells import CELL, Cells, by_cell, cut, per_cell

LEVELS = 10
"""Number of levels; level k is k / 10."""

TOLERANCE = 0.15
"""A pixel less than this above its level counts as fully connected (Rhemann et al. 2009)."""

_AT_A_TIME = 512
"""Cells worked through together, while they are in the processor's cache. Any number gives the same result."""

_NEVER = 255
"""Stands for the level of pixels that every omega has."""


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
    alpha, target = as_mattes(alpha, target)
    return conn_of(cut(alpha), cut(target))


def conn_of(alpha: Cells, target: Cells) -> float:
    """`conn` of two mattes of one shape that have been cut into cells."""
    height, width = target.shape
    reached = levels_reached(alpha, target)
    lost = np.full(reached.shape, _NEVER, np.uint8)
    lost[:height, :width] = first_level_lost(reached[:height, :width])
    lost = by_cell(lost)
    # Only a pixel well above its level counts, and with l = 1 none is. Other cells are never looked at.
    highest = np.maximum(to_float64(alpha.high), to_float64(target.high))
    rows, columns = np.nonzero((per_cell(np.minimum, lost) != _NEVER) & (highest >= TOLERANCE))
    level = np.append(np.arange(256) - 1, 0) / LEVELS
    level[_NEVER] = 1
    total = 0.0
    for start in range(0, len(rows), _AT_A_TIME):
        part = rows[start : start + _AT_A_TIME], columns[start : start + _AT_A_TIME]
        before = level[lost[part]]
        ours, truth = (_phi(to_float64(matte.pixels[part]), before) for matte in (alpha, target))
        total += np.abs(ours - truth).sum()
    return float(total) / 1000


def _phi(value: np.ndarray, level: np.ndarray) -> np.ndarray:
    above = value - level
    return 1 - above * (above >= TOLERANCE)


def levels_reached(alpha: Cells, target: Cells) -> np.ndarray:
    """How many levels each pixel reaches in both mattes.

    Returns:
        (rows x CELL, columns x CELL) uint8 in [0, 10].
    """
    least = _levels(np.minimum(to_float64(alpha.low), to_float64(target.low)))
    most = _levels(np.minimum(to_float64(alpha.high), to_float64(target.high)))
    reached = np.repeat(np.repeat(least, CELL, axis=1), CELL, axis=0)
    cells = by_cell(reached)
    rows, columns = np.nonzero(least != most)
    for start in range(0, len(rows), _AT_A_TIME):
        part = rows[start : start + _AT_A_TIME], columns[start : start + _AT_A_TIME]
        cells[part] = _levels(np.minimum(*(to_float64(matte.pixels[part]) for matte in (alpha, target))))
    return reached


def _levels(value: np.ndarray) -> np.ndarray:
    # Compared with each k / 10 itself: 10 x value, rounded, is 9 for a value just below 0.9.
    reached = np.zeros(value.shape, np.uint8)
    for k in range(1, LEVELS + 1):
        reached += (value >= k / LEVELS).view(np.uint8)
    return reached


def first_level_lost(reached: np.ndarray) -> np.ndarray:
    """The first level whose omega lacks the pixel.

    Args:
        reached: (H, W) uint8: the levels that both mattes reach.

    Returns:
        (H, W) uint8 in [1, 10], 255 where no omega lacks the pixel.
    """
    rows, columns = (np.flatnonzero(reached.any(axis=axis)) for axis in (1, 0))
    if len(rows) == 0:
        return np.full(reached.shape, _NEVER, np.uint8)
    lost = np.ones(reached.shape, np.uint8)
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    lost[box] = _lost_in_the_box(np.ascontiguousarray(reached[box]))
    return lost


def _lost_in_the_box(reached: np.ndarray) -> np.ndarray:
    """`first_level_lost` of an image that is not zero everywhere."""
    top = int(reached.max())
    # If every set were one component, a pixel would be lost above the last level it reaches, and never at the top.
    lost = (reached + np.uint8(1)) | _all_ones(reached == top)
    # A network's output reaches the top in parts of the body only, so that is not what is hollowed.
    solid = max(top - 1, 1)
    hollow, deep = _hollowed(reached, solid)
    frame = np.empty((reached.shape[0] + 2, reached.shape[1] + 2), np.uint8)
    peaks: set[int] | None = None
    seed: tuple[int, int] | None = None
    outside: np.ndarray | None = None
    # From the top: a pixel of one omega most likely lies in the next lower, larger one as well.
    for k in range(top, 0, -1):
        if outside is None and k < solid:
            peaks = _peaks(reached, k + 1) if peaks is None else peaks
            if k not in peaks:
                continue  # the last set was one component, and all that is new hangs on it
        if k > solid:
            outside, seed = _outside_the_largest((reached >= k).view(np.uint8), seed, _NO_CELLS, frame)
        else:
            outside, seed = _outside_the_largest((hollow >= k).view(np.uint8), seed, deep, frame)
        if outside is not None:
            np.minimum(lost, ~outside | np.uint8(k), out=lost)
    # As far as it is hollowed, a deep cell goes with its first pixel.
    rows, columns = np.nonzero(deep & (_first_pixels(lost, deep) <= solid))
    by_cell(lost)[rows, columns] = lost[rows * CELL, columns * CELL][:, None, None]
    return lost


def largest_component(passes: np.ndarray, seed: tuple[int, int]) -> tuple[np.ndarray, tuple[int, int]]:
    """Largest 4-connected component of a set, the first in row order on a tie.

    Args:
        passes: (H, W) uint8, 1 in the set and 0 outside; not empty.
        seed: (row, column) of any pixel, best of one in the component.

    Returns:
        (H, W) uint8, 255 in the component and 0 outside, and the position of one of its pixels.
    """
    frame = np.empty((passes.shape[0] + 2, passes.shape[1] + 2), np.uint8)
    outside, seed = _outside_the_largest(passes, seed, _NO_CELLS, frame)
    inside = _all_ones(passes > 0)
    return inside if outside is None else inside ^ outside, seed


_NO_CELLS = np.zeros((0, 0), bool)

_REMOVED = CELL * (CELL - 1)
"""Pixels that `_hollowed` takes out of a cell."""

_FILLS = 3
"""Components that are filled before all are labelled, which takes as long as about ten fillings."""

_STEPS, _PIXELS = 8, 1 << 16
"""So many steps `_peaks` goes, and from no more pixels, before filling is cheaper."""


def _all_ones(true: np.ndarray) -> np.ndarray:
    """255 where true, else 0; uint8."""
    return true.view(np.uint8) * np.uint8(255)


def _hollowed(reached: np.ndarray, level: int) -> tuple[np.ndarray, np.ndarray]:
    """Take out most of what lies deep inside a level, for less to fill, and leave connected what is.

    Call a cell deep if it and its eight neighbours reach the level everywhere, and keep of it the first row only. At
    either end of a row of deep cells is a cell that is kept whole, and of what lies below that at least the first row:
    thus each first row stays connected with the next, and with all that touches the cell.

    Args:
        reached: (H, W) uint8.
        level: Sets of this and lower levels keep their components.

    Returns:
        ``reached`` with zero in what was taken out, and which cells are deep, (rows, columns) bool.
    """
    hollow = reached.copy()
    cells = by_cell(hollow)
    if cells.size == 0:
        return hollow, _NO_CELLS
    full = (per_cell(np.minimum, cells) >= level).view(np.uint8)
    deep = cv2.erode(full, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    rows, columns = deep.shape
    keep = ~np.repeat(deep * np.uint8(255), CELL, axis=1)
    for row in range(1, CELL):
        hollow[row : rows * CELL : CELL, : columns * CELL] &= keep
    return hollow, deep > 0


def _first_pixels(image: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """The first pixel of each cell; (rows, columns)."""
    rows, columns = cells.shape
    return image[: rows * CELL : CELL, : columns * CELL : CELL]


def _peaks(reached: np.ndarray, top: int) -> set[int]:
    """Levels below a top at which there may be a pixel that no path of pixels as high leads to a higher one."""
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    framed = cv2.copyMakeBorder(reached, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    climbs = (cv2.dilate(framed, cross) > framed) | (framed >= top) | (framed == 0)
    climbing = (framed * climbs.view(np.uint8)).ravel()
    rest = np.flatnonzero(~climbs)
    level = framed.ravel().take(rest)
    width = framed.shape[1]
    # Most edges are a few pixels wide per level: a few steps, each with fewer pixels.
    for _ in range(_STEPS if len(rest) <= _PIXELS else 0):
        found = climbing.take(rest - width) == level
        found |= climbing.take(rest - 1) == level
        found |= climbing.take(rest + 1) == level
        found |= climbing.take(rest + width) == level
        climbing[rest[found]] = level[found]
        rest, level = rest[~found], level[~found]
    return set(np.unique(level).tolist())


def _outside_the_largest(
    passes: np.ndarray, seed: tuple[int, int] | None, deep: np.ndarray, frame: np.ndarray
) -> tuple[np.ndarray | None, tuple[int, int]]:
    """What of a set is not in its largest component (`largest_component`).

    Args:
        passes: (H, W) uint8, 1 in the set and 0 outside; not empty.
        seed: (row, column) of any pixel, best of one in the component; None: find one.
        deep: The cells of which `_REMOVED` pixels more count; (rows, columns) bool.
        frame: (H + 2, W + 2) uint8 to work in: OpenCV wants a frame of one pixel.

    Returns:
        (H, W) uint8, 255 in what is outside, else 0, or None if nothing is; and the position of a pixel of the
        component.
    """
    # Filling is several times cheaper than labelling, and a component larger than all that is left is the largest.
    left = cv2.countNonZero(passes) + _REMOVED * np.count_nonzero(deep)
    frame.fill(0)
    filled = frame[1:-1, 1:-1]
    areas: list[int] = []
    seeds: list[tuple[int, int]] = []
    for number in range(1, _FILLS + 1):
        if seed is None or not passes[seed]:
            seed = _thick_spot(passes > filled)
        if filled[seed] or not passes[seed]:
            break
        flags = 4 | cv2.FLOODFILL_MASK_ONLY | (number << 8)  # 4-connected; writes the number into `filled` only
        area = cv2.floodFill(passes, frame, seed[::-1], 0, flags=flags)[0]
        areas.append(area + _REMOVED * np.count_nonzero(deep & (_first_pixels(filled, deep) == number)))
        seeds.append(seed)
        left -= areas[-1]
        best = areas.index(max(areas))
        if areas[best] > left and areas.count(areas[best]) == 1:
            if number == 1:
                return (filled - passes if left else None), seeds[best]  # 0 - 1 is 255
            return (filled == best + 1).view(np.uint8) - passes, seeds[best]
        seed = None
    return _outside_the_largest_of_all(passes, deep)


def _outside_the_largest_of_all(passes: np.ndarray, deep: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """`_outside_the_largest` by labelling all components."""
    count, labels = cv2.connectedComponents(passes, connectivity=4, ltype=cv2.CV_32S)
    areas = np.bincount(labels.ravel(), minlength=count)
    areas += _REMOVED * np.bincount(_first_pixels(labels, deep)[deep], minlength=count)
    areas[0] = 0  # what is in no component
    largest = np.flatnonzero(areas == areas.max())
    tied = labels == largest[0] if len(largest) == 1 else np.isin(labels, largest)
    first = np.unravel_index(int(tied.argmax()), tied.shape)
    seed = int(first[0]), int(first[1])
    return (labels == labels[seed]).view(np.uint8) - passes, seed


def _thick_spot(passes: np.ndarray) -> tuple[int, int]:
    """(row, column) of a pixel with much of the set around it; a guess from every eighth pixel."""
    coarse = cv2.blur(passes[::8, ::8].astype(np.float32), (9, 9), borderType=cv2.BORDER_CONSTANT)
    row, column = np.unravel_index(int(coarse.argmax()), coarse.shape)
    return 8 * int(row), 8 * int(column)
