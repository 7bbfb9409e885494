"""How fast a training goes, and the lines that tell."""

from __future__ import annotations

import math
import statistics
import time
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from zoo.engine.console import clock

_REPORT_SECONDS = 10.0
_RECENT = 20
"""Steps whose median tells the time left: enough for a steady number, few enough to follow a machine that slows."""


class Pace:
    """Time per step of late, and averages since the last line: of a single step they would be noise.

    The first step of a process compiles and is left out of all of it.

    Args:
        total: Steps of the whole training.
        done: Steps that an earlier part of it has done.
    """

    def __init__(self, total: int, done: int) -> None:
        self._total, self._before, self._done = total, done, done
        self._recent: deque[float] = deque(maxlen=_RECENT)
        self._spoke = -math.inf
        self._forget()

    def count(self, seconds: float, waited: float, pictures: int) -> None:
        """Take note of a step.

        Args:
            seconds: Its wall time.
            waited: How much of it went by waiting for data.
            pictures: How many it learnt from, on all devices together.
        """
        self._done += 1
        if self._done == self._before + 1:
            return
        self._recent.append(seconds)
        self._seconds += seconds
        self._waited += waited
        self._pictures += pictures

    def opening(self, peak_mib: float) -> str | None:
        """What the training will take, after the second step and not again.

        Args:
            peak_mib: Peak memory of the process so far, in MiB.
        """
        if self._done != self._before + 2:
            return None
        rest = self._total - self._done
        steps = f"{rest} more steps" if self._before == 0 else f"{rest} steps left of {self._total}"
        memory = f"{peak_mib / 1024:.1f} GiB" if peak_mib >= 1024 else f"{peak_mib:.0f} MiB"
        begun = f"resumed after step {self._before}: " if self._before else ""
        step = f"a step takes about {_short(self._recent[0])}"
        return f"{begun}{step}: {steps}, about {self.left}, peak memory so far {memory}"

    def is_due(self, number: int) -> bool:
        """Whether it is time for a line: some seconds after the last one, and after the last step."""
        now = time.monotonic()
        if number != self._total and now - self._spoke < _REPORT_SECONDS:
            return False
        self._spoke = now
        return True

    @property
    def left(self) -> str:
        """Time left by the median of the last steps."""
        if not self._recent:
            return "?"
        return clock((self._total - self._done) * statistics.median(self._recent))

    def since_last(self) -> tuple[float, float] | None:
        """Pictures per second, and the share of the time that went by waiting for data, since this was last asked.

        None if nothing was measured in between.
        """
        seconds, waited, pictures = self._seconds, self._waited, self._pictures
        self._forget()
        return (pictures / seconds, waited / seconds) if seconds else None

    def _forget(self) -> None:
        self._seconds, self._waited, self._pictures = 0.0, 0.0, 0


def line(record: Mapping[str, Any], terms: Sequence[str], total: int, epochs: int, pace: Pace) -> str:
    """The line that tells how a training stands.

    Args:
        record: That of the step just done, as in ``log.jsonl``.
        terms: Names of the objective's terms.
        total: Steps of the training.
        epochs: Its epochs.
        pace: Its pace; the averages since the last line start anew.
    """
    parts = " ".join(f"{name} {record[name]:.3f}" for name in terms)
    speed = pace.since_last()
    return (
        f"step {record['step']}/{total}  epoch {record['epoch']}/{epochs}  loss {record['loss']:.3f}"
        f"{f' ({parts})' if parts else ''}  lr {record['lr']:.2g}"
        f"{f'  {speed[0]:.2f} images/s  wait {speed[1]:.0%}' if speed else ''}  {pace.left} left"
    )


def _short(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
