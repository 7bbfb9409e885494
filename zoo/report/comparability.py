"""May two reports be compared, and by which metrics?

Figures on other pictures, against another truth, rounded otherwise or of another meaning are refused in one line rather
than set side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from registry import UsageError
from registry.errors import did_you_mean
from zoo.metrics.comparable import depends_on_trimaps, same_number
from zoo.report.record import metric_names


def check_pair(a: Mapping[str, Any], b: Mapping[str, Any], name_a: str, name_b: str) -> None:
    """Refuse two reports that are not on the same pictures or not rounded alike."""
    for key, what in (("dataset", "data set"), ("split", "split"), ("rounding", "rounding"), ("resolution", "size")):
        if a.get(key) and b.get(key) and a[key] != b[key]:
            raise UsageError(f"not comparable: another {what}, {name_a} has {a[key]} and {name_b} has {b[key]}")
    rows_a, rows_b = rows_by_image(a), rows_by_image(b)
    both = [name for name in rows_a if name in rows_b]
    if not both:
        raise UsageError(f"not comparable: {name_a} and {name_b} have no image in common")
    if all(truths_differ(rows_a[name], rows_b[name]) for name in both):
        raise UsageError(f"not comparable: {name_a} and {name_b} were scored against another truth on every image")
    one_sided = [key for key in ("dataset", "split") if bool(a.get(key)) != bool(b.get(key))]
    if one_sided and not all(is_truth_known(rows_a[name], rows_b[name]) for name in both):
        raise UsageError(
            f"not comparable: only one of {name_a} and {name_b} names its {one_sided[0]}, and without the digests of "
            "the truth nothing shows that they are on the same pictures; score the other again"
        )


def check_gap(a: Mapping[str, Any], b: Mapping[str, Any], name_a: str, name_b: str) -> None:
    """Refuse two splits unless one model was scored on both in one way."""
    splits = f"{name_a} is on {a.get('split')} and {name_b} on {b.get('split')}"
    same = ("model", "plugin_version", "checkpoint_sha256", "dataset", "rounding", "protocol", "resolution")
    for key in same:
        if a.get(key) != b.get(key) or (key == "model" and not a.get(key)):
            found = f"{key} {_short(key, a.get(key))} and {_short(key, b.get(key))}"
            raise UsageError(
                f"not comparable: {splits}; other pictures can be compared for one model in one setting only, "
                f"and these have {found}"
            )


def choose_metrics(
    pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], asked: Sequence[str]
) -> tuple[list[str], dict[str, str]]:
    """Metrics to compare, and those that cannot be with the reason."""
    every = metric_names(report["metrics"] for pair in pairs for report in pair)
    for name in asked:
        if name not in every:
            raise UsageError(
                f"no metric {name!r} in these reports; metrics: {', '.join(every)}.{did_you_mean(name, every)}"
            )
    left_out: dict[str, str] = {}
    names = []
    for name in asked or every:
        values = [[report["metrics"].get(name) is not None for report in pair] for pair in pairs]
        reason = next(filter(None, (_not_same(name, *pair) for pair in pairs)), None)
        if not any(any(pair) for pair in values):
            reason = "neither has a value" if asked else None
        elif not any(all(pair) for pair in values):
            reason = reason or f"only {'A' if any(pair[0] for pair in values) else 'B'} has a value"
        elif reason is None:
            names.append(name)
        if reason:
            left_out[name] = reason
            if asked:
                raise UsageError(f"{name} cannot be compared: {reason}")
    if not names:
        why = "; ".join(dict.fromkeys(left_out.values())) or "neither has a figure"
        raise UsageError(f"not comparable by any metric: {why}")
    return names, left_out


def _not_same(name: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> str | None:
    ours, theirs = str(a.get("dialect")), str(b.get("dialect"))
    if not same_number(name, ours, theirs):
        return f"dialects {ours} and {theirs} mean different numbers by it"
    if depends_on_trimaps(name, ours) and has_trimaps(a) != has_trimaps(b):
        return f"only one side has trimaps, and dialect {ours} takes it over another region without them"
    return None


def has_trimaps(report: Mapping[str, Any]) -> bool:
    """Whether a report was made with trimaps."""
    return any(row.get("unknown_width") is not None for row in report["per_image"])


def rows_by_image(report: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Name of the image -> its row."""
    return {row["image"]: row for row in report["per_image"]}


def is_truth_known(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether two rows of one image both hold the digest of what they were scored against."""
    return bool(a.get("target_sha256") and b.get("target_sha256"))


def truths_differ(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether two rows of one image were scored against different truths, by size or digest."""
    sizes = [(row.get("height"), row.get("width")) for row in (a, b)]
    if None not in (*sizes[0], *sizes[1]) and sizes[0] != sizes[1]:
        return True
    return is_truth_known(a, b) and a["target_sha256"] != b["target_sha256"]


def _short(key: str, value: Any) -> str:
    return "none" if value is None else str(value)[:12] if key == "checkpoint_sha256" else str(value)
