"""Hold somebody's record against the mattes it was made from: are they the same, and do they give its figures?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry import UsageError
from zoo.metrics.definitions import NAMES

TOLERANCE: Mapping[str, float] = {"GRAD": 1e-6, "CONN": 1e-6}
"""Largest relative difference of a mean that still agrees; these two are sums of filtered values, the others of
pixels."""

_PIXEL_TOLERANCE = 1e-9


def expected_rounding(record: Mapping[str, Any]) -> str:
    """How the mattes must be scored to meet the record's figures.

    A record of ``zoo eval`` has its figures twice: as the network answered, and as the 8-bit files give them. Only the
    second can be computed again. One of ``zoo score`` was made from files.

    Raises:
        UsageError: The record has no digests: its mattes were not kept.
    """
    rows = record["per_image"]
    lacking = [row["image"] for row in rows if not row.get("matte_sha256")]
    if lacking or not rows:
        what = f"no digest of {lacking[0]}'s matte" if lacking else "no images"
        raise UsageError(f"the record holds {what}; one that can be re-checked comes from `zoo eval` or `zoo score`")
    return "float" if record.get("saved_metrics") else str(record["rounding"])


def recheck(record: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Compare a record with a fresh scoring of its mattes.

    Args:
        record: The report that somebody submitted.
        found: What `zoo.engine.scoring.score_folders` made of their mattes under the record's dialect and
            `expected_rounding`.

    Returns:
        ``agrees``; ``n_images``; the names of ``mattes_missing`` (no matte or no truth here), ``mattes_differ`` and
        ``targets_differ`` (another digest); ``metrics``: name -> {recorded, found, relative, agrees}, and
        ``not_computed``: metrics that the record has and these folders do not give (those of regions need trimaps).
    """
    here = {row["image"]: row for row in found["per_image"]}
    rows = {row["image"]: row for row in record["per_image"]}
    both = [name for name in rows if name in here]
    differs = {
        key: [name for name in both if rows[name].get(key) not in (None, here[name][key])]
        for key in ("matte_sha256", "target_sha256")
    }
    recorded = record.get("saved_metrics") or record["metrics"]
    wanted = {name: value for name, value in recorded.items() if name in NAMES and value is not None}
    computed = {name: value for name, value in wanted.items() if found["metrics"].get(name) is not None}
    metrics = {name: _hold(name, value, found["metrics"][name]) for name, value in computed.items()}
    missing = [name for name in rows if name not in here]
    complete = not missing and not any(differs.values())
    return {
        "agrees": complete and bool(metrics) and all(line["agrees"] for line in metrics.values()),
        "n_images": len(rows),
        "mattes_missing": missing,
        "mattes_differ": differs["matte_sha256"],
        "targets_differ": differs["target_sha256"],
        "metrics": metrics,
        "not_computed": [name for name in wanted if name not in computed],
    }


def _hold(name: str, recorded: float, found: float) -> dict[str, Any]:
    greatest = max(abs(recorded), abs(found))
    relative = abs(recorded - found) / greatest if greatest else 0.0
    return {
        "recorded": recorded,
        "found": found,
        "relative": relative,
        "agrees": relative <= TOLERANCE.get(name, _PIXEL_TOLERANCE),
    }


def verdict(outcome: Mapping[str, Any]) -> list[str]:
    """The outcome in a few lines, the decisive one last."""
    lines = [
        f"{len(outcome[key])} of {outcome['n_images']} {what}: {_some(outcome[key])}"
        for key, what in (
            ("mattes_missing", "images have no matte or no truth here"),
            ("mattes_differ", "mattes are not those that were recorded"),
            ("targets_differ", "true alphas are not those that were recorded"),
        )
        if outcome[key]
    ]
    for name, line in outcome["metrics"].items():
        if not line["agrees"]:
            lines.append(f"{name} is {line['found']:.9g} here and {line['recorded']:.9g} in the record")
    if outcome["not_computed"]:
        lines.append(f"not computed here: {', '.join(outcome['not_computed'])} (give the trimaps with --trimap)")
    worst = max((line["relative"] for line in outcome["metrics"].values()), default=0.0)
    if outcome["agrees"]:
        names = ", ".join(outcome["metrics"])
        lines.append(f"the record agrees: {outcome['n_images']} mattes, {names}; largest difference {worst:.1g}")
    else:
        lines.append("the record does not agree with these mattes")
    return lines


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
