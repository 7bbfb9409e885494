"""Markdown tables, readable as plain text too."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.report.record import MAIN_METRICS, metric_names

DECIMALS: Mapping[str, int] = {"SAD": 3, "GRAD": 3, "CONN": 3, "MSE": 5, "MAD": 5}
"""Decimals by metric, regions (``SAD-T``) as their metric: about as many as images of one set differ in."""

UNDEFINED = "–"
"""What stands for an undefined value."""

_NUMBER = re.compile(r"[-+]?\d[\d,.]*(e[-+]?\d+)?( of \d+)?|–|")


def format_metric(name: str, value: float | None) -> str:
    """A metric's value as text; four significant digits for a plugin's metric.

    A value too small for its decimals is written with an exponent rather than as zero.
    """
    if value is None:
        return UNDEFINED
    decimals = DECIMALS.get(name.split("-")[0])
    if decimals is None:
        return f"{value:.4g}"
    if 0 < abs(value) < 0.5 * 10**-decimals:
        return f"{value:.1e}"
    return f"{value:.{decimals}f}"


def markdown_table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table with padded columns; columns of numbers are aligned to the right.

    Args:
        headers: One title a column.
        rows: Cells: None is left empty, anything else is shown as `str` shows it. Format numbers first.

    Returns:
        The table, ending in a line break.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    titles = [_cell(title) for title in headers]
    right = [bool(cells) and all(_NUMBER.fullmatch(row[i]) for row in cells) for i in range(len(titles))]
    widths = [max(3, *(_width(row[i]) for row in [titles, *cells])) for i in range(len(titles))]
    rule = ["-" * (width - 1) + (":" if end else "-") for width, end in zip(widths, right, strict=True)]
    lines = [[_pad(text, *how) for text, *how in zip(row, widths, right, strict=True)] for row in [titles, *cells]]
    return "".join(f"| {' | '.join(line)} |\n" for line in [lines[0], rule, *lines[1:]])


def metrics_table(*reports: Mapping[str, Any]) -> str:
    """The means of one or more reports, a line each.

    Metrics that no report has a value for are left out, but for those of the whole image. A
    model that was given a trimap (``needs_trimap``) is marked.
    """
    every = metric_names(report["metrics"] for report in reports)
    names = [n for n in every if n in MAIN_METRICS or any(r["metrics"].get(n) is not None for r in reports)]
    rows = [
        [model_label(r), r.get("dataset"), r.get("split"), images_label(r)]
        + [format_metric(name, r["metrics"].get(name)) for name in names]
        for r in reports
    ]
    return markdown_table(["model", "data set", "split", "images", *names], rows)


def how_scored(report: Mapping[str, Any]) -> str:
    """Without which a figure means nothing: ``dialect p3m, rounding float, protocol cut 512, at native size``."""
    words = [f"{key} {report[key]}" for key in ("dialect", "rounding", "protocol") if report.get(key)]
    return ", ".join([*words, *([f"at {report['resolution']} size"] if report.get("resolution") else [])])


def model_label(report: Mapping[str, Any]) -> str:
    """The model's name, with a remark if it was given a trimap."""
    return f"{report.get('model') or ''}{' (given a trimap)' if report.get('needs_trimap') else ''}"


def images_label(report: Mapping[str, Any]) -> str:
    """``500``, or ``13 of 500`` where the data set has another published count."""
    count, published = report.get("n_images", 0), report.get("n_published")
    return f"{count}" if published in (None, count) else f"{count} of {published}"


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    # A bar would end the cell, a line break the row; the rest of Markdown is harmless in a name.
    return " ".join(text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").split())


def _width(text: str) -> int:
    """Columns on a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _pad(text: str, width: int, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space
