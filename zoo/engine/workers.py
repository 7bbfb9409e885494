"""Processes that read, score and encode pictures beside the network."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager

from registry import ZooError

MOST = 8
"""Processes at most unless told otherwise: each takes some 100 MB."""

WORTH_IT = 32
"""Pictures from which processes are started: they take about half a second to begin."""

THREADS = 2
"""Threads that do it instead for fewer pictures. Reading and filtering run outside Python's lock: two threads are as
fast as two processes (``benchmarks/NOTES.md``)."""


def workers_for(pictures: int, asked: int | None) -> int:
    """Number of processes for so many pictures; 0 means threads of this process.

    Args:
        pictures: How many there are to score.
        asked: ``eval.workers``: null lets this function choose.
    """
    if asked is not None:
        return asked
    return min(MOST, len(os.sched_getaffinity(0))) if pictures >= WORTH_IT else 0


@contextmanager
def executor(processes: int) -> Iterator[Executor]:
    """Runs functions of modules (not closures) on arguments that can be pickled.

    Args:
        processes: 0: threads.

    Raises:
        ZooError: A process ended before its work did.
    """
    pool: Executor
    if processes == 0:
        pool = ThreadPoolExecutor(THREADS, "zoo-score")
    else:
        # Not forked: a copy of a process in which MindSpore's threads hold locks may stop for good.
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        pool = ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _begin)
        # Python's resource tracker starts with the first pool and leaves SIGINT unblocked; see `zoo.interrupt.ctrl_c`.
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    try:
        yield pool
    except BrokenProcessPool as error:
        pool.shutdown(wait=False, cancel_futures=True)
        raise ZooError(
            "a worker process was ended from outside, for want of memory perhaps: use fewer (--workers)"
        ) from error
    except BaseException:
        pool.shutdown(cancel_futures=True)  # what runs still writes files: whoever tidies up must come after it
        raise
    pool.shutdown()


def _begin() -> None:
    """First thing in a new process."""
    # Signals to stop reach every process of a terminal or job; the main one decides what happens, ...
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    # ... and if it is gone without a word, nobody will.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from zoo.data.opencv import cv2

    cv2.setNumThreads(1)  # the pictures are what is spread over the cores


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None, "runs in a process that was started"
    parent.join()
    os._exit(1)
