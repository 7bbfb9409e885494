"""Large photos read at a half, a quarter or an eighth of their size, where a crop is to be shrunk by as much anyway.

A JPEG file holds blocks of 8 x 8 pixels as frequencies; libjpeg makes 4 x 4, 2 x 2 or one pixel of a block by leaving
the high ones out, for less than the whole block costs. Block (i, j) stays at (i, j), so each pixel of the result stands
where the mean of factor x factor pixels would stand. The alpha becomes exactly these means. (Of a file with sampling
4:2:2 the result is 4:2:2 again: every other column has a colour of its own.)

    length 13, factor 4     stored   0 1 2 3 | 4 5 6 7 | 8 9 10 11 | 12 + +     + repeats the last, as encoders do
                            result      0    |    1    |     2     |    3

A picture that EXIF turns or mirrors has its incomplete blocks where the far edges of the stored one come to lie.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np

from zoo.data.augment import Crop, Transform
from zoo.data.header import header_size
from zoo.data.opencv import cv2

FACTORS = (8, 4, 2)
"""What a picture can be reduced by: sides of the blocks that become one pixel."""

_AT_TOP, _AT_LEFT = (3, 4, 7, 8), (2, 3, 6, 7)
"""EXIF orientations that show the stored picture's lower, and its right edge (5 to 8: either of the two) here."""


def reduction(short_side: int, transforms: Sequence[Transform], crop_size: int) -> int:
    """The greatest factor after which every window that can be cut still has ``crop_size`` pixels a side.

    Args:
        short_side: Of the whole picture, in pixels.
        transforms: From `zoo.data.augment.parse`.
        crop_size: ``data.crop_size``, to which windows are resized.

    Returns:
        8, 4 or 2; 1 where none of them will do.
    """
    sides = ((factor, _least_window(ceil(short_side / factor), transforms)) for factor in FACTORS)
    return next((factor for factor, side in sides if side >= crop_size), 1)


def _least_window(side: int, transforms: Sequence[Transform]) -> int:
    """Of all that the transforms make of a picture with this short side, the least; only crops change sizes."""
    for transform in transforms:
        if isinstance(transform, Crop):
            side = max(1, round(transform.min * side))
    return side


def reduction_of(image: Any, transforms: Sequence[Transform], crop_size: int) -> int:
    """What the image of a sample can be reduced by when it is decoded, by the header of its file.

    Args:
        image: `registry.Sample.image`; an array, or a file that is no JPEG, is never reduced.
        transforms: As for `reduction`.
        crop_size: As for `reduction`.
    """
    if not isinstance(image, (str, os.PathLike)):
        return 1
    try:
        with open(image, "rb") as file:
            jpeg = file.read(2) == b"\xff\xd8"
            file.seek(0)
            size = header_size(file) if jpeg else None
    except OSError:  # reading it says why
        return 1
    return reduction(min(size), transforms, crop_size) if size else 1


def reduced_size(size: tuple[int, ...], factor: int) -> tuple[int, ...]:
    """Height and width of what libjpeg gives for a picture: incomplete blocks count."""
    return tuple(ceil(length / factor) for length in size)


def reduce_alpha(alpha: np.ndarray, factor: int, orientation: int = 1) -> np.ndarray:
    """Means of an alpha over the blocks that became the pixels of its reduced image.

    16 bits, so that a block is 0 or 1 where all of it is and nowhere else.

    Args:
        alpha: (H, W), unsigned integers or float in [0, 1], as shown.
        factor: Side of a block.
        orientation: By which EXIF turns the stored image, 1 to 8.

    Returns:
        (ceil(H / factor), ceil(W / factor)) uint16.
    """
    alpha = _16_bit(alpha)
    down, across = (-length % factor for length in alpha.shape)
    if down or across:
        top, left = down * (orientation in _AT_TOP), across * (orientation in _AT_LEFT)
        alpha = cv2.copyMakeBorder(alpha, top, down - top, left, across - left, cv2.BORDER_REPLICATE)
    height, width = alpha.shape
    return cv2.resize(alpha, (width // factor, height // factor), interpolation=cv2.INTER_AREA)


def _16_bit(alpha: np.ndarray) -> np.ndarray:
    if alpha.dtype == np.uint8:
        return alpha.astype(np.uint16) * np.uint16(257)
    return alpha if alpha.dtype == np.uint16 else np.rint(alpha * 65535).astype(np.uint16)
