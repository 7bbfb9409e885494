"""What a command tells its user while it works: lines on standard error, kept in ``log.txt`` too."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Console:
    """Lines for the user.

    Args:
        quiet: Keep standard error empty; the log file is written all the same.
        log: File to append every line to, with the time of day.
    """

    def __init__(self, quiet: bool = False, log: Path | None = None) -> None:
        self.quiet = quiet
        self._log = log

    def say(self, text: str) -> None:
        """One line."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)
        if self._log is not None:
            self._keep(text, self._log)

    def _keep(self, text: str, log: Path) -> None:
        try:
            with open(log, "a", encoding="utf-8") as file:
                file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")
        except OSError as error:
            # Telling is no reason to end what is told about; if results cannot be written either, that ends it.
            self._log = None
            print(f"cannot write {log}: {error.strerror or error}; it ends here", file=sys.stderr, flush=True)

    @contextmanager
    def busy(self, doing: str, every: float = 20.0) -> Iterator[None]:
        """Say what is being done, that it goes on, and how long it took.

        Args:
            doing: For example ``compiling the training step``.
            every: Seconds between two signs of life.
        """
        started = time.perf_counter()
        over = threading.Event()

        def sign_of_life() -> None:
            while not over.wait(every):
                self.say(f"  still {doing} ({time.perf_counter() - started:.0f} s)")

        self.say(f"{doing} ...")
        thread = threading.Thread(target=sign_of_life, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        self.say(f"  done in {time.perf_counter() - started:.1f} s")


class Progress:
    """How far a task over many things is: a bar on a terminal, else a line now and then.

    Used as a context manager; call it with what is done and what there is.

    Args:
        console: Where lines go; nothing is shown if it is quiet.
        doing: What is done.
        unit: What is counted.
        every: Seconds between two lines where there is no terminal.
    """

    def __init__(self, console: Console, doing: str, unit: str = "picture", every: float = 15.0) -> None:
        self._console, self._doing, self._unit, self._every = console, doing, unit, every

    def __enter__(self) -> Progress:
        from tqdm import tqdm

        on_terminal = sys.stderr.isatty() and not self._console.quiet
        self._bar = tqdm(desc=self._doing, unit=self._unit, disable=not on_terminal)
        self._lines = not on_terminal and not self._console.quiet
        self._started = self._spoke = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def __call__(self, done: int, total: int) -> None:
        """Take note that ``done`` of ``total`` are done."""
        self._bar.total = total
        self._bar.update(done - self._bar.n)
        now = time.perf_counter()
        if self._lines and now - self._spoke >= self._every:
            self._spoke = now
            rate = done / (now - self._started)
            left = clock((total - done) / rate)
            self._console.say(f"  {self._doing}: {done}/{total}, {rate:.2f} {self._unit}s/s, {left} left")


def clock(seconds: float) -> str:
    """Seconds as ``1:02:03`` or ``2:03``."""
    minutes, rest = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
