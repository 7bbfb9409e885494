"""Scoring beside the network: the same figures from threads and processes, and everything kept that a record needs."""

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
from disc_set import disc, write_discs

from registry import Card, MetricSpec, ModelSpec, Plugin, Sample
from zoo.config import resolve
from zoo.data.images import read_alpha
from zoo.data.trimap import evaluation_trimap
from zoo.engine.evaluator import evaluate
from zoo.engine.predictor import Predictor
from zoo.engine.workers import WORTH_IT
from zoo.metrics.digest import digest
from zoo.metrics.score import score
from zoo.metrics.strata import facts

PLUGIN = str(Path(__file__).parents[2] / "support" / "tiny_plugin.py")


class Brightness:
    """A model that is no network: bright is foreground, never quite 0 or 1."""

    def predict(self, image, trimap=None):
        return (0.002 + 0.99 * image.mean(axis=2) / 255).astype(np.float32)


def predictor(**settings):
    config = resolve(settings=[f"eval.{key}={value}" for key, value in settings.items()]).config
    return Predictor(Brightness(), config, ModelSpec("bright", build=print, card=Card("t")), Plugin("p", "zoo-p", "1"))


def samples(root, count, size=(48, 64)):
    write_discs(root, count, height=size[0], width=size[1])
    folder = root / "train"
    return [
        Sample(f"d{i:02d}", folder / "image" / f"d{i:02d}.png", folder / "alpha" / f"d{i:02d}.png")
        for i in range(count)
    ]


def test_processes_give_what_threads_give(tmp_path):
    pictures = samples(tmp_path, 5)
    pictures[3] = Sample("broken", pictures[3].image, tmp_path / "absent.png")
    found = {}
    for workers in (0, 2):
        folder = tmp_path / f"mattes{workers}"
        folder.mkdir()
        extra = {"BIAS": MetricSpec("BIAS", lambda a, t, _: float(a.mean() - t.mean()))}  # cannot be pickled
        seen = []
        found[workers] = evaluate(
            predictor(workers=workers), pictures, extra, folder, True, lambda done, total, seen=seen: seen.append(done)
        )
        assert found[workers].workers == workers
        assert seen == [1, 2, 3, 4, 5]
    threads, processes = found[0], found[2]
    assert threads.rows == processes.rows
    assert threads.metrics == processes.metrics
    assert threads.saved_metrics == processes.saved_metrics
    assert threads.pictures == processes.pictures
    assert threads.problems == processes.problems
    assert [p["image"] for p in threads.problems] == ["broken"]
    assert [row["image"] for row in threads.rows] == ["d00", "d01", "d02", "d04"]
    assert sorted(p.name for p in (tmp_path / "mattes2").iterdir()) == [f"d0{i}.png" for i in (0, 1, 2, 4)]


def test_a_row_is_what_the_functions_say(tmp_path):
    (picture,) = samples(tmp_path, 1)
    (tmp_path / "mattes").mkdir()
    found = evaluate(predictor(rounding="truncated"), [picture], None, tmp_path / "mattes")
    image = np.asarray(disc(0)[0])
    matte, target = Brightness().predict(image), read_alpha(picture.alpha, np.float64)
    trimap = evaluation_trimap(target)
    (row,) = found.rows
    about = {"image": "d00", "height": 48, "width": 64, **facts(target, trimap)}
    about |= {"matte_sha256": digest(matte), "target_sha256": digest(target)}
    expected = score(matte, target, trimap, rounding="truncated")
    assert row == {**about, **expected}
    # The files hold the nearest of 256 steps, whatever was scored.
    kept = read_alpha(tmp_path / "mattes" / "d00.png", np.float64)
    assert digest(kept) == row["matte_sha256"]
    assert found.saved_metrics == score(kept, target, trimap)
    assert found.saved_metrics != expected
    assert found.trimaps_made == 1


def test_without_a_folder_nothing_is_kept(tmp_path):
    found = evaluate(predictor(), samples(tmp_path, 2))
    assert found.saved_metrics is None
    assert "matte_sha256" not in found.rows[0]
    assert found.pictures == {}
    assert found.workers == 0


def test_many_pictures_start_processes(tmp_path):
    (picture,) = samples(tmp_path, 1)
    found = evaluate(predictor(), [picture] * WORTH_IT)
    assert found.workers >= 1
    assert len(found.rows) == WORTH_IT


def test_an_error_of_the_program_in_a_process_is_not_swallowed(tmp_path):
    (picture,) = samples(tmp_path, 1)
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):  # no folder for the mattes can be made there
        evaluate(predictor(workers=1), [picture], None, tmp_path / "file")


@pytest.fixture
def evaluated(zoo, tmp_path):
    """The folder of a tiny model's evaluation on discs, and that of the discs."""
    write_discs(tmp_path / "discs", 6)
    write_discs(tmp_path / "discs", 4, "test")
    common = ("--dataset", "folder", "--data-root", tmp_path / "discs", "--quiet")
    train = ("train", "tiny", *common, "--output", tmp_path / "run", "--set", "train.epochs=1")
    assert zoo(*train).code == 0
    done = zoo("eval", "tiny", "--checkpoint", tmp_path / "run", "--output", tmp_path / "out", "--quiet")
    assert done.code == 0, done.err
    assert done.out.splitlines()[-1] == "dialect p3m, rounding float, protocol cut 32, at native size"
    return tmp_path / "out"


def test_a_record_can_be_checked_from_its_mattes(zoo, tmp_path, evaluated):
    report = json.loads((evaluated / "report.json").read_text())
    assert report["protocol"].startswith("cut ")
    assert report["trained_on"] == ["folder/train"]
    assert report["saved_metrics"].keys() == report["metrics"].keys() - {"BIAS"}
    assert len(report["strata"]) > 0
    check = (
        "score",
        evaluated / "mattes",
        tmp_path / "discs" / "test" / "alpha",
        "--record",
        evaluated / "report.json",
    )
    done = zoo(*check, "--json")
    assert done.code == 0, done.err
    outcome = json.loads(done.out)["record"]
    assert outcome["agrees"]
    assert list(outcome["metrics"]) == ["SAD", "MSE", "MAD", "GRAD", "CONN"]
    assert "SAD-T" in outcome["not_computed"]  # no trimaps were given
    assert "the record agrees: 4 mattes, SAD, " in done.err
    # A matte is exchanged for another one.
    (evaluated / "mattes" / "d01.png").write_bytes((evaluated / "mattes" / "d02.png").read_bytes())
    done = zoo(*check)
    assert done.code == 1
    assert "1 of 4 mattes are not those that were recorded: d01" in done.err
    assert "the record does not agree with these mattes" in done.err.splitlines()[-1]
    for option, value in (("--dialect", "dim"), ("--rounding", "truncated")):
        done = zoo(*check, option, value)
        assert done.code == 2
        assert f"{option} {value}: the record is checked with " in done.err
    (tmp_path / "other.json").write_text('{"schema": "zoo-report/1", "metrics": {}, "per_image": []}')
    assert zoo(*check[:-1], tmp_path / "other.json").code == 2
    assert zoo(*check[:-1], tmp_path / "none.json").code == 4


def test_a_protocol_is_named_on_the_command_line(zoo, tmp_path, evaluated):
    reports = {}
    for name in ("pad", "half", "mindspore18"):
        out = tmp_path / name
        done = zoo("eval", "tiny", "--checkpoint", tmp_path / "run", "--output", out, "--protocol", name, "--quiet")
        assert done.code == 0, done.err
        reports[name] = json.loads((out / "report.json").read_text())
        assert reports[name]["config"]["eval"]["protocol"] == name
        assert reports[name]["protocol"].split()[0] == name
    assert len({report["metrics"]["SAD"] for report in reports.values()}) == 3
    done = zoo("eval", "tiny", "--checkpoint", tmp_path / "run", "--protocol", "halff")
    assert done.code == 2
    assert "eval.protocol must be one of cut, pad, half" in done.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_evaluation_leaves_nothing(tmp_path, evaluated, number, code):
    """As a terminal does it: the signal goes to every process of the group, while mattes are being written."""
    write_discs(tmp_path / "many", 400, "test")
    command = [sys.executable, "-m", "zoo.cli", "eval", "tiny", "--plugin", PLUGIN, "--checkpoint", "run"]
    command += ["--dataset", "folder", "--data-root", "many", "--split", "test", "--workers", "1", "--output", "cut"]
    ran = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("cut/mattes/*.png"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(ran.pid, number)
    _, err = ran.communicate(timeout=120)
    assert ran.returncode == code, err
    assert not (tmp_path / "cut").exists()
