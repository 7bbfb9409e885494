"""What the demo has shown: the trained network beside the fresh one and beside guessing, and a page to look at.

    python benchmarks/demo_page.py demo

Reads DIR/data (the demo set), DIR/eval (the reports of both test splits) and DIR/bench/record.json; prints a table and
writes DIR/index.html. The guesses are given the truth to choose their parameters by, so they are better than they could
honestly be: the best constant matte, the best threshold on one colour channel, the best centred ellipse.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from registry import Sample, load
from zoo.config import from_dict
from zoo.data.images import read_alpha
from zoo.data.opening import open_split
from zoo.data.samples import Loaded
from zoo.data.samples import load as load_sample
from zoo.engine.load import load_model
from zoo.report.bench import SCHEMA as BENCH_SCHEMA
from zoo.report.index import write_index
from zoo.report.record import read_json, read_report
from zoo.report.table import markdown_table
from zoo.report.thumbnails import thumbnails


def mad(mattes: list[np.ndarray], pictures: list[Loaded]) -> float:
    """Mean over pictures of the mean absolute difference."""
    return float(np.mean([np.abs(m - p.alpha).mean() for m, p in zip(mattes, pictures, strict=True)]))


def best_constant(pictures: list[Loaded]) -> float:
    """MAD of the best constant matte."""
    return min(
        mad([np.full(p.alpha.shape, value, np.float32) for p in pictures], pictures) for value in np.linspace(0, 1, 21)
    )


def best_threshold(pictures: list[Loaded]) -> float:
    """MAD of the best threshold on one channel of RGB, HSV or Lab, in the better direction."""
    found = []
    for space in (None, cv2.COLOR_RGB2HSV, cv2.COLOR_RGB2LAB):
        planes = [p.image if space is None else cv2.cvtColor(p.image, space) for p in pictures]
        for channel in range(3):
            for limit in range(16, 256, 16):
                error = mad([(plane[..., channel] >= limit).astype(np.float32) for plane in planes], pictures)
                found += [error, mad([(plane[..., channel] < limit).astype(np.float32) for plane in planes], pictures)]
    return min(found)


def best_ellipse(pictures: list[Loaded]) -> float:
    """MAD of the best upright ellipse around the middle of the picture."""
    found = []
    for tall in np.linspace(0.2, 1.4, 7):
        for wide in np.linspace(0.2, 1.4, 7):
            mattes = []
            for picture in pictures:
                height, width = picture.alpha.shape
                y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
                mattes.append(((y / tall) ** 2 + (x / wide) ** 2 <= 1).astype(np.float32))
            found.append(mad(mattes, pictures))
    return min(found)


def main(folder: Path) -> None:
    splits = [path.parent for path in sorted((folder / "eval").glob("*/report.json"))]
    reports = {path.name: read_report(path) for path in splits}
    registry = load()
    pages: dict[str, Any] = {}
    rows = []
    fresh = None
    for name, report in reports.items():
        config = from_dict(report["config"], "report")
        if fresh is None:
            fresh = load_model(registry, config, None)
        samples: list[Sample] = list(open_split(registry, config, name))
        pictures = [load_sample(sample) for sample in samples]
        trained = report["metrics"]["MAD"]
        others = {
            "the fresh network": mad([fresh.predictor.predict(p.image) for p in pictures], pictures),
            "the best constant matte": best_constant(pictures),
            "the best colour threshold": best_threshold(pictures),
            "the best centred ellipse": best_ellipse(pictures),
        }
        rows += [[name, who, f"{error:.4f}", f"{trained / error:.3f}"] for who, error in others.items()]
        pages[f"eval/{name}/report.html"] = {
            p.name: thumbnails(p.image, p.alpha, read_alpha(folder / "eval" / name / "mattes" / f"{p.name}.png"))
            for p in pictures
        }
        print(f"{name}: MAD of the trained network {trained:.4f}")
    print(markdown_table(["split", "compared with", "its MAD", "trained / it"], rows))
    write_index(
        folder / "index.html",
        "MODNet trained on the demo set",
        [(f"eval/{name}/report.html", report) for name, report in reports.items()],
        read_json(folder / "bench" / "record.json", BENCH_SCHEMA),
        pages,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
