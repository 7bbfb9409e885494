"""Two results held side by side: paired where they are on the same pictures, as a gap where one model is on two splits.

A side is one or more reports, a split each. Records of another kind get a module of their own beside this one; the
command looks at the schema and picks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from registry import UsageError
from zoo.metrics.statistics import Difference, intervals, paired_difference, privacy_gap, unpaired_difference
from zoo.metrics.summary import summarise
from zoo.report.circumstances import circumstances
from zoo.report.comparability import check_gap, check_pair, choose_metrics, is_truth_known, rows_by_image, truths_differ
from zoo.report.reading import read_checked, reports_in

SCHEMA = "zoo-compare/1"
"""What ``schema`` says in a comparison of this version."""

PRIVACY = ("P3M-500-P", "P3M-500-NP")
"""The splits of the privacy gap: faces blurred, faces as they are."""

_CHANGED = 5
"""Images listed as changed most, in each direction."""


@dataclass(frozen=True)
class Side:
    """One side of a comparison.

    Attributes:
        name: The path as the user gave it.
        reports: Split -> report; the empty text where a report names no split.
    """

    name: str
    reports: Mapping[str, Mapping[str, Any]]


def read_side(path: str | Path) -> Side:
    """Read a ``report.json``, a result folder, or a result folder of several splits.

    Raises:
        NotFoundError: There is no report.
        UsageError: One cannot be used, or two are on the same split.
    """
    reports: dict[str, Mapping[str, Any]] = {}
    files: dict[str, Path] = {}
    found = reports_in(Path(path).expanduser())
    for file in sorted(found, key=lambda file: (file.parent.name == PRIVACY[1], file)):
        report = read_checked(file)
        split = str(report.get("split") or "")
        if split in reports:
            where = f"{files[split].parent} and {file.parent}"
            raise UsageError(f"{path} holds two reports on split {split or '(none)'}: name one, {where}")
        reports[split], files[split] = report, file
    return Side(str(path), reports)


def compare(
    a: Side, b: Side, metrics: Sequence[str] = (), lower_is_better: Mapping[str, bool] | None = None
) -> dict[str, Any]:
    """Hold two sides against each other, split by split.

    Args:
        a: What is compared with.
        b: What is compared; every difference is B - A.
        metrics: Which metrics, the first one for the images that changed most; none: all that both have, by MAD.
        lower_is_better: Direction of each metric; of one that is not there, lower is taken as better.

    Returns:
        A record with schema `SCHEMA`: ``kind`` (``paired``, or ``gap`` where one model is on two splits), ``a`` and
        ``b``, ``metrics`` (names compared), ``left_out`` (name -> why not), ``splits_not_shared``, ``parts`` (one for
        each split, as `_paired` and `_gap` make them) and, where both sides have both splits of `PRIVACY`,
        ``privacy_gaps``.

    Raises:
        UsageError: The two cannot be compared, or a metric asked for is unknown or not comparable.
    """
    better = lower_is_better or {}
    shared = [split for split in a.reports if split in b.reports]
    pairs = [(a.reports[split], b.reports[split]) for split in shared]
    kind = "paired"
    if not shared:
        pairs = [(next(iter(a.reports.values())), next(iter(b.reports.values())))]
        # A side that names no split, as mattes scored from files, can still be on the same pictures.
        kind = "paired" if "" in (*a.reports, *b.reports) else "gap"
        if len(a.reports) > 1 or len(b.reports) > 1:
            raise UsageError(f"no split in common: {a.name} has {_list(a.reports)}, {b.name} has {_list(b.reports)}")
    check = check_pair if kind == "paired" else check_gap
    for pair in pairs:
        check(*pair, a.name, b.name)
    names, left_out = choose_metrics(pairs, metrics)
    by = metrics[0] if metrics else "MAD" if "MAD" in names else names[0]
    record = {
        "schema": SCHEMA,
        "kind": kind,
        "a": _about(a),
        "b": _about(b),
        "metrics": names,
        "left_out": left_out,
        "splits_not_shared": sorted((set(a.reports) ^ set(b.reports)) if kind == "paired" and shared else ()),
        "parts": [
            _paired(*pair, names, better, by) if kind == "paired" else _gap(*pair, names, better) for pair in pairs
        ],
    }
    if kind == "paired" and set(PRIVACY) <= set(shared):
        gaps = {"a": _privacy_gap(a, names), "b": _privacy_gap(b, names)}
        record |= {"privacy_gaps": gaps} if all(gaps.values()) else {}
    return record


def gap_within(side: Side) -> tuple[Side, Side]:
    """The two splits of one result folder as two sides: those of `PRIVACY`, or the only two there are.

    Raises:
        UsageError: There are not two to choose from.
    """
    names = PRIVACY if set(PRIVACY) <= set(side.reports) else tuple(sorted(side.reports))
    if len(names) != 2:
        what = f"only {names[0] or 'one report'}" if len(names) == 1 else f"the splits {', '.join(names)}"
        raise UsageError(f"{side.name} has {what}: name a second result to compare it with, or a folder of two splits")
    first, second = (Side(f"{side.name}/{name}", {name: side.reports[name]}) for name in names)
    return first, second


# --- Parts -----------------------------------------------------------------------------------------


def _paired(
    a: Mapping[str, Any], b: Mapping[str, Any], names: Sequence[str], better: Mapping[str, bool], by: str
) -> dict[str, Any]:
    """One split of two results: names of images, circumstances, metrics, the images that changed most."""
    rows_a, rows_b = rows_by_image(a), rows_by_image(b)
    both = [name for name in rows_a if name in rows_b]
    differ = [name for name in both if truths_differ(rows_a[name], rows_b[name])]
    kept = [name for name in both if name not in set(differ)]
    pairs = [[rows[name] for name in kept] for rows in (rows_a, rows_b)]
    part = {
        "only_a": [name for name in rows_a if name not in rows_b],
        "only_b": [name for name in rows_b if name not in rows_a],
        "truth_differs": differ,
        "truth_not_stated": sum(not is_truth_known(rows_a[name], rows_b[name]) for name in kept),
        "mattes_identical": sum(_same_matte(rows_a[name], rows_b[name]) for name in kept),
    }
    found = {name: paired_difference(*pairs, name, better.get(name, True)) for name in names}
    return {
        **_part(a, b, len(kept), pairs, found, better),
        **part,
        "changed": _changed(*pairs, by, better.get(by, True)),
    }


def _gap(
    a: Mapping[str, Any], b: Mapping[str, Any], names: Sequence[str], better: Mapping[str, bool]
) -> dict[str, Any]:
    """Two splits of one model."""
    rows = [a["per_image"], b["per_image"]]
    found = {name: unpaired_difference(*rows, name) for name in names}
    return _part(a, b, 0, rows, found, better)


def _part(
    a: Mapping[str, Any],
    b: Mapping[str, Any],
    paired: int,
    rows: Sequence[Sequence[Mapping[str, Any]]],
    found: Mapping[str, Difference],
    better: Mapping[str, bool],
) -> dict[str, Any]:
    """What both kinds have: the means are those of the rows that are compared."""
    means = [summarise(_only(side, found))[0] for side in rows]
    ends = [intervals(_only(side, found)) for side in rows]
    return {
        "dataset": a.get("dataset") or b.get("dataset"),
        "split_a": str(a.get("split") or ""),
        "split_b": str(b.get("split") or ""),
        "n_a": len(a["per_image"]),
        "n_b": len(b["per_image"]),
        "n_paired": paired,
        "circumstances": circumstances(a, b),
        "metrics": {
            name: {
                "a": means[0].get(name),
                "a_interval": ends[0].get(name),
                "b": means[1].get(name),
                "b_interval": ends[1].get(name),
                "difference": asdict(difference),
                "lower_is_better": better.get(name, True),
                "direction_known": name in better,
            }
            for name, difference in found.items()
        },
    }


def _changed(
    rows_a: Sequence[Mapping[str, Any]], rows_b: Sequence[Mapping[str, Any]], by: str, lower: bool
) -> dict[str, Any]:
    """The images on which B gained and lost most."""
    changes = [
        {"image": a["image"], "a": a[by], "b": b[by], "difference": b[by] - a[by]}
        for a, b in zip(rows_a, rows_b, strict=True)
        if a.get(by) is not None and b.get(by) is not None
    ]
    changes.sort(key=lambda change: (change["difference"] if lower else -change["difference"], change["image"]))
    gains = [c for c in changes if c["difference"] and (c["difference"] < 0) == lower]
    losses = [c for c in reversed(changes) if c["difference"] and (c["difference"] > 0) == lower]
    return {"by": by, "better": gains[:_CHANGED], "worse": losses[:_CHANGED]}


# --- Small things ----------------------------------------------------------------------------------


def _about(side: Side) -> dict[str, Any]:
    keys = ("model", "plugin", "plugin_version", "checkpoint_sha256", "needs_trimap", "dialect", "rounding", "protocol")
    first = next(iter(side.reports.values()))
    return {"path": side.name, **{key: first.get(key) for key in keys}, "splits": list(side.reports)}


def _privacy_gap(side: Side, names: Sequence[str]) -> dict[str, Any] | None:
    """Metric -> NP - P, or None if the two reports are not of one model in one setting."""
    p, other = (side.reports[name] for name in PRIVACY)
    try:
        check_gap(p, other, *PRIVACY)
    except UsageError:
        return None
    found = privacy_gap(p, other)
    return {name: asdict(found[name]) for name in names if name in found}


def _only(rows: Sequence[Mapping[str, Any]], names: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{name: row.get(name) for name in names} for row in rows]


def _same_matte(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    return bool(a.get("matte_sha256")) and a["matte_sha256"] == b.get("matte_sha256")


def _list(reports: Mapping[str, Any]) -> str:
    return ", ".join(name or "(none)" for name in reports)
