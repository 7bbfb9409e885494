"""A matte cut into cells of 8 x 8 pixels, and the least and largest value in each.

Most of a photograph's matte is flat. GRAD and CONN need the pixels only of cells that are not, and this tells which.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided

from zoo.data.opencv import cv2

CELL = 8
"""Side of a cell, in pixels."""

MARGIN = 6
"""Mirrored pixels around the matte: as many as the filters of `zoo.metrics.grad` reach over its edge."""

TALL = 8 * CELL
"""The cut matte has a whole number of these below each other: `zoo.metrics.grad` filters so many rows at a time."""


@dataclass(frozen=True)
class Cells:
    """A matte cut into cells; what lies past its lower and right edge is its mirror image.

    Attributes:
        shape: (H, W) of the matte.
        padded: The matte in its own dtype, (rows x CELL + 2 MARGIN, (columns + 2) x CELL): mirrored pixels fill the
            last cells and are `MARGIN` wide around them, wider on the right.
        low: (rows, columns) of cells, the least value in each, in the matte's dtype.
        high: The same for the largest value.
    """

    shape: tuple[int, int]
    padded: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def pixels(self) -> np.ndarray:
        """(rows, columns, CELL, CELL): the pixels of each cell, a view."""
        rows, columns = self.low.shape
        return by_cell(self.padded[MARGIN : MARGIN + rows * CELL, MARGIN : MARGIN + columns * CELL])


def cut(matte: np.ndarray) -> Cells:
    """Cut a matte into cells.

    Args:
        matte: (H, W), contiguous uint8, float32 or float64.
    """
    height, width = matte.shape
    bottom, right = height + -height % TALL, width + -width % CELL
    padded = cv2.copyMakeBorder(
        matte, MARGIN, bottom - height + MARGIN, MARGIN, right - width + 2 * CELL - MARGIN, cv2.BORDER_REFLECT
    )
    pixels = by_cell(padded[MARGIN : MARGIN + bottom, MARGIN : MARGIN + right])
    return Cells((height, width), padded, per_cell(np.minimum, pixels), per_cell(np.maximum, pixels))


def by_cell(pixels: np.ndarray) -> np.ndarray:
    """(rows, columns, CELL, CELL) view of pixels (rows x CELL, columns x CELL)."""
    rows, columns = (side // CELL for side in pixels.shape)
    down, right = pixels.strides
    return as_strided(pixels, (rows, columns, CELL, CELL), (CELL * down, CELL * right, down, right))


def per_cell(extreme: np.ufunc, pixels: np.ndarray) -> np.ndarray:
    """`numpy.minimum` or `numpy.maximum` of each cell.

    Args:
        extreme: Which.
        pixels: As `by_cell` makes them.

    Returns:
        (rows, columns).
    """
    rows, columns = pixels.shape[:2]
    found = extreme.reduce(pixels.transpose(0, 2, 1, 3), axis=1).reshape(rows, columns * CELL)
    while found.shape[1] > columns:  # by halves: NumPy is slow at many reductions of eight neighbours
        found = extreme(found[:, ::2], found[:, 1::2])
    return found
