"""Processes that are started, looked after and ended together.

Most of them are small programs without MindSpore, beside a scheduler that waits for them in vain.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest

from registry import ZooError
from zoo.engine import launch
from zoo.engine.launch import run_together
from zoo.engine.orphan import LAUNCHER

START = """
import json, os, pathlib, signal, sys, time
rank, folder = int(os.environ["MS_NODE_ID"]), pathlib.Path(sys.argv[1])
def note():
    (folder / f"{rank}.part").write_text(str(os.getpid()))
    (folder / f"{rank}.part").rename(folder / f"{rank}.pid")
def wait_for(count):
    while len(list(folder.glob("*.pid"))) < count: time.sleep(0.01)
"""


def program(folder: Path, text: str) -> list[str]:
    return [sys.executable, "-c", START + text, str(folder)]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def pids(folder: Path) -> list[int]:
    return [int(file.read_text()) for file in sorted(folder.glob("*.pid"))]


def assert_gone(folder: Path, count: int = 2, seconds: float = 0.0) -> None:
    assert len(pids(folder)) == count
    until = time.monotonic() + seconds
    while any(map(is_alive, pids(folder))) and time.monotonic() < until:
        time.sleep(0.05)
    assert not any(map(is_alive, pids(folder)))


def test_each_gets_its_place(tmp_path, capfd):
    text = """
names = ("MS_ROLE", "MS_WORKER_NUM", "MS_SCHED_HOST", "DEVICE_ID")
about = {**{n: os.environ[n] for n in names}, "session": os.getsid(0) == os.getpid()}
about["cores"] = sorted(os.sched_getaffinity(0))
(folder / f"{rank}.json").write_text(json.dumps(about))
print("out", rank); print("err", rank, file=sys.stderr)
"""
    assert run_together(program(tmp_path, text), 2) == 0
    found = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    cores = sorted(os.sched_getaffinity(0))
    half = len(cores) // 2
    for rank, about in enumerate(found):
        assert about == {
            **{"MS_ROLE": "MS_WORKER", "MS_WORKER_NUM": "2", "MS_SCHED_HOST": "127.0.0.1", "DEVICE_ID": str(rank)},
            "session": True,
            "cores": cores[rank * half : (rank + 1) * half] if half else cores,
        }
    captured = capfd.readouterr()
    assert captured.out == "out 0\n"
    assert captured.err == "err 0\n"


@pytest.mark.parametrize(("count", "expected"), [(1, [[0, 1, 2, 5]]), (3, [[0], [1], [2]]), (5, [[]] * 5)])
def test_cores_are_shared_out(monkeypatch, count, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {5, 2, 1, 0})
    assert launch._shares(count) == expected


def test_cores_may_be_for_everybody(tmp_path):
    text = "(folder / str(rank)).write_text(str(sorted(os.sched_getaffinity(0))))"
    assert run_together(program(tmp_path, text), 2, share_cores=False) == 0
    assert [(tmp_path / name).read_text() for name in "01"] == [str(sorted(os.sched_getaffinity(0)))] * 2


def test_one_that_fails_ends_the_others(tmp_path, capfd, monkeypatch):
    """The first process waits for the other one where no signal but SIGKILL reaches it, as in a collective."""
    monkeypatch.setattr(launch, "_TERM_SECONDS", 0.5)
    text = """
if rank == 0:
    signal.signal(signal.SIGTERM, lambda *_: print("zoo: I miss the others", file=sys.stderr, flush=True))
    print("step 1", file=sys.stderr, flush=True)
    note()
    while True: time.sleep(60)
wait_for(1); note()
print("some library says more"); print("zoo: d03.png: no picture", file=sys.stderr); print("later", flush=True)
sys.exit(4)
"""
    with pytest.raises(ZooError, match=r"^rank 1: d03.png: no picture$") as caught:
        run_together(program(tmp_path, text), 2)
    assert caught.value.exit_code == 4
    assert_gone(tmp_path)
    assert capfd.readouterr().err == "step 1\n"


def test_the_first_one_says_itself_why_it_failed(tmp_path, capfd):
    text = """
if rank == 0: wait_for(1); note(); print("zoo: disk full", file=sys.stderr); sys.exit(1)
note(); time.sleep(60)
"""
    assert run_together(program(tmp_path, text), 2) == 1
    assert_gone(tmp_path)
    assert capfd.readouterr().err == "zoo: disk full\n"


def test_what_all_of_them_say_is_said_once(tmp_path, capfd):
    """The same mistake in each, the first process being the last to end."""
    text = "time.sleep(0.4 * (1 - rank)); print('zoo: the loss is nan', file=sys.stderr); sys.exit(1)"
    assert run_together(program(tmp_path, text), 2) == 1
    assert capfd.readouterr().err == "zoo: the loss is nan\n"


@pytest.mark.parametrize("rank", [0, 1])
def test_a_signal_that_ended_one_is_named(tmp_path, rank):
    text = f"""
if rank == {rank}: wait_for(1); note(); os.kill(os.getpid(), signal.SIGKILL)
note(); time.sleep(60)
"""
    with pytest.raises(ZooError, match=f"^rank {rank} was ended by SIGKILL") as caught:
        run_together(program(tmp_path, text), 2)
    assert caught.value.exit_code == 1
    assert_gone(tmp_path)


@pytest.mark.parametrize("code", [0, 143])
def test_one_that_dies_when_its_work_is_done_counts_as_done(tmp_path, code):
    """Now and then a process dies of SIGSEGV while MindSpore is taken down."""
    text = f"""
if rank == 0: wait_for(1)
note()
from zoo.engine.outcome import tell
tell({code})
if rank == 0: os.kill(os.getpid(), signal.SIGSEGV)
sys.exit({code})
"""
    assert run_together(program(tmp_path, text), 2) == code
    assert_gone(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_is_passed_on_and_waited_for(tmp_path, number):
    """The first process takes a while to save after the other has gone."""
    text = """
stopped = []
for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, lambda n, _: stopped.append(n))
note()
while not stopped: time.sleep(0.01)
if rank == 0: time.sleep(1); (folder / "saved").touch()
sys.exit(128 + stopped[0])
"""
    threading.Thread(target=_send, args=(tmp_path, number), daemon=True).start()
    assert run_together(program(tmp_path, text), 2) == 128 + number
    assert (tmp_path / "saved").exists()
    assert_gone(tmp_path)


def _send(folder: Path, number: int) -> None:
    while len(pids(folder)) < 2:
        time.sleep(0.01)
    os.kill(os.getpid(), number)


def test_one_that_will_not_stop_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(launch, "_SAVE_SECONDS", 0.3)
    monkeypatch.setattr(launch, "_TERM_SECONDS", 0.3)
    text = """
if rank == 0: signal.signal(signal.SIGTERM, signal.SIG_IGN); note(); time.sleep(60)
wait_for(1); note(); sys.exit(143)
"""
    with pytest.raises(ZooError, match=r"^rank 0 was ended: it had not stopped 0 s after the others$"):
        run_together(program(tmp_path, text), 2)
    assert_gone(tmp_path)


def test_a_scheduler_that_fails(tmp_path, monkeypatch):
    """Its port is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(launch, "_free_port", lambda: taken.getsockname()[1])
        with pytest.raises(ZooError, match=r"^the scheduler: 2 processes did not meet at 127.0.0.1:"):
            run_together(program(tmp_path, "note(); time.sleep(60)"), 2)
    assert_gone(tmp_path)


def test_none_outlives_a_killed_launcher(tmp_path):
    text = "from zoo.engine.orphan import end_with_launcher; end_with_launcher(); note(); time.sleep(60)"
    command = program(tmp_path, text)
    launcher = subprocess.Popen(
        [sys.executable, "-c", f"from zoo.engine.launch import run_together; run_together({command!r}, 2)"]
    )
    while len(pids(tmp_path)) < 2:
        time.sleep(0.05)
    launcher.kill()
    launcher.wait()
    assert_gone(tmp_path, seconds=5)


def test_one_that_comes_too_late_ends_itself(monkeypatch):
    """The launcher was gone before the process could ask the kernel to watch it."""
    program = "from zoo.engine.orphan import end_with_launcher; end_with_launcher(); print('alive')"
    gone = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, LAUNCHER: "1"}, capture_output=True, text=True
    )
    assert (gone.returncode, gone.stdout) == (-signal.SIGKILL, "")


def test_on_a_terminal_the_first_process_has_one(tmp_path):
    """So that it draws its progress bars."""
    text = "print(sys.stderr.isatty(), os.get_terminal_size(2).columns, 'ä\\r', end='', file=sys.stderr)"
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 77, 0, 0))
    launcher = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            f"from zoo.engine.launch import run_together; run_together({program(tmp_path, text)!r}, 1)",
        ],
        stderr=theirs,
    )
    assert launcher.wait() == 0
    os.close(theirs)
    assert os.read(ours, 1000).decode() == "True 77 ä\r"
    os.close(ours)
