"""The one command for a GPU machine: its judgement, and its roads on the CPU with a tiny model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import gpu
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


def numbers(**changes):
    made = {
        "alpha": np.full((1, 1, 2, 2), 0.5, np.float32),
        "loss": np.array([2.0, 1.0]),
        "gradient.conv": np.array([3.0, 4.0], np.float32),
        "gradient.bias": np.array([1e-9], np.float32),
    }
    return {**made, **changes}


def test_differences():
    other = numbers(
        alpha=np.array([[[[0.5, 0.5], [0.5, 0.51]]]], np.float32),
        loss=np.array([2.0, 1.1]),
        **{"gradient.conv": np.array([3.0, 4.5], np.float32), "gradient.bias": np.array([5e-9], np.float32)},
    )
    found = gpu.differences(numbers(), other)
    # By hand: 0.51 - 0.5; 0.1 / 1; 0.5 of the norm 5; the bias is nothing but rounding and is left out.
    assert found == pytest.approx({"alpha": 0.01, "loss": 0.1, "gradients": 0.1, "gradient": 0.1}, rel=1e-5)
    assert not gpu.within(found)
    assert gpu.within(gpu.differences(numbers(), numbers()))


def test_what_is_no_number_is_not_within():
    assert not gpu.within(gpu.differences(numbers(), numbers(alpha=np.full((1, 1, 2, 2), np.nan, np.float32))))


def test_pace_leaves_out_the_steps_that_compile():
    rows = [{"images_per_s": 1.0, "wait": 0.9, "loss": 3.0}] * 5 + [
        {"images_per_s": 40.0, "wait": 0.1, "loss": 1.0}
    ] * 7
    found = gpu.pace(rows)
    assert (found["steps"], found["images_per_s"], found["first_loss"], found["last_loss"]) == (12, 40.0, 3.0, 1.0)
    assert found["waiting"] == pytest.approx(0.1)


def run(output, *words):
    line = [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), "--output", str(output), "--quick", *words]
    line += ["--model", "tiny", "--plugin", str(ROOT / "tests" / "support" / "tiny_plugin.py")]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def test_the_roads_on_the_cpu(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZOO_LOAD_PLUGINS", "")
    monkeypatch.delenv("ZOO_DEVICE", raising=False)
    done = run(tmp_path / "found.json", "--device", "CPU")
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "found.json").read_text())
    assert list(record["parts"]) == ["doctor", "parity", "forward", "step", "training", "throughput"]
    assert all(part["ok"] for part in record["parts"].values())
    results = {name: part["result"] for name, part in record["parts"].items()}
    # The CPU against itself, the same operators in the same order: two runs differ by rounding of the threads' sums.
    assert results["parity"]["exact"]["alpha"] <= 1e-6
    assert [row["batch"] for row in results["forward"]["rows"]] == [1, 2]
    assert results["step"]["levels"]["O0"]["p50_ms"] > 0
    assert results["step"]["beaten"] is None, "the goal is one for another size"
    assert results["training"]["demo"]["steps"] == 8  # 8 pictures, batches of 2, 2 epochs
    assert 0 <= results["training"]["demo"]["waiting"] < 1
    assert results["throughput"]["rows"]


def test_a_machine_without_a_driver_ends_with_the_doctors_words(tmp_path, monkeypatch):
    from zoo.gpu import driver

    if driver.is_there():
        pytest.skip("there is a driver")
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZOO_LOAD_PLUGINS", "")
    done = run(tmp_path / "found.json")
    assert done.returncode == 1
    assert "doctor: driver: no NVIDIA driver: libcuda.so.1 cannot be loaded" in done.stderr
    assert list(json.loads((tmp_path / "found.json").read_text())["parts"]) == ["doctor"]


def test_an_unknown_part(tmp_path):
    done = run(tmp_path / "found.json", "--only", "parrity")
    assert done.returncode == 2
    assert "no part 'parrity'; parts: doctor, parity" in done.stderr
