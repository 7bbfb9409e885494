"""The table of accuracy as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.report.record import MAIN_METRICS
from zoo.report.table import format_metric, markdown_table


def accuracy_text(record: Mapping[str, Any]) -> str:
    """The record of `zoo.report.accuracy.accuracy_record` for people: a table for each split, and how to read them."""
    blocks = []
    for part in record["splits"]:
        blocks.append(f"## {record['dataset']} {part['split']}\n")
        blocks.append(_table(part) if part["rows"] else "No figure.\n")
    text = "\n".join([*blocks, _CAPTION])
    return text.encode("utf-8", "backslashreplace").decode()  # paths that are no valid Unicode can be printed too


_CAPTION = (
    "Bold: measured by zoo, from a record; its intervals and further metrics are in the JSON. Others: as published.\n"
    "Rows stand by what the method was given, those with a reason not to compare them last, then by MSE, MAD, SAD.\n"
    "SAD, MSE and MAD are over the whole image; GRAD, CONN and regions differ between dialects, a column each.\n"
    "Images in brackets: the source names the split and no count.\n"
)


def _table(part: Mapping[str, Any]) -> str:
    published = {name for row in part["rows"] if row["kind"] == "published" for name in row["metrics"]}
    shown = [h for h in part["columns"] if h.partition(" (")[0] in MAIN_METRICS or h in published]
    rows = []
    for row in part["rows"]:
        cells = [_method(row), row["given"] or "", _images(row, part["n_published"])]
        cells += [_figure(row, heading) for heading in shown]
        cells += [row["rounding"] or "", row["protocol"] or "", "; ".join(row["remarks"])]
        rows.append([*cells, "; ".join(filter(None, (row["source"], row["setting"])))])
    titles = ["method", "given", "images", *shown, "rounding", "protocol", "remarks", "source"]
    return markdown_table(titles, rows)


def _method(row: Mapping[str, Any]) -> str:
    return f"**{row['method']}**" if row["kind"] == "record" else str(row["method"])


def _images(row: Mapping[str, Any], published: int | None) -> str:
    if row["n_images"] is not None:
        return str(row["n_images"])
    return f"({published})" if published is not None else ""


def _figure(row: Mapping[str, Any], heading: str) -> str:
    """A figure as it was published, or with the decimals of a report."""
    value = row["metrics"].get(heading)
    if value is None:
        return ""
    return format_metric(heading.partition(" (")[0], value) if row["kind"] == "record" else f"{value:.10g}"
