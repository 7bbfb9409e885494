"""A comparison of two bench records as Markdown that reads as plain text too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.report.compare_text import OPPOSITE
from zoo.report.table import markdown_table

_UNITS = {"images_per_s": "images/s", "folder_images_per_s": "images/s", "first_call_s": "s", "peak_mib": "MiB"}


def bench_compare_text(comparison: Mapping[str, Any], name_a: str, name_b: str) -> str:
    """The record of `zoo.report.bench_compare.compare_records` for people, ending in a line break.

    Args:
        comparison: The record.
        name_a: Path of A.
        name_b: Path of B.
    """
    blocks = [f"A: {name_a}\nB: {name_b}\n"]
    for part in comparison["parts"]:
        blocks += [f"## {part['name']}\n", _table(part), _notes(part)]
    for side in "ab":
        if comparison[f"only_{side}"]:
            blocks.append(f"Only in {side.upper()}: {', '.join(comparison[f'only_{side}'])}.\n")
    found = [[one["what"], str(one["a"]), str(one["b"])] for one in comparison["circumstances"]]
    if found:
        blocks.append(f"What differs in circumstances:\n\n{markdown_table(['', 'A', 'B'], found)}")
    if comparison["gates"]:
        blocks.append("".join(f"{bench_gate_line(gate)}\n" for gate in comparison["gates"]))
    return "\n".join(blocks)


def bench_gate_line(gate: Mapping[str, Any]) -> str:
    """One sentence on a gate of `zoo.report.bench_compare.compare_records`."""
    by, way, unit = gate["worse_by"], gate["towards"], _UNITS.get(gate["metric"], "ms")
    if by > 0:
        share = f", {100 * by / gate['of']:.1f} %" if gate["of"] else ""
        ends = "" if gate["low"] is None else f" [{gate['low']:.4g}, {gate['high']:.4g}]"
        found = f"{way} by {by:.4g}{ends} {unit}{share}"
    else:
        found = f"not {way}" if by == 0 else f"{OPPOSITE[way]} by {-by:.4g} {unit}"
    excuse = "; other programs took the processors" if gate["excused"] else ""
    return f"{'passed' if gate['passed'] else 'FAILED'}: {gate['gate']} on {gate['row']}: {found}{excuse}"


def _table(part: Mapping[str, Any]) -> str:
    rows = []
    for name, entry in part["metrics"].items():
        a, b, low, high = (entry[key] for key in ("a", "b", "low", "high"))
        change = f"{100 * entry['change'] / a:+.1f} %" if a else ""
        ends = "" if low is None or not a else f"[{100 * low / a:+.1f}, {100 * high / a:+.1f}]"
        rows.append([name, f"{a:.4g}", f"{b:.4g}", _UNITS.get(name, "ms"), change, ends])
    return markdown_table(["", "A", "B", "unit", "change", "95 %"], rows)


def _notes(part: Mapping[str, Any]) -> str:
    lines = ["Intervals are of the repetitions of these two runs; another pair of runs differs by more."]
    if part["runtime_a"] != part["runtime_b"]:
        lines.append(f"A ran in {part['runtime_a']}, B in {part['runtime_b']}.")
    if part["free_a"] is not None and part["free_b"] is not None:
        lines.append(f"Other programs left {part['free_a']:.0%} of the processors to A, {part['free_b']:.0%} to B.")
    return "\n".join(lines) + "\n"
