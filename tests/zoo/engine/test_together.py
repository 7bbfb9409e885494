"""``zoo train`` and ``zoo eval`` with ``--devices 2`` do what one process does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from disc_set import write_discs

from zoo.config import resolve_saved
from zoo.data.loader import Loader
from zoo.data.opening import open_training
from zoo.engine import checkpoint

PLUGIN = Path(__file__).parents[2] / "support" / "tiny_plugin.py"
SETTINGS = ("train.epochs=30", "train.validate_every=30", "train.lr=0.05", "data.val=1")
STEPS = 60  # 9 pictures, 1 set apart, 4 to a step


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "zoo.cli", *map(str, words), "--plugin", str(PLUGIN), "--device", "CPU"]


def training(discs: Path, run: Path, *words: object, batch_size: int) -> list[str]:
    settings = [part for setting in (*SETTINGS, f"train.batch_size={batch_size}") for part in ("--set", setting)]
    return command("train", "tiny", "--data-root", discs, "--output", run, *settings, *words)


def losses(run: Path) -> list[float]:
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, len(lines) + 1))
    return [line["loss"] for line in lines]


@pytest.fixture(scope="module")
def discs(tmp_path_factory):
    return write_discs(tmp_path_factory.mktemp("together") / "discs", 9)


@pytest.fixture(scope="module")
def environment(discs):
    return {**os.environ, "ZOO_LOAD_PLUGINS": "", "ZOO_HOME": str(discs.parent / "home")}


@pytest.fixture(scope="module")
def alone(discs, environment):
    """A run of one process."""
    run = discs.parent / "alone"
    subprocess.run(training(discs, run, "--quiet", batch_size=4), env=environment, check=True)
    return run


@pytest.fixture(scope="module")
def pair(discs, environment):
    """A run of two processes with as many pictures to a step, which was stopped and resumed."""
    run = discs.parent / "pair"
    launcher = subprocess.Popen(
        training(discs, run, "--devices", 2, batch_size=2), env=environment, stderr=subprocess.PIPE, text=True
    )
    while launcher.poll() is None and not ((run / "log.jsonl").exists() and len(losses(run)) > 3):
        time.sleep(0.02)
    launcher.send_signal(signal.SIGTERM)
    said = launcher.communicate()[1]
    assert launcher.returncode == 128 + signal.SIGTERM, said
    stopped = len(losses(run))
    assert 3 < stopped < STEPS
    assert said.endswith(f"stopped after step {stopped}; continue with --resume {run}\n")
    assert said.count("\n") == len((run / "log.txt").read_text().splitlines()), "one process speaks"
    resume = command("train", "tiny", "--resume", run, "--devices", 2)
    done = subprocess.run(resume, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"resuming after step {stopped} " in done.stderr
    return run


def test_two_processes_train_as_one(alone, pair):
    assert len(losses(pair)) == STEPS
    # Float32 rounds each weight at 1e-7 of itself; at this learning rate 60 steps do not make more of it.
    assert np.abs(np.subtract(losses(pair), losses(alone))).max() < 1e-5
    one, two = (checkpoint.read(run / "checkpoints" / "last.ckpt") for run in (alone, pair))
    assert one.weights.keys() == two.weights.keys()
    for name, array in one.weights.items():
        assert np.abs(array - two.weights[name]).max() < 1e-5, name
    assert two.meta["step"] == STEPS


def test_two_processes_evaluate_as_one(alone, discs, environment):
    reports = {}
    for devices in (1, 2):
        folder = discs.parent / f"eval{devices}"
        words = ("--split", "train", "--checkpoint", alone, "--output", folder, "--devices", devices)
        done = subprocess.run(command("eval", "tiny", *words), env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        report = json.loads((folder / "report.json").read_text())
        reports[devices] = {key: value for key, value in report.items() if key not in ("started", "seconds")}
        reports[devices]["files"] = {
            str(file.relative_to(folder)): file.read_bytes()
            for file in folder.rglob("*")
            if file.suffix in (".png", ".csv")
        }
        reports[devices]["table"] = done.stdout
    assert len(reports[1]["files"]) == 9 + 1
    assert reports[1] == reports[2]


def test_an_error_of_one_process_ends_both(discs, environment, pair):
    """A broken picture that only the second process reads, while the first waits for its gradients."""
    from registry import load_from_environment

    config = resolve_saved(pair / "config.yaml").config
    learn, _ = open_training(load_from_environment(extra=[str(PLUGIN)]), config)
    with Loader(learn, config, 1, 2).batches() as batches:
        name = next(iter(batches)).names[0]
    broken = discs.parent / "broken"
    subprocess.run(["cp", "-r", str(discs), str(broken)], check=True)
    picture = broken / "train" / "image" / f"{name}.png"
    picture.write_bytes(b"broken")
    run = discs.parent / "failed"
    begun = time.monotonic()
    done = subprocess.run(
        training(broken, run, "--devices", 2, batch_size=2), env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"zoo: rank 1: {picture}: no picture that can be read"
    assert done.stderr.count("zoo: ") == 1
    assert time.monotonic() - begun < 60


@pytest.mark.parametrize("words", [("train", "tiny"), ("eval", "tiny")])
def test_one_numbered_card_is_not_several(zoo, words):
    found = zoo(*words, "--device", "GPU:1", "--devices", 2)
    assert (found.code, found.err) == (
        2,
        "zoo: --device GPU:1 names one card: leave out its number, or --devices 2\n",
    )
