"""One picture of a data set held against what training and evaluation ask of it. Runs in processes of its own."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from registry import DataError, Sample
from zoo.data.binary import is_binary
from zoo.data.complaints import complaints, is_damage
from zoo.data.duplicates import picture_hash
from zoo.data.exif import TURNED, Exif, read_exif
from zoo.data.histogram import flat, levels
from zoo.data.images import read_alpha, read_image, read_trimap
from zoo.data.samples import load_image, load_truth

CONTRADICTION = 0.01
"""Share of a picture's pixels from which a trimap is said to contradict its mask: it calls foreground what the mask
has below one half, or background what it has above. A trimap made from the mask has none."""

Defect = tuple[str, str]
"""Code, one of `zoo.data.rules.RULES`, and detail."""


@dataclass(frozen=True)
class Facts:
    """What was found on one picture.

    Attributes:
        name: Name of the sample.
        defects: What is wrong with it.
        size: Height and width in pixels, as shown; None if the image cannot be read.
        sha256: Of the image's file, or of its pixels if it is none.
        hash: `zoo.data.duplicates.picture_hash`; None if the image cannot be read.
        levels: `zoo.data.histogram.levels`; None without an alpha that can be read.
        exif: What the image's EXIF says.
    """

    name: str
    defects: tuple[Defect, ...] = ()
    size: tuple[int, int] | None = None
    sha256: str = ""
    hash: np.ndarray | None = None
    levels: np.ndarray | None = None
    exif: Exif = field(default_factory=Exif)


def examine(sample: Sample) -> Facts:
    """Read all parts of a sample, wholly, and note what is wrong.

    Args:
        sample: Its parts may be files or arrays.
    """
    defects: list[Defect] = []
    image = _part("image", sample.image, defects)
    alpha = _part("mask", sample.alpha, defects)
    trimap = _part("trimap", sample.trimap, defects)
    digest, exif = _about_file(sample.image)
    defects += _turned(exif.orientation, sample.alpha, image, alpha)
    size = None
    if image is not None:
        size = (image.shape[0], image.shape[1])
        digest = digest or hashlib.sha256(np.ascontiguousarray(image)).hexdigest()
        for part, array in (("mask", alpha), ("trimap", trimap)):
            if array is not None and array.shape != size:
                defects.append((f"{part}-size", _sizes(part, array.shape, size, exif)))
    counts = levels(alpha) if alpha is not None else None
    defects += _matte(alpha, counts) + _contradiction(alpha, trimap)
    return Facts(
        sample.name,
        tuple(defects),
        size,
        digest,
        picture_hash(image) if image is not None else None,
        counts,
        exif,
    )


def _part(part: str, value: Any, defects: list[Defect]) -> np.ndarray | None:
    """A part of a sample as an array; None if it has none or it cannot be used, which is added to the defects."""
    if value is None and part != "image":
        return None
    if _is_file(value) and not Path(value).is_file():
        defects.append((f"no-{part}", f"expected {Path(value).name}"))
        return None
    try:
        with complaints() as heard:
            array = _read(part, value)
    except DataError as error:
        defects.append((_refusal(part, value), str(error).removeprefix(f"{value}: ")))
        return None
    if heard:
        damage = [remark for remark in heard if is_damage(remark)]
        defects.append((f"{part}-damaged", damage[0]) if damage else (f"{part}-stray", heard[0]))
    return array


def _read(part: str, value: Any) -> np.ndarray:
    if _is_file(value):
        return {"image": read_image, "mask": read_alpha, "trimap": read_trimap}[part](value)
    if part == "image":
        return load_image(Sample("it", value))
    given = Sample("it", None, **{"alpha" if part == "mask" else part: value})
    found = load_truth(given, np.shape(value))[part == "trimap"]
    assert found is not None, "it was given"
    return found


def _refusal(part: str, value: Any) -> str:
    """Whether a mask or trimap that was refused is a broken file or a picture of another kind."""
    if part == "image" or not _is_file(value):
        return f"{part}-unreadable"
    try:
        read_image(value)
    except DataError:
        return f"{part}-unreadable"
    return f"{part}-values"


def _about_file(value: Any) -> tuple[str, Exif]:
    if not _is_file(value):
        return "", Exif()
    try:
        data = Path(value).read_bytes()
    except OSError:  # reading it as a picture has said so
        return "", Exif()
    return hashlib.sha256(data).hexdigest(), read_exif(data)


def _sizes(part: str, found: tuple[int, ...], image: tuple[int, int], exif: Exif) -> str:
    text = f"{found[1]}x{found[0]} pixels, its image {image[1]}x{image[0]}"
    if exif.orientation in TURNED and found == image[::-1]:
        text += f": the image is turned by its EXIF orientation ({exif.orientation}), the {part} is not"
    return text


def _matte(alpha: np.ndarray | None, counts: np.ndarray | None) -> list[Defect]:
    """A matte that is none: the same everywhere, or without anything between 0 and 1."""
    if alpha is None or counts is None:
        return []
    kind = flat(counts) or ("binary" if is_binary(alpha) else None)
    return [(f"mask-{kind}", "")] if kind else []


def _contradiction(alpha: np.ndarray | None, trimap: np.ndarray | None) -> list[Defect]:
    if alpha is None or trimap is None or alpha.shape != trimap.shape:
        return []
    against = (((trimap == 255) & (alpha < 0.5)) | ((trimap == 0) & (alpha > 0.5))).mean()
    return [("trimap-contradicts", f"on {against:.0%} of the pixels")] if against >= CONTRADICTION else []


def _turned(orientation: int, mask: Any, image: np.ndarray | None, alpha: np.ndarray | None) -> list[Defect]:
    """Whether an image that EXIF turns has a mask that is turned as well, as far as the files tell."""
    if orientation == 1 or image is None:
        return []
    detail = f"orientation {orientation}"
    if alpha is None or _about_file(mask)[1].orientation == orientation:
        return [("turned", detail)]
    height, width = image.shape[:2]
    if orientation not in TURNED or height == width:
        return [("turned-unsure", detail)]
    # Of another size, it is called that; of the same, it was made for the turned image.
    return [("turned", detail)] if alpha.shape == (height, width) else []


def _is_file(value: Any) -> bool:
    return isinstance(value, (str, os.PathLike))
