"""Columns of text for a terminal."""

from __future__ import annotations

import shutil
import unicodedata
from collections.abc import Sequence

_LEAST = 6
"""Characters that a column keeps, however narrow the terminal."""

_GAP = "  "


def terminal_width() -> int | None:
    """Columns of the terminal, or of ``COLUMNS``; None where output goes to a file or another program."""
    return shutil.get_terminal_size((0, 0)).columns or None


def columns(
    titles: Sequence[str], rows: Sequence[Sequence[str]], width: int | None, numbers: Sequence[str] = ()
) -> str:
    """Rows under titles, aligned; a column that is empty throughout is left out.

    Args:
        titles: One a column. The first is a name and is never cut.
        rows: Texts.
        width: Cut the longest other columns, with an ellipsis, until lines have no more than that; None: as they are.
        numbers: Titles of the columns that are aligned to the right.

    Returns:
        Lines without line break at the end.
    """
    kept = [i for i in range(len(titles)) if i == 0 or any(row[i] for row in rows)]
    table = [[line[i] for i in kept] for line in [titles, *rows]]
    right = [titles[i] in numbers for i in kept]
    widths = [max(_width(line[i]) for line in table) for i in range(len(kept))]
    while width is not None and sum(widths) + len(_GAP) * (len(widths) - 1) > width:
        longest = max(range(1, len(widths)), key=lambda i: widths[i], default=0)
        if not longest or widths[longest] <= _LEAST:
            break
        widths[longest] -= 1
    return "\n".join(_line(line, widths, right) for line in table)


def _line(line: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    cells = [_fit(text, *how) for text, *how in zip(line, widths, right, strict=True)]
    return _GAP.join(cells).rstrip()


def _fit(text: str, width: int, right: bool) -> str:
    if _width(text) > width:
        while _width(text) > width - 1:
            text = text[:-1]
        text += "…"
    space = " " * (width - _width(text))
    return space + text if right else text + space


def _width(text: str) -> int:
    """Columns on a terminal: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
