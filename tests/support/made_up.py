"""Reports of evaluations that nobody ran, whole enough to be compared and ranked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.metrics.summary import summarise
from zoo.report.record import write_report


def rows(mads: Mapping[str, float] | Sequence[float], truth: str = "t", **more: Any) -> list[dict[str, Any]]:
    """A row for each MAD, of pictures 100 x 200 named ``p0``, ``p1``... or as the mapping says; SAD is 20 times it."""
    named = mads if isinstance(mads, Mapping) else {f"p{number}": mad for number, mad in enumerate(mads)}
    return [
        {
            "image": name,
            "height": 200,
            "width": 100,
            "matte_sha256": f"m{mad}",
            "target_sha256": f"{truth}{name}",
            "SAD": 20 * mad,
            "MSE": mad / 4,
            "MAD": mad,
            "CONN": 18 * mad,
            "SAD-T": None,
            **more,
        }
        for name, mad in named.items()
    ]


def report(per_image: Sequence[Mapping[str, Any]] | None = None, **changes: Any) -> dict[str, Any]:
    """A report on P3M-500-P by the model ``tiny`` whose means are those of its rows."""
    found = list(rows([0.01, 0.02, 0.03]) if per_image is None else per_image)
    means, undefined = summarise(found) if "metrics" not in changes else ({}, {})
    return {
        "model": "tiny",
        "plugin": "tiny_plugin",
        "plugin_version": "1.0",
        "needs_trimap": False,
        "checkpoint": "best.ckpt",
        "checkpoint_sha256": "ab" * 32,
        "config": {"train": {"seed": 0}, "data": {"dataset": "P3M-10k", "root": "somewhere"}},
        "dataset": "P3M-10k",
        "split": "P3M-500-P",
        "n_images": len(found),
        "n_published": 500,
        "complete": len(found) == 500,
        "dialect": "p3m",
        "rounding": "float",
        "protocol": "cut 512",
        "resolution": "native",
        "metrics": means,
        "undefined": undefined,
        "per_image": found,
        "problems": [],
        "device": "CPU",
        "versions": {"numpy": "1.26.4"},
        "started": "2026-01-02T03:04:05+0000",
        "seconds": 1.0,
        **changes,
    }


def write(folder: Path, per_image: Sequence[Mapping[str, Any]] | None = None, **changes: Any) -> Path:
    """Write such a report; its folder."""
    write_report(folder, report(per_image, **changes))
    return folder
