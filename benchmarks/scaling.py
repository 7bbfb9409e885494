"""Throughput of MODNet's forward pass against batch, picture size and number of processes, beside the peers.

    python benchmarks/scaling.py [-o benchmarks/results/scaling.json] [--plot benchmarks/results/scaling.png]
    python benchmarks/scaling.py --draw benchmarks/results/scaling.json --plot FILE.png

Every side at every point is a process of its own (benchmarks/peers/forward_worker.py), and the sides of a point take
turns. Drawn are megapixels a second and the processor's time for a megapixel: a flat line is a cost per pixel that does
not change. Two processes have one processor each, one process has both.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from curve import BOTTOM, GRID, HEIGHT, INK, LEFT, RIGHT, TOP, WIDTH, curve, nice_ticks, text_width, write
from workers import Worker

from zoo.data.images import write_png
from zoo.data.opencv import cv2
from zoo.files import write_text
from zoo.report.table import markdown_table

SCHEMA = "zoo-scaling/1"

WORKER = Path(__file__).with_name("peers") / "forward_worker.py"

SIDES = {
    "PyTorch eager": "torch",
    "ONNX Runtime": "onnxruntime",
    "zoo auto": "zoo auto",
    "zoo mindspore": "zoo mindspore",
}

COLOURS = ((200, 60, 40), (230, 150, 30), (31, 100, 180), (60, 150, 90))

BATCHES, SIZES, PROCESSES = (1, 2, 4, 8, 16), (256, 512, 1024, 2048), (1, 2)

BATCH_SIZE = 512
"""Side of the pictures whose batch or number of processes varies, in pixels."""


def measure(rounds: int, sides: Mapping[str, str]) -> dict[str, Any]:
    """Every point of the plot."""
    from zoo.engine import device

    points: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        subprocess.run([sys.executable, str(WORKER), "prepare", "--folder", scratch], check=True)
        for batch in BATCHES:
            points += _point(sides, "batch", batch, folder, rounds, batch, BATCH_SIZE)
        for size in SIZES:
            points += _point(sides, "size", size, folder, rounds, 1, size)
        for processes in PROCESSES:
            points += _point(sides, "processes", processes, folder, rounds, 1, BATCH_SIZE, processes)
    about = device.describe()
    return {"schema": SCHEMA, **{key: about[key] for key in ("processor", "threads", "versions")}, "points": points}


def _point(
    sides: Mapping[str, str],
    axis: str,
    value: int,
    folder: Path,
    rounds: int,
    batch: int,
    size: int,
    processes: int = 1,
) -> list[dict[str, Any]]:
    """All sides at one point, in turn."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    peaks: dict[str, float] = {}
    with ExitStack() as stack:
        teams: dict[str, list[Worker]] = {}
        for name, word in sides.items():
            words = [word, "--folder", str(folder), "--batch", str(batch), "--height", str(size), "--width", str(size)]
            members = [[*words, "--processor", str(number)] if processes > 1 else words for number in range(processes)]
            # One after the other: what is made once for a checkpoint and kept is made by the first.
            teams[name] = [stack.enter_context(Worker(WORKER, one, folder / "home")) for one in members]
        with ThreadPoolExecutor(processes) as pool:
            for number in range(rounds + 1):
                for name, team in teams.items():
                    answers = list(pool.map(Worker.turn, team))
                    if number:  # the first warms up
                        wall = max(answer["wall"][0] for answer in answers)
                        found[name].append((wall, sum(answer["cpu"][0] for answer in answers)))
                    peaks[name] = max(answer["peak_mib"] for answer in answers)
    pixels = processes * batch * size * size / 1e6
    rows = []
    for name, times in found.items():
        wall, cpu = (float(np.median([one[kind] for one in times])) for kind in (0, 1))
        rows.append({"axis": axis, "value": value, "side": name, "megapixels_per_s": pixels / wall})
        rows[-1] |= {"cpu_s_per_megapixel": cpu / pixels, "peak_mib": peaks[name], "wall_s": [one[0] for one in times]}
        print(
            f"{axis} {value}: {name}: {pixels / wall:.2f} megapixels/s, {1000 * cpu / pixels:.0f} ms of processor each"
        )
    return rows


def scaling_table(record: Mapping[str, Any]) -> str:
    """One line for each side and axis."""
    blocks = []
    for axis, values in (("batch", BATCHES), ("size", SIZES), ("processes", PROCESSES)):
        rows = []
        for side in dict.fromkeys(point["side"] for point in record["points"]):
            found = {p["value"]: p for p in record["points"] if (p["axis"], p["side"]) == (axis, side)}
            rows.append([side, *(f"{found[v]['megapixels_per_s']:.2f}" if v in found else "" for v in values)])
        blocks.append(markdown_table([axis, *map(str, values)], rows))
    versions = ", ".join(f"{name} {number}" for name, number in record["versions"].items())
    return "\n".join(
        [*blocks, f"Megapixels a second. {record['processor']}, {record['threads']} threads; {versions}.\n"]
    )


# --- The plot --------------------------------------------------------------------------------------


def draw(points: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """(3 HEIGHT, 2 WIDTH, 3) uint8 RGB: megapixels a second on the left, cost of a megapixel on the right."""
    sides = list(dict.fromkeys(point["side"] for point in points))
    against = {
        "batch": f"pictures in a batch, {BATCH_SIZE} x {BATCH_SIZE}",
        "size": "side of one picture, in pixels",
        "processes": f"1 process on all processors, 2 on one each, {BATCH_SIZE} x {BATCH_SIZE}",
    }
    columns = {
        "megapixels a second": lambda point: point["megapixels_per_s"],
        "ms of processor for a megapixel": lambda point: 1000 * point["cpu_s_per_megapixel"],
    }
    rows = [
        np.hstack(
            [
                _diagram(f"{what}: {title}", [p for p in points if p["axis"] == axis], sides, value)
                for what, value in columns.items()
            ]
        )
        for axis, title in against.items()
    ]
    return np.vstack(rows)


def _diagram(
    title: str,
    points: Sequence[Mapping[str, Any]],
    sides: Sequence[str],
    height_of: Callable[[Mapping[str, Any]], float],
) -> np.ndarray:
    page = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    right = RIGHT + 130  # room for the names
    values = sorted({point["value"] for point in points})
    top = nice_ticks(1.05 * max(map(height_of, points)))[-1]
    places = np.linspace(LEFT + 40, WIDTH - right - 40, len(values))
    for tick in nice_ticks(top):
        y = round(HEIGHT - BOTTOM - tick / top * (HEIGHT - TOP - BOTTOM))
        cv2.line(page, (LEFT, y), (WIDTH - right, y), GRID if tick else INK)
        write(page, f"{tick:g}", (LEFT - 10 - text_width(f"{tick:g}"), y + 5))
    for x, value in zip(places, values, strict=True):
        write(page, str(value), (round(x) - text_width(str(value)) // 2, HEIGHT - BOTTOM + 20))
    write(page, title, (LEFT, 24))
    for number, (side, colour) in enumerate(zip(sides, COLOURS, strict=False)):
        found = {point["value"]: height_of(point) for point in points if point["side"] == side}
        line = [
            (x, HEIGHT - BOTTOM - found[value] / top * (HEIGHT - TOP - BOTTOM))
            for x, value in zip(places, values, strict=True)
            if value in found
        ]
        curve(page, np.array(line), colour, 2)
        for x, y in line:
            cv2.circle(page, (round(x), round(y)), 4, colour, -1, cv2.LINE_AA)
        y = TOP + 14 + 22 * number
        cv2.line(page, (WIDTH - right + 14, y - 4), (WIDTH - right + 34, y - 4), colour, 2, cv2.LINE_AA)
        write(page, side, (WIDTH - right + 42, y))
    return page


def main() -> None:
    """The command."""
    results = Path(__file__).with_name("results")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=results / "scaling.json")
    parser.add_argument("--plot", type=Path, default=results / "scaling.png")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sides", nargs="+", choices=SIDES, help="default: all")
    parser.add_argument("--draw", type=Path, metavar="RECORD", help="draw a record that is there")
    asked = parser.parse_args()
    if asked.draw is None:
        record = measure(asked.rounds, {name: SIDES[name] for name in asked.sides or SIDES})
        write_text(asked.output, json.dumps(record, indent=1) + "\n")
    else:
        record = json.loads(asked.draw.read_bytes())
    write_png(asked.plot, draw(record["points"]))
    print(asked.plot)


if __name__ == "__main__":
    main()
