"""A training that is killed and resumed is the training that was not."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from disc_set import write_discs

from zoo.engine import checkpoint, journal, kept, trainer, validation
from zoo.engine.journal import Journal

PLUGIN = Path(__file__).parents[2] / "support" / "moody_plugin.py"
STEPS = 40  # 9 pictures, 1 set apart; 4 to a step, 20 epochs


class Killed(BaseException):
    """What a process does not survive; nothing in zoo catches it."""


def steps_of(run: Path) -> list[int]:
    return [json.loads(line)["step"] for line in (run / "log.jsonl").read_text().splitlines()]


def differences(one: Path, other: Path) -> list[str]:
    """What two runs differ in: any array of the last and best checkpoint, any logged loss, any validation."""
    found = []
    for name in ("last.ckpt", "best.ckpt"):
        a, b = (checkpoint.read(run / "checkpoints" / name) for run in (one, other))
        arrays = [{**c.weights, **{f"{p}/{n}": v for p, m in c.state.items() for n, v in m.items()}} for c in (a, b)]
        found += [f"{name} {n}" for n in arrays[0].keys() ^ arrays[1].keys()]
        found += [
            f"{name} {n}" for n in arrays[0].keys() & arrays[1].keys() if not np.array_equal(arrays[0][n], arrays[1][n])
        ]
        found += [f"{name} {key}" for key in ("step", "best", "epoch") if a.meta[key] != b.meta[key]]
    logs = [[json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()] for run in (one, other)]
    for records in logs:
        for record in records:
            del record["images_per_s"], record["wait"]
    found += ["log.jsonl"] * (logs[0] != logs[1])
    tables = [(run / "metrics.csv").read_text() for run in (one, other)]
    return found + ["metrics.csv"] * (tables[0] != tables[1])


@pytest.fixture(scope="module")
def discs(tmp_path_factory):
    return write_discs(tmp_path_factory.mktemp("kill") / "discs", 9)


@pytest.fixture(scope="module")
def unbroken(discs):
    """A run that nothing disturbed, in a process of its own."""
    run = discs.parent / "unbroken"
    done = subprocess.run(command(discs, run), capture_output=True, text=True, env=environment(discs))
    assert done.returncode == 0, done.stderr
    assert steps_of(run) == list(range(1, STEPS + 1))
    return run


def command(discs: Path, run: Path, resume: bool = False) -> list[str]:
    words = ["--resume", str(run)] if resume else ["--data-root", str(discs), "--output", str(run)]
    return [sys.executable, "-m", "zoo.cli", "train", "moody", *words, "--plugin", str(PLUGIN)]


def environment(discs: Path) -> dict[str, str]:
    return {**os.environ, "ZOO_LOAD_PLUGINS": "", "ZOO_HOME": str(discs.parent / "home")}


def test_sigkill_at_any_moment(discs, unbroken):
    """Killed four times, each time some steps further and at a random moment within a step, a save or a validation."""
    run, chance = discs.parent / "killed", random.Random(0)
    for life, until in enumerate((4, 13, 22, 33)):
        process = subprocess.Popen(command(discs, run, life > 0), stderr=subprocess.PIPE, env=environment(discs))
        log, deadline = run / "log.jsonl", time.monotonic() + 120
        while not (log.exists() and log.read_bytes().count(b"\n") >= until):
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.03))
        process.kill()
        process.communicate()
    done = subprocess.run(command(discs, run, True), capture_output=True, text=True, env=environment(discs))
    assert done.returncode == 0, done.stderr
    assert steps_of(run) == list(range(1, STEPS + 1))
    assert differences(unbroken, run) == []


def test_killed_between_any_two_things_it_does(zoo, discs, unbroken, monkeypatch):
    """Dies right before or right after one kind of write after the other, and is resumed each time."""
    run = Path("dying").absolute()
    words = ["train", "moody", "--plugin", PLUGIN]
    # Whose function is the last thing it calls, at which call, and whether it still does it.
    places = [
        (Journal, "step", 2, True),  # before the first checkpoint
        (Journal, "step", 5, False), (checkpoint.os, "fsync", 1, True), (checkpoint.os, "replace", 2, False),
        (kept, "_second_name", 2, True), (checkpoint.os, "replace", 2, True), (journal, "write_bytes", 1, False),
        (journal, "_cut_log", 1, True), (validation, "evaluate", 1, True), (Journal, "validation", 1, True),
        (trainer, "save_last", 3, True),
    ]  # fmt: skip
    for number, (owner, name, time_of_it, done) in enumerate(places):
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, dying(getattr(owner, name), time_of_it, done))
            with pytest.raises(Killed):
                zoo(*words, *(["--resume", run] if number else ["--data-root", discs, "--output", run]), tiny=False)
    done = zoo(*words, "--resume", run, tiny=False)
    assert done.code == 0, done.err
    assert steps_of(run) == list(range(1, STEPS + 1))
    assert differences(unbroken, run) == []
    assert not [p.name for p in (run / "checkpoints").iterdir() if p.name.startswith(".")]


def dying(function, time_of_it, does_it):
    calls = itertools.count(1)

    def until(*arguments, **options):
        last = next(calls) == time_of_it
        if last and not does_it:
            raise Killed
        result = function(*arguments, **options)
        if last:
            raise Killed
        return result

    return until


def test_the_last_checkpoints_are_kept_and_a_torn_one_is_passed_over(zoo, discs, unbroken):
    run = Path("torn").absolute()
    words = ["train", "moody", "--plugin", PLUGIN]
    assert zoo(*words, "--data-root", discs, "--output", run, tiny=False).code == 0
    names = {p.name for p in (run / "checkpoints").iterdir()}
    assert names == {"best.ckpt", "last.ckpt", "step-00000036.ckpt", "step-00000039.ckpt"}  # keep 3, every 3 steps
    last = run / "checkpoints" / "last.ckpt"
    assert checkpoint.read(last).meta["step"] == STEPS
    last.write_bytes(last.read_bytes()[:-100])
    resumed = zoo(*words, "--resume", run, tiny=False)
    assert resumed.code == 0, resumed.err
    (line,) = [line for line in resumed.err.splitlines() if "last.ckpt" in line and "going back" in line]
    assert "going back to step-00000039.ckpt" in line
    assert differences(unbroken, run) == []

    for file in (run / "checkpoints").iterdir():
        file.write_bytes(b"torn")
    refused = zoo(*words, "--resume", run, tiny=False)
    assert refused.code == 1
    assert refused.err.splitlines()[-1].startswith("zoo: ")
    assert "no other checkpoint of this run is left" in refused.err.splitlines()[-1]


def test_a_stop_during_validation_is_obeyed_and_the_validation_made_up_for(zoo, discs, unbroken, monkeypatch):
    run = Path("stopped").absolute()
    words = ["train", "moody", "--plugin", PLUGIN]
    whole = validation.evaluate

    def stopped(predictor, samples, extra, on_progress, group):
        os.kill(os.getpid(), signal.SIGTERM)
        return whole(predictor, samples, extra, on_progress=on_progress, group=group)

    with monkeypatch.context() as patch:
        patch.setattr(validation, "evaluate", stopped)
        done = zoo(*words, "--data-root", discs, "--output", run, tiny=False)
    assert done.code == 143, done.err
    assert "stopped after step 8" in done.err  # the first validation is due after 4 epochs of 2 steps
    assert not (run / "metrics.csv").exists()
    assert zoo(*words, "--resume", run, tiny=False).code == 0
    assert differences(unbroken, run) == []
