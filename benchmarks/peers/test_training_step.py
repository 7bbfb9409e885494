"""A training step of MODNet beside PyTorch's: same weights, same batch, same threads, taking turns.

    pytest benchmarks/peers/test_training_step.py --benchmark-only -s

Each side is a process that sleeps between its turns. zoo runs twice, with native operators and, for machines without
a C++ compiler, without. Compiling and the first steps are not timed.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from turns import in_turn, ratio

pytest.importorskip("torch")

ROUNDS, STEPS, WARM_UP = 7, 4, 3

PEER = "PyTorch"

SIDES = {PEER: ("torch", "1"), "zoo": ("zoo", "1"), "zoo without a compiler": ("zoo", "0")}
"""By name: what the worker is told, and ZOO_NATIVE."""

WORKER = Path(__file__).with_name("training_worker.py")


class Worker:
    """A side's process; `peak_mib` is what it has needed at most so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process, self.peak_mib = process, 0.0

    def steps(self, count: int) -> dict[str, Any]:
        """Do some steps; what the worker says about them."""
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()
        found = json.loads(self._process.stdout.readline())
        self.peak_mib = found["peak_mib"]
        return found

    def turn(self) -> tuple[float, float]:
        """Median wall and processor seconds of a step."""
        found = self.steps(STEPS)
        return statistics.median(found["wall"]), statistics.median(found["cpu"])


@contextmanager
def started(side: str, native: str, batch: int, size: int, weights: Path) -> Iterator[Worker]:
    words = [sys.executable, WORKER, side, "--batch", batch, "--size", size, "--weights", weights]
    environment = os.environ | {"ZOO_NATIVE": native}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([str(word) for word in words], env=environment, **pipes) as process:
        worker = Worker(process)
        yield worker
        process.stdin.close()


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "weights.npz"
    subprocess.run([sys.executable, WORKER, "weights", "--weights", path], check=True)
    return path


@pytest.mark.parametrize(("batch", "size"), [(2, 256), (4, 256), (2, 512), (4, 512)])
def test_training_step(benchmark, weights, batch, size):
    with ExitStack() as stack:
        workers = {name: stack.enter_context(started(*told, batch, size, weights)) for name, told in SIDES.items()}
        losses = {name: worker.steps(WARM_UP)["losses"][0] for name, worker in workers.items()}
        assert losses == pytest.approx(dict.fromkeys(SIDES, losses[PEER]), rel=1e-3)  # they do the same
        turns: dict[str, Callable[[], tuple[float, float]]] = {name: w.turn for name, w in workers.items()}
        found = benchmark.pedantic(in_turn, (turns, ROUNDS), rounds=1)
    benchmark.extra_info |= {
        "sides": {n: {"wall": t.wall, "cpu": t.cpu, "peak_mib": workers[n].peak_mib} for n, t in found.items()},
        "reference": PEER,
    }
    print()
    for name, times in found.items():
        wall, cpu = (ratio(getattr(times, kind), getattr(found[PEER], kind)) for kind in ("wall", "cpu"))
        memory = workers[name].peak_mib / workers[PEER].peak_mib
        print(
            f"batch {batch} at {size}: {name}: {1e3 * statistics.median(times.wall):.0f} ms, {wall} times {PEER}, of "
            f"the processor {cpu}, memory {workers[name].peak_mib:.0f} MiB, {memory:.2f}"
        )
