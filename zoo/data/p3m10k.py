"""P3M-10k (Li, Ma, Zhang, Tao: Privacy-Preserving Portrait Matting, ACM MM 2021) as it lies on disk.

    ROOT/train/                   blurred_image/ mask/
    ROOT/validation/P3M-500-P/    blurred_image/ mask/ trimap/
    ROOT/validation/P3M-500-NP/   original_image/ mask/ trimap/

Copies differ: some have no ``validation`` level, some another extension, three channels in the masks, or no trimaps.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from registry import DatasetSpec, NotFoundError, Sample
from zoo.data.files import check_options, pair
from zoo.data.published import PUBLISHED
from zoo.data.splits import VAL, split_name

_SOURCE = (
    "Get P3M-10k from https://github.com/JizhiziLi/P3M (accept its release agreement) and unpack it as "
    "DIR/train/{blurred_image,mask} and DIR/validation/{P3M-500-P,P3M-500-NP}/{blurred_image or original_image,"
    "mask,trimap}, then give --data-root DIR; or draw a small set with `zoo data demo` and use --dataset demo"
)


def open_p3m10k(root: Any, split: str, options: Mapping[str, Any]) -> list[Sample]:
    """Open a split of P3M-10k.

    Args:
        root: The folder that holds ``train`` and ``validation``; None: ``$ZOO_DATA_DIR/P3M-10k``.
        split: ``train``, ``P3M-500-P`` or ``P3M-500-NP``; underscores are accepted.
        options: ``image_dir``, ``alpha_dir`` and ``trimap_dir`` rename the sub-folders.

    Returns:
        One sample of paths for each image, sorted by name. Without a trimap file the trimap is None;
        without a mask the alpha is the path where it was expected.

    Raises:
        NotFoundError: The data, the split or its pictures are not there.
        DataError: Two files of a folder have the same stem.
        UsageError: An option is unknown.
    """
    split = split_name(SPEC, split)
    check_options(SPEC.name, options)
    place = _place(root)
    if place is None:
        raise NotFoundError(f"no folder given for P3M-10k, and ZOO_DATA_DIR is not set. {_SOURCE}")
    if not splits_at(place):
        raise NotFoundError(f"no P3M-10k at {place}: neither train nor validation is there.{_hint(place)} {_SOURCE}")
    return open_tree(SPEC, place, split, options)


def _place(root: Any) -> Path | None:
    if root is not None:
        return Path(root).expanduser()
    parent = os.environ.get("ZOO_DATA_DIR")
    return Path(parent).expanduser() / "P3M-10k" if parent else None


def _hint(place: Path) -> str:
    """Names the folder one level further down or up that was probably meant."""
    near = [place / "P3M-10k", place.parent, place.parent.parent]
    found = [folder for folder in near if splits_at(folder)]
    return f" Did you mean {found[0]}?" if found else ""


def splits_at(root: Path) -> list[str]:
    """The splits of P3M-10k whose folders lie below a root."""
    return [split for split in SPEC.splits if _folder(root, split)]


def open_tree(spec: DatasetSpec, root: Path, split: str, options: Mapping[str, Any]) -> list[Sample]:
    """Open a split of a tree laid out as P3M-10k.

    Args:
        spec: The data set that messages name.
        root: Folder with at least one split.
        split: Published name.
        options: As for `open_p3m10k`.

    Raises:
        NotFoundError: The split or its pictures are not there.
        DataError: Two files of a folder have the same stem.
    """
    if split == VAL:
        raise NotFoundError(f"{spec.name} has no split 'val' of its own: it is cut from train, data.val says how much")
    folder = _folder(root, split)
    if folder is None:
        raise NotFoundError(
            f"{spec.name} at {root} has no folder for split {split!r}; there is: {', '.join(splits_at(root))}"
        )
    published = ("original_image", "blurred_image") if split == "P3M-500-NP" else ("blurred_image", "original_image")
    images = _sub_folder(folder, (options["image_dir"],) if "image_dir" in options else published, "images")
    alphas = _sub_folder(folder, (options.get("alpha_dir", "mask"),), "masks")
    trimaps = folder / options.get("trimap_dir", "trimap")
    if "trimap_dir" in options:
        _sub_folder(folder, (options["trimap_dir"],), "trimaps")
    samples = pair(images, alphas, trimaps if trimaps.is_dir() else None)
    if not samples:
        raise NotFoundError(f"{spec.name}: no pictures in {images}")
    return samples


def _folder(root: Path, split: str) -> Path | None:
    # P3M's own configuration leaves out the level that its archive has.
    for folder in (root / split,) if split == "train" else (root / "validation" / split, root / split):
        if folder.is_dir():
            return folder
    return None


def _sub_folder(folder: Path, names: tuple[str, ...], what: str) -> Path:
    for name in names:
        if (folder / name).is_dir():
            return folder / name
    there = ", ".join(sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")))
    raise NotFoundError(
        f"no folder of {what} in {folder}: looked for {' and '.join(names)}; there is: {there or 'none'}"
    )


SPEC = DatasetSpec("P3M-10k", {"train": 9421, "P3M-500-P": 500, "P3M-500-NP": 500}, open_p3m10k, published=PUBLISHED)
