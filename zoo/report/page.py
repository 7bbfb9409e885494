"""The report as one HTML page that needs nothing but itself: no network, no fonts, no other file."""

from __future__ import annotations

import base64
import hashlib
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.files import write_text
from zoo.metrics.definitions import DIALECTS
from zoo.report.record import MAIN_METRICS, METRICS, completeness, metric_names, worst_first
from zoo.report.table import format_metric, images_label
from zoo.report.thumbnails import ERROR_COLOURS, ERROR_MAX, VIEWS

_HERE = Path(__file__).parent

_TITLES: Mapping[str, str] = {"error": "error map"}

_STRATA: Mapping[str, tuple[str, float, int]] = {
    "unknown_width": ("Width of the unknown region, pixels", 1, 1),
    "subject_area": ("Subject, % of the image", 100, 1),
}
"""Heading, factor and decimals of what `zoo.metrics.strata` cuts a set by."""

_ROUNDING: Mapping[str, str] = {
    "float": "mattes unrounded",
    "truncated": "mattes cut to 8 bits first",
    "rounded": "mattes rounded to 8 bits first",
}


def write_page(path: Path, report: Mapping[str, Any], pictures: Mapping[str, Mapping[str, str]]) -> None:
    """Write ``report.html``.

    Args:
        path: File to write; its folder exists.
        report: As written by `zoo.report.record.write_report`. ``problems``, a list of
            ``{"image", "reason"}``, names the images that could not be measured.
        pictures: `zoo.report.thumbnails.thumbnails` of each image, by the ``image`` of its row.
            A row without pictures is shown with its numbers alone.

    Raises:
        ValueError: A picture is not a ``data:image/`` URI.
        OSError: The file cannot be written.
    """
    rows, key = worst_first(report)
    samples = [_sample(row, key, _shown(report), pictures.get(row["image"], {})) for row in rows]
    metrics = [_summary(name, report) for name in _defined(metric_names([report["metrics"]]), report)]
    main = _defined(MAIN_METRICS, report)
    text = render(
        "page.html.j2",
        subject=report.get("model") or "Mattes",
        places=[str(report[name]) for name in ("dataset", "split") if report.get(name)],
        lede=_lede(report),
        notice=completeness(report),
        complete=bool(report.get("complete")),
        facts=_facts(report),
        main_metrics=[metric for metric in metrics if metric["name"] in main],
        metrics=[metric for metric in metrics if metric["defined"]],
        has_intervals=any(metric["interval"] for metric in metrics),
        has_saved=any(metric["saved"] for metric in metrics),
        strata=_strata(report, main),
        strata_metrics=main,
        absent=[metric["name"] for metric in metrics if not metric["defined"]],
        config=json.dumps(report["config"], indent=2, ensure_ascii=False) if report.get("config") else "",
        problems=report.get("problems", ()),
        order=_order(key),
        samples=samples,
        has_pictures=any(sample["views"] for sample in samples),
        **legend(any("error" in pictures.get(row["image"], {}) for row in rows)),
    )
    write_text(path, text)


def render(template: str, **values: Any) -> str:
    """A template of this folder with the shared style and script, everything else escaped.

    The page's policy lets run no script but ours, named by its hash, and loads nothing from anywhere.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    css = (_HERE / "page.css").read_text(encoding="utf-8")
    script = (_HERE / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template(template).render(css=css, script=script, script_hash=f"sha256-{digest}", **values)


def picture_views(pictures: Mapping[str, str]) -> list[dict[str, str]]:
    """Title and URI of each picture, in the order of the page; other names behind the known ones.

    Raises:
        ValueError: A picture is not a ``data:image/`` URI.
    """
    names = [*(name for name in VIEWS if name in pictures), *(name for name in pictures if name not in VIEWS)]
    for name in names:
        if not pictures[name].startswith("data:image/"):
            raise ValueError(f"picture {name!r} is no data:image/ URI: {pictures[name][:40]!r}")
    return [{"title": _TITLES.get(name, name), "uri": pictures[name]} for name in names]


def legend(has_errors: bool) -> dict[str, Any]:
    """What the templates need to draw the scale of the error maps."""
    colours = ", ".join("rgb({}, {}, {})".format(*colour) for colour in ERROR_COLOURS)
    return {"has_errors": has_errors, "scale": colours, "error_max": ERROR_MAX}


def picture_ratio(row: Mapping[str, Any]) -> str:
    """Width by height of an image, for the style of its pictures; 1 where the size is not known."""
    height, width = row.get("height"), row.get("width")
    return f"{width / height:.4f}" if height and width else "1"


def _shown(report: Mapping[str, Any]) -> list[str]:
    """The metrics shown for each image: the main ones, and others with a value on any image."""
    rows: Sequence[Mapping[str, Any]] = report.get("per_image", ())
    names = _defined(metric_names(rows), report)
    return [name for name in names if name in MAIN_METRICS or any(row.get(name) is not None for row in rows)]


def _sample(row: Mapping[str, Any], key: str | None, names: list[str], pictures: Mapping[str, str]) -> dict[str, Any]:
    height, width = row.get("height"), row.get("width")
    return {
        "name": row["image"],
        "size": f"{width} × {height}" if height and width else "",
        "ratio": picture_ratio(row),
        "numbers": [{"name": n, "text": format_metric(n, row.get(n)), "key": n == key} for n in names],
        "views": picture_views(pictures),
    }


def _summary(name: str, report: Mapping[str, Any]) -> dict[str, Any]:
    values = [row[name] for row in report.get("per_image", ()) if row.get(name) is not None]
    mean = report["metrics"].get(name)
    saved = report.get("saved_metrics") or {}
    return {
        "name": name,
        "what": _meanings(report).get(name, ""),
        "defined": mean is not None,
        "mean": format_metric(name, mean),
        "interval": _range(name, (report.get("intervals") or {}).get(name)),
        "saved": format_metric(name, saved.get(name)) if saved.get(name) is not None else "",
        "median": format_metric(name, statistics.median(values) if values else None),
        "least": format_metric(name, min(values, default=None)),
        "greatest": format_metric(name, max(values, default=None)),
        "undefined": report.get("undefined", {}).get(name, 0),
    }


def _meanings(report: Mapping[str, Any]) -> dict[str, str]:
    """What each metric is in the report's dialect; nothing is known of a plugin's metric or another zoo's dialect."""
    dialect = DIALECTS.get(str(report.get("dialect")))
    return {definition.name: str(definition) for definition in dialect.metrics} if dialect else {}


def _defined(names: Sequence[str], report: Mapping[str, Any]) -> list[str]:
    """The names without those of the core that the report's dialect does not define."""
    known = _meanings(report)
    return [name for name in names if not known or name in known or name not in METRICS]


def _range(name: str, ends: Sequence[float] | None) -> str:
    return " to ".join(format_metric(name, end) for end in ends) if ends else ""


def _strata(report: Mapping[str, Any], names: Sequence[str]) -> list[dict[str, Any]]:
    """Tables of the means in thirds of the set, one for each property that it is cut by."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for stratum in report.get("strata") or ():
        title, unit, decimals = _STRATA[stratum["by"]]
        bounds = " to ".join(f"{stratum[end] * unit:.{decimals}f}" for end in ("low", "high"))
        numbers = [format_metric(name, stratum["metrics"].get(name)) for name in names]
        tables.setdefault(title, []).append({"bounds": bounds, "count": stratum["n_images"], "numbers": numbers})
    return [{"title": title, "rows": rows} for title, rows in tables.items()]


def _lede(report: Mapping[str, Any]) -> str:
    dialect = f"Metrics as defined by {report['dialect']}" if report.get("dialect") else "Metrics"
    text = f"{dialect}, at each image’s own size, {_ROUNDING.get(str(report.get('rounding')), 'mattes as written')}."
    return f"{text} The model was given a trimap of each image." if report.get("needs_trimap") else text


def _facts(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What was measured, with what, when; a fact that the report does not hold is left out."""
    digest = report.get("checkpoint_sha256")
    versions = report.get("versions") or {}
    threads, made = report.get("threads"), report.get("trimaps_made")
    device = [
        report.get("device"),
        report.get("processor"),
        f"{threads} thread{'' if threads == 1 else 's'}" if threads else None,
    ]
    # A report of mattes from files knows no checkpoint.
    weights = (report["checkpoint"] or "none: fresh weights") if "checkpoint" in report else None
    facts = [
        {"name": "Images", "text": images_label(report)},
        {"name": "Plugin", "text": " ".join(str(report[k]) for k in ("plugin", "plugin_version") if report.get(k))},
        {"name": "Mattes", "text": report.get("predictions"), "code": True},
        {"name": "Checkpoint", "text": weights, "code": True},
        {"name": "SHA-256 of the checkpoint", "text": digest and digest[:12], "full": digest, "code": True},
        {"name": "Metric dialect", "text": report.get("dialect")},
        {"name": "Rounding", "text": report.get("rounding")},
        {"name": "Protocol (input size)", "text": report.get("protocol")},
        {"name": "Trimaps", "text": f"{made} of them made from the true alpha" if made else ""},
        {"name": "Runtime", "text": report.get("runtime")},
        {"name": "Device", "text": ", ".join(str(part) for part in device if part)},
        {"name": "Started", "text": str(report.get("started") or "").replace("T", " ", 1)},
        {"name": "Took", "text": _duration(report.get("seconds"))},
        {"name": "Versions", "text": ", ".join(f"{name} {version}" for name, version in versions.items() if version)},
    ]
    return [{"code": False, "full": "", **fact} for fact in facts if fact["text"] not in (None, "")]


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def _order(key: str | None) -> str:
    if key is None:
        return "In the order of the data set: no image has a MAD or SAD to order by."
    name = {"MAD": "mean absolute difference (MAD)", "SAD": "sum of absolute differences (SAD)"}[key]
    return f"Worst first: ordered by {name}, the greatest at the top, so that failures are seen before successes."
