"""Two bench records side by side, and gates on times that know how times vary.

Times of one machine differ from minute to minute, most of all where other programs run. Four things keep a gate from
failing for that: medians; an interval from the repetitions, drawn in blocks as neighbours resemble each other; times
of the processor beside those of the clock (``forward_cpu_p50``), which other programs change least; and the share of
the processors that others left, by which times of the clock are multiplied for a second opinion. A time of the clock
fails a gate only if both opinions do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from registry import UsageError
from registry.errors import did_you_mean
from zoo.report.bench import END_TO_END, STAGES, folder_of
from zoo.report.bench import SCHEMA as BENCH
from zoo.report.circumstances import circumstances
from zoo.report.gate import TOWARDS, Change, Gate
from zoo.report.record import read_json

SCHEMA = "zoo-bench-compare/1"
"""What ``schema`` says in a comparison of two bench records of this version."""

RECORD = "record.json"
"""Name of a bench record in its folder."""

RESAMPLES = 4000

_SIZE = ("model", "height", "width", "batch")

_TIME = re.compile(r"(?P<stage>\w+?)(?P<cpu>_cpu)?(_p(?P<quantile>50|90|99))?")

_SINGLE = {"images_per_s": False, "folder_images_per_s": False, "first_call_s": True, "peak_mib": True}
"""Figures of a whole model beside its times, and whether less is better."""


def read_bench(path: Path) -> dict[str, Any]:
    """Read a bench record, and see that its rows are what a comparison needs.

    Args:
        path: A ``record.json``, or the folder it is in.

    Raises:
        NotFoundError: There is none.
        UsageError: It is no bench record, or a row lacks something.
    """
    file = path / RECORD if path.is_dir() else path
    record = read_json(file, BENCH)
    rows = record.get("rows")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UsageError(f"{file}: rows is no list of rows")
    for row in rows:
        where = f"{file}: {row.get('model')} {row.get('stage')}"
        if any(row.get(key) is None for key in (*_SIZE, "stage")):
            raise UsageError(f"{where}: a row needs {', '.join((*_SIZE, 'stage'))}")
        for key in ("samples_ms", "cpu_ms", "free"):
            values = row.get(key)
            if values is None and key != "samples_ms":
                continue  # an older record, or a system that does not tell
            if not isinstance(values, list) or not values or not all(_is_time(v) or key == "free" for v in values):
                raise UsageError(f"{where}: {key} is no list of times")
    return record


def _is_time(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


def is_bench(path: Path) -> bool:
    """Whether a path is a bench record, or the folder of one, as far as a look tells."""
    file = path / RECORD if path.is_dir() and not (path / "report.json").exists() else path
    try:
        return f'"{BENCH}"'.encode() in file.read_bytes()[:200]
    except OSError:
        return False


@dataclass(frozen=True)
class Pair:
    """One model at one size in both records.

    Attributes:
        name: As people read it.
        a: Stage -> row of the first record.
        b: Stage -> row of the second.
        folders: The folder's row of each, or None.
    """

    name: str
    a: Mapping[str, Mapping[str, Any]]
    b: Mapping[str, Mapping[str, Any]]
    folders: tuple[Mapping[str, Any] | None, Mapping[str, Any] | None] = (None, None)


def compare_records(a: Mapping[str, Any], b: Mapping[str, Any], gates: Sequence[Gate]) -> dict[str, Any]:
    """Hold two bench records against each other.

    Args:
        a: What is compared with.
        b: What is compared; every change is B - A.
        gates: See `zoo.report.gate`. Metrics are ``STAGE[_cpu][_p50|_p90|_p99]`` in milliseconds, ``images_per_s``,
            ``folder_images_per_s``, ``first_call_s`` and ``peak_mib``.

    Returns:
        A record with schema `SCHEMA`: ``circumstances`` (what differs between the two), ``only_a`` and ``only_b``
        (models in one of them), ``parts`` (``name``, ``runtime_a``, ``runtime_b``, ``free_a``, ``free_b`` and
        ``metrics``: name -> ``a``, ``b``, ``change``, ``low``, ``high``) and ``gates``.

    Raises:
        UsageError: They have no model at one size in common, or a gate is on something that they have not.
    """
    pairs, only_a, only_b = _pairs(a, b)
    if not pairs:
        raise UsageError("the two records have no model at one photo size and batch in common")
    shown = [f"{stage}{kind}" for stage in (END_TO_END, *STAGES) for kind in ("_p50", "_cpu_p50")] + list(_SINGLE)
    return {
        "schema": SCHEMA,
        "circumstances": circumstances(_about(a), _about(b)),
        "only_a": only_a,
        "only_b": only_b,
        "parts": [_part(pair, shown) for pair in pairs],
        "gates": [_check(gate, pair) for pair in pairs for gate in gates],
    }


def _part(pair: Pair, names: Sequence[str]) -> dict[str, Any]:
    metrics = {}
    for name in names:
        found = _measured(pair, name, second=False)
        if found is not None:
            a, b, change, _ = found
            metrics[name] = {"a": a, "b": b, "change": change.mean, "low": change.low, "high": change.high}
    sides = {"a": pair.a, "b": pair.b}
    return {
        "name": pair.name,
        **{f"runtime_{side}": rows[END_TO_END].get("runtime") for side, rows in sides.items()},
        **{f"free_{side}": _share(rows[END_TO_END]) for side, rows in sides.items()},
        "metrics": metrics,
    }


def _check(gate: Gate, pair: Pair) -> dict[str, Any]:
    found = _measured(pair, gate.metric)
    if found is None:
        known = [f"{stage}_p50" for stage in pair.a if stage in pair.b] + list(_SINGLE)
        raise UsageError(
            f"--fail-on {gate.text!r}: {pair.name} has no {gate.metric!r} on both sides; it has "
            f"{', '.join(known)}, and with _cpu and p90, p99.{did_you_mean(gate.metric, known)}"
        )
    a, _, change, second = found
    lower = _SINGLE.get(gate.metric, True)
    opinions = [one.towards(gate.sign, lower) for one in (change, second) if one is not None]
    first, limit = opinions[0], gate.limit(a)
    beyond = [one.exceeds(limit) for one in opinions]
    return {
        "gate": gate.text,
        "row": pair.name,
        "metric": gate.metric,
        "towards": TOWARDS[gate.sign],
        "worse_by": first.mean,
        "low": first.low,
        "high": first.high,
        "of": a,
        "passed": not all(beyond),
        "excused": beyond[0] and not all(beyond),
    }


# --- What is measured ------------------------------------------------------------------------------


def _measured(pair: Pair, name: str, second: bool = True) -> tuple[float, float, Change, Change | None] | None:
    """A, B, the change and, as a second opinion, the change had nobody else been there; None: one side has it not."""
    if name == "images_per_s":
        rates = [1000 * pair.a[END_TO_END]["batch"] / _samples(rows[END_TO_END], "") for rows in (pair.a, pair.b)]
        free = [_free(rows[END_TO_END]) for rows in (pair.a, pair.b)]
        alone = [r / f if second and f is not None else None for r, f in zip(rates, free, strict=True)]
        return _of_samples(rates, alone, 50)
    if name in _SINGLE:
        if name == "folder_images_per_s":
            values = [row and row.get("images_per_s") for row in pair.folders]
        else:
            values = [rows[END_TO_END].get(name) for rows in (pair.a, pair.b)]
        if None in values:
            return None
        return float(values[0]), float(values[1]), Change(values[1] - values[0], None, None), None
    match = _TIME.fullmatch(name)
    if match is None or not all(match["stage"] in rows for rows in (pair.a, pair.b)):
        return None
    rows = [side[match["stage"]] for side in (pair.a, pair.b)]
    if match["cpu"] and not all(row.get("cpu_ms") for row in rows):
        return None
    samples = [_samples(row, match["cpu"] or "") for row in rows]
    by_clock = second and not match["cpu"]
    free = [_free(row) if by_clock else None for row in rows]
    alone = [s * f if f is not None else None for s, f in zip(samples, free, strict=True)]
    return _of_samples(samples, alone, int(match["quantile"] or 50))


def _samples(row: Mapping[str, Any], cpu: str) -> np.ndarray:
    return np.asarray(row["cpu_ms" if cpu else "samples_ms"], np.float64)


def _free(row: Mapping[str, Any]) -> np.ndarray | None:
    """The share of the processors left in each repetition; None where it is not known of every one."""
    free = row.get("free")
    return np.asarray(free, np.float64) if free and None not in free else None


def _share(row: Mapping[str, Any]) -> float | None:
    free = _free(row)
    return None if free is None else float(np.median(free))


def _of_samples(
    samples: Sequence[np.ndarray], alone: Sequence[np.ndarray | None], quantile: int
) -> tuple[float, float, Change, Change | None]:
    a, b = (float(np.percentile(values, quantile)) for values in samples)
    second = None if alone[0] is None or alone[1] is None else change_of(alone[0], alone[1], quantile)
    return a, b, change_of(*samples, quantile), second


def change_of(a: np.ndarray, b: np.ndarray, quantile: int, seed: int = 0) -> Change:
    """B - A of a percentile, with the 95 % interval of a moving-block bootstrap of both.

    Args:
        a: Samples in the order in which they were taken.
        b: Likewise.
        quantile: 50 for the median.
        seed: Of the draws.
    """
    mean = float(np.percentile(b, quantile) - np.percentile(a, quantile))
    if min(len(a), len(b)) < 2:
        return Change(mean, None, None)
    chance = np.random.default_rng(seed)
    drawn = [np.percentile(_in_blocks(values, chance), quantile, axis=1) for values in (a, b)]
    low, high = np.percentile(drawn[1] - drawn[0], (2.5, 97.5))
    return Change(mean, float(low), float(high))


def _in_blocks(values: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """Draws of as many values, (`RESAMPLES`, n), in runs of n^(1/3) neighbours; after the end comes the beginning."""
    count = len(values)
    length = max(1, round(count ** (1 / 3)))
    starts = chance.integers(count, size=(RESAMPLES, -(-count // length)))
    places = (starts[..., None] + np.arange(length)).reshape(RESAMPLES, -1)[:, :count]
    drawn: np.ndarray = values[places % count]
    return drawn


# --- Rows that belong together ----------------------------------------------------------------------


def _pairs(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[list[Pair], list[str], list[str]]:
    """The rows of both that belong together: of one runtime if both have it, else of the only one there is."""
    groups = [_groups(record) for record in (a, b)]
    pairs = []
    left = dict(groups[0])
    for key in list(groups[1]):
        same = [other for other in left if other[:4] == key[:4]]
        match = key if key in left else same[0] if len(same) == 1 else None
        if match is not None:
            folders = (folder_of(a, match), folder_of(b, key))
            pairs.append(Pair(_label(key), left.pop(match), groups[1].pop(key), folders))
    return pairs, [_label(key) for key in left], [_label(key) for key in groups[1]]


def _groups(record: Mapping[str, Any]) -> dict[tuple[Any, ...], dict[str, Mapping[str, Any]]]:
    found: dict[tuple[Any, ...], dict[str, Mapping[str, Any]]] = {}
    for row in record["rows"]:
        found.setdefault(tuple(row.get(key) for key in (*_SIZE, "runtime")), {})[row["stage"]] = row
    return {key: rows for key, rows in found.items() if END_TO_END in rows}


def _label(key: tuple[Any, ...]) -> str:
    model, height, width, batch, _ = key
    return f"{model} {width} × {height}" + (f", batch {batch}" if batch != 1 else "")


def _about(record: Mapping[str, Any]) -> dict[str, Any]:
    return {key: record.get(key) for key in ("device", "processor", "threads", "versions")}
