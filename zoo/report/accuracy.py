"""The table of accuracy: published figures beside measured ones, no column with two meanings.

A row is a published figure (of a data set, or of the card of a registered model) or a record, that is a report of
``zoo eval``, ours or a stranger's. What keeps a row from being compared with the others is said in its remarks.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from registry import DatasetSpec, ModelSpec
from zoo.data.splits import TRAIN, VAL
from zoo.metrics.comparable import NOT_STATED, column
from zoo.metrics.statistics import intervals
from zoo.report.comparability import has_trimaps
from zoo.report.record import METRICS

SCHEMA = "zoo-accuracy/1"
"""What ``schema`` says in a table of this version."""

_GIVEN = ("", "mask", "trimap")
"""What a method may have been given besides the picture, in the order of the groups."""

_NOT_METRICS = (
    *("method", "dataset", "split", "source", "setting", "dialect", "rounding", "protocol", "given", "n_images"),
    *("resolution", "trained_on"),
)
"""Keys of a published row that are no figures."""

_KEY = ("model", "split", "protocol", "dialect", "rounding")
"""Of our own records with the same of these the newest stands for all."""


def accuracy_record(
    dataset: DatasetSpec,
    splits: Sequence[str],
    models: Mapping[str, ModelSpec],
    records: Iterable[tuple[str, Mapping[str, Any]]],
) -> dict[str, Any]:
    """Published rows and records of some splits of a data set.

    Args:
        dataset: The data set; its published results are rows.
        splits: Names as published.
        models: Registered models by name; the results on their cards are rows, and their cards say what weights saw.
        records: Reports with the path of each; those on other data sets or splits are passed over.

    Returns:
        A record with schema `SCHEMA`: ``dataset`` and ``splits``, each with ``split``, ``n_published``, ``columns``
        (headings of figures) and ``rows``, best first within what was given. A row has ``kind`` (``published`` or
        ``record``), ``method``, ``given`` (empty, ``mask`` or ``trimap``), ``metrics`` (heading -> value),
        ``intervals`` (heading -> ``[low, high]``; records only), ``dialect``, ``rounding``, ``protocol``,
        ``n_images`` (None: not stated), ``comparable``, ``trained_on_split``, ``remarks`` and ``source``.
    """
    reports = [(path, report) for path, report in records if report.get("dataset") == dataset.name]
    return {
        "schema": SCHEMA,
        "dataset": dataset.name,
        "splits": [_split(dataset, split, models, reports) for split in splits],
    }


def newest(records: Iterable[tuple[str, Mapping[str, Any]]]) -> list[tuple[str, Mapping[str, Any]]]:
    """Of the records that differ in nothing but time or weights the newest, a whole split before a part of one."""
    found: dict[tuple[Any, ...], tuple[str, Mapping[str, Any]]] = {}
    for path, report in records:
        key = (report.get("dataset"), *(report.get(name) for name in _KEY))
        if key not in found or _rank(report) > _rank(found[key][1]):
            found[key] = path, report
    return list(found.values())


def distinct(records: Iterable[tuple[str, Mapping[str, Any]]]) -> list[tuple[str, Mapping[str, Any]]]:
    """The records, each evaluation once: a copy of one under another path is left out."""
    found: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for path, report in records:
        plain = json.dumps(report, sort_keys=True).encode("utf-8", "backslashreplace")
        found.setdefault(hashlib.sha256(plain).hexdigest(), (path, report))
    return list(found.values())


def contains_split(trained_on: Iterable[str], dataset: str, split: str) -> bool:
    """Whether training data contain a split.

    Args:
        trained_on: ``NAME`` (every split of it) or ``NAME/SPLIT``.
        dataset: Name of the data set.
        split: Name of the split; `VAL` is cut out of `TRAIN`.
    """
    whole = {dataset, f"{dataset}/{split}", *([f"{dataset}/{TRAIN}"] if split == VAL else [])}
    return bool(whole & set(trained_on))


# --- Rows ------------------------------------------------------------------------------------------


def _split(
    dataset: DatasetSpec, split: str, models: Mapping[str, ModelSpec], reports: Sequence[tuple[str, Mapping[str, Any]]]
) -> dict[str, Any]:
    count = dataset.splits.get(split)
    published = [row for row in dataset.published if row.get("split") == split]
    published += [
        {"method": name, **row}
        for name, spec in models.items()
        for row in spec.card.results
        if row.get("dataset") == dataset.name and row.get("split") == split
    ]
    rows = [_published_row(row, dataset.name, split, count) for row in published]
    mine = [(path, report) for path, report in reports if report.get("split") == split]
    rows += [_record_row(path, report, models.get(str(report.get("model"))), count) for path, report in mine]
    _mark_other_pictures(rows)
    columns = [heading for row in rows for heading, value in row["metrics"].items() if value is not None]
    return {
        "split": split,
        "n_published": count,
        "columns": sorted(dict.fromkeys(columns), key=_column_order),
        "rows": sorted(rows, key=_row_order),
    }


def _published_row(row: Mapping[str, Any], dataset: str, split: str, count: int | None) -> dict[str, Any]:
    dialect = str(row.get("dialect") or NOT_STATED)
    metrics = {column(name, dialect): value for name, value in row.items() if name not in _NOT_METRICS}
    trained = contains_split(row.get("trained_on", ()), dataset, split)
    obstacles = _obstacles(row.get("n_images"), count, row.get("resolution") or "native")
    return {
        "kind": "published",
        "method": row["method"],
        "given": row.get("given", ""),
        "metrics": metrics,
        "dialect": dialect,
        "rounding": row.get("rounding"),
        "protocol": row.get("protocol"),
        "n_images": row.get("n_images"),
        "comparable": not obstacles,
        "trained_on_split": trained,
        "remarks": [*obstacles, *([_TRAINED] if trained else [])],
        "source": row.get("source", ""),
        "setting": row.get("setting", ""),
    }


_TRAINED = "its training data contain this split"


def _record_row(path: str, report: Mapping[str, Any], spec: ModelSpec | None, count: int | None) -> dict[str, Any]:
    dialect, dataset, split = str(report.get("dialect") or NOT_STATED), str(report["dataset"]), str(report["split"])
    means = {name: value for name, value in report["metrics"].items() if value is not None}
    headings = {name: column(name, dialect, has_trimaps(report)) for name in means}
    ends = intervals([{name: row.get(name) for name in means} for row in report["per_image"]])
    trained = contains_split(_trained_on(report, spec), dataset, split)
    obstacles = _obstacles(len(report["per_image"]), count, report.get("resolution") or "native")
    chosen = split == VAL and bool(report.get("checkpoint_sha256"))
    remarks = [*obstacles, *([_TRAINED] if trained else []), *(["checkpoints are chosen on this split"] * chosen)]
    return {
        "kind": "record",
        "method": str(report.get("model") or "no model named"),
        "given": "trimap" if report.get("needs_trimap") else "",
        "metrics": {headings[name]: value for name, value in means.items()},
        "intervals": {headings[name]: ends[name] for name in means},
        "dialect": dialect,
        "rounding": report.get("rounding"),
        "protocol": report.get("protocol"),
        "n_images": len(report["per_image"]),
        "comparable": not obstacles,
        "trained_on_split": trained,
        "remarks": remarks,
        "source": _source(path, report),
        "setting": "",
        "file": path,
        "checkpoint_sha256": report.get("checkpoint_sha256"),
        "started": report.get("started"),
        "truth": _truth(report),
    }


def _obstacles(images: int | None, count: int | None, resolution: str) -> list[str]:
    """What keeps a row from being compared with those on the whole split at native size."""
    found = []
    if images is not None and count is not None and images != count:
        found.append(f"not comparable: {images} of {count} images")
    if resolution != "native":
        found.append(f"not comparable: measured at {resolution}")
    return found


def _trained_on(report: Mapping[str, Any], spec: ModelSpec | None) -> list[str]:
    """What the weights have seen, as far as the record says; else what zoo trains on, and what the card says."""
    if "trained_on" in report:  # null: not known, as of converted weights whose card says nothing
        return [str(name) for name in report["trained_on"] or ()]
    seen = list(spec.card.trained_on) if spec is not None else []
    config = report.get("config") or {}
    data = config.get("data")
    trained_here = data.get("dataset") if isinstance(data, Mapping) and report.get("checkpoint_sha256") else None
    return [*seen, f"{trained_here}/{TRAIN}"] if trained_here else seen


def _source(path: str, report: Mapping[str, Any]) -> str:
    weights = "no checkpoint" if "checkpoint_sha256" in report else "mattes from files"
    parts = [
        " ".join(filter(None, (str(report.get("plugin") or ""), str(report.get("plugin_version") or "")))),
        f"checkpoint {report['checkpoint_sha256'][:12]}" if report.get("checkpoint_sha256") else weights,
        str(report.get("started") or "")[:10],
        path,
    ]
    return ", ".join(filter(None, parts))


def _truth(report: Mapping[str, Any]) -> str | None:
    """A digest of all pictures and their truth; None if one of them has none."""
    rows = sorted((row["image"], row.get("target_sha256")) for row in report["per_image"])
    if not rows or any(target is None for _, target in rows):
        return None
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _mark_other_pictures(rows: Sequence[dict[str, Any]]) -> None:
    """Say so where records on the same number of images were not made on the same pictures."""
    for row in rows:
        others = [
            other for other in rows if other.get("truth") and other["n_images"] == row["n_images"] and row.get("truth")
        ]
        if any(other["truth"] != row["truth"] for other in others):
            row["remarks"].append(f"pictures or truth {row['truth'][:8]}, another row has others")


# --- Order -----------------------------------------------------------------------------------------


def _row_order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """By what was given, then what can be compared and is no exam known beforehand, then MSE, MAD, SAD or the rest."""
    values = row["metrics"]
    known = [values[name] for name in ("MSE", "MAD", "SAD") if values.get(name) is not None]
    errors = [float("inf") if values.get(name) is None else values[name] for name in ("MSE", "MAD", "SAD")]
    rest = sorted(value for value in values.values() if value is not None) if not known else []
    given = _GIVEN.index(row["given"]) if row["given"] in _GIVEN else len(_GIVEN)
    apart = row["trained_on_split"] or not row["comparable"]
    return given, apart, *errors, rest, row["method"], row["source"]


def _column_order(heading: str) -> tuple[Any, ...]:
    name, _, dialect = heading.partition(" (")
    place = METRICS.index(name) if name in METRICS else len(METRICS)
    return place, name, bool(dialect), dialect.startswith("dialect"), dialect


def _rank(report: Mapping[str, Any]) -> tuple[bool, datetime]:
    return report.get("complete") is not False, _when(report.get("started"))


def _when(started: Any) -> datetime:
    try:
        return datetime.strptime(str(started), "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return datetime(1, 1, 1, tzinfo=timezone.utc)
