"""The records of a run: whole after a kill, each step once after a resume, one line where they cannot be written."""

from __future__ import annotations

import csv
import json
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from event_files import read_events, records

from registry import ZooError
from zoo.engine.journal import Journal


def record(step: int, loss: float = 1.0) -> dict:
    return {"step": step, "epoch": 1, "loss": loss, "lr": 0.1}


def steps_of(folder: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (folder / "log.jsonl").read_text().splitlines()]


def table_of(folder: Path) -> list[dict[str, str]]:
    with open(folder / "metrics.csv", newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_is_written_down(tmp_path):
    with Journal(tmp_path) as journal:
        journal.step(record(1, 0.5))
        journal.validation(1, 1, {"MAD": 0.25, "SAD": None})
        journal.panel(1, "portrait", np.full((3, 5, 3), (255, 0, 10), np.uint8))
        journal.note(1, "warning")
        # Nothing waits in a buffer: a killed run keeps it all.
        assert steps_of(tmp_path) == [1]
        shown = read_events(tmp_path)
    assert shown.scalars == {
        "train/loss": {1: 0.5},
        "train/lr": {1: pytest.approx(0.1)},
        "val/MAD": {1: 0.25},
    }
    picture = cv2.imdecode(np.frombuffer(shown.images["val/portrait"][1], np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (3, 5, 3)
    assert (picture == (10, 0, 255)).all()  # OpenCV's order
    assert shown.texts["health/text_summary"] == {1: "warning"}
    assert table_of(tmp_path) == [{"step": "1", "epoch": "1", "MAD": "0.25", "SAD": ""}]


def test_a_step_without_a_number_is_null_in_the_log_and_left_out_of_the_curves(tmp_path):
    with Journal(tmp_path) as journal:
        journal.step(record(1, float("nan")))
        journal.step(record(2, float("inf")))
        journal.step(record(3, 2.0))
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert [json.loads(line, parse_constant=pytest.fail)["loss"] for line in lines] == [None, None, 2.0]
    assert read_events(tmp_path).scalars["train/loss"] == {3: 2.0}


def test_a_resumed_run_has_each_step_once(tmp_path):
    with Journal(tmp_path) as journal:
        for step in range(1, 6):
            journal.step(record(step))
        journal.validation(2, 1, {"MAD": 0.2})
        journal.validation(4, 2, {"MAD": 0.4})
    with open(tmp_path / "log.jsonl", "a") as file:
        file.write('{"step": 6, "lo')  # torn by a kill
    with Journal(tmp_path, after_step=3) as journal:
        for step in range(4, 7):
            journal.step(record(step, 9.0))
        journal.validation(4, 2, {"MAD": 0.3})
    assert steps_of(tmp_path) == [1, 2, 3, 4, 5, 6]
    assert [row["MAD"] for row in table_of(tmp_path)] == ["0.2", "0.3"]
    shown = read_events(tmp_path)
    assert shown.repeats == []
    assert shown.scalars["train/loss"] == {1: 1.0, 2: 1.0, 3: 1.0, 4: 9.0, 5: 9.0, 6: 9.0}
    assert shown.scalars["val/MAD"] == {2: pytest.approx(0.2), 4: pytest.approx(0.3)}


def test_a_run_resumed_before_its_first_checkpoint_begins_anew(tmp_path):
    for loss in (1.0, 2.0):
        with Journal(tmp_path, after_step=0) as journal:
            journal.step(record(1, loss))
    assert steps_of(tmp_path) == [1]
    shown = read_events(tmp_path)
    assert shown.repeats == []
    assert shown.scalars["train/loss"] == {1: 2.0}


def test_files_are_not_touched_where_nothing_is_to_be_cut(tmp_path):
    with Journal(tmp_path) as journal:
        journal.step(record(1))
        journal.validation(1, 1, {"MAD": 0.2})
    before = {path.name: path.stat().st_ino for path in tmp_path.iterdir()}
    Journal(tmp_path, after_step=1).__exit__(None)
    after = {path.name: path.stat().st_ino for path in tmp_path.iterdir()}
    assert {name: after[name] for name in before} == before
    Journal(tmp_path, after_step=0).__exit__(None)  # cut: another file is put in its place, in one step
    assert (tmp_path / "log.jsonl").stat().st_ino != before["log.jsonl"]
    assert not (tmp_path / "metrics.csv").exists()


def test_a_kill_while_cutting_loses_nothing(tmp_path, monkeypatch):
    with Journal(tmp_path) as journal:
        for step in (1, 2):
            journal.step(record(step))
        journal.validation(2, 1, {"MAD": 0.2})
    monkeypatch.setattr("zoo.files.os.replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        Journal(tmp_path, after_step=1)
    assert steps_of(tmp_path) == [1, 2]
    assert len(table_of(tmp_path)) == 1


def test_the_columns_of_the_table_are_those_of_all_rows(tmp_path):
    with Journal(tmp_path) as journal:
        journal.validation(1, 1, {"MAD": 0.5, "SAD": 1.0})
    with Journal(tmp_path, after_step=1) as journal:
        journal.validation(2, 2, {"MAD": 0.25, "EXTRA": 7.0})
    assert (tmp_path / "metrics.csv").read_text() == "step,epoch,MAD,SAD,EXTRA\n1,1,0.5,1.0,\n2,2,0.25,,7.0\n"


def test_a_torn_table_is_mended(tmp_path):
    (tmp_path / "metrics.csv").write_text("step,epoch,MAD\n1,1,0.5\n2,2")
    with Journal(tmp_path, after_step=2) as journal:
        journal.validation(3, 3, {"MAD": 0.125})
    assert [row["step"] for row in table_of(tmp_path)] == ["1", "3"]


def test_two_files_of_one_second_are_two(tmp_path):
    for _ in range(3):
        Journal(tmp_path).__exit__(None)
    assert [len(records(path)) for path in sorted(tmp_path.glob("events*"))] == [1, 2, 2]


@contextmanager
def files_end_at(size: int) -> Iterator[None]:
    """Stands for a full disk: the same calls fail, with EFBIG instead of ENOSPC."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(("which", "name"), [("log", "log.jsonl"), ("events", "events.out.tfevents.")])
def test_a_full_disk_is_one_line(tmp_path, which, name, capfd):
    # The one that shall fail is made the longer of the two.
    threads = threading.active_count()
    padded = {} if which == "events" else {"x" * 300: 0.5}
    with pytest.raises(ZooError) as caught, Journal(tmp_path) as journal:  # noqa: PT012 - fails at any of its steps
        for step in range(1, 20):
            journal.step({**record(step), **padded})
        journal.note(19, "long" * 300 if which == "events" else "")
        grown = next(tmp_path.glob(f"{name}*")).stat().st_size
        with files_end_at(grown + 30):
            journal.step({**record(20), **padded})
    assert str(caught.value).startswith(f"cannot write {tmp_path}/{name}")
    assert str(caught.value).endswith(f": File too large; the run can be resumed: --resume {tmp_path}")
    assert capfd.readouterr() == ("", "")
    assert threading.active_count() == threads
    with Journal(tmp_path, after_step=19) as journal:  # what was torn is cut off
        journal.step(record(20, 5.0))
    assert steps_of(tmp_path) == list(range(1, 21))
    assert read_events(tmp_path).scalars["train/loss"][20] == 5.0


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "log.jsonl").mkdir()
    with pytest.raises(ZooError, match=r"cannot write .*log.jsonl.*: Is a directory; the run can be resumed"):
        Journal(tmp_path)
