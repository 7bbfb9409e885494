"""Reports that somebody hands over: found in folders, and believed only as far as their rows bear them out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from registry import NotFoundError, UsageError
from zoo.metrics.summary import ABOUT, summarise
from zoo.report.record import read_report

_TEXTS = (
    *("model", "plugin", "plugin_version", "checkpoint_sha256", "dataset", "split", "dialect", "rounding", "protocol"),
    *("resolution", "started", "matte_sha256", "target_sha256"),
)
"""Fields of a report and its rows that are texts where they are there."""

_TOLERANCE = 1e-9
"""Largest relative difference between a mean and that of the rows: they may have been added up in another order."""


def reports_in(path: Path) -> list[Path]:
    """The reports of a result folder.

    Args:
        path: A ``report.json``, the folder it is in, or a folder with one such folder for each split.

    Returns:
        Files, sorted.

    Raises:
        NotFoundError: There is none.
    """
    if not path.exists():
        raise NotFoundError(f"no file or folder {path}")
    if not path.is_dir():
        return [path]
    if (path / "report.json").is_file():
        return [path / "report.json"]
    found = sorted(path.glob("*/report.json"))
    if not found:
        hint = " That is a run: evaluate it with `zoo eval`." if (path / "checkpoints").is_dir() else ""
        raise NotFoundError(f"no report.json in {path} nor in a folder of it.{hint}")
    return found


def read_checked(path: Path) -> dict[str, Any]:
    """Read a report and see that its figures are those of its rows.

    Args:
        path: A ``report.json``, or the folder it is in.

    Raises:
        NotFoundError: There is none.
        UsageError: It is no report, a field is of another kind than it should be, an image is there twice, a figure
            is no finite number, or the means or the count of images are not those of the rows.
    """
    report = read_report(path)
    rows = report["per_image"]
    names = [row["image"] for row in rows]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"{path}: image {twice!r} is there twice")
    for values in (report, *rows):
        _check_kinds(values, path)
    for where, values in [("metrics", report["metrics"]), *((row["image"], row) for row in rows)]:
        _check_numbers(values, f"{path}: {where}")
    if report.get("n_images", len(rows)) != len(rows):
        raise UsageError(f"{path}: it states n_images {report['n_images']}, but has {len(rows)} rows")
    means = summarise(rows)[0]
    for name, stated in report["metrics"].items():
        if not _agree(stated, means.get(name)):
            raise UsageError(f"{path}: it states {name} {stated}, but the mean of its rows is {means.get(name)}")
    return report


def _check_kinds(values: Mapping[str, Any], path: Path) -> None:
    for key, value in values.items():
        if key in _TEXTS and value is not None and not isinstance(value, str):
            raise UsageError(f"{path}: {key} is {value!r}, no text")
        if key in ("config", "versions") and value is not None and not isinstance(value, Mapping):
            raise UsageError(f"{path}: {key} is {value!r}, no mapping")


def _check_numbers(values: Mapping[str, Any], where: str) -> None:
    for name, value in values.items():
        if name in ABOUT or value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise UsageError(f"{where}: {name} is {value!r}, no finite number")


def _agree(stated: float | None, mean: float | None) -> bool:
    if stated is None or mean is None:
        return stated is mean
    return math.isclose(stated, mean, rel_tol=_TOLERANCE, abs_tol=1e-12)
