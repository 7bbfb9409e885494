"""Run folders: where they are made and how they are found."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from registry import NotFoundError, UsageError
from zoo.engine.run import find_checkpoint, is_run, new_folder


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def make_run(path: str, *names: str, age: float = 0) -> None:
    for name in names:
        file = Path(path, "checkpoints", name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x")
        os.utime(file, (1e9 - age, 1e9 - age))


def test_a_stamp_below_runs_and_never_the_same_twice():
    one, two, three = (new_folder(None, "modnet") for _ in range(3))
    assert one.parent == Path("runs/modnet")
    assert len({one, two, three}) == 3
    assert new_folder(None, "modnet", "eval").parent == Path("runs/modnet/eval")


def test_a_named_folder_must_be_empty():
    assert new_folder("mine") == Path("mine")
    assert new_folder("mine") == Path("mine")
    Path("mine/file").touch()
    with pytest.raises(UsageError, match="not empty"):
        new_folder("mine")
    with pytest.raises(UsageError, match="that is a file"):
        new_folder("mine/file")


def test_the_newest_run_and_its_best_checkpoint():
    make_run("runs/m/20260101-000000", "last.ckpt", "best.ckpt", age=10)
    make_run("runs/m/20250101-000000", "last.ckpt", age=5)  # resumed later, whatever its stamp
    (Path("runs/m/eval/20270101-000000")).mkdir(parents=True)
    assert find_checkpoint(None, "m") == Path("runs/m/20250101-000000/checkpoints/last.ckpt")
    assert find_checkpoint("runs/m/20260101-000000", "m") == Path("runs/m/20260101-000000/checkpoints/best.ckpt")
    assert is_run(Path("runs/m/20260101-000000"))
    assert not is_run(Path("runs/m"))


def test_nothing_there_is_said():
    with pytest.raises(NotFoundError, match=r"no run of 'm' .*zoo train m"):
        find_checkpoint(None, "m")
    with pytest.raises(NotFoundError, match=r"no checkpoint x\.ckpt"):
        find_checkpoint("x.ckpt", "m")
    Path("empty").mkdir()
    with pytest.raises(NotFoundError, match="holds no"):
        find_checkpoint("empty", "m")
