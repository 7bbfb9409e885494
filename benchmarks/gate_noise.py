"""Does a gate on times cry wolf? One model is timed again and again, each run held against the one before.

    python benchmarks/gate_noise.py --runs 21 --gate forward_p50+10% -- --models modnet --runtime onnxruntime

Prints how many of the comparisons fail each gate, though there is nothing to find; and, as a gate that never fails
would pass that, how many fail once the later run is made slower by 10, 15, 20 and 30 %. What follows `--` goes to
`zoo bench throughput`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import numpy as np

from zoo.report.bench_compare import compare_records, read_bench
from zoo.report.gate import Gate, parse_gate
from zoo.report.table import markdown_table

SLOWER = (0, 10, 15, 20, 30)
"""Hundredths by which the later run is made slower."""


def timed(folder: Path, words: Sequence[str]) -> dict[str, Any]:
    """One run of `zoo bench throughput`."""
    command = [sys.executable, "-m", "zoo.cli", "--quiet", "bench", "throughput", "--output", str(folder), *words]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return read_bench(folder)


def slowed(record: Mapping[str, Any], percent: int) -> dict[str, Any]:
    """The record as if every time in it were longer."""
    copy = deepcopy(dict(record))
    for row in copy["rows"]:
        for key in ("samples_ms", "cpu_ms"):
            row[key] = [value * (1 + percent / 100) for value in row[key]]
    return copy


def failures(records: Sequence[Mapping[str, Any]], gate: Gate, percent: int) -> int:
    """How many of the neighbours fail the gate."""
    found = [compare_records(a, slowed(b, percent), [gate]) for a, b in pairwise(records)]
    return sum(not outcome["passed"] for comparison in found for outcome in comparison["gates"])


@click.command()
@click.option("--runs", default=21, show_default=True, type=click.IntRange(2))
@click.option("--gate", "gates", multiple=True, default=["forward_p50+10%"], show_default=True)
@click.option("--records", type=click.Path(path_type=Path), help="Folder to keep the records in, or to take them from.")
@click.argument("words", nargs=-1)
def main(runs: int, gates: tuple[str, ...], records: Path | None, words: tuple[str, ...]) -> None:
    """Count false alarms of gates, and true ones."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = records or Path(scratch)
        known = [folder / f"{number:03d}" for number in range(runs)]
        every = [read_bench(one) if (one / "record.json").exists() else timed(one, words) for one in known]
    rows = []
    for gate in map(parse_gate, gates):
        rows.append([gate.text, *(f"{failures(every, gate, percent)} of {runs - 1}" for percent in SLOWER)])
    click.echo(markdown_table(["gate", *(f"{p} % slower" if p else "nothing changed" for p in SLOWER)], rows))
    for key in ("samples_ms", "cpu_ms"):
        medians = [np.median(row[key]) for one in every for row in one["rows"] if row["stage"] == "forward"]
        click.echo(f"forward, medians of {key} over the runs: {min(medians):.0f} to {max(medians):.0f}")
    free = [np.median(row["free"]) for one in every for row in one["rows"] if row["stage"] == "forward"]
    click.echo(f"left by other programs: {min(free):.0%} to {max(free):.0%}")
    click.echo(json.dumps({key: every[0][key] for key in ("processor", "threads", "versions")}))


if __name__ == "__main__":
    main()
