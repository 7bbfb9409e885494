"""A report as data: ``report.json`` and ``per_image.csv``, written whole and read back with care."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from registry import NotFoundError, UsageError
from zoo.files import write_text
from zoo.metrics.summary import ABOUT

SCHEMA = "zoo-report/1"
"""What ``schema`` says in a ``report.json`` of this version."""

METRICS = ("SAD", "MSE", "MAD", "GRAD", "CONN", "SAD-T", "MSE-T", "MAD-T", "SAD-FG", "SAD-BG")
"""The core's metrics in the order of every table; those of plugins stand behind them."""

MAIN_METRICS = METRICS[:5]
"""Whole-image metrics, which need no trimap."""

COLUMNS = ("image", "height", "width", *METRICS)
"""First columns of ``per_image.csv``."""


def write_report(folder: Path, report: Mapping[str, Any]) -> None:
    """Write ``report.json`` and ``per_image.csv`` into a folder, which is made if absent.

    Args:
        folder: Result folder.
        report: The report; ``schema`` is filled in.

    Raises:
        ValueError: A number is not finite, or the report states another schema. Both are mistakes
            of the caller: an undefined value is None.
        OSError: A file cannot be written.
    """
    if report.get("schema", SCHEMA) != SCHEMA:
        raise ValueError(f"the report says schema {report['schema']!r}, not {SCHEMA!r}")
    plain = _plain({"schema": SCHEMA, **report}, "report")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "per_image.csv", _csv(plain.get("per_image", ())))
    write_text(folder / "report.json", _json(plain))


def read_report(path: Path) -> dict[str, Any]:
    """Read a report.

    Args:
        path: A ``report.json``, or the folder it is in.

    Raises:
        NotFoundError: There is none.
        UsageError: The file is no report, or of another version.
    """
    path = Path(path)
    if path.is_dir():
        parts = sorted(child.parent.name for child in path.glob("*/report.json"))
        if parts and not (path / "report.json").exists():
            raise NotFoundError(f"no report.json in {path}; name one of its folders: {', '.join(parts)}")
        path = path / "report.json"
    report = read_json(path, SCHEMA)
    rows = report.get("per_image")
    if not isinstance(report.get("metrics"), dict) or not isinstance(rows, list):
        raise UsageError(f"{path}: no report, it lacks metrics or per_image")
    if not all(isinstance(row, dict) and isinstance(row.get("image"), str) for row in rows):
        raise UsageError(f"{path}: no report, a row of per_image has no image name")
    return report


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write a record as JSON, in one step.

    Raises:
        ValueError: A number is not finite.
    """
    write_text(path, _json(_plain(value, path.name)))


def read_json(path: Path, schema: str) -> dict[str, Any]:
    """Read a JSON object that states its schema.

    Args:
        path: The file.
        schema: What its ``schema`` must be, ``NAME/VERSION``.

    Raises:
        NotFoundError: The file does not exist.
        UsageError: It cannot be read, is no JSON object or has another schema.
    """
    try:
        value = json.loads(path.read_bytes(), parse_constant=_refuse_constant)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(f"no file {path}") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: no valid JSON ({error})") from error
    found = value.get("schema") if isinstance(value, dict) else None
    if found != schema:
        what = f"schema {found!r}" if found is not None else "no schema"
        raise UsageError(f"{path}: it states {what}; this version of zoo reads {schema!r}")
    return value


# --- What a report says ----------------------------------------------------------------------------


def completeness(report: Mapping[str, Any]) -> str:
    """One sentence on how many images were measured, of how many: the first line of every report.

    The published count is ``n_published`` of the report, where the data set states one.
    """
    count, published, complete = report.get("n_images", 0), report.get("n_published"), report.get("complete")
    images = "1 image" if count == 1 else f"{count} images"
    if complete:
        return f"{images}: the whole split, as published"
    if complete is None:
        return f"{images}; no published count to compare with: not comparable with published figures"
    if published is None:
        return f"{images}, not those published: not comparable with published figures"
    if count < published:
        return f"{count} of {published} images: not comparable with published figures"
    return f"{images}, {published} published: not the published split, not comparable with published figures"


def metric_names(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The core's metrics, then every other one found in the rows, in order of appearance."""
    extra = (key for row in rows for key in row if key not in (*ABOUT, *METRICS))
    return [*METRICS, *dict.fromkeys(extra)]


def worst_first(report: Mapping[str, Any]) -> tuple[list[dict[str, Any]], str | None]:
    """The rows of a report, largest error first.

    Returns:
        The rows and the metric they are ordered by: MAD, or SAD where no image has a MAD, or None
        where there is neither (then the order is the report's). Images without a value come last.
    """
    rows = list(report.get("per_image", ()))
    for key in ("MAD", "SAD"):
        if any(row.get(key) is not None for row in rows):
            worst = sorted(rows, key=lambda row: (row.get(key) is None, -(row.get(key) or 0.0), row["image"]))
            return worst, key
    return rows, None


# --- Text of the files -----------------------------------------------------------------------------


def _json(plain: Any) -> str:
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _csv(rows: list[dict[str, Any]]) -> str:
    columns = ["image", "height", "width", *metric_names(rows)]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow(["" if row.get(column) is None else row[column] for column in columns])
    return stream.getvalue()


def _plain(value: Any, where: str) -> Any:
    """The value in JSON's own types; ``where`` names it in an error."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{where} is {value}: an undefined value is None, anything else must be finite")
        return float(value)  # a NumPy float64 is a float; JSON shall not depend on how it prints
    if isinstance(value, Mapping):
        return {str(key): _plain(item, f"{where}.{key}") for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "item"):  # a NumPy scalar
        return _plain(value.item(), where)
    raise TypeError(f"{where} is a {type(value).__name__}, which JSON cannot hold")


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
