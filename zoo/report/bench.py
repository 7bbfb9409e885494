"""The bench record as a Markdown table, one line for each model, photo size, batch and runtime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.report.table import markdown_table

SCHEMA = "zoo-bench/1"
"""What ``schema`` says in a bench record of this version."""

END_TO_END = "end_to_end"
"""The row of a record whose time is that of all stages together."""

STAGES = ("decode", "resize", "forward", "restore", "foreground", "composite", "encode")
"""Stages in the order in which a photo passes them."""

_GROUP = ("model", "height", "width", "batch", "runtime")


def bench_table(record: Mapping[str, Any]) -> str:
    """Median times of a bench record, with the circumstances in a line below.

    Args:
        record: Bench record; ``rows`` may be empty.

    Returns:
        A Markdown table, an empty line and the caption, ending in a line break.
    """
    headers, lines = bench_columns(record)
    return f"{markdown_table(headers, lines)}\n{bench_caption(record)}\n"


def bench_columns(record: Mapping[str, Any]) -> tuple[list[str], list[list[str]]]:
    """Titles and cells of the table, as texts; a stage or figure that no row has gets no column."""
    groups: dict[tuple[Any, ...], dict[str, Mapping[str, Any]]] = {}
    for row in record.get("rows", ()):
        groups.setdefault(tuple(row.get(key) for key in _GROUP), {})[row["stage"]] = row
    found = {stage for group in groups.values() for stage in group}
    stages = [s for s in STAGES if s in found] + sorted(found - {*STAGES, END_TO_END})
    columns: dict[str, list[str]] = {
        "model": [str(key[0]) for key in groups],
        "photo": [f"{key[2]} × {key[1]}" for key in groups],
        "batch": [str(key[3]) for key in groups],
        "runtime": [str(key[4] or "") for key in groups],
        "end to end": [_number(group.get(END_TO_END), "p50_ms", 1) for group in groups.values()],
        "p90": [_number(group.get(END_TO_END), "p90_ms", 1) for group in groups.values()],
        **{stage: [_number(group.get(stage), "p50_ms", 1) for group in groups.values()] for stage in stages},
        "images/s": [_whole(group, "images_per_s", 2) for group in groups.values()],
        "of a folder": [_number(folder_of(record, key), "images_per_s", 2) for key in groups],
        "first call s": [_whole(group, "first_call_s", 1) for group in groups.values()],
        "peak MiB": [_whole(group, "peak_mib", 0) for group in groups.values()],
        "card MiB": [_whole(group, "peak_device_mib", 0) for group in groups.values()],
        "params M": [_whole(group, "params", 2, 1e6) for group in groups.values()],
        "MACs G": [_whole(group, "macs", 2, 1e9) for group in groups.values()],
    }
    kept = {title: cells for title, cells in columns.items() if title in ("model", "end to end") or any(cells)}
    return list(kept), [list(line) for line in zip(*kept.values(), strict=True)]


def folder_of(record: Mapping[str, Any], key: tuple[Any, ...]) -> Mapping[str, Any] | None:
    """The folder that was timed of a model and photo size in one runtime."""
    model, height, width, _, runtime = key
    wanted = {"model": model, "height": height, "width": width, "runtime": runtime}
    rows = record.get("folders") or ()
    return next((row for row in rows if all(row.get(name) == value for name, value in wanted.items())), None)


def bench_caption(record: Mapping[str, Any]) -> str:
    """One sentence: what the figures are and where they were taken."""
    counts = {len(row["samples_ms"]) for row in record.get("rows", ()) if row.get("samples_ms")}
    taken = f" of {counts.pop()} repetitions" if len(counts) == 1 else ""
    versions = record.get("versions") or {}
    threads = record.get("threads")
    where = [
        str(record.get("device") or "device not stated"),
        str(record.get("processor") or ""),
        f"{threads} thread{'' if threads == 1 else 's'}" if threads else "",
        ", ".join(f"{name} {version}" for name, version in versions.items() if version),
    ]
    return f"Times in ms, median{taken} (p90 of the end-to-end time beside it). {'; '.join(filter(None, where))}."


def _whole(group: Mapping[str, Mapping[str, Any]], key: str, decimals: int, unit: float = 1.0) -> str:
    """A figure of the whole model: from the end-to-end row, or the first that has it."""
    rows: Sequence[Mapping[str, Any] | None] = [group.get(END_TO_END), *group.values()]
    return next((text for row in rows if (text := _number(row, key, decimals, unit))), "")


def _number(row: Mapping[str, Any] | None, key: str, decimals: int, unit: float = 1.0) -> str:
    value = row.get(key) if row else None
    return "" if value is None else f"{value / unit:.{decimals}f}"
