"""What every metric does first: two mattes of one shape as float64."""

from __future__ import annotations

import numpy as np

from registry import DataError, ShapeError
from zoo.data.opencv import cv2


def as_matte(matte: np.ndarray, name: str = "alpha") -> np.ndarray:
    """A matte as float64 in [0, 1].

    Args:
        matte: (H, W), float in [0, 1] or uint8 in [0, 255]. Never changed.
        name: What an error calls it.

    Returns:
        (H, W) float64, contiguous; the very same array if it is so already.

    Raises:
        ShapeError: It is not (H, W), or it is empty.
        DataError: It is neither float nor uint8.
    """
    matte = np.asarray(matte)
    if matte.ndim != 2 or matte.size == 0:
        raise ShapeError(f"{name} has shape {matte.shape}: a matte is (height, width), one channel")
    if matte.dtype == np.uint8:
        return matte / 255.0
    if not np.issubdtype(matte.dtype, np.floating):
        raise DataError(f"{name} is {matte.dtype}: give float in [0, 1] or uint8 in [0, 255]")
    return np.ascontiguousarray(matte, dtype=np.float64)


def as_pair(alpha: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two mattes as `as_matte` makes them.

    Raises:
        ShapeError: The shapes differ, or one is not (H, W).
        DataError: One is neither float nor uint8.
    """
    same_shape(alpha, target)
    return as_matte(alpha, "alpha"), as_matte(target, "target")


def as_mattes(alpha: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two mattes of one shape, each in its own dtype where that is uint8, float32 or float64, else as float64.

    Raises:
        ShapeError: The shapes differ, or one is not (H, W).
        DataError: One is neither float nor uint8.
    """
    same_shape(alpha, target)
    return as_stored(alpha, "alpha"), as_stored(target, "target")


def as_stored(matte: np.ndarray, name: str = "alpha") -> np.ndarray:
    """A matte, contiguous, in its own dtype where that is uint8, float32 or float64, else as float64.

    A metric that works through the image in parts turns them into float64 one by one, with `to_float64`: several times
    quicker than a whole matte, which does not fit into the processor's cache.

    Raises:
        ShapeError: It is not (H, W), or it is empty.
        DataError: It is neither float nor uint8.
    """
    matte = np.asarray(matte)
    if matte.ndim == 2 and matte.size and matte.dtype in (np.uint8, np.float32):
        return np.ascontiguousarray(matte)
    return as_matte(matte, name)


def to_float64(part: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Pixels of a matte as `as_stored` makes it, as float64 in [0, 1].

    Args:
        part: The pixels; any shape, or (rows, columns) if ``out`` is given.
        out: Where to write them, float64 of the same shape; None: a new array.
    """
    if out is None:
        return part / 255.0 if part.dtype == np.uint8 else part.astype(np.float64)
    if part.dtype == np.uint8:
        return cv2.LUT(part, _255THS, out)
    np.copyto(out, part)
    return out


_255THS = np.arange(256) / 255.0


def same_shape(alpha: np.ndarray, target: np.ndarray) -> None:
    """Refuse two mattes of different shape.

    Raises:
        ShapeError: The shapes differ.
    """
    if np.shape(alpha) != np.shape(target):
        raise ShapeError(
            f"alpha has shape {np.shape(alpha)}, target has {np.shape(target)}: "
            "resize the prediction before computing metrics"
        )


def check_trimap(trimap: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A trimap that fits mattes of a shape.

    Args:
        trimap: (H, W) with the values 0 (background), 128 (unknown) and 255 (foreground).
        shape: Shape of the mattes.

    Returns:
        (H, W) uint8; the very same array if it is so already.

    Raises:
        ShapeError: It has another shape.
        DataError: It has another value.
    """
    trimap = fitting_trimap(trimap, shape)
    known = (trimap == 0) | (trimap == 128) | (trimap == 255)
    if not known.all():
        value = trimap[~known][0]
        raise DataError(f"trimap has the value {value}: a trimap has only 0, 128 and 255 (uint8)")
    return trimap.astype(np.uint8, copy=False)


def fitting_trimap(trimap: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A trimap of the right shape; its values are taken as they are.

    Raises:
        ShapeError: It has another shape.
    """
    trimap = np.asarray(trimap)
    if trimap.shape != shape:
        raise ShapeError(f"trimap has shape {trimap.shape}, target has {shape}: give the trimap of this picture")
    return trimap
