"""``zoo bench throughput``: batches, and those that do not fit."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from zoo.cli import bench
from zoo.engine.memory import is_out_of_memory
from zoo.engine.predictor import Predictor
from zoo.engine.throughput import drawn_matte

WORDS = ("bench", "throughput", "--models", "tiny", "--height", 48, "--width", 64, "--repeat", 2, "--warmup", 0)


@pytest.fixture
def room_for_two(monkeypatch):
    """A machine on which two photos fit and three do not, as MindSpore says it."""
    forward = Predictor.forward

    def limited(self, planes):
        if len(planes) > 2:
            raise RuntimeError("Malloc for kernel output failed, Memory isn't enough, node:Default/Conv2D-op0")
        return forward(self, planes)

    monkeypatch.setattr(Predictor, "forward", limited)


def test_a_batch_is_timed_together(zoo):
    done = zoo(*WORDS, "--one-process", "--batch", 2, "--output", "bench", "--json")
    assert done.code == 0, done.err
    rows = {row["stage"]: row for row in json.loads(done.out)["rows"]}
    assert {row["batch"] for row in rows.values()} == {2}
    for row in rows.values():
        assert row["images_per_s"] == pytest.approx(2000 / row["p50_ms"])


def test_a_batch_that_does_not_fit_is_halved(zoo, room_for_two):
    done = zoo(*WORDS, "--one-process", "--batch", 8, "--output", "bench", "--json")
    assert done.code == 0, done.err
    assert {row["batch"] for row in json.loads(done.out)["rows"]} == {2}
    assert "tiny: out of memory with 8 photos at a time; trying 4\n" in done.err
    assert "tiny: out of memory with 4 photos at a time; trying 2\n" in done.err
    assert "trying 1" not in done.err


def test_a_process_that_the_system_ends_for_its_memory_is_tried_with_less(zoo, monkeypatch, tmp_path):
    asked = []

    def killed(name, settings, device, runtime, numbers):
        asked.append(numbers["batch"])
        return subprocess.CompletedProcess([], -signal.SIGKILL, "", "")

    monkeypatch.setattr(bench, "_run_apart", killed)
    done = zoo(*WORDS, "--batch", 4, "--output", "bench")
    assert asked == [4, 2, 1]
    assert done.code == 1
    assert "tiny was not timed: its process was ended by SIGKILL (out of memory perhaps)" in done.err
    assert json.loads((tmp_path / "bench" / "record.json").read_text())["failed"] == ["tiny"]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (RuntimeError("Malloc for kernel output failed, Memory isn't enough, node:Conv2D"), True),
        (RuntimeError("(-4:Insufficient memory) Failed to allocate 9000 bytes"), True),
        (RuntimeError("[Device] Out of memory, current alloc size 4GB"), True),
        (RuntimeError("For 'Conv2D', the channels must be equal"), False),
        (ValueError("the allocation of names is wrong"), False),
    ],
)
def test_what_is_out_of_memory(error, expected):
    assert is_out_of_memory(error) is expected
    outer = RuntimeError("model 'm' failed")
    outer.__cause__ = error
    assert is_out_of_memory(outer) is expected


def test_every_repetition_has_its_time_by_clock_and_processor(zoo):
    done = zoo(*WORDS, "--one-process", "--folder", 3, "--output", "bench", "--json", "--runtime", "mindspore")
    assert done.code == 0, done.err
    record = json.loads(done.out)
    rows = {row["stage"]: row for row in record["rows"]}
    stages = ["decode", "resize", "forward", "restore", "foreground", "composite", "encode"]
    assert list(rows) == ["end_to_end", *stages]
    for key in ("samples_ms", "cpu_ms"):
        for number in range(2):
            assert sum(rows[stage][key][number] for stage in stages) == pytest.approx(rows["end_to_end"][key][number])
    assert all(free is None or 0 < free <= 1 for free in rows["forward"]["free"])
    assert rows["foreground"]["first_call_s"] > 0
    assert rows["decode"]["first_call_s"] is None
    (folder,) = record["folders"]
    assert (folder["model"], folder["pictures"], folder["runtime"]) == ("tiny", 3, "mindspore")
    assert folder["images_per_s"] == pytest.approx(3 / folder["seconds"])
    done = zoo(*WORDS, "--one-process", "--no-foreground", "--folder", 0, "--output", "plain", "--json")
    record = json.loads(done.out)
    assert record["folders"] == []
    assert "foreground" not in {row["stage"] for row in record["rows"]}


def test_the_drawn_matte_is_one():
    matte = drawn_matte(108, 162)
    assert (matte.shape, matte.dtype, matte.min(), matte.max()) == ((108, 162), "float32", 0, 1)
    assert 0.25 < (matte == 1).mean() < 0.5  # a portrait
    assert 0.02 < ((matte > 0) & (matte < 1)).mean() < 0.1  # its edge
