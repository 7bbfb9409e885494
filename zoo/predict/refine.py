"""A matte sharpened by its picture: guided filter.

He, Sun and Tang (Guided Image Filtering, TPAMI 2013), with a guide of three colours: in each window the matte is taken
for a linear function of the picture's colour, a = A . I + b, by least squares. He and Sun (Fast Guided Filter, arXiv
1505.00996) fit A at a fraction of the size, and enlarge it.

Here the small matte is believed, and only what is finer than it comes from the picture:

    a = enlarged(a_small) + enlarged(A) . (I - enlarged(I_small))

A . I + b in its place, as published, smooths the small matte too. With its usual windows of radius 8 that leaves twice
the error of no refinement at all (`benchmarks/test_foreground.py`).
"""

from __future__ import annotations

import numpy as np

from registry import ShapeError
from zoo.data.opencv import cv2

RADIUS = 1
"""Of the window, in pixels of the small matte."""
EPSILON = 1e-4
"""Variance of a colour in [0, 1] below which the picture is taken to be flat."""
_KNOWN = 0.5 / 255
_STRIP = 2**20
"""Pixels worked on at once."""


def guided(image: np.ndarray, small: np.ndarray, radius: int = RADIUS, epsilon: float = EPSILON) -> np.ndarray:
    """A matte in its picture's size.

    Args:
        image: (H, W, 3) uint8 RGB.
        small: (h, w) float32 in [0, 1], its matte, of the same size or smaller.
        radius: Of the window, in pixels of ``small``.
        epsilon: See `EPSILON`.

    Returns:
        (H, W) float32 in [0, 1]. Where the small matte is 0 or 1 all around, so is this one.

    Raises:
        ShapeError: The matte is larger than the picture.
    """
    height, width = image.shape[:2]
    high, wide = small.shape
    if high > height or wide > width:
        raise ShapeError(f"the matte has size {small.shape}, more than the picture, {image.shape[:2]}")
    guide = cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    small = np.ascontiguousarray(small, np.float32)
    planes = _mean(fit(guide, small, radius, epsilon), radius) * (_open(small)[..., None] / np.float32(255))
    guide *= 255
    result = np.empty((height, width), np.float32)
    step = max(1, _STRIP // width)
    for top in range(0, height, step):
        rows = slice(top, min(height, top + step))
        slopes, coarse, plain = (_rows(part, rows, height, width) for part in (planes, guide, small))
        result[rows] = plain + cv2.transform(slopes * (image[rows] - coarse), np.ones((1, 3), np.float32))
    return np.clip(result, 0, 1, out=result)


def fit(guide: np.ndarray, matte: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """A of each window: (cov(I) + epsilon) A = cov(I, a).

    Args:
        guide: (h, w, 3) float32 in [0, 1].
        matte: (h, w) float32 in [0, 1].
        radius: Of the windows.
        epsilon: See `EPSILON`.

    Returns:
        (h, w, 3) float32, each where its window has its middle.
    """
    colour, alpha = _mean(guide, radius), _mean(matte, radius)
    covariance = np.empty((*matte.shape, 3, 3), np.float32)
    for i in range(3):
        for j in range(i, 3):
            value = _mean(guide[..., i] * guide[..., j], radius) - colour[..., i] * colour[..., j]
            covariance[..., i, j] = covariance[..., j, i] = value + epsilon * (i == j)
    both = _mean(guide * matte[..., None], radius) - colour * alpha[..., None]
    return np.linalg.solve(covariance, both[..., None])[..., 0].astype(np.float32)


def _mean(array: np.ndarray, radius: int) -> np.ndarray:
    return cv2.blur(array, (2 * radius + 1, 2 * radius + 1))


def _open(small: np.ndarray) -> np.ndarray:
    """1 around pixels that are neither 0 nor 1, falling to 0: elsewhere the matte knows better than the colours."""
    unknown = ((small > _KNOWN) & (small < 1 - _KNOWN)).astype(np.uint8)
    # An edge between 0 and 1 without a soft pixel is unknown too, in the full size.
    edge = cv2.morphologyEx((small > 0.5).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    wide = cv2.dilate(unknown | edge, np.ones((5, 5), np.uint8)).astype(np.float32)
    return cv2.blur(wide, (3, 3))


def _rows(array: np.ndarray, rows: slice, height: int, width: int) -> np.ndarray:
    """Some rows of what ``cv2.resize`` makes of an array, linearly and with half-pixel centres, and no others."""
    high, wide = array.shape[:2]
    scale = high / height
    y = np.clip((np.arange(rows.start, rows.stop, dtype=np.float32) + 0.5) * scale - 0.5, 0, high - 1)
    x = np.clip((np.arange(width, dtype=np.float32) + 0.5) * (wide / width) - 0.5, 0, wide - 1)
    first, last = int(y[0]), min(high, int(y[-1]) + 2)
    maps = np.broadcast_to(x, (len(y), width)), np.broadcast_to((y - first)[:, None], (len(y), width))
    part = np.ascontiguousarray(array[first:last], np.float32)
    return cv2.remap(part, *(np.ascontiguousarray(m) for m in maps), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
