"""The generated demo set, a small tree laid out as P3M-10k; ``zoo data demo`` draws it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from registry import DatasetSpec, NotFoundError, Sample
from zoo.data.files import check_options
from zoo.data.p3m10k import open_tree, splits_at
from zoo.data.splits import split_name
from zoo.home import demo_home


def open_demo(root: Any, split: str, options: Mapping[str, Any]) -> list[Sample]:
    """Open a split of the demo set.

    Args:
        root: Folder it was drawn in; None: the default place below ``ZOO_HOME``.
        split: ``train``, ``P3M-500-P`` or ``P3M-500-NP``.
        options: As for `zoo.data.p3m10k.open_p3m10k`.

    Raises:
        NotFoundError: It has not been drawn, or there is no such split.
    """
    split = split_name(SPEC, split)
    check_options(SPEC.name, options)
    place = demo_home() if root is None else Path(root).expanduser()
    if not splits_at(place):
        where = "" if root is None else f" {place}"
        raise NotFoundError(f"no demo set at {place}; draw it (seconds, no download) with: zoo data demo{where}")
    return open_tree(SPEC, place, split, options)


SPEC = DatasetSpec("demo", {"train": None, "P3M-500-P": None, "P3M-500-NP": None}, open_demo)
