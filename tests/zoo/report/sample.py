"""A small report made by hand."""

from __future__ import annotations

from typing import Any

HOSTILE = '<img src=x onerror="alert(1)">.png'


def row(name: str, mad: float | None, **more: Any) -> dict[str, Any]:
    """One line of ``per_image`` for a picture of 200 x 100 whose metrics follow from its MAD."""
    sad = None if mad is None else mad * 20.0  # 200 * 100 pixels, in thousands
    return {"image": name, "height": 200, "width": 100, "SAD": sad, "MAD": mad, "MSE": 0.25, **more}


def report(**changes: Any) -> dict[str, Any]:
    """A report of three images, the middle one worst, one with a hostile name."""
    rows = [row("a.png", 0.01), row("b.png", 0.5), row(HOSTILE, 0.02)]
    return {
        "model": "constant",
        "plugin": "constant",
        "plugin_version": "1.0",
        "checkpoint": None,
        "checkpoint_sha256": None,
        "config": {"eval": {"short_side": 512}},
        "dataset": "demo",
        "split": "test",
        "n_images": 3,
        "n_published": None,
        "complete": None,
        "dialect": "p3m",
        "rounding": "float",
        "metrics": {"SAD": 3.53, "MSE": 0.25, "MAD": 0.1766667, "GRAD": None, "CONN": None},
        "undefined": {"GRAD": 3, "CONN": 3},
        "per_image": rows,
        "device": "CPU",
        "versions": {"numpy": "1.26.4"},
        "started": "2026-01-02T03:04:05+00:00",
        "seconds": 61.0,
        **changes,
    }
