"""A matte in float32 that came from a file: the steps of the file, instead of their float32 neighbours.

``n / 255`` in float32 is up to 3e-8 off. That is enough to pass a level which the value itself does not: 153 / 255 is
0.6, its float32 is 0.60000002, and `zoo.metrics.mmagic` compares with 0.6000000000000001. So that a metric is the same
for a file, its uint8 pixels and ``pixels.astype("float32") / 255``, such a matte is recognised and taken exactly.
"""

from __future__ import annotations

import numpy as np

from zoo.data.opencv import cv2

_PROBE = 16
"""Rows, and columns, looked at first: they tell a network's output from the steps of a file at no cost."""


def exact(matte: np.ndarray) -> np.ndarray:
    """The same matte without the rounding of float32, if it has only the steps of a file.

    Args:
        matte: (H, W), any dtype.

    Returns:
        (H, W) uint8 if every value is the float32 of ``n / 255``; float64 ``n / 65535`` if every value is the float32
        of one of those; else the very same array. Other dtypes are never changed.
    """
    if matte.dtype != np.float32 or matte.ndim != 2 or matte.size == 0:
        return matte
    few = matte[:: max(1, matte.shape[0] // _PROBE), :: max(1, matte.shape[1] // _PROBE)]
    if _of_8_bit(few) is not None:
        steps = _of_8_bit(matte)
        if steps is not None:
            return steps
    if _of_16_bit(few) is not None:
        steps = _of_16_bit(matte)
        if steps is not None:
            return steps / 65535.0
    return matte


def _of_8_bit(matte: np.ndarray) -> np.ndarray | None:
    """n of every ``n / 255``, (H, W) uint8, or None if some value is none of these."""
    steps = cv2.convertScaleAbs(np.ascontiguousarray(matte), alpha=255)  # to nearest, NaN and others to anything
    return steps if np.array_equal(cv2.LUT(steps, _255THS), matte) else None


def _of_16_bit(matte: np.ndarray) -> np.ndarray | None:
    """n of every ``n / 65535``, (H, W) uint16, or None if some value is none of these."""
    if not (matte.min() >= 0 and matte.max() <= 1):
        return None
    steps = np.rint(matte * np.float32(65535)).astype(np.uint16)
    return steps if np.array_equal(steps / np.float32(65535), matte) else None


_255THS = np.arange(256, dtype=np.float32) / np.float32(255)
