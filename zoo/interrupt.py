"""Ctrl-C and SIGTERM: finish the step, save, leave."""

from __future__ import annotations

import _thread
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

_LOOK = 0.2
"""Seconds after which the thread that waits for Ctrl-C looks whether it is still wanted."""


class Interrupted(BaseException):
    """The process was asked to stop; a training has saved its state. Like `KeyboardInterrupt`, it is nobody's error.

    Args:
        number: Signal number; the exit code is 128 more.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


@contextmanager
def ctrl_c() -> Iterator[None]:
    """Keep Ctrl-C what Python makes of it, inside the block, whatever a library does to the signal.

    MindSpore puts a handler of its own in place each time it compiles or runs a graph, which answers SIGINT with a
    SIGTERM: who pressed Ctrl-C would be told that the process was terminated. So SIGINT is blocked, a thread takes it
    out of the queue, where no handler is asked, and passes it on to the main thread. Nothing happens outside the main
    thread or on a system that cannot wait for a signal.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "sigtimedwait"):
        yield
        return
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            if signal.sigtimedwait({signal.SIGINT}, _LOOK) is not None:
                _thread.interrupt_main()

    # Blocked before any other thread is there, as a thread begins with what its parent has blocked.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    threading.Thread(target=watch, name="zoo-ctrl-c", daemon=True).start()
    try:
        yield
    finally:
        over.set()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class StopRequest:
    """Notes SIGINT and SIGTERM instead of dying; a second one of them acts at once.

    Used as a context manager around a loop that looks at ``signal`` between two steps. Outside the main thread,
    where Python delivers no signals, it does nothing.
    """

    _SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            for number in self._SIGNALS:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.signal is not None:
            raise Interrupted(number)
        self.signal = number
