"""Which splits of a data set are there, which are broken, and which files beside them belong to none."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry import DataError, DatasetSpec, NotFoundError, Registry, Sample
from zoo.config import Config
from zoo.data.files import pictures_in
from zoo.data.opening import dataset_spec, open_own, split_folder

_SYSTEM = frozenset(("thumbs.db", "desktop.ini"))
"""Files that Windows leaves in folders of pictures; those of other systems are hidden."""


@dataclass(frozen=True)
class Split:
    """A split as found on disk.

    Attributes:
        name: As published.
        samples: Its pictures; none if it could not be opened.
        problem: Why it could not be opened, in one line; None if it could.
        broken: It is there all the same.
        same_as: Earlier split that is made of the very same files, or None.
    """

    name: str
    samples: tuple[Sample, ...] = ()
    problem: str | None = None
    broken: bool = False
    same_as: str | None = None

    @property
    def state(self) -> str:
        """``present``, ``broken`` or ``absent``."""
        return "present" if self.problem is None else "broken" if self.broken else "absent"


def guess_dataset(root: Path, image_dir: str = "image") -> str:
    """Name of the core's data set that a folder is laid out as; P3M-10k where nothing speaks for another.

    Args:
        root: The folder.
        image_dir: Name of the images' sub-folder in a user's own folder.
    """
    if (root / "demo.json").is_file():
        return "demo"
    own = any((root / split / image_dir).is_dir() for split in ("", "train", "val", "test"))
    return "folder" if own else "P3M-10k"


def open_splits(registry: Registry, config: Config) -> list[Split]:
    """Every split that the data set declares, opened if it can be.

    Raises:
        NotFoundError: None of them is there.
    """
    spec = dataset_spec(registry, config)
    found: list[Split] = []
    refusals = []
    for name in spec.splits:
        try:
            with _without_warnings():
                samples = tuple(open_own(registry, config, name))
        except (DataError, NotFoundError) as error:
            refusals.append(error)
            there = isinstance(error, DataError) or split_folder(config.data.root, name) is not None
            found.append(Split(name, (), f"{error}{'' if there else _above(config, name)}", there))
            continue
        if not samples:
            found.append(Split(name, (), "it holds no picture", True))
            continue
        same = next((split.name for split in found if _files(split.samples) == _files(samples)), None)
        found.append(Split(name, samples, same_as=same))
    if refusals and all(split.state == "absent" for split in found):
        raise NotFoundError(f"{refusals[0]}{_hint(spec, registry, config, str(refusals[0]))}")
    return found


def _above(config: Config, name: str) -> str:
    """Names the folder above, if the split lies there: the root is a level too deep."""
    above = Path(config.data.root).parent if config.data.root is not None else None
    return f". Did you mean {above}?" if split_folder(above, name) is not None else ""


def unused_files(split: Split) -> dict[str, list[str]]:
    """Names of files beside those of a split that nothing uses, by the code of their rule.

    Hidden files and sub-folders do not count.
    """
    found: dict[str, list[str]] = {}
    for part, code in (("alpha", "mask-without-image"), ("trimap", "trimap-without-image")):
        used = {Path(value) for sample in split.samples if _is_path(value := getattr(sample, part))}
        folders = sorted({path.parent for path in used if path.parent.is_dir()})
        names = [path.name for folder in folders for path in pictures_in(folder) if path not in used]
        found |= {code: names} if names else {}
    folders = sorted({Path(sample.image).parent for sample in split.samples if _is_path(sample.image)})
    others = [name for folder in folders for name in _no_pictures(folder)]
    return found | ({"other-files": others} if others else {})


def _no_pictures(folder: Path) -> list[str]:
    pictures = {path.name for path in pictures_in(folder)}
    files = sorted(path.name for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return [name for name in files if name not in pictures and name.lower() not in _SYSTEM]


def _files(samples: tuple[Sample, ...]) -> list[Any]:
    return [str(sample.image) if _is_path(sample.image) else id(sample.image) for sample in samples]


def _is_path(value: Any) -> bool:
    return isinstance(value, (str, Path))


@contextmanager
def _without_warnings() -> Iterator[None]:
    """Opening a split warns of masks without images, which is found here on purpose."""
    log = logging.getLogger("zoo")
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before


def _hint(spec: DatasetSpec, registry: Registry, config: Config, said: str) -> str:
    """Names the folder one level down or up that was probably meant, unless the data set has done so."""
    if config.data.root is None or "Did you mean" in said:
        return ""
    root = Path(config.data.root)
    below = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    for place in (*below[:50], root.parent, root.parent.parent):
        if _opens(spec, registry, config, place):
            return f" Did you mean {place}?"
    return ""


def _opens(spec: DatasetSpec, registry: Registry, config: Config, place: Path) -> bool:
    moved = config.override(data={"root": str(place)})
    for name in spec.splits:
        try:
            with _without_warnings():
                return len(open_own(registry, moved, name)) > 0
        except (DataError, NotFoundError):
            continue
    return False
