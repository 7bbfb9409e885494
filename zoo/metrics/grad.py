"""GRAD: how differently steep two mattes are.

    GRAD = sum (|grad a| - |grad g|)^2 / 10

over the whole image, without any stretching of a or g. The gradient is that of P3M (JizhiziLi/P3M,
core/evaluate.py), which calls SciPy's ``gaussian_filter`` with sigma 1.4 and order 1 along one axis: a Gaussian of
unit sum cut at 4 sigma (13 taps) and its derivative; the border is mirrored, the edge pixel repeated.
The derivative kernels of DIM and its followers have unit L2 norm instead and divide by 1000: sums 96.55 times
as large before the division, 1.036 times smaller after it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise, starmap

import numpy as np

from zoo.data.opencv import cv2
from zoo.metrics.arrays import as_mattes, to_float64
from zoo.metrics.cells import CELL, MARGIN, TALL, Cells, cut

SIGMA = 1.4
"""Standard deviation of the Gaussian, in pixels (Rhemann et al. 2009)."""

RADIUS = int(4 * SIGMA + 0.5)
"""Taps on each side of the centre, 6: SciPy's default truncation at 4 sigma."""

assert RADIUS == MARGIN <= CELL

_WIDE = 144
"""Columns of cells that are filtered together. Any number from 3 gives the same result; this one stays in the
processor's cache and, in products of matrices, below the size where BLAS starts threads, which would stand in each
other's way: several images are scored at a time."""

_ROWS = 4
"""Rows that one matrix product filters. Any divisor of `TALL` gives the same result."""


def grad(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> float:
    """Sum of squared differences between the gradient magnitudes of two mattes, over ten.

    Args:
        alpha: Predicted matte, (H, W), float in [0, 1] or uint8.
        target: True matte, same shape and range.
        trimap: Not used; P3M has no regional variant.

    Returns:
        Over the whole image; zero is perfect.

    Raises:
        ShapeError: The shapes differ.
    """
    alpha, target = as_mattes(alpha, target)
    return grad_of(cut(alpha), cut(target))


def grad_of(alpha: Cells, target: Cells) -> float:
    """`grad` of two mattes of one shape that have been cut into cells."""
    ours, truth = _sloped(alpha), _sloped(target)
    room = _Room()
    total = 0.0
    for matte, alone in ((alpha, ours & ~truth), (target, truth & ~ours)):
        for x, y in _gradients(matte, alone, room):
            total += cv2.norm(x, cv2.NORM_L2SQR) + cv2.norm(y, cv2.NORM_L2SQR)
    both = ours & truth
    pairs = (_gradients(matte, both, room) for matte in (alpha, target))
    for first, second in zip(*(starmap(cv2.magnitude, gradients) for gradients in pairs), strict=True):
        total += cv2.norm(first, second, cv2.NORM_L2SQR)
    return total / 10


def _sloped(cells: Cells) -> np.ndarray:
    """Where a pixel's gradient can be other than zero, by blocks of `TALL` by CELL pixels; (rows, columns) bool."""
    around = np.ones((3, 3), np.uint8)  # a filter sees RADIUS pixels on every side, less than a cell
    sloped = cv2.dilate(cells.high, around) > cv2.erode(cells.low, around)
    rows, columns = sloped.shape
    return sloped.reshape(rows * CELL // TALL, TALL // CELL, columns).any(axis=1)


@dataclass(frozen=True)
class _Room:
    """Arrays to work in. New ones for every part of the image would take longer than the filters."""

    # One cell more than is used: rows an odd number of cache lines apart do not crowd each other out.
    sheet: np.ndarray = field(default_factory=lambda: np.empty((TALL + 2 * RADIUS, (_WIDE + 1) * CELL)))
    down: np.ndarray = field(default_factory=lambda: np.empty((2, TALL, (_WIDE + 1) * CELL)))
    along: np.ndarray = field(default_factory=lambda: np.empty((2, _WIDE - 2, TALL, CELL)))


def _gradients(cells: Cells, blocks: np.ndarray, room: _Room) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Gradients in some blocks, some of them at a time.

    Args:
        cells: The matte.
        blocks: (rows, columns) bool: in which.
        room: Where to work.

    Yields:
        Both components, (places, pixels of a block) each, valid until anything else is done in ``room``. Zero in places
        that are of no block and in pixels past the edges of the image. Places depend on ``blocks`` only.
    """
    height, width = cells.shape
    rows, columns = np.nonzero(blocks)
    # Runs of neighbours are copied side by side, each with the margin around it: the window of a block is its own
    # columns and the next two cells'. Windows that reach from one run into the next are of no block.
    breaks = 1 + np.flatnonzero((np.diff(columns) != 1) | (np.diff(rows) != 0))
    number = np.arange(len(rows))
    place = number + 2 * np.searchsorted(breaks, number, "right")
    start = 0
    while start < len(rows):
        end = int(np.searchsorted(place, place[start] + _WIDE - 2))
        inner = breaks[np.searchsorted(breaks, start, "right") : np.searchsorted(breaks, end)]
        used = 0
        for first, last in pairwise([start, *inner.tolist(), end]):
            top, left, wide = rows[first] * TALL, columns[first] * CELL, (last - first + 2) * CELL
            window = cells.padded[top : top + len(room.sheet), left : left + wide]
            to_float64(window, room.sheet[:, used : used + wide])
            used += wide
        found = _filter(used, room)
        here = place[start:end] - place[start]
        between = here[inner - start]
        found[:, between - 1] = found[:, between - 2] = 0
        if height % TALL:
            found[:, here[rows[start:end] == height // TALL], height % TALL :] = 0
        if width % CELL:
            found[:, here[columns[start:end] == width // CELL], :, width % CELL :] = 0
        x, y = found.reshape(2, found.shape[1], -1)
        yield x, y
        start = end


def _filter(width: int, room: _Room) -> np.ndarray:
    """Gradients in all blocks of the sheet of ``room``.

    Args:
        width: How many columns of the sheet are used, in pixels: two cells more than blocks.
        room: With the sheet; the rest is overwritten.

    Returns:
        (2, blocks, TALL, CELL): both components, a part of ``room``.
    """
    # Filters as matrices with the kernel in each row, shifted by one: a filter of 13 taps at the speed of a matrix
    # product. Down first, a few rows at a time; then along.
    line, pixel = room.sheet.strides
    strips = np.ndarray(
        (TALL // _ROWS, _ROWS + 2 * RADIUS, width), buffer=room.sheet, strides=(_ROWS * line, line, pixel)
    )
    np.matmul(_DOWN, strips, out=room.down.reshape(2, TALL // _ROWS, _ROWS, -1)[..., :width])
    found = room.along[:, : width // CELL - 2]
    windows = np.ndarray(
        (*found.shape[:3], CELL + 2 * RADIUS),
        buffer=room.down,
        strides=(room.down.strides[0], CELL * pixel, line, pixel),
    )
    return np.matmul(windows, _ALONG, out=found)


def _kernels() -> tuple[np.ndarray, np.ndarray]:
    """The Gaussian of unit sum and its derivative, 13 taps each."""
    x = np.arange(-RADIUS, RADIUS + 1)
    gaussian = np.exp(-0.5 * (x / SIGMA) ** 2)
    gaussian /= gaussian.sum()
    return gaussian, -x / SIGMA**2 * gaussian


def _matrix(kernel: np.ndarray, length: int) -> np.ndarray:
    """(length, length + 2 RADIUS): row i has the kernel at columns i to i + 12."""
    matrix = np.zeros((length, length + 2 * RADIUS))
    for i in range(length):
        matrix[i, i : i + len(kernel)] = kernel
    return matrix


_SMOOTH, _SLOPE = _kernels()
_DOWN = np.stack([_matrix(kernel, _ROWS) for kernel in (_SMOOTH, _SLOPE)])[:, None]
_ALONG = np.ascontiguousarray(np.stack([_matrix(kernel, CELL).T for kernel in (_SLOPE, _SMOOTH)])[:, None])
"""What follows which: the smoothed is differentiated and the differentiated smoothed."""
