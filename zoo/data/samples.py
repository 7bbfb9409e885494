"""From a `Sample`, whose parts may be files or arrays, to checked arrays."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from registry import DataError, Sample, ShapeError
from zoo.data.exif import read_exif
from zoo.data.images import (
    picture_size,
    read_alpha,
    read_image,
    read_levels,
    read_reduced,
    read_trimap,
    refuse_other_values,
)
from zoo.data.reduction import reduce_alpha, reduced_size


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


@dataclass(frozen=True)
class Decoded:
    """Image and alpha of a sample as they were stored, which takes half the memory of what `load` gives.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        alpha: (H, W), of a file its unsigned integers, of an array float32 in [0, 1]; None where there is no truth.
            Beside a reduced image it is whole until `fit_alpha`.
    """

    image: np.ndarray
    alpha: np.ndarray | None = None


def decode(sample: Sample, factor: int = 1) -> Decoded:
    """Image and alpha, checked as by `load`; a trimap is not looked at.

    Args:
        sample: What to decode.
        factor: What its image is reduced by, from `zoo.data.reduction.reduction_of`; the alpha is not.
    """
    image, size = _load_reduced(sample, factor) if factor > 1 else _with_size(load_image(sample))
    alpha = _part(sample.name, "mask", sample.alpha, read_levels, _check_alpha)
    _require_size(sample.name, size, mask=alpha)
    return Decoded(image, alpha)


def _load_reduced(sample: Sample, factor: int) -> tuple[np.ndarray, tuple[int, ...]]:
    """The image at a fraction of its size, and its whole size."""
    image: np.ndarray = _part(sample.name, "image", sample.image, partial(read_reduced, factor=factor), _check_image)
    size = picture_size(sample.image)
    # OpenCV passes over an orientation behind another block of the header's; what was turned how is not known then.
    return (image, size) if image.shape[:2] == reduced_size(size, factor) else _with_size(load_image(sample))


def _with_size(image: np.ndarray) -> tuple[np.ndarray, tuple[int, ...]]:
    return image, image.shape[:2]


def fit_alpha(sample: Sample, decoded: Decoded, factor: int) -> Decoded:
    """The same with the alpha reduced as the image was.

    Args:
        sample: Where it was decoded from.
        decoded: From `decode`.
        factor: As for `decode`.
    """
    alpha = decoded.alpha
    if alpha is None or alpha.shape == decoded.image.shape[:2]:
        return decoded
    whole_blocks = not any(length % factor for length in alpha.shape)
    orientation = 1 if whole_blocks else read_exif(Path(sample.image).read_bytes()).orientation
    return Decoded(decoded.image, reduce_alpha(alpha, factor, orientation))


def load(sample: Sample) -> Loaded:
    """Read what is a file, check what is an array, and hold the parts against each other.

    Raises:
        DataError: A part is missing, unreadable or not what the contract says.
        ShapeError: The parts differ in size.
    """
    image = load_image(sample)
    return Loaded(sample.name, image, *load_truth(sample, image.shape[:2]))


def load_image(sample: Sample) -> np.ndarray:
    """The image alone, (H, W, 3) uint8 RGB; errors as `load`."""
    image: np.ndarray = _part(sample.name, "image", sample.image, read_image, _check_image)
    return image


def load_truth(
    sample: Sample, size: tuple[int, ...], dtype: type[np.floating] = np.float32
) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Alpha and trimap, (H, W) each or None; errors as `load`.

    Args:
        sample: Its image is not looked at.
        size: Height and width of the image.
        dtype: Of an alpha that is read from a file, as for `zoo.data.images.read_alpha`.
    """
    alpha = _part(sample.name, "mask", sample.alpha, partial(read_alpha, dtype=dtype), _check_alpha)
    trimap = _part(sample.name, "trimap", sample.trimap, read_trimap, _check_trimap)
    _require_size(sample.name, size, mask=alpha, trimap=trimap)
    return alpha, trimap


def _require_size(name: str, size: tuple[int, ...], **parts: np.ndarray | None) -> None:
    for part, array in parts.items():
        if array is not None and array.shape != size:
            raise ShapeError(
                f"{name}: the image is {size[1]}x{size[0]} pixels and the {part} "
                f"{array.shape[1]}x{array.shape[0]}: give both the same size, or leave the picture out"
            )


def require_alpha(sample: Sample) -> None:
    """Refuse a sample without an alpha, before anything is computed for it.

    Raises:
        DataError: There is none, or its file is not there.
    """
    if sample.alpha is None:
        raise DataError(f"{sample.name}: no alpha to score against")
    if isinstance(sample.alpha, (str, os.PathLike)) and not Path(sample.alpha).exists():
        raise DataError(f"{sample.name}: no mask; expected {sample.alpha}")


def _part(name: str, part: str, value: Any, read: Callable[[Any], Any], check: Callable[[str, Any], Any]) -> Any:
    if value is None:
        if part == "image":
            raise DataError(f"{name}: no image")
        return None
    if not isinstance(value, (str, os.PathLike)):
        return check(f"{name}: {part}", _array(name, part, value))
    if _is_missing(value):
        raise DataError(f"{name}: no {part}; expected {value}")
    return read(value)


def _array(name: str, part: str, value: Any) -> np.ndarray:
    try:
        return np.asarray(value)
    except Exception as error:  # a data set may hand out objects that fetch their pixels only now
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise DataError(f"{name}: the {part} cannot be fetched ({reason})") from error


def _is_missing(path: str | os.PathLike[str]) -> bool:
    try:
        return not Path(path).exists()
    except OSError:  # a folder that may not be searched: reading the file says so
        return False


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
