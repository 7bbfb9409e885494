"""Processes beside the network: they give what threads give, stop when asked, and do not outlive their parent."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from registry import ZooError
from zoo.engine.workers import MOST, WORTH_IT, executor, workers_for


def test_how_many():
    assert workers_for(WORTH_IT - 1, None) == 0
    assert 1 <= workers_for(WORTH_IT, None) <= min(MOST, len(os.sched_getaffinity(0)))
    assert workers_for(1, 3) == 3
    assert workers_for(1000, 0) == 0


def test_threads_and_processes_run_functions():
    with executor(0) as pool:
        assert pool.submit(os.getpid).result() == os.getpid()
    with executor(1) as pool:
        assert pool.submit(os.getpid).result() != os.getpid()
        assert pool.submit(int, "7").result() == 7


def test_a_process_that_dies_is_said_in_one_line():
    with (
        pytest.raises(ZooError, match=r"^a worker process was ended from outside, .* use fewer"),
        executor(1) as pool,
    ):
        pool.submit(os._exit, 1).result()


def test_no_process_outlives_a_killed_parent():
    code = (
        "import os, sys\n"
        "from zoo.engine.workers import executor\n"
        "if __name__ == '__main__':\n"
        "    with executor(1) as pool:\n"
        "        print(pool.submit(os.getpid).result(), flush=True)\n"
        "        os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == -9
    worker = int(done.stdout)
    for _ in range(100):
        if not _runs(worker):
            return
        time.sleep(0.1)
    pytest.fail("the worker is still there after ten seconds")


def _runs(process: int) -> bool:
    try:
        return "zombie" not in Path(f"/proc/{process}/status").read_text()
    except OSError:
        return False
