"""A comparison as Markdown that reads as plain text too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from zoo.report.table import UNDEFINED, format_metric, markdown_table

_NAMES = 10
"""Names of images listed before the rest is counted."""

_FEW = 10
"""Below so many images an interval is hardly more than the values themselves."""


def compare_text(comparison: Mapping[str, Any]) -> str:
    """The record of `zoo.report.compare.compare` for people, ending in a line break."""
    blocks = [_sides(comparison)]
    for part in comparison["parts"]:
        blocks += _gap_blocks(part) if comparison["kind"] == "gap" else _paired_blocks(part)
    if "privacy_gaps" in comparison:
        blocks.append(_gaps(comparison["privacy_gaps"]))
    if comparison["splits_not_shared"]:
        blocks.append(f"Only one side has: {', '.join(comparison['splits_not_shared'])}.")
    if comparison["left_out"]:
        blocks.append("".join(f"Not compared: {name}, {why}.\n" for name, why in comparison["left_out"].items()))
    if comparison.get("gates"):
        blocks.append("".join(f"{gate_line(gate)}\n" for gate in comparison["gates"]))
    text = "\n".join(block if block.endswith("\n") else f"{block}\n" for block in blocks)
    return text.encode("utf-8", "backslashreplace").decode()  # names that are no valid Unicode can be printed too


def gap_text(comparison: Mapping[str, Any]) -> str:
    """The table of a comparison of kind ``gap`` alone, ending in a line break."""
    return "\n".join(f"{block.rstrip()}\n" for part in comparison["parts"] for block in _gap_blocks(part))


OPPOSITE = {"worse": "better", "higher": "lower", "lower": "higher"}
"""Where a difference goes that a gate does not look for."""


def gate_line(gate: Mapping[str, Any]) -> str:
    """One sentence on a gate of `zoo.report.gate.check_gate`."""
    metric, by, way = gate["metric"], gate["worse_by"], gate["towards"]
    if by is None:
        found = "no image has it on both sides"
    elif by > 0:
        found = f"{way} by {format_metric(metric, by)}{_ends(metric, gate['low'], gate['high'])}"
    else:
        found = f"not {way}" if by == 0 else f"{OPPOSITE[way]} by {format_metric(metric, -by)}"
    return f"{'passed' if gate['passed'] else 'FAILED'}: {gate['gate']} on {gate['split'] or 'these images'}: {found}"


def verdict(entry: Mapping[str, Any]) -> str:
    """What a metric's difference says of B: ``better``, ``worse``, ``same`` or ``not clear``."""
    difference = entry["difference"]
    low, high = difference["low"], difference["high"]
    if difference["mean"] == 0 and low == high:
        return "same"
    if low is None or low <= 0 <= high:
        return "not clear"
    return "better" if (high < 0) == entry["lower_is_better"] else "worse"


def _sides(comparison: Mapping[str, Any]) -> str:
    lines = []
    for letter in ("a", "b"):
        about = comparison[letter]
        facts = [
            " ".join(filter(None, (about["model"], about["plugin_version"]))) or "no model named",
            f"checkpoint {about['checkpoint_sha256'][:12]}" if about["checkpoint_sha256"] else "",
            "given a trimap" if about["needs_trimap"] else "",
            *(f"{key} {about[key]}" for key in ("dialect", "rounding", "protocol") if about[key]),
        ]
        lines.append(f"{letter.upper()}: {about['path']} ({', '.join(filter(None, facts))})\n")
    return "\n".join(lines)


def _paired_blocks(part: Mapping[str, Any]) -> list[str]:
    paired = part["n_paired"]
    rows = []
    for name, entry in part["metrics"].items():
        difference = entry["difference"]
        counts = [difference["n"], difference["wins"], difference["losses"], difference["ties"]]
        rows.append([*_numbers(name, entry), verdict(entry), *counts, _p(difference["p"])])
    titles = ["metric", "A", "B", "B - A", "B is", "images", "better on", "worse on", "same on", "p"]
    blocks = [f"## {_title(part)}: {_images(paired)} on both sides", markdown_table(titles, rows)]
    blocks.append(_notes(part))
    return [*blocks, *_changed(part["changed"]), *_circumstances(part["circumstances"])]


def _gap_blocks(part: Mapping[str, Any]) -> list[str]:
    titles = ["metric", f"A: {part['split_a']}", f"B: {part['split_b']}", "B - A", "B is"]
    rows = [[*_numbers(name, entry), verdict(entry)] for name, entry in part["metrics"].items()]
    count = f"{part['n_a']} and {_images(part['n_b'])}, none of them the same"
    differing = [c for c in part["circumstances"] if c["what"] != "split"]
    return [f"## {_title(part)}: {count}", markdown_table(titles, rows), *_circumstances(differing)]


def _numbers(name: str, entry: Mapping[str, Any]) -> list[str]:
    """Name, A, B, B - A, each with its interval."""
    difference = entry["difference"]
    low, high = difference["low"], difference["high"]
    return [
        name if entry["direction_known"] else f"{name} (lower taken as better)",
        *(
            format_metric(name, entry[side]) + _ends(name, *(entry[f"{side}_interval"] or (None, None)))
            for side in "ab"
        ),
        _signed(name, difference["mean"]) + _ends(name, low, high, _signed),
    ]


def _notes(part: Mapping[str, Any]) -> str:
    lines = ["Means and differences with 95 % bootstrap intervals, over the images on both sides."]
    count = part["n_paired"]
    if count < _FEW:
        lines.append(f"With {_images(count)} intervals are rough, and no p-value is below {2 / 2**count:.2g}.")
    for side in "ab":
        if part[f"only_{side}"]:
            lines.append(f"Only in {side.upper()}, left out: {_list(part[f'only_{side}'])}.")
    if part["truth_differs"]:
        lines.append(f"Scored against another truth, left out: {_list(part['truth_differs'])}.")
    if part["truth_not_stated"]:
        lines.append(f"No digest shows that {_images(part['truth_not_stated'])} had the same truth on both sides.")
    if part["mattes_identical"]:
        lines.append(f"The same matte on {_images(part['mattes_identical'])}.")
    return "\n".join(lines)


def _changed(changed: Mapping[str, Any]) -> list[str]:
    by = changed["by"]
    if not changed["better"] and not changed["worse"]:
        return []
    rows = []
    for word in ("better", "worse"):
        for change in changed[word]:
            numbers = [
                format_metric(by, change["a"]),
                format_metric(by, change["b"]),
                _signed(by, change["difference"]),
            ]
            rows.append([change["image"], word, *numbers])
    return [f"Images that changed most, by {by}:", markdown_table(["image", "B is", "A", "B", "B - A"], rows)]


def _circumstances(found: Sequence[Mapping[str, Any]]) -> list[str]:
    if not found:
        return ["Nothing else differs between the two."]
    rows = [[c["what"], *(_plain(c["what"], c[side]) for side in "ab")] for c in found]
    return ["What differs in circumstances:", markdown_table(["", "A", "B"], rows)]


def _gaps(gaps: Mapping[str, Mapping[str, Any]]) -> str:
    rows = []
    for name in gaps["a"]:
        two = [gaps[side][name] for side in "ab"]
        rows.append([name, *(_signed(name, d["mean"]) + _ends(name, d["low"], d["high"], _signed) for d in two)])
    return f"## Privacy gap: P3M-500-NP minus P3M-500-P\n\n{markdown_table(['metric', 'A', 'B'], rows)}"


def _title(part: Mapping[str, Any]) -> str:
    splits = list(dict.fromkeys(filter(None, (part["split_b"], part["split_a"]))))
    return " ".join(filter(None, (part["dataset"], " minus ".join(splits)))) or "Scored mattes"


def _signed(name: str, value: float | None) -> str:
    return UNDEFINED if value is None else f"{'+' if value > 0 else ''}{format_metric(name, value)}"


def _ends(name: str, low: float | None, high: float | None, show: Any = format_metric) -> str:
    return "" if low is None or high is None else f" [{show(name, low)}, {show(name, high)}]"


def _p(value: float | None) -> str:
    return UNDEFINED if value is None else "≤0.001" if value <= 0.001 else f"{value:.3f}"


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count} images"


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return f"{_images(len(names))}, {', '.join(names[:_NAMES])}{more}"


def _plain(what: str, value: Any) -> str:
    return str(value)[:12] if what == "checkpoint_sha256" and value else "none" if value is None else str(value)
