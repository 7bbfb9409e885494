"""Processes that take turns, each one side of a comparison."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any


class Worker:
    """A process that does a thing as often as it is told, and says how long.

    It reads a number from each line of its input and answers with a line of JSON that has ``wall`` and ``cpu``, a list
    each; before that it says in one line that it is ready.

    Args:
        script: What it runs.
        words: Its arguments.
        home: Its ``ZOO_HOME``.
    """

    def __init__(self, script: Path, words: Sequence[str], home: Path) -> None:
        environment = {**os.environ, "ZOO_HOME": str(home)}
        self._process = subprocess.Popen(
            [sys.executable, str(script), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self.ready: dict[str, Any] = self._line()

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()

    def turn(self, times: int = 1) -> dict[str, Any]:
        """Do the thing some times; the last answer is what it says of itself."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{times}\n")
        self._process.stdin.flush()
        return self._line()

    def once(self) -> tuple[float, float]:
        """Wall and processor seconds of one time, a side of `turns.in_turn`."""
        found = self.turn()
        return found["wall"][0], found["cpu"][0]

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(map(str, self._process.args[1:]))}: ended with {self._process.wait()}")
        found: dict[str, Any] = json.loads(line)
        return found
