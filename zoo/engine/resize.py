"""From a picture to the network's input and from its answer back to the picture's own size."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.config import Config
from zoo.data.normalise import normalise
from zoo.data.opencv import cv2


def input_size(height: int, width: int, short_side: int, stride: int) -> tuple[int, int]:
    """Height and width of the network's input for a picture.

    The short side becomes ``short_side``, also by enlarging, and both sides are cut to multiples of
    ``stride`` (MODNet, arXiv 2011.11961, section 4.1: short side 512). The whole picture is resized to that, so its
    aspect changes by less than one stride.

    Args:
        height: Of the picture, in pixels.
        width: Of the picture, in pixels.
        short_side: Wanted short side, in pixels.
        stride: What both sides must be a multiple of.
    """
    scale = short_side / min(height, width)
    return tuple(max(stride, int(round(side * scale, 6)) // stride * stride) for side in (height, width))  # type: ignore[return-value]


def prepare(image: np.ndarray, config: Config) -> np.ndarray:
    """The network's input for one picture.

    Args:
        image: (H, W, 3) uint8 RGB.
        config: Gives ``eval.short_side``, ``model.stride``, ``model.mean`` and ``model.std``.

    Returns:
        (1, 3, h, w) float32, normalised.
    """
    height, width = input_size(*image.shape[:2], config.eval.short_side, config.model.stride)
    return normalise(resize(image, height, width), config.model.mean, config.model.std)[None]


def restore(alpha: np.ndarray, height: int, width: int) -> np.ndarray:
    """The matte at the picture's own size.

    Args:
        alpha: (h, w) float32 in [0, 1], the network's answer.
        height: Of the picture.
        width: Of the picture.

    Returns:
        (H, W) float32 in [0, 1].
    """
    return np.clip(resize(alpha, height, width), 0.0, 1.0)


def resize(array: Any, height: int, width: int) -> Any:
    """Resize (H, W) or (H, W, C): area averaging where it shrinks, bilinear where it grows."""
    if array.shape[:2] == (height, width):
        return array
    shrinks = height * width < array.shape[0] * array.shape[1]
    return cv2.resize(array, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
