"""MODNet's forward pass in zoo and in what people would take instead: PyTorch eager, ONNX Runtime.

    pytest benchmarks/peers/test_forward.py --benchmark-only

The same weights, the same input, as many threads for each; every side is a process of its own, and they take turns. A
round of the benchmark is one turn of each. What ends in the table are medians of the rounds and ratios within a round.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from turns import Times, in_turn, ratio
from workers import Worker

FORWARD = Path(__file__).with_name("forward_worker.py")

SIDES = {
    "PyTorch eager": "torch",
    "ONNX Runtime, PyTorch's export": "onnxruntime",
    "zoo --runtime auto": "zoo auto",
    "zoo --runtime mindspore": "zoo mindspore",
}

REFERENCE = "ONNX Runtime, PyTorch's export"

ROUNDS, WARMUP = 15, 2


@pytest.mark.parametrize("side", [512, 1024])
def test_forward(benchmark, peers, side):
    size = ["--height", str(side), "--width", str(side)]
    with ExitStack() as stack:
        workers = {}
        for name, word in SIDES.items():
            words = [word, "--folder", str(peers), *size]
            if word.startswith("zoo"):
                with Worker(FORWARD, words, peers / "home"):
                    pass  # what is made once for a checkpoint and kept is made here
            workers[name] = stack.enter_context(Worker(FORWARD, words, peers / "home"))
        answers = [np.load(peers / f"{word}.npy") for word in SIDES.values()]
        differences = [float(np.abs(answer - answers[0]).max()) for answer in answers]
        # Random weights take the network to the edge: at 1024 ONNX Runtime is off by 1.6e-3, with either export.
        assert max(differences) < 5e-3
        calls = {name: worker.once for name, worker in workers.items()}
        in_turn(calls, WARMUP)
        found = benchmark.pedantic(in_turn, (calls, ROUNDS), rounds=1)
        about = {name: worker.turn(0) | worker.ready for name, worker in workers.items()}
    benchmark.extra_info |= record(found, REFERENCE, f"forward, batch 1, {side} × {side}")
    for name, difference in zip(SIDES, differences, strict=True):
        more = {"ran_in": about[name]["ran_in"], "peak_mib": about[name]["peak_mib"], "difference": difference}
        benchmark.extra_info["sides"][name] |= more
    benchmark.extra_info["threads"] = next(iter(about.values()))["threads"]


def record(found: dict[str, Times], reference: str, what: str) -> dict:
    """What the table is made of: the times of every round and their ratios to the reference."""
    sides = {}
    for name, times in found.items():
        to = {kind: ratio(getattr(times, kind), getattr(found[reference], kind)) for kind in ("wall", "cpu")}
        print(f"{what}: {name}: {np.median(times.wall):.3f} s, {to['wall']} of {reference}; processor {to['cpu']}")
        sides[name] = {"wall": times.wall, "cpu": times.cpu}
    return {"what": what, "reference": reference, "sides": sides}
