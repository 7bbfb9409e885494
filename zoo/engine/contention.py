"""How much of the processors was left to this process, where others run beside it."""

from __future__ import annotations

import os
import time
from pathlib import Path

_LEAST = 0.02
"""Below this share of free processors the counters, which go by hundredths of a second, tell nothing."""


class Contention:
    """Counts from its creation on, or from the last answer; on systems that do not tell it answers None."""

    def __init__(self) -> None:
        self._last = self._now()

    def free(self) -> float | None:
        """Share of the processors' time that others left since the last call, in (0, 1]; 1: all of it.

        Only the processors that this process may use count, and what the host of a virtual machine took is taken by
        others. None where the system does not tell, or no hundredth of a second has gone by.
        """
        before, now = self._last, self._now()
        self._last = now
        if before is None or now is None or now[0] <= before[0]:
            return None
        total, busy, own = (b - a for a, b in zip(before, now, strict=True))
        return min(1.0, max(_LEAST, 1 - max(0.0, busy - own) / total))

    @staticmethod
    def _now() -> tuple[float, float, float] | None:
        """Seconds of the processors in all, of them busy, of them with this process."""
        try:
            lines = Path("/proc/stat").read_text(encoding="ascii").splitlines()
            names = {f"cpu{number}" for number in os.sched_getaffinity(0)}
        except (OSError, AttributeError):
            return None
        ticks = os.sysconf("SC_CLK_TCK")
        # user nice system idle iowait irq softirq steal; what comes after is counted in these already.
        counts = [[int(word) for word in line.split()[1:9]] for line in lines if line.split(" ", 1)[0] in names]
        total = sum(sum(count) for count in counts) / ticks
        idle = sum(count[3] + count[4] for count in counts) / ticks
        return total, total - idle, time.process_time()
