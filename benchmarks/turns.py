"""Several ways to do one thing, timed in turn, A B C A B C, so that whatever else goes on falls on all alike.

What counts is a ratio within a round; its median over the rounds has a bootstrap interval.
"""

from __future__ import annotations

import resource
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 4000


@dataclass(frozen=True)
class Times:
    """Seconds by the clock and by the processor, one of each for each round."""

    wall: list[float]
    cpu: list[float]


@dataclass(frozen=True)
class Ratio:
    """The median over the rounds of one side's time divided by another's, with its interval of 95 %."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} [{self.low:.2f}, {self.high:.2f}]"


def in_turn(sides: Mapping[str, Callable[[], tuple[float, float]]], rounds: int) -> dict[str, Times]:
    """The times of every side.

    Args:
        sides: By name; does the thing once and answers wall and processor seconds.
        rounds: How often each has its turn. In every other round they go in the opposite order.
    """
    found = {name: Times([], []) for name in sides}
    for number in range(rounds):
        for name in list(sides)[:: 1 if number % 2 == 0 else -1]:
            wall, cpu = sides[name]()
            found[name].wall.append(wall)
            found[name].cpu.append(cpu)
    return found


def ratio(ours: Sequence[float], theirs: Sequence[float], seed: int = 0) -> Ratio:
    """Ours over theirs; the two have a value of each round.

    The interval is that of the median under draws of rounds.
    """
    each = np.asarray(ours) / np.asarray(theirs)
    drawn = np.random.default_rng(seed).choice(each, (RESAMPLES, len(each)))
    low, high = np.percentile(np.median(drawn, axis=1), (2.5, 97.5))
    return Ratio(float(np.median(each)), float(low), float(high))


def command(words: Sequence[str]) -> Callable[[], tuple[float, float]]:
    """A command line as a side: the process from its start to its end; what it prints is not read.

    Raises:
        subprocess.CalledProcessError: It fails; by the returned function.
    """

    def once() -> tuple[float, float]:
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return once
