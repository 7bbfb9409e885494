"""A third-party distribution, installed with pip, is found, evaluated, benchmarked and removed like our own."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from disc_set import disc, write_discs

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder with zoo-constant installed in it."""
    place = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    source = ROOT / "tests" / "fixtures" / "constant"
    subprocess.run([*command, "--target", str(place), str(source)], check=True, capture_output=True)
    return place


@pytest.fixture
def zoo_with_constant(installed, tmp_path, monkeypatch):
    monkeypatch.delenv("ZOO_LOAD_PLUGINS", raising=False)
    monkeypatch.delenv("ZOO_DATA_DIR", raising=False)

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "zoo.cli", *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(installed)},
        )

    return run


def test_it_is_listed_with_its_owner(zoo_with_constant):
    rows = json.loads(zoo_with_constant("list", "--kind", "model", "--json").stdout)
    assert ("constant", "model", "constant") in [(row["name"], row["kind"], row["plugin"]) for row in rows]
    plugins = {p["name"]: p for p in json.loads(zoo_with_constant("plugins", "--json").stdout)}
    assert plugins["constant"]["distribution"] == "zoo-constant"
    assert plugins["constant"]["version"] == "0.1.0"
    assert plugins["constant"]["status"] == "loaded"
    assert plugins["constant"]["offers"] == {"model": ["constant"]}
    assert "Constant alpha" in zoo_with_constant("info", "constant").stdout
    left = json.loads(zoo_with_constant("-p", "no:constant", "list", "--json").stdout)
    assert "constant" not in [row["name"] for row in left]


def test_it_is_evaluated_and_cannot_be_trained(zoo_with_constant, tmp_path):
    root = write_discs(tmp_path / "discs", 3, "test")
    write_discs(root, 3)
    done = zoo_with_constant("eval", "constant", "--dataset", "folder", "--data-root", root, "--output", "out")
    assert done.returncode == 0, done.stderr
    with open(tmp_path / "out" / "per_image.csv") as file:
        rows = list(csv.DictReader(file))
    assert ",".join(rows[0]) == "image,height,width,SAD,MSE,MAD,GRAD,CONN,SAD-T,MSE-T,MAD-T,SAD-FG,SAD-BG"
    alpha = np.rint(disc(0)[1] * 255) / 255
    assert float(rows[0]["MAD"]) == pytest.approx(np.abs(0.5 - alpha).mean(), abs=1e-7)
    assert float(rows[0]["SAD"]) == pytest.approx(np.abs(0.5 - alpha).sum() / 1000, abs=1e-7)

    refused = zoo_with_constant("train", "constant", "--dataset", "folder", "--data-root", root)
    assert refused.returncode == 2
    assert refused.stderr.strip() == "zoo: model 'constant' cannot be trained: it registers no objective"
    assert not (tmp_path / "runs").exists()


def test_it_is_timed_in_a_process_of_its_own(zoo_with_constant, tmp_path):
    sizes = ("--height", 60, "--width", 80, "--repeat", 3, "--warmup", 1)
    done = zoo_with_constant("bench", "throughput", "--models", "const*", *sizes, "--output", "bench", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record == json.loads((tmp_path / "bench" / "record.json").read_text())
    rows = {row["stage"]: row for row in record["rows"]}
    assert set(rows) == {"end_to_end", "decode", "forward", "foreground", "composite", "encode"}
    for row in rows.values():
        assert (row["model"], row["height"], row["width"], row["batch"]) == ("constant", 60, 80, 1)
        assert len(row["samples_ms"]) == 3
        assert row["p50_ms"] <= row["p90_ms"] <= row["p99_ms"]
    stages = sum(np.array(row["samples_ms"]) for stage, row in rows.items() if stage != "end_to_end")
    assert np.allclose(stages, rows["end_to_end"]["samples_ms"])
    assert rows["end_to_end"]["peak_mib"] > 10
    assert "constant" in (tmp_path / "bench" / "table.md").read_text()


def test_a_model_that_fails_does_not_stop_the_others(zoo_with_constant, tmp_path):
    (tmp_path / "bad.py").write_text(
        "from zoo import Card, ModelSpec, hookimpl\n"
        "def build(config, backbone):\n    raise RuntimeError('no luck')\n"
        "@hookimpl\ndef register_models(register):\n    register(ModelSpec('bad', build=build, card=Card('t')))\n"
    )
    sizes = ("--height", 60, "--width", 80, "--repeat", 1, "--warmup", 0)
    done = zoo_with_constant(
        "bench", "throughput", *sizes, "--plugin", "bad.py", "--models", "[bc][ao]*", "--output", "bench", "--json"
    )
    assert done.returncode == 1
    assert "bad was not timed: plugin bad (bad.py): building model 'bad' failed: RuntimeError: no luck" in done.stderr
    record = json.loads(done.stdout)
    assert {row["model"] for row in record["rows"]} == {"constant"}
    assert record["failed"] == ["bad"]


def test_an_evaluation_that_fails_leaves_nothing(zoo_with_constant, tmp_path):
    (tmp_path / "bad.py").write_text(
        "from zoo import Card, ModelSpec, hookimpl\n"
        "class Bad:\n    def predict(self, image, trimap=None):\n        raise RuntimeError('no luck')\n"
        "def build(config, backbone):\n    return Bad()\n"
        "@hookimpl\ndef register_models(register):\n    register(ModelSpec('bad', build=build, card=Card('t')))\n"
    )
    root = write_discs(tmp_path / "discs", 2, "test")
    words = ("--dataset", "folder", "--data-root", root, "--output", "out", "--plugin", "bad.py", "--quiet")
    done = zoo_with_constant("eval", "bad", *words)
    assert done.returncode == 3
    assert done.stderr.splitlines() == ["zoo: plugin bad (bad.py): model 'bad' failed: RuntimeError: no luck"]
    assert not (tmp_path / "out").exists()


def test_an_evaluation_without_any_usable_picture_says_so(zoo_with_constant, tmp_path):
    root = write_discs(tmp_path / "discs", 2, "test")
    for file in (root / "test" / "alpha").iterdir():
        file.write_bytes(b"")
    words = ("--dataset", "folder", "--data-root", root, "--output", "out", "--json")
    done = zoo_with_constant("eval", "constant", *words)
    assert done.returncode == 1
    assert "2 of 2 pictures could not be scored" in done.stderr
    report = json.loads(done.stdout)
    assert report["n_images"] == 0
    assert report["metrics"]["SAD"] is None
