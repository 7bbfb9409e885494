"""Draw the course of a training from its run folder: loss above, a validation metric below.

    python benchmarks/curve.py RUN -o curve.png [--metric MAD]

Nothing but OpenCV is needed, and a run that still goes on can be drawn.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zoo.data.images import write_png
from zoo.data.opencv import cv2

WIDTH, HEIGHT = 960, 300
"""Of one diagram, in pixels."""

LEFT, RIGHT, TOP, BOTTOM = 76, 24, 40, 44
"""Margins around the axes."""

INK, GRID, FAINT, STRONG = (60, 60, 60), (230, 230, 230), (170, 200, 235), (31, 100, 180)
SHIFT = 4
"""Fractional bits of drawn coordinates: a curve of whole pixels looks like stairs."""


@dataclass(frozen=True)
class Axes:
    """Where values lie in a diagram; both ranges are from 0."""

    steps: float
    top: float

    def points(self, steps: np.ndarray, values: np.ndarray) -> np.ndarray:
        """(N, 2) pixels, x and y."""
        x = LEFT + steps / self.steps * (WIDTH - LEFT - RIGHT)
        y = HEIGHT - BOTTOM - values / self.top * (HEIGHT - TOP - BOTTOM)
        return np.stack([x, y], axis=1)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("curve.png"))
    parser.add_argument("--metric", default="MAD", help="a column of metrics.csv")
    asked = parser.parse_args()
    losses, found = read_losses(asked.run), read_metric(asked.run, asked.metric)
    last = max(losses[-1, 0], *found[-1:, 0], 1)
    parts = [diagram("loss, and its mean over 5 % of the steps", losses, last, smooth=True)]
    if len(found):
        parts.append(diagram(f"{asked.metric} on val", found, last, smooth=False))
    write_png(asked.output, np.vstack(parts))
    print(f"{asked.output}: {len(losses)} steps, {len(found)} validations")


def read_losses(run: Path) -> np.ndarray:
    """(N, 2) steps and losses; steps without a number are left out."""
    records = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines() if line.endswith("}")]
    pairs = [(r["step"], r["loss"]) for r in records if r["loss"] is not None]
    if not pairs:
        raise SystemExit(f"{run}: no step has been done yet")
    return np.array(pairs, float)


def read_metric(run: Path, name: str) -> np.ndarray:
    """(N, 2) steps and values of a metric; none for a run without validation."""
    if not (run / "metrics.csv").exists():
        return np.empty((0, 2))
    with open(run / "metrics.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    if name not in rows[0]:
        raise SystemExit(f"{run}: no metric {name!r}; there are {', '.join(list(rows[0])[2:])}")
    return np.array([(row["step"], row[name]) for row in rows if row[name]], float).reshape(-1, 2)


def diagram(title: str, pairs: np.ndarray, last: float, smooth: bool) -> np.ndarray:
    """(HEIGHT, WIDTH, 3) uint8 RGB."""
    page = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    # One wild value at the beginning would press everything else to the ground.
    top = nice_ticks(1.05 * np.quantile(pairs[:, 1], 0.98))[-1]
    axes = Axes(last, top)
    for value in nice_ticks(top):
        (_, y), label = axes.points(np.zeros(1), np.array([value]))[0], f"{value:g}"
        cv2.line(page, (LEFT, round(y)), (WIDTH - RIGHT, round(y)), GRID)
        write(page, label, (LEFT - 10 - text_width(label), round(y) + 5))
    for value in nice_ticks(last):
        if value <= last:
            (x, _), label = axes.points(np.array([value]), np.zeros(1))[0], f"{value:g}"
            cv2.line(page, (round(x), HEIGHT - BOTTOM), (round(x), HEIGHT - BOTTOM + 5), INK)
            write(page, label, (round(x) - text_width(label) // 2, HEIGHT - BOTTOM + 20))
    cv2.line(page, (LEFT, HEIGHT - BOTTOM), (WIDTH - RIGHT, HEIGHT - BOTTOM), INK)
    write(page, "step", (WIDTH - RIGHT - text_width("step"), HEIGHT - 8))
    write(page, title, (LEFT, 24))
    points = axes.points(pairs[:, 0], np.minimum(pairs[:, 1], top))
    curve(page, points, FAINT if smooth else STRONG)
    if smooth:
        curve(page, axes.points(pairs[:, 0], np.minimum(running_mean(pairs[:, 1]), top)), STRONG, 2)
    else:
        for x, y in points:
            cv2.circle(page, (round(x), round(y)), 4, STRONG, -1, cv2.LINE_AA)
    return page


def nice_ticks(top: float) -> np.ndarray:
    """Four to eight round numbers from 0, the last of them at least ``top``."""
    top = max(top, 1e-9)
    magnitude = 10.0 ** math.floor(math.log10(top))
    step = next(s * magnitude for s in (0.2, 0.5, 1.0, 2.0) if top / (s * magnitude) <= 6)
    return np.arange(math.ceil(top / step - 1e-9) + 1) * step


def running_mean(values: np.ndarray) -> np.ndarray:
    """Mean over the 5 % of the values around each."""
    half = max(1, round(0.025 * len(values)))
    sums = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    low, high = np.maximum(index - half, 0), np.minimum(index + half + 1, len(values))
    return (sums[high] - sums[low]) / (high - low)


def curve(page: np.ndarray, points: np.ndarray, colour: tuple[int, ...], thickness: int = 1) -> None:
    fixed = np.rint(points * 2**SHIFT).astype(np.int32)
    cv2.polylines(page, [fixed], False, colour, thickness, cv2.LINE_AA, SHIFT)


def write(page: np.ndarray, text: str, at: tuple[int, int]) -> None:
    cv2.putText(page, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.45, INK, 1, cv2.LINE_AA)


def text_width(text: str) -> int:
    return int(cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)[0][0])


if __name__ == "__main__":
    main()
