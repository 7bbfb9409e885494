"""Golden vectors: small mattes with the value of every metric in every dialect.

``prediction``, ``target`` and ``trimap`` hold one PNG of each name, ``expected.json`` the values. They ship with zoo so
that other code can be held against them too; docs/metrics.md shows how.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
"""Where the pictures and ``expected.json`` are."""


def expected() -> dict[str, Any]:
    """The contents of ``expected.json``, schema ``zoo-golden/1``.

    Returns:
        ``cases``: name, what it is there for, height and width of each. ``expected``: one record for each case,
        dialect, rounding, and with or without the trimap: ``values`` (metric -> value or None) and the
        ``derivation`` of each; ``contrast`` has what another definition would give. ``tolerance``: relative, by
        kind of metric.
    """
    contents: dict[str, Any] = json.loads((FOLDER / "expected.json").read_text(encoding="utf-8"))
    return contents
