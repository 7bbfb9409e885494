"""The report of `zoo.data.check.check` as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo.data.rules import ERROR, NOTE, WARNING
from zoo.report.table import markdown_table

SHOWN = 3
"""Names shown of each finding; JSON has all."""

_HEADINGS = {
    ERROR: "Errors: training or evaluation refuses these, or figures made with them do not hold",
    WARNING: "Warnings: these may spoil a model or its figures",
    NOTE: "Good to know",
}


def check_text(report: Mapping[str, Any]) -> str:
    """A table of the splits and every finding, worst first; ends in a line break."""
    parts = [f"{report['dataset']}{_where(report['root'])}\n\n{_table(report)}"]
    for level, heading in _HEADINGS.items():
        found = [finding for finding in report["findings"] if finding["level"] == level]
        if found:
            parts.append(f"{heading}\n" + "".join(_finding(finding) for finding in found))
    return "\n".join([*parts, _verdict(report)])


def _where(root: str | None) -> str:
    return f" at {root}" if root else ""


def _table(report: Mapping[str, Any]) -> str:
    headers = [
        "split",
        "pictures",
        "masks",
        "trimaps",
        "smallest",
        "median",
        "largest",
        "alpha 0",
        "between",
        "alpha 1",
    ]
    return markdown_table(headers, [_row(split) for split in report["splits"]])


def _row(split: Mapping[str, Any]) -> list[Any]:
    if split["state"] != "present":
        return [split["name"], split["state"], *[""] * 8]
    if split["same_as"]:
        return [split["name"], f"as {split['same_as']}", *[""] * 8]
    published = split["published"]
    count = str(split["pictures"]) if published in (None, split["pictures"]) else f"{split['pictures']} of {published}"
    sizes, alpha = split["sizes"], split["alpha"]
    return [
        split["name"],
        count,
        split["masks"],
        split["trimaps"],
        *("×".join(map(str, sizes[word])) if sizes else "" for word in ("smallest", "median", "largest")),
        *(f"{alpha[word]:.1%}" if alpha else "" for word in ("zero", "between", "one")),
    ]


def _finding(finding: Mapping[str, Any]) -> str:
    return "".join(f"{line}\n" for line in [*_what(finding), f"      -> {finding['advice']}"])


def _what(finding: Mapping[str, Any]) -> list[str]:
    split, items = finding["split"], finding["items"]
    if [item["name"] for item in items] == [split]:  # the split as a whole
        detail = f": {items[0]['detail']}" if items[0]["detail"] else ""
        return [f"  {split}: {finding['what']}{detail}"]
    more = f"and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    head = f"  {split}: {finding['count']} {finding['what']}"
    if any(item["detail"] for item in items):
        shown = [f"      {item['name']}: {item['detail']}" for item in items[:SHOWN]]
        return [head, *shown, *([f"      {more}"] if more else [])]
    return [head, f"      {', '.join(item['name'] for item in items[:SHOWN])} {more}".rstrip()]


def _verdict(report: Mapping[str, Any]) -> str:
    pictures = sum(split["pictures"] for split in report["splits"] if not split["same_as"])
    counts = report["counts"]
    words = [f"{counts[level]} {level}{'s' * (counts[level] != 1)}" for level in _HEADINGS if counts[level]]
    rate = f"{pictures} pictures read in {report['seconds']:.1f} s ({report['pictures_per_s']:.1f} a second)"
    return f"{rate}: {', '.join(words) or 'nothing wrong'}\n"
