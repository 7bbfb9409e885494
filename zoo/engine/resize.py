"""From a picture to the network's input and from its answer back to the picture's own size."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from zoo.config import Config
from zoo.data.normalise import normalise
from zoo.data.opencv import cv2
from zoo.engine.protocol import MAX_SIDE, PROTOCOLS


def input_size(height: int, width: int, config: Config) -> tuple[int, int]:
    """Height and width of the network's input for a picture, multiples of ``model.stride``.

    Args:
        height: Of the picture, in pixels.
        width: Of the picture, in pixels.
        config: Gives ``eval.protocol``, ``eval.short_side`` and ``model.stride``.
    """
    stride, fit = config.model.stride, PROTOCOLS[config.eval.protocol].fit
    whole = math.ceil if fit == "pad" else math.floor
    high, wide = (max(1, whole(side / stride)) * stride for side in _content_size(height, width, config))
    return high, wide


def _content_size(height: int, width: int, config: Config) -> tuple[int, int]:
    """The size that the picture should have before it is fitted to the stride, in whole pixels."""
    size = PROTOCOLS[config.eval.protocol].size
    if size in ("half", "full"):
        share = 2 if size == "half" else 1
        return min(MAX_SIDE, height // share), min(MAX_SIDE, width // share)
    scale = config.eval.short_side / min(height, width)
    # Rounded before it is cut: 512 / 1080 x 1080 is not always 512 in floating point.
    wanted = [round(side * scale, 6) for side in (height, width)]
    nearest = PROTOCOLS[config.eval.protocol].fit == "pad"
    high, wide = (max(1, round(side) if nearest else int(side)) for side in wanted)
    return high, wide


def prepare(image: np.ndarray, config: Config) -> np.ndarray:
    """The network's input for one picture.

    Args:
        image: (H, W, 3) uint8 RGB.
        config: Gives ``eval.protocol`` and ``short_side``, ``model.stride``, ``mean`` and ``std``.

    Returns:
        (1, 3, h, w) float32, normalised.
    """
    protocol = PROTOCOLS[config.eval.protocol]
    high, wide = input_size(*image.shape[:2], config)
    content = _content_size(*image.shape[:2], config) if protocol.fit == "pad" else (high, wide)
    shrinks = content[0] * content[1] < image.shape[0] * image.shape[1]
    planes = _resize(image, *content, protocol.shrink if shrinks else protocol.grow)
    below, right = high - content[0], wide - content[1]
    if below or right:
        planes = cv2.copyMakeBorder(planes, 0, below, 0, right, cv2.BORDER_REFLECT_101)
    return normalise(planes, config.model.mean, config.model.std)[None]


def restore(alpha: np.ndarray, height: int, width: int, config: Config) -> np.ndarray:
    """The matte at the picture's own size.

    Args:
        alpha: (h, w) float32 in [0, 1], the network's answer.
        height: Of the picture.
        width: Of the picture.
        config: As for `prepare`.

    Returns:
        (H, W) float32 in [0, 1].
    """
    protocol = PROTOCOLS[config.eval.protocol]
    if protocol.fit == "pad":
        high, wide = _content_size(height, width, config)
        alpha = np.ascontiguousarray(alpha[:high, :wide])
    return np.clip(_resize(alpha, height, width, protocol.restore), 0.0, 1.0).astype(np.float32, copy=False)


# --- Filters -----------------------------------------------------------------------------------------


def _resize(array: Any, height: int, width: int, filter_name: str) -> Any:
    """An (H, W) or (H, W, C) array in another size; values keep their range and half-pixel centres."""
    if array.shape[:2] == (height, width):
        return array
    return _FILTERS[filter_name](array, height, width)


def _opencv(interpolation: int) -> Callable[[Any, int, int], Any]:
    def resize(array: Any, height: int, width: int) -> Any:
        return cv2.resize(array, (width, height), interpolation=interpolation)

    return resize


def _area_or_linear(array: Any, height: int, width: int) -> Any:
    """Area averaging where it shrinks, bilinear where it grows."""
    shrinks = height * width < array.shape[0] * array.shape[1]
    return cv2.resize(array, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _linear_in_zeros(array: Any, height: int, width: int) -> Any:
    """As scikit-image 0.14.5 resizes: bilinear, never smoothed, everything beyond the edge is 0."""
    rows = _along_rows(array, height, zeros=True)
    return _along_rows(rows.swapaxes(0, 1), width, zeros=True).swapaxes(0, 1)


def _linear_smoothed(array: Any, height: int, width: int) -> Any:
    """As later versions of scikit-image resize: smoothed before it shrinks, the picture mirrored at its edge pixels."""
    from scipy import ndimage

    sigma = [max(0.0, (old / new - 1) / 2) for old, new in zip(array.shape, (height, width), strict=False)]
    array = array.astype(np.float64)
    if any(sigma):
        array = ndimage.gaussian_filter(array, [*sigma, *[0.0] * (array.ndim - 2)], mode="mirror")
    rows = _along_rows(array, height, zeros=False)
    return _along_rows(rows.swapaxes(0, 1), width, zeros=False).swapaxes(0, 1)


def _along_rows(array: Any, length: int, zeros: bool) -> Any:
    """Bilinear along the first axis, float64; beyond the edge zeros, or the rows mirrored at the edge row."""
    old = array.shape[0]
    place = (np.arange(length) + 0.5) * (old / length) - 0.5
    low = np.floor(place).astype(np.intp)
    shape = (-1, *[1] * (array.ndim - 1))
    result = 0.0
    for index, weight in ((low, 1 - (place - low)), (low + 1, place - low)):
        inside = (index >= 0) & (index < old)
        weight = np.where(inside, weight, 0.0) if zeros else weight
        index = np.clip(index, 0, old - 1) if zeros else _mirrored(index, old)
        result = result + array[index] * weight.reshape(shape)
    return result


def _mirrored(index: Any, length: int) -> Any:
    """Indices beyond either end reflected at the end pixel, which is not repeated."""
    if length == 1:
        return np.zeros_like(index)
    return (length - 1) - np.abs((length - 1) - np.abs(index))


_FILTERS: Mapping[str, Callable[[Any, int, int], Any]] = MappingProxyType(
    {
        "area": _opencv(cv2.INTER_AREA),
        "linear": _opencv(cv2.INTER_LINEAR),
        "area or linear": _area_or_linear,
        "linear in zeros": _linear_in_zeros,
        "linear, smoothed and mirrored": _linear_smoothed,
    }
)
