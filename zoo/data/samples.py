"""From a `Sample`, whose parts may be files or arrays, to checked arrays."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from registry import DataError, Sample, ShapeError
from zoo.data.images import read_alpha, read_image, read_trimap, refuse_other_values


@dataclass(frozen=True)
class Loaded:
    """A sample in memory; all parts have the same height and width.

    Attributes:
        name: Name of the sample.
        image: (H, W, 3) uint8 RGB.
        alpha: (H, W) float32 in [0, 1], or None where there is no truth.
        trimap: (H, W) uint8 in {0, 128, 255}, or None where there is none.
    """

    name: str
    image: np.ndarray
    alpha: np.ndarray | None = None
    trimap: np.ndarray | None = None


def load(sample: Sample) -> Loaded:
    """Read what is a file, check what is an array, and hold the parts against each other.

    Raises:
        DataError: A part is missing, unreadable or not what the contract says.
        ShapeError: The parts differ in size.
    """
    loaded = Loaded(
        sample.name,
        _part(sample.name, "image", sample.image, read_image, _check_image),
        _part(sample.name, "mask", sample.alpha, read_alpha, _check_alpha),
        _part(sample.name, "trimap", sample.trimap, read_trimap, _check_trimap),
    )
    size = loaded.image.shape[:2]
    for part, array in (("mask", loaded.alpha), ("trimap", loaded.trimap)):
        if array is not None and array.shape != size:
            raise ShapeError(
                f"{sample.name}: the image is {size[1]}x{size[0]} pixels and the {part} "
                f"{array.shape[1]}x{array.shape[0]}: give both the same size, or leave the picture out"
            )
    return loaded


def _part(name: str, part: str, value: Any, read: Callable[[Any], Any], check: Callable[[str, Any], Any]) -> Any:
    if value is None:
        if part == "image":
            raise DataError(f"{name}: no image")
        return None
    if not isinstance(value, (str, os.PathLike)):
        return check(f"{name}: {part}", np.asarray(value))
    if not Path(value).exists():
        raise DataError(f"{name}: no {part}; expected {value}")
    return read(value)


def _check_image(what: str, array: np.ndarray) -> np.ndarray:
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8 or not array.size:
        raise DataError(f"{what} must be (H, W, 3) uint8 RGB, not {array.shape} {array.dtype}")
    return array


def _check_alpha(what: str, array: np.ndarray) -> np.ndarray:
    if array.ndim != 2 or not np.issubdtype(array.dtype, np.floating) or not array.size:
        raise DataError(f"{what} must be (H, W) float in [0, 1], not {array.shape} {array.dtype}")
    # Written so that NaN is refused too.
    if not (array.min() >= 0 and array.max() <= 1):
        raise DataError(f"{what} has values from {array.min():g} to {array.max():g}, outside [0, 1]")
    return array.astype(np.float32, copy=False)


def _check_trimap(what: str, array: np.ndarray) -> np.ndarray:
    if array.ndim != 2 or array.dtype != np.uint8 or not array.size:
        raise DataError(f"{what} must be (H, W) uint8, not {array.shape} {array.dtype}")
    refuse_other_values(array, what)
    return array
