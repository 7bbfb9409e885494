"""A training that is left alone, and one that is not: does memory grow, and does a kill change a bit?

    python benchmarks/endurance.py memory MODEL --steps 1000 -- OPTIONS OF zoo train
    python benchmarks/endurance.py kills MODEL --kills 20 -- OPTIONS OF zoo train

``memory`` trains and reads the resident memory of the process as its log grows. ``kills`` trains once undisturbed, then
again with a SIGKILL at random moments, resuming each time, and compares every array of the last checkpoints.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import click
import numpy as np

from zoo.engine import checkpoint


def start(model: str, options: Sequence[str], run: Path, resume: bool = False) -> subprocess.Popen[str]:
    """``zoo train`` in a process of its own."""
    words = ["--resume", str(run)] if resume else ["--output", str(run), *options]
    command = [sys.executable, "-m", "zoo.cli", "train", model, *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def steps_logged(run: Path) -> int:
    """Whole lines of the log so far."""
    log = run / "log.jsonl"
    return log.read_bytes().count(b"\n") if log.exists() else 0


def resident_mib(pid: int | str) -> float:
    """Resident memory of a process, in MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 2**20


def finish(process: subprocess.Popen[str]) -> None:
    """Wait for a training that should succeed."""
    _, err = process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"zoo train ended with {process.returncode}: {err.splitlines()[-1]}")


@click.group()
def main() -> None:
    """How a training endures."""


@main.command()
@click.argument("model")
@click.argument("options", nargs=-1)
@click.option("--steps", default=1000, show_default=True, help="Steps to look at; the options must train as many.")
@click.option("--every", default=100, show_default=True, help="Steps between two readings.")
def memory(model: str, options: tuple[str, ...], steps: int, every: int) -> None:
    """Resident memory while training goes on."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        process = start(model, options, run)
        wanted, readings = list(range(every, steps + 1, every)), []
        while wanted and process.poll() is None:
            if steps_logged(run) >= wanted[0]:
                readings.append((wanted.pop(0), resident_mib(process.pid)))
                click.echo(f"step {readings[-1][0]:5d}  {readings[-1][1]:7.1f} MiB")
            time.sleep(0.01)
        finish(process)
    if len(readings) < 3:
        raise SystemExit(f"too few steps: {steps_logged(run)}")
    numbers, sizes = np.array(readings).T
    slope = np.polyfit(numbers[1:], sizes[1:], 1)[0]
    click.echo(f"from step {numbers[1]:.0f} on {slope * 1000:+.1f} MiB for 1,000 steps (least squares)")


@main.command()
@click.argument("model")
@click.argument("options", nargs=-1)
@click.option("--kills", default=20, show_default=True, help="SIGKILLs, spread over the run.")
@click.option("--seed", default=0, show_default=True, help="Of the moments.")
def kills(model: str, options: tuple[str, ...], kills: int, seed: int) -> None:
    """A run killed many times against one left alone."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        whole, broken = Path(folder) / "whole", Path(folder) / "broken"
        finish(start(model, options, whole))
        steps = steps_logged(whole)
        done = 0
        for life in range(kills):
            process = start(model, options, broken, resume=life > 0)
            until = max(1, round(steps * (life + chance.random()) / (kills + 1)))
            while steps_logged(broken) < until and process.poll() is None:
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.3))
            if process.poll() is None:
                done += 1
            process.kill()
            process.communicate()
        finish(start(model, options, broken, resume=True))
        logged = [json.loads(line)["step"] for line in (broken / "log.jsonl").read_text().splitlines()]
        a, b = (checkpoint.read(run / "checkpoints" / "last.ckpt") for run in (whole, broken))
    arrays = [{**c.weights, **{f"{p}.{n}": v for p, m in c.state.items() for n, v in m.items()}} for c in (a, b)]
    differ = [name for name in arrays[0] if not np.array_equal(arrays[0][name], arrays[1].get(name))]
    click.echo(f"{done} kills in {steps} steps; {len(differ)} of {len(arrays[0])} arrays differ; ", nl=False)
    click.echo("each step logged once" if logged == list(range(1, steps + 1)) else "the log is not whole")
    sys.exit(bool(differ or logged != list(range(1, steps + 1))))


if __name__ == "__main__":
    main()
