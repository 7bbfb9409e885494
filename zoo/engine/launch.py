"""Start one process for each device of this machine, look after them, and end them together.

The processes find one another through MindSpore's dynamic cluster: a scheduler on a free port of this machine, and the
variables that ``msrun`` sets too. ``msrun`` itself is not used: it kills the processes at Ctrl-C instead of letting
them save, keeps what they say in files, and leaves it to the reader to find out which of them failed, and why.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from registry import ZooError
from zoo.engine.orphan import LAUNCHER
from zoo.engine.outcome import OUTCOME, told
from zoo.engine.relay import Relay

_LOOK = 0.1
"""Seconds between two looks at the processes."""

_SETTLE = 1.0
"""Seconds after a failure in which others may fail of the same cause: if the first process does, it has said why."""

_TERM_SECONDS = 5.0
"""From SIGTERM to SIGKILL for those left after a failure, most of which wait for one that will not answer any more."""

_SAVE_SECONDS = 60.0
"""From the end of the first process that was stopped to the end of the others, one of which is saving."""

_MEET_SECONDS = 300
"""For the processes to find one another; loading MindSpore on a busy machine is most of it."""

_STOPS = (signal.SIGINT, signal.SIGTERM)

_TAIL = 16384
"""Bytes at the end of what a process said that are searched for its last line."""


def launch(arguments: Sequence[str], devices: int, share_cores: bool = True) -> int:
    """Run a command line of zoo on several devices of this machine.

    Args:
        arguments: The words after ``zoo``.
        devices: How many processes shall do it together.
        share_cores: As in `run_together`.

    Returns:
        As `run_together`.

    Raises:
        ZooError: As in `run_together`.
    """
    return run_together([sys.executable, "-m", "zoo.cli", *arguments], devices, share_cores)


def run_together(command: Sequence[str], count: int, share_cores: bool = True) -> int:
    """Run a command in several processes of one group; see `zoo.engine.group.join`.

    The first one's standard error is passed on while it comes; what the others say is kept, for the case that one of
    them fails. SIGINT and SIGTERM are passed on to all. If one fails, the others are ended; if this process
    is killed, the kernel ends them.

    Args:
        command: Program and arguments.
        count: How many processes.
        share_cores: Give each a part of the cores for itself. Float results depend on the number of cores in their last
            digits: where those must be a single process's, all cores are for everybody.

    Returns:
        0 if all of them did what they should; 130 or 143 if they were stopped; the exit code of the first one if that
        failed, which has told why.

    Raises:
        ZooError: Another one failed, or a signal ended one; the message says which, and its last line. The exit code
            is that of the process, or 1 after a signal.
    """
    cores = _shares(count) if share_cores else [[]] * count
    with tempfile.TemporaryDirectory(prefix="zoo-ranks-") as folder, _Job(Path(folder), command, cores) as job:
        return job.wait()


@dataclass
class _Process:
    """One process of the job, the file with what it says, and the one with what came of it."""

    name: str
    running: subprocess.Popen[bytes]
    said: Path
    outcome: Path

    @property
    def code(self) -> int | None:
        """Exit code, or the negative number of the signal that ended it before its work was done; None: it runs."""
        code = self.running.poll()
        if code is None or code >= 0:
            return code
        done = told(self.outcome)
        return code if done is None else done

    @property
    def stopped(self) -> bool:
        """Whether it ended because it was asked to."""
        return self.code in [end for number in _STOPS for end in (128 + number, -number)]

    @property
    def failed(self) -> bool:
        return self.code not in (None, 0) and not self.stopped

    def why(self) -> str:
        """How it failed, on one line."""
        assert self.code is not None, "it has ended"
        if self.code < 0:
            guess = " (out of memory perhaps)" if -self.code == signal.SIGKILL else ""
            return f"{self.name} was ended by {signal.Signals(-self.code).name}{guess}"
        with open(self.said, "rb") as file:
            file.seek(max(0, self.said.stat().st_size - _TAIL))
            lines = [line.strip() for line in file.read().decode(errors="replace").splitlines() if line.strip()]
        own = [line.removeprefix("zoo: ") for line in lines if line.startswith("zoo: ")]
        return f"{self.name}: {(own or lines or [f'exit code {self.code}'])[-1]}"


class _Job:
    """The processes of one command, from start to end.

    Args:
        folder: For what they say.
        command: Program and arguments.
        cores: Those of each process beside the scheduler; none: all.
    """

    def __init__(self, folder: Path, command: Sequence[str], cores: Sequence[Sequence[int]]) -> None:
        self._folder, self._command, self._cores = folder, command, cores
        self._signals: list[int] = []  # to be passed on
        self._ranks: list[_Process] = []
        self._scheduler: _Process | None = None
        self._relay: Relay | None = None

    # --- Start ---

    def __enter__(self) -> _Job:
        common = {
            LAUNCHER: str(os.getpid()),
            "MS_WORKER_NUM": str(len(self._cores)),
            "MS_SCHED_HOST": "127.0.0.1",
            "MS_SCHED_PORT": str(_free_port()),
            "MS_TOPO_TIMEOUT": os.environ.get("MS_TOPO_TIMEOUT", str(_MEET_SECONDS)),
        }
        try:
            self._scheduler = self._start(
                "the scheduler", [sys.executable, "-m", "zoo.engine.scheduler"], {**common, "MS_ROLE": "MS_SCHED"}
            )
            for rank, cores in enumerate(self._cores):
                own = {"MS_ROLE": "MS_WORKER", "MS_NODE_ID": str(rank), "DEVICE_ID": str(rank)}
                self._ranks.append(self._start(f"rank {rank}", self._command, {**common, **own}, live=rank == 0))
                if cores:
                    os.sched_setaffinity(self._ranks[-1].running.pid, cores)
        except BaseException:
            self._end()
            raise
        return self

    def _start(self, name: str, command: Sequence[str], variables: Mapping[str, str], live: bool = False) -> _Process:
        said = self._folder / name.replace(" ", "-")
        outcome = said.with_suffix(".outcome")
        if live:
            self._relay = Relay(said)
        with open(said, "wb") as file:
            running = subprocess.Popen(
                command,
                env={**os.environ, **variables, OUTCOME: str(outcome)},
                stdin=subprocess.DEVNULL,
                stdout=None if live else file,
                stderr=self._relay.mouth if live and self._relay else file,
                # A terminal's Ctrl-C comes to this process alone, which passes it on.
                start_new_session=True,
            )
        if live and self._relay:
            self._relay.begin()
        return _Process(name, running, said, outcome)

    # --- While they run ---

    def wait(self) -> int:
        """See `run_together`."""
        culprit = None
        with self._noting_signals():
            while any(rank.code is None for rank in self._ranks):
                culprit = next((process for process in self._everyone() if process.failed), None)
                if culprit is not None:
                    self._await(self._ranks, _SETTLE)
                    break
                if any(rank.stopped for rank in self._ranks):
                    self._await(self._ranks, _SAVE_SECONDS)
                    break
                self._pass_signals_on()
                time.sleep(_LOOK)
        return self._verdict(culprit or next((rank for rank in self._ranks if rank.failed), None))

    def _verdict(self, culprit: _Process | None) -> int:
        code = self._ranks[0].code
        if self._ranks[0].failed and code is not None and code > 0:
            return code  # and it has said why
        late = [rank for rank in self._ranks if rank.code is None]
        assert self._relay is not None, "it was started"
        self._relay.hush()  # what is said from now on is that the others are missing
        self._end()
        if culprit is not None:
            if "--debug" in self._command:
                sys.stderr.write(culprit.said.read_text(errors="replace"))
            error = ZooError(culprit.why())
            error.exit_code = max(1, culprit.code or 0)
            raise error
        if late:
            raise ZooError(f"{late[0].name} was ended: it had not stopped {_SAVE_SECONDS:.0f} s after the others")
        stops = [rank.code for rank in self._ranks if rank.stopped and rank.code is not None]
        return (stops[0] if stops[0] > 0 else 128 - stops[0]) if stops else 0

    def _await(self, processes: Sequence[_Process], seconds: float) -> None:
        """Wait until these have ended, so long at most."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and any(process.code is None for process in processes):
            self._pass_signals_on()
            time.sleep(_LOOK)

    @contextmanager
    def _noting_signals(self) -> Iterator[None]:
        def note(number: int, frame: FrameType | None) -> None:
            self._signals.append(number)

        before: dict[int, Any] = {}
        if threading.current_thread() is threading.main_thread():
            before = {number: signal.signal(number, note) for number in _STOPS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _pass_signals_on(self) -> None:
        while self._signals:
            number = self._signals.pop(0)
            for rank in self._ranks:
                rank.running.send_signal(number)  # does nothing to one that has ended

    # --- End ---

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        """Leave no process behind."""
        for rank in self._ranks:
            rank.running.terminate()
        self._await(self._ranks, _TERM_SECONDS)
        for process in self._everyone():
            if process.code is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.running.pid, signal.SIGKILL)  # with what it has started
                process.running.wait()
        if self._relay is not None:
            self._relay.end()

    def _everyone(self) -> list[_Process]:
        return self._ranks if self._scheduler is None else [*self._ranks, self._scheduler]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _shares(count: int) -> list[list[int]]:
    """The cores of this process, cut into as many parts; empty ones if there are too few.

    MindSpore runs a process on every core that it may use: two on the same ones take turns badly.
    """
    if not hasattr(os, "sched_getaffinity"):
        return [[]] * count
    cores = sorted(os.sched_getaffinity(0))
    each = len(cores) // count
    return [cores[rank * each : (rank + 1) * each] for rank in range(count)]
