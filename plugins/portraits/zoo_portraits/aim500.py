"""AIM-500, the test set of Li, Zhang and Tao: Deep Automatic Natural Image Matting (IJCAI 2021).

    ROOT/original/  ROOT/mask/  ROOT/trimap/  ROOT/usr/  ROOT/aim_category_type.json     the release, JizhiziLi/AIM
    ROOT/validation/{original,mask,trimap}/              ROOT/aim_category_type.json     as the authors' code has it

500 pictures of seven categories, for testing only: 100 portraits, 200 animals, 34 transparent things, 75 plants, 45
pieces of furniture, 36 toys, 10 fruits. ``usr`` is the authors' unified semantic representation; it is not read.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from zoo import DataError, DatasetSpec, NotFoundError, Sample
from zoo_portraits.layout import Layout, check, find, samples

NAME, SPLITS = "AIM-500", {"test": 500, "portrait": 100}

LAYOUTS = (
    Layout("original", "mask", "trimap"),
    Layout("validation/original", "validation/mask", "validation/trimap"),
)

CATEGORIES = "aim_category_type.json"
"""``{NAME: {"type": "SO", "category": "portrait"}, ...}`` beside the folders."""

_SOURCE = "Get it from https://github.com/JizhiziLi/AIM (accept its release agreement; MIT licence)"


def open_aim500(root: Any, split: str, options: Mapping[str, Any]) -> list[Sample]:
    """The pictures of AIM-500.

    Args:
        root: Its folder.
        split: ``test``: all. ``portrait``: those of that category.
        options: None are known.

    Raises:
        NotFoundError: The data, the split or the file of categories is not there.
        DataError: The file of categories cannot be used, or two files of a folder have the same stem.
        UsageError: There is an option.
    """
    check(NAME, SPLITS, split, options)
    place, layout = find(NAME, root, LAYOUTS, _SOURCE)
    every = samples(place, layout)
    if split == "test":
        return every
    portraits = _of_category(place / CATEGORIES, split)
    chosen = [sample for sample in every if sample.name in portraits]
    if not chosen:
        raise NotFoundError(f"{NAME}: none of the {len(every)} pictures at {place} is a {split}, says {CATEGORIES}")
    return chosen


def _of_category(file: Path, category: str) -> set[str]:
    """Names of the pictures of a category, without extension."""
    if not file.is_file():
        raise NotFoundError(f"{NAME}: no {file}, which says what the pictures show; --split test needs none")
    try:
        entries = json.loads(file.read_text(encoding="utf-8"))
        return {PurePath(name).stem for name, entry in entries.items() if entry["category"] == category}
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        text = " ".join(str(error).split())
        raise DataError(f"{file}: not the categories of {NAME} ({type(error).__name__}: {text})") from error


def _row(method: str, split: str, setting: str, **values: float) -> Mapping[str, Any]:
    # core/evaluate.py of JizhiziLi/AIM has the definitions of JizhiziLi/P3M.
    return {
        "method": method,
        "split": split,
        **values,
        "source": "JizhiziLi/AIM, README",
        "setting": setting,
        "dialect": "p3m",
    }


_PAPER, _UPDATE = "AimNet (paper)", "AimNet (update)"
_THIRD, _HALF = "trained on composites, hybrid test 1/3 and 1/4", "trained on composites, hybrid test 1/2 and 1/4"

PUBLISHED: tuple[Mapping[str, Any], ...] = (
    _row(
        _PAPER,
        "test",
        _THIRD,
        **{"SAD": 43.92, "MSE": 0.0161, "MAD": 0.0262, "GRAD": 33.05, "CONN": 43.18, "SAD-T": 30.74},
    ),
    _row(
        _UPDATE,
        "test",
        _THIRD,
        **{"SAD": 41.72, "MSE": 0.0153, "MAD": 0.0248, "GRAD": 33.97, "CONN": 41.23, "SAD-T": 28.47},
    ),
    _row(
        _UPDATE,
        "test",
        _HALF,
        **{"SAD": 44.25, "MSE": 0.0165, "MAD": 0.0263, "GRAD": 34.66, "CONN": 43.78, "SAD-T": 28.89},
    ),
    _row(_PAPER, "portrait", _THIRD, SAD=24.68),
    _row(_UPDATE, "portrait", _THIRD, SAD=24.11),
    _row(_UPDATE, "portrait", _HALF, SAD=25.09),
)
"""The authors' table, whole image but for SAD-T. Its category "Human" is ``portrait`` in their files."""

SPEC = DatasetSpec(NAME, SPLITS, open_aim500, published=PUBLISHED)
