"""One small page over several reports: their means, the times, and a few mattes of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from zoo.files import write_text
from zoo.report.bench import bench_caption, bench_columns
from zoo.report.page import legend, picture_ratio, picture_views, render
from zoo.report.record import MAIN_METRICS, completeness, worst_first
from zoo.report.table import format_metric, images_label, model_label


def write_index(
    path: Path,
    title: str,
    reports: Sequence[tuple[str, Mapping[str, Any]]],
    bench: Mapping[str, Any] | None = None,
    pictures: Mapping[str, Mapping[str, Mapping[str, str]]] | None = None,
) -> None:
    """Write an ``index.html`` that links to reports beside it.

    Args:
        path: File to write; its folder exists.
        title: Heading of the page, plain text.
        reports: For each report the path of its page, relative to ``path``, and the report.
        bench: Bench record to show, if any.
        pictures: By the paths of ``reports``: the thumbnails of each image, as `write_page` takes them.
            The best, the median and the worst image of each report are shown, as far as they have any.

    Raises:
        ValueError: A picture is not a ``data:image/`` URI.
        OSError: The file cannot be written.
    """
    headers, cells = bench_columns(bench) if bench else ([], [])
    samples = [s for href, report in reports for s in _extremes(report, (pictures or {}).get(href, {}))]
    text = render(
        "index.html.j2",
        title=title,
        notices=[
            {"split": report.get("split"), "text": completeness(report), "complete": bool(report.get("complete"))}
            for _, report in reports
        ],
        metric_names=MAIN_METRICS,
        rows=[_row(href, report) for href, report in reports],
        bench_headers=headers,
        bench_rows=cells,
        bench_caption=bench_caption(bench) if bench else "",
        samples=samples,
        **legend(any(sample["has_error"] for sample in samples)),
    )
    write_text(path, text)


def _row(href: str, report: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "href": quote(href, safe="/"),  # no colon survives, so a path is never taken for another scheme
        "model": model_label(report),
        "dataset": report.get("dataset"),
        "split": report.get("split"),
        "images": images_label(report),
        "numbers": [format_metric(name, report["metrics"].get(name)) for name in MAIN_METRICS],
        "scored": ", ".join(str(report[key]) for key in ("dialect", "rounding", "protocol") if report.get(key)),
    }


def _extremes(report: Mapping[str, Any], pictures: Mapping[str, Mapping[str, str]]) -> list[dict[str, Any]]:
    """The best, median and worst image of a report; fewer if it has fewer than three."""
    rows, key = worst_first(report)
    rows = [row for row in rows if key and row.get(key) is not None]
    places = {0: "worst", len(rows) - 1: "best", len(rows) // 2: "median"} if len(rows) > 2 else {0: "worst"}
    found = []
    for place, word in sorted(places.items(), reverse=True):
        if place < len(rows) and pictures.get(rows[place]["image"]):
            row = rows[place]
            views = pictures[row["image"]]
            found.append(
                {
                    "title": f"{report.get('split')}, {word}",
                    "name": row["image"],
                    "number": f"{key} {format_metric(str(key), row[key])}",
                    "ratio": picture_ratio(row),
                    "views": picture_views(views),
                    "has_error": "error" in views,
                }
            )
    return found
