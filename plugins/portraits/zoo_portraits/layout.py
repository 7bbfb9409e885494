"""Where the pictures of a data set lie: folders whose files belong together by stem."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo import DataError, NotFoundError, Sample, UsageError

SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"))
"""Extensions of pictures, in lower case."""


@dataclass(frozen=True)
class Layout:
    """Folders of one form in which a data set is handed round, below its root.

    Attributes:
        images: The pictures.
        alphas: The true alphas.
        trimaps: The trimaps; None: it comes without.
    """

    images: str
    alphas: str
    trimaps: str | None = None


def find(dataset: str, root: Any, layouts: Sequence[Layout], source: str) -> tuple[Path, Layout]:
    """The folder of a data set and the form it has there.

    Args:
        dataset: Its name, for messages.
        root: What ``--data-root`` names; None: nothing.
        layouts: Forms it may have, in the order in which they are looked for.
        source: Where to get it.

    Raises:
        NotFoundError: No root is given, or none of the forms is there.
    """
    forms = ", or ".join(f"DIR/{layout.images} and DIR/{layout.alphas}" for layout in layouts)
    if root is None:
        raise NotFoundError(f"{dataset} needs --data-root DIR with {forms} (or ZOO_DATA_DIR, its parent). {source}")
    place = Path(root).expanduser()
    for layout in layouts:
        if (place / layout.images).is_dir() and (place / layout.alphas).is_dir():
            return place, layout
    inner = place / dataset  # archives have a folder of the data set's name, which is often forgotten
    if any((inner / layout.images).is_dir() for layout in layouts):
        raise NotFoundError(f"no {dataset} at {place}. Did you mean {inner}?")
    raise NotFoundError(f"no {dataset} at {place}: expected {forms}. {source}")


def samples(place: Path, layout: Layout) -> list[Sample]:
    """The pictures of a data set with alpha and trimap, by name.

    Args:
        place: Its folder.
        layout: The form it has.

    Returns:
        One sample of paths for each picture, sorted by name. Where an alpha is missing, the path at which it was
        expected; where a trimap is missing, None.

    Raises:
        NotFoundError: There is no picture.
        DataError: Two files of a folder have the same stem.
    """
    images, alphas = by_stem(place / layout.images), by_stem(place / layout.alphas)
    folder = place / layout.trimaps if layout.trimaps is not None else None
    trimaps = by_stem(folder) if folder is not None and folder.is_dir() else {}
    if not images:
        raise NotFoundError(f"no pictures in {place / layout.images}")
    return [
        Sample(stem, path, alphas.get(stem, place / layout.alphas / f"{stem}.png"), trimaps.get(stem))
        for stem, path in images.items()
    ]


def by_stem(folder: Path) -> dict[str, Path]:
    """The pictures in a folder by stem, sorted; hidden files and what is no picture are passed over.

    Raises:
        DataError: Two have the same stem.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.suffix.lower() not in SUFFIXES:
            continue
        if path.stem in found:
            raise DataError(f"{folder}: {found[path.stem].name} and {path.name} have the same name; keep one of them")
        found[path.stem] = path
    return dict(sorted(found.items()))


def check(dataset: str, splits: Mapping[str, int | None], split: str, options: Mapping[str, Any]) -> None:
    """Refuse a split that there is not, and options, of which there are none.

    Raises:
        NotFoundError: There is no such split.
        UsageError: There is an option.
    """
    if split not in splits:
        raise NotFoundError(f"{dataset} has no split {split!r}; splits: {', '.join(splits)}")
    if options:
        raise UsageError(f"data.options: {dataset} has no options, and there is {', '.join(sorted(options))}")
