"""Something that may wait long inside the system, where Ctrl-C does not reach."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

_LOOK = 0.2
"""Seconds after which Ctrl-C is heard."""


def aside(function: Callable[[], None]) -> None:
    """Call a function in a thread and wait for its end; what it raises is raised here.

    A main thread that waits for a server inside the system hears of Ctrl-C only when the server answers; this one hears
    of it at once. The thread is then left behind, and ends with the process.
    """
    ended: SimpleQueue[BaseException | None] = SimpleQueue()

    def work() -> None:
        try:
            function()
        except BaseException as error:
            ended.put(error)
        else:
            ended.put(None)

    threading.Thread(target=work, name="zoo-download", daemon=True).start()
    while True:
        try:
            error = ended.get(timeout=_LOOK)
        except Empty:
            continue
        if error is not None:
            raise error
        return
