"""Random changes of a training picture, as ``data.transforms`` lists them.

    transforms:
      - crop: {min: 0.5, max: 1.0, unknown: 0.5}
      - flip: {p: 0.5}
      - jitter: {brightness: 0.1, contrast: 0.1, saturation: 0.1}

Each transform is a frozen dataclass of its parameters, called with a picture and a random generator. The trimap is no
part of a picture: it is made from the alpha afterwards, so it cannot disagree with it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from registry import UsageError
from registry.errors import did_you_mean
from zoo.data.opencv import cv2


@dataclass(frozen=True)
class Picture:
    """What a transform changes.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        alpha: (H, W) float32 in [0, 1], or None for an unlabelled picture.
    """

    image: np.ndarray
    alpha: np.ndarray | None = None


Transform = Callable[[Picture, np.random.Generator], Picture]
"""What changes a picture; all randomness comes from the generator."""


@dataclass(frozen=True)
class Crop:
    """A square window at a random place.

    Attributes:
        min: Least side of the window, as a share of the picture's short side.
        max: Greatest side; above 1 the window sticks out and is filled by reflection.
        unknown: Probability that the window is laid around a random pixel with 0 < alpha < 1, which it
            then holds in its middle half (P3M: half of the crops start at such a pixel).
    """

    min: float = 0.5
    max: float = 1.0
    unknown: float = 0.5

    def __post_init__(self) -> None:
        _require(0 < self.min <= self.max <= 4, "crop: 0 < min <= max <= 4 must hold", min=self.min, max=self.max)
        _require(0 <= self.unknown <= 1, "crop: unknown must be from 0 to 1", unknown=self.unknown)

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """The window of the picture, (side, side)."""
        size = picture.image.shape[:2]
        side = max(1, round(rng.uniform(self.min, self.max) * min(size)))
        centre = _unknown_pixel(picture.alpha, rng) if rng.random() < self.unknown else None
        top, left = (_start(length, side, centre and centre[axis], rng) for axis, length in enumerate(size))
        return Picture(
            _window(picture.image, top, left, side),
            None if picture.alpha is None else _window(picture.alpha, top, left, side),
        )


@dataclass(frozen=True)
class Flip:
    """A mirror image, left to right.

    Attributes:
        p: Probability.
    """

    p: float = 0.5

    def __post_init__(self) -> None:
        _require(0 <= self.p <= 1, "flip: p must be from 0 to 1", p=self.p)

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """The picture or its mirror image."""
        if rng.random() >= self.p:
            return picture
        # Not [:, ::-1]: everything that comes after would walk through that view byte by byte, ten times slower.
        return Picture(cv2.flip(picture.image, 1), None if picture.alpha is None else cv2.flip(picture.alpha, 1))


@dataclass(frozen=True)
class Jitter:
    """Other colours; the alpha stays.

    Attributes:
        brightness: 0.1 multiplies by 0.9 to 1.1.
        contrast: Likewise the distance from the mean grey of the picture.
        saturation: Likewise the distance from each pixel's grey.
    """

    brightness: float = 0.1
    contrast: float = 0.1
    saturation: float = 0.1

    def __post_init__(self) -> None:
        for name, value in dataclasses.asdict(self).items():
            _require(0 <= value <= 1, f"jitter: {name} must be from 0 to 1", **{name: value})

    def __call__(self, picture: Picture, rng: np.random.Generator) -> Picture:
        """The picture with its colours changed."""
        brightness, contrast, saturation = (
            rng.uniform(1 - share, 1 + share) for share in (self.brightness, self.contrast, self.saturation)
        )
        grey = cv2.cvtColor(np.ascontiguousarray(picture.image), cv2.COLOR_RGB2GRAY)
        image = cv2.addWeighted(picture.image, saturation, cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), 1 - saturation, 0)
        middle = float(grey.mean())
        curve = ((np.arange(256) - middle) * contrast + middle) * brightness
        return replace(picture, image=cv2.LUT(image, np.clip(np.rint(curve), 0, 255).astype(np.uint8)))


TRANSFORMS: Mapping[str, type[Crop] | type[Flip] | type[Jitter]] = {"crop": Crop, "flip": Flip, "jitter": Jitter}
"""The transforms by their names in ``data.transforms``."""


def parse(transforms: Sequence[Mapping[str, Any]]) -> tuple[Transform, ...]:
    """The transforms of a config.

    Args:
        transforms: ``data.transforms``: mappings with one key each, ``{name: {parameter: number}}``.

    Raises:
        UsageError: A name, parameter or value is wrong; the message starts with its place in the list.
    """
    return tuple(_parse_one(f"data.transforms[{index}]", entry) for index, entry in enumerate(transforms))


def _parse_one(where: str, entry: Mapping[str, Any]) -> Transform:
    if len(entry) != 1:
        raise UsageError(f"{where}: must be one transform, like {{flip: {{p: 0.5}}}}, not {dict(entry)}")
    ((name, parameters),) = entry.items()
    if name not in TRANSFORMS:
        known = ", ".join(TRANSFORMS)
        raise UsageError(f"{where}: no transform {name!r}; transforms: {known}.{did_you_mean(str(name), TRANSFORMS)}")
    kind = TRANSFORMS[name]
    if not isinstance(parameters, Mapping) and parameters is not None:
        raise UsageError(f"{where}: the parameters of {name} must be a mapping, not {parameters!r}")
    known_parameters = [field.name for field in dataclasses.fields(kind)]
    values = {}
    for key, value in (parameters or {}).items():
        if key not in known_parameters:
            near = did_you_mean(str(key), known_parameters)
            raise UsageError(
                f"{where}: {name} has no parameter {key!r}; its parameters: {', '.join(known_parameters)}.{near}"
            )
        values[key] = _number(f"{where}: {name}.{key}", value)
    try:
        return kind(**values)
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from error


def _number(what: str, value: Any) -> float:
    # PyYAML reads 1e-1 as a text.
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise UsageError(f"{what} must be a number, not {value!r}")
    return number


def _require(holds: bool, rule: str, **values: float) -> None:
    if not holds:
        raise ValueError(f"{rule}, not {', '.join(f'{name} {value:g}' for name, value in values.items())}")


def augment(picture: Picture, transforms: Sequence[Transform], size: int, rng: np.random.Generator) -> Picture:
    """A training picture: the transforms in order, then the size of the network's input.

    Args:
        picture: As read.
        transforms: From `parse`. If none of them crops, the centre square is taken.
        size: Side of the result in pixels.
        rng: Where all randomness comes from.

    Returns:
        (size, size, 3) uint8 image and (size, size) float32 alpha in [0, 1] or None, both contiguous.
    """
    for transform in transforms:
        picture = transform(picture, rng)
    height, width = picture.image.shape[:2]
    side = min(height, width)
    window = (slice((height - side) // 2, (height + side) // 2), slice((width - side) // 2, (width + side) // 2))
    alpha = None if picture.alpha is None else _resize(picture.alpha[window], size)
    return Picture(_resize(picture.image[window], size), alpha)


def _resize(array: np.ndarray, size: int) -> np.ndarray:
    array = np.ascontiguousarray(array)
    if array.shape[0] == size:
        return array
    way = cv2.INTER_AREA if array.shape[0] > size else cv2.INTER_LINEAR
    resized = cv2.resize(array, (size, size), interpolation=way)
    # Weights that sum to 1 only up to rounding can leave [0, 1] by 1e-7.
    return resized if resized.dtype == np.uint8 else np.clip(resized, 0, 1, out=resized)


def _unknown_pixel(alpha: np.ndarray | None, rng: np.random.Generator) -> tuple[int, int] | None:
    """(row, column) of a random pixel with 0 < alpha < 1, None if there is none."""
    if alpha is None:
        return None
    places = np.flatnonzero((alpha > 0) & (alpha < 1))
    if not places.size:
        return None
    row, column = divmod(int(rng.choice(places)), alpha.shape[1])
    return row, column


def _start(length: int, side: int, centre: int | None, rng: np.random.Generator) -> int:
    """Where the window begins on one axis; negative if it is longer than the picture, which it then holds whole."""
    low, high = sorted((0, length - side))
    if centre is None:
        return int(rng.integers(low, high, endpoint=True))
    quarter = side // 4
    return int(np.clip(centre - side // 2 + rng.integers(-quarter, quarter, endpoint=True), low, high))


def _window(array: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
    height, width = array.shape[:2]
    part = array[max(0, top) : top + side, max(0, left) : left + side]
    above, before = max(0, -top), max(0, -left)
    below, behind = max(0, top + side - height), max(0, left + side - width)
    if not (above or below or before or behind):
        return part
    return cv2.copyMakeBorder(part, above, below, before, behind, cv2.BORDER_REFLECT_101)
