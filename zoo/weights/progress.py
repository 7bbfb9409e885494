"""How far a download is: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import sys
import time
from typing import Any

from zoo.engine.console import Console, clock

_MIB = 1 << 20


class Progress:
    """A context manager that is called with the bytes that are here and that there are, None if nobody says.

    Args:
        console: Where lines go; nothing is shown if it is quiet.
        doing: What is fetched.
        every: Seconds between two lines where there is no terminal.
    """

    def __init__(self, console: Console, doing: str, every: float = 10.0) -> None:
        self._console, self._doing, self._every = console, doing, every
        self._bar: Any = None

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, done: int, total: int | None) -> None:
        """Take note that ``done`` of ``total`` bytes are here."""
        if self._bar is None:
            self._begin(done, total)
        self._bar.update(done - self._bar.n)
        now = time.perf_counter()
        if self._lines and now - self._spoke >= self._every:
            self._spoke = now
            rate = (done - self._first) / (now - self._started)
            left = f", {clock((total - done) / rate)} left" if total is not None and rate else ""
            whole = f" of {total / _MIB:.1f}" if total is not None else ""
            self._console.say(f"  {self._doing}: {done / _MIB:.1f}{whole} MiB, {rate / _MIB:.2f} MiB/s{left}")

    def _begin(self, done: int, total: int | None) -> None:
        from tqdm import tqdm

        on_terminal = sys.stderr.isatty() and not self._console.quiet
        self._lines = not on_terminal
        # What an earlier try has brought says nothing of how fast this one is.
        self._first, self._started = done, time.perf_counter()
        self._spoke = self._started
        settings: dict[str, Any] = {"unit": "B", "unit_scale": True, "unit_divisor": 1024}
        self._bar = tqdm(desc=self._doing, total=total, initial=done, disable=not on_terminal, **settings)
