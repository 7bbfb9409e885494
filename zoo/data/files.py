"""Pictures in folders, and the pairing of images, alphas and trimaps by stem: the file name without extension."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from registry import DataError, Sample, UsageError
from registry.errors import did_you_mean

SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".jp2")
)
"""Extensions of pictures, in lower case."""

OPTIONS = ("image_dir", "alpha_dir", "trimap_dir")
"""Keys of ``data.options`` that the core's data sets read: names of the sub-folders of a split."""


def pictures_in(folder: Path) -> list[Path]:
    """The pictures in a folder by name; hidden files, sub-folders and files that are no pictures are passed over.

    Raises:
        DataError: The folder cannot be listed.
    """
    try:
        entries = list(folder.iterdir())
    except OSError as error:
        raise DataError(f"{folder}: cannot be listed ({error.strerror or error})") from error
    return sorted(p for p in entries if p.suffix.lower() in SUFFIXES and not p.name.startswith(".") and p.is_file())


def pictures_by_stem(folder: Path) -> dict[str, Path]:
    """The pictures in a folder, stem to path, sorted by stem.

    Raises:
        DataError: Two pictures have the same stem.
    """
    found: dict[str, Path] = {}
    for path in pictures_in(folder):
        if path.stem in found:
            raise DataError(f"{folder}: {found[path.stem].name} and {path.name} have the same name; keep one of them")
        found[path.stem] = path
    return dict(sorted(found.items()))


def check_options(dataset: str, options: Mapping[str, Any]) -> None:
    """Refuse keys of ``data.options`` that are not `OPTIONS`, and values that are no folder names.

    Raises:
        UsageError: There is one.
    """
    for key, value in options.items():
        if key not in OPTIONS:
            known = ", ".join(OPTIONS)
            raise UsageError(
                f"data.options: {dataset} has no option {key!r}; its options: {known}.{did_you_mean(key, OPTIONS)}"
            )
        if not isinstance(value, str) or not value:
            raise UsageError(f"data.options: {key} must be the name of a folder, not {value!r}")


def pair(images: Path, alphas: Path | None = None, trimaps: Path | None = None) -> list[Sample]:
    """One sample for each image, with the alpha and trimap of the same stem.

    Args:
        images: Folder of the images.
        alphas: Folder of the alphas; None: the pictures are unlabelled. An image without an alpha
            gets the path where one was expected, so that reading it says so.
        trimaps: Folder of the trimaps, or None. An image without one gets None.

    Returns:
        The samples, sorted by name.

    Raises:
        DataError: Two files of a folder have the same stem.
    """
    alpha_files = pictures_by_stem(alphas) if alphas else {}
    trimap_files = pictures_by_stem(trimaps) if trimaps else {}
    samples = [
        Sample(name, path, alpha_files.get(name, alphas / f"{name}.png") if alphas else None, trimap_files.get(name))
        for name, path in pictures_by_stem(images).items()
    ]
    _warn_of_unpaired(alphas, set(alpha_files) - {s.name for s in samples})
    return samples


def _warn_of_unpaired(folder: Path | None, names: set[str]) -> None:
    if names:
        import logging  # 2 ms, and commands that list data sets have no use for it

        these = "1 file has" if len(names) == 1 else f"{len(names)} files have"
        logging.getLogger("zoo").warning("%s: %s no image of that name, so not used (%s)", folder, these, _some(names))


def _some(names: set[str]) -> str:
    return ", ".join(sorted(names)[:3]) + (", ..." if len(names) > 3 else "")
