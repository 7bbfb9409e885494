"""A user's own images and alphas.

    ROOT/train/  image/ alpha/    to learn from
    ROOT/val/    image/ alpha/    to choose checkpoints on (optional: else a slice of train)
    ROOT/test/   image/ alpha/    to report on

or, for one set of pictures, ``ROOT/image/`` and ``ROOT/alpha/``: these are ``train`` to who trains and ``test`` to who
evaluates. Files are paired by name without extension. Without an ``alpha`` folder the pictures are unlabelled; a
``trimap`` folder is read where there is one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from registry import DatasetSpec, NotFoundError, Sample
from zoo.data.files import check_options, pair
from zoo.data.splits import VAL, split_name

_TREE = (
    "expected DIR/{train,val,test}/{image,alpha}/NAME.*, or DIR/{image,alpha}/NAME.*; "
    "other names of the sub-folders: --set data.options.image_dir=..., alpha_dir, trimap_dir"
)


def open_folder(root: Any, split: str, options: Mapping[str, Any]) -> list[Sample]:
    """Open a split of a user's folder.

    Args:
        root: The folder.
        split: ``train``, ``val`` or ``test``. A root without split folders serves as ``train`` and as
            ``test``, never as ``val``: that would be choosing checkpoints on what was trained on.
        options: ``image_dir``, ``alpha_dir`` and ``trimap_dir`` rename the sub-folders.

    Returns:
        One sample of paths for each image, sorted by name. Alpha is None for all where the folder is absent; a
        single missing alpha is the path where it was expected.

    Raises:
        NotFoundError: The folder, the split or its pictures are not there.
        DataError: Two files of a folder have the same stem.
        UsageError: An option is unknown.
    """
    split = split_name(SPEC, split)
    check_options(SPEC.name, options)
    if root is None:
        raise NotFoundError(f"the data set 'folder' needs --data-root DIR: {_TREE}")
    place = _split_folder(Path(root).expanduser(), split, options.get("image_dir", "image"))
    images = place / options.get("image_dir", "image")
    samples = pair(images, _optional(place, options, "alpha_dir"), _optional(place, options, "trimap_dir"))
    if not samples:
        raise NotFoundError(f"no pictures in {images}")
    return samples


def _split_folder(root: Path, split: str, image_dir: str) -> Path:
    if (root / split / image_dir).is_dir():
        return root / split
    present = [name for name in SPEC.splits if (root / name / image_dir).is_dir()]
    if present:
        raise NotFoundError(f"{root} has no split {split!r}; there is: {', '.join(present)}")
    if not (root / image_dir).is_dir():
        raise NotFoundError(f"neither {root / split / image_dir} nor {root / image_dir} exists; {_TREE}")
    if split == VAL:
        raise NotFoundError(f"{root} has no split 'val': without split folders it is train, and test")
    return root


def _optional(place: Path, options: Mapping[str, Any], key: str) -> Path | None:
    folder = place / options.get(key, key.removesuffix("_dir"))
    if folder.is_dir():
        return folder
    if key in options:
        raise NotFoundError(f"no folder {folder}, which data.options.{key} names")
    return None


SPEC = DatasetSpec("folder", {"train": None, "val": None, "test": None}, open_folder)
