"""The trainer, from a command line to a run folder that can be evaluated, resumed and predicted with."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import yaml
from disc_set import disc, write_discs

from registry import load
from zoo.config import resolve
from zoo.engine import checkpoint
from zoo.engine.trainer import Training

PLUGIN = str(Path(__file__).parents[2] / "support" / "tiny_plugin.py")


def log_of(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def same_weights(one: Path, other: Path) -> bool:
    first, second = checkpoint.read(one), checkpoint.read(other)
    assert first.state.keys() == second.state.keys()
    states = [(first.weights, second.weights), *((first.state[part], second.state[part]) for part in first.state)]
    return all(a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a) for a, b in states)


@pytest.fixture
def discs(tmp_path):
    write_discs(tmp_path / "discs", 9)
    return write_discs(tmp_path / "discs", 3, "test", height=50, width=71)


def test_the_whole_road(zoo, tmp_path, discs):
    trained = zoo("train", "tiny", "--data-root", discs, "--set", "train.epochs=12")
    assert trained.code == 0, trained.err
    assert not trained.out
    (run,) = (tmp_path / "runs" / "tiny").iterdir()

    # The run folder of the contract.
    names = {p.name.split(".")[0] if p.name.startswith("events") else p.name for p in run.iterdir()}
    assert names == {"config.yaml", "env.json", "log.jsonl", "log.txt", "metrics.csv", "events", "checkpoints"}
    assert {p.name for p in (run / "checkpoints").iterdir()} == {"last.ckpt", "best.ckpt"}
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["train"]["epochs"] == 12
    assert json.loads((run / "env.json").read_text())["versions"]["mindspore"]

    # 9 pictures, 1 set apart, batches of 2: 4 steps an epoch, each logged once.
    steps = log_of(run)
    assert [s["step"] for s in steps] == list(range(1, 49))
    assert [s["epoch"] for s in steps[3:6]] == [1, 2, 2]
    for record in steps:
        assert set(record) == {"step", "epoch", "loss", "everywhere", "unknown", "lr", "images_per_s", "wait"}
        assert record["loss"] == pytest.approx(record["everywhere"] + record["unknown"], rel=1e-5)
    assert np.mean([s["loss"] for s in steps[-4:]]) < 0.7 * np.mean([s["loss"] for s in steps[:4]])
    assert steps[0]["lr"] == 0.5
    assert steps[-1]["lr"] < 0.01
    with open(run / "metrics.csv") as file:
        rows = list(csv.DictReader(file))
    assert [int(r["epoch"]) for r in rows] == list(range(1, 13))
    best = checkpoint.read(run / "checkpoints" / "best.ckpt")
    assert best.meta["best"] == min(float(r["MAD"]) for r in rows)
    assert not best.state

    # Evaluating right after training needs nothing but the model's name.
    scored = zoo("eval", "tiny", "--json", "--output", "result")
    assert scored.code == 0, scored.err
    report = json.loads(scored.out)
    assert report == json.loads((tmp_path / "result" / "report.json").read_text())
    assert report["checkpoint_sha256"] == best.sha256
    assert (report["dataset"], report["split"], report["n_images"], report["complete"]) == ("folder", "test", 3, None)
    assert [(r["height"], r["width"]) for r in report["per_image"]] == [(50, 71)] * 3
    assert report["metrics"]["MAD"] == pytest.approx(np.mean([r["MAD"] for r in report["per_image"]]))
    assert "BIAS" in report["metrics"]  # a plugin's metric enters under its name

    # The written mattes are what was scored, to 8 bits.
    row = report["per_image"][0]
    matte = cv2.imread(str(tmp_path / "result" / "mattes" / f"{row['image']}.png"), cv2.IMREAD_UNCHANGED)
    _, target = disc(0, height=50, width=71)
    assert matte.shape == (50, 71)
    target = np.rint(target * 255) / 255
    assert np.abs(matte / 255 - target).mean() == pytest.approx(row["MAD"], abs=1 / 255)

    # Prediction writes the same matte as the evaluation did.
    predicted = zoo("predict", "tiny", discs / "test" / "image", "-o", "out", "--checkpoint", run)
    assert predicted.code == 0, predicted.err
    again = cv2.imread(str(tmp_path / "out" / "d00.png"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(again, matte)

    # Fine-tuning begins where the checkpoint ended.
    tuned = zoo(
        "train", "tiny", "--data-root", discs, "--checkpoint", run, "--output", "tuned", "--set", "train.epochs=1",
        "--set", "train.lr=1e-6",
    )  # fmt: skip
    assert tuned.code == 0, tuned.err
    assert log_of(tmp_path / "tuned")[0]["loss"] < steps[0]["loss"]
    fine = checkpoint.read(tmp_path / "tuned" / "checkpoints" / "last.ckpt")
    assert np.abs(fine.weights["head.weight"] - best.weights["head.weight"]).max() < 1e-4


def test_two_runs_are_bit_identical(zoo, discs):
    for name in ("one", "two"):
        done = zoo("train", "tiny", "--data-root", discs, "--output", name, "--quiet")
        assert done.code == 0, done.err
        assert not done.err
    assert same_weights(Path("one/checkpoints/last.ckpt"), Path("two/checkpoints/last.ckpt"))


def test_sigterm_saves_and_a_torn_log_is_cut_back(zoo, tmp_path, discs):
    command = [sys.executable, "-m", "zoo.cli", "train", "tiny", "--data-root", str(discs), "--output", "killed"]
    command += ["--set", "train.save_every=1", "--set", "train.epochs=200", "--plugin", PLUGIN]
    ran = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    last = tmp_path / "killed" / "checkpoints" / "last.ckpt"
    deadline = time.monotonic() + 120
    while not last.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    ran.send_signal(signal.SIGTERM)
    _, err = ran.communicate(timeout=120)
    assert ran.returncode == 143, err
    assert "continue with --resume killed" in err
    done = checkpoint.read(last).meta["step"]
    assert [s["step"] for s in log_of(tmp_path / "killed")] == list(range(1, done + 1))

    # What a kill between a step's log line and its save leaves, the last line torn.
    with open(tmp_path / "killed" / "log.jsonl", "a") as file:
        file.write(json.dumps({"step": done + 1, "loss": 0}) + '\n{"step": ')
    epochs = done // 4 + 2
    text = (tmp_path / "killed" / "config.yaml").read_text()
    (tmp_path / "killed" / "config.yaml").write_text(text.replace("epochs: 200", f"epochs: {epochs}"))
    resumed = zoo("train", "tiny", "--resume", "killed")
    assert resumed.code == 0, resumed.err
    assert f"resuming after step {done}" in resumed.err
    assert [s["step"] for s in log_of(tmp_path / "killed")] == list(range(1, 4 * epochs + 1))


def test_resume_from_a_save_is_bit_identical(zoo, tmp_path, discs):
    import shutil

    options = ("--data-root", discs, "--set", "train.save_every=5", "--set", "train.schedule=constant")
    assert zoo("train", "tiny", *options, "--output", "one", "--set", "train.epochs=2").code == 0
    shutil.copytree("one", "two")
    text = Path("two/config.yaml").read_text()
    Path("two/config.yaml").write_text(text.replace("epochs: 2", "epochs: 4"))
    resumed = zoo("train", "tiny", "--resume", "two")
    assert resumed.code == 0, resumed.err
    assert zoo("train", "tiny", *options, "--output", "four", "--set", "train.epochs=4").code == 0
    assert same_weights(Path("two/checkpoints/last.ckpt"), Path("four/checkpoints/last.ckpt"))
    assert [s["loss"] for s in log_of(Path("two"))] == [s["loss"] for s in log_of(Path("four"))]


def test_resume_before_the_first_checkpoint_starts_at_step_0(zoo, tmp_path, discs):
    run = tmp_path / "early"
    assert zoo("train", "tiny", "--data-root", discs, "--output", run, "--set", "train.epochs=1").code == 0
    whole = [s["loss"] for s in log_of(run)]
    for file in (run / "checkpoints").iterdir():
        file.unlink()
    again = zoo("train", "tiny", "--resume", run)
    assert again.code == 0, again.err
    assert "starting at step 0" in again.err
    assert [s["loss"] for s in log_of(run)] == whole


def test_a_fine_tuning_that_dies_early_resumes_from_its_weights(zoo, discs):
    assert zoo("train", "tiny", "--data-root", discs, "--output", "base", "--set", "train.epochs=1").code == 0
    options = ("--data-root", discs, "--checkpoint", "base", "--output", "tuned", "--set", "train.schedule=constant")
    died = zoo("train", "tiny", *options, "--set", "train.lr=1e38")
    assert died.code == 1
    found, base = (checkpoint.read(Path(run, "checkpoints", "last.ckpt")) for run in ("tuned", "base"))
    assert found.meta["step"] == 0
    assert all(np.array_equal(found.weights[name], base.weights[name]) for name in base.weights)
    resumed = zoo("train", "tiny", "--resume", "tuned")
    assert "resuming after step 0" in resumed.err


def test_an_objective_without_terms_and_alphas(zoo, tmp_path):
    root = write_discs(tmp_path / "bare", 4, labelled=False)
    done = zoo(
        "train", "tiny", "--stage", "binary", "--data-root", root, "--set", "train.epochs=1", "--output", "run",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert set(log_of(Path("run"))[0]) == {"step", "epoch", "loss", "lr", "images_per_s", "wait"}
    assert not Path("run/checkpoints/best.ckpt").exists()  # no val, nothing to choose by


def test_epoch_end_is_called(zoo, discs):
    done = zoo("train", "tiny", "--data-root", discs, "--output", "run")
    assert done.code == 0, done.err
    assert sys.modules["zoo_plugin_file_tiny_plugin"].EPOCHS == [1, 2, 3]


def test_adam_and_warm_up(zoo, discs):
    done = zoo(
        "train", "tiny", "--data-root", discs, "--output", "run", "--set", "train.optimizer=adam",
        "--set", "train.lr=0.01", "--set", "train.warmup_steps=4", "--set", "train.schedule=step",
        "--set", "train.step_epochs=2",
    )  # fmt: skip
    assert done.code == 0, done.err
    rates = [s["lr"] for s in log_of(Path("run"))]
    assert rates == pytest.approx([0.0025, 0.005, 0.0075, 0.01, *[0.01] * 4, *[0.001] * 4])


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("train", "tinny"), 4, "no model named 'tinny'; installed: tiny. Did you mean 'tiny'?"),
        (("train", "tiny", "-c", "tiny-demo"), 4, "no recipe 'tiny-demo'"),
        (("train", "tiny", "--set", "train.learning_rate=1"), 2, "Did you mean 'train.lr'?"),
        (("train", "tiny", "--data-root", "absent"), 4, "absent"),
        (("train", "tiny", "--data-root", "discs", "--set", "train.batch_size=99"), 2, "train.batch_size"),
        (("train", "tiny", "--data-root", "discs", "--set", "data.val=9"), 2, "data.val"),
        (("train", "tiny", "--data-root", "discs", "--stage", "soc"), 2, "no stage 'soc'; stages: supervised, binary"),
        (("train", "tiny", "--data-root", "discs", "--device", "TPU"), 2, "no device 'TPU'"),
        (("train", "tiny", "--data-root", "discs", "--device", "GPU:x"), 2, "no device 'GPU:x'"),
        (("train", "tiny", "--data-root", "discs", "--checkpoint", "gone.ckpt"), 4, "no checkpoint gone.ckpt"),
        (("train", "tiny", "--data-root", "discs", "--set", "train.best=SADD"), 4, "no metric named 'SADD'"),
        (("train", "tiny", "--data-root", "discs", "--set", "model.backbone=resnet"), 4, "no backbone named 'resnet'"),
        (("train", "tiny", "--data-root", "discs", "--set", "model.pretrained=gone"), 4, "model.pretrained"),
        (("train", "tiny", "--data-root", "discs", "--set", "data.transforms=[{fliip: {}}]"), 2, "fliip"),
        (("train", "tiny", "--data-root", "discs", "--output", "discs"), 2, "not empty"),
        (("train", "tiny", "--resume", "nowhere"), 4, "no run there"),
        (("train", "tiny", "--resume", "x", "--set", "train.lr=1"), 2, "leave out --set"),
        (("train", "tiny", "--data-root", "discs", "--dataset", "nothing"), 4, "no dataset named 'nothing'"),
        (("eval", "tiny", "--data-root", "discs"), 4, "no run of 'tiny'"),
        (("predict", "tiny", "absent.jpg", "-o", "out"), 4, "absent.jpg"),
        (("train", "tiny", "--data-root", "discs", "--set", "data.crop_size=36"), 2, "must be a multiple of 8"),
        (("train", "tiny", "--data-root", "discs", "--set", "train.seed=5000000000"), 2, "train.seed"),
        (("train", "tiny", "--data-root", "discs", "--set", "data.options={1: 2}"), 2, "keys are texts"),
        (("train", "tiny", "--data-root", "discs", "--devices", "2", "--device", "GPU:0"), 2, "names one card"),
        (("train", "tiny", "--data-root", "discs", "--devices", "5"), 2, "train.batch_size 2 x --devices 5"),
        (("train", "tiny", "--data-root", "bare"), 1, "needs alphas"),
        (
            ("train", "tiny", "--data-root", "bare", "--stage", "binary", "--set", "data.val=1"),
            1,
            "set data.val to 0",
        ),
        (("bench", "throughput", "--models", "tiny", "--set", "train.lrr=1"), 2, "train.lrr"),
        (("bench", "throughput", "--models", "nothing*"), 4, "no model matches"),
        (("info", "nothing"), 4, "installed: "),
        (
            ("predict", "tiny", "discs/train/image", "-o", "discs/train/image", "--checkpoint", "x"),
            2,
            "replace an input",
        ),
        (("train", "tiny", "--frobnicate"), 2, "No such option"),
        (("tain",), 2, "no command 'tain'"),
    ],
)
def test_bad_input_is_one_line_with_its_exit_code(zoo, tmp_path, discs, words, code, says):
    write_discs(tmp_path / "bare", 4, labelled=False)
    before = sorted(tmp_path.rglob("*"))
    done = zoo(*words)
    assert done.code == code, done.err
    # What is found before the run starts is the only line; what MindSpore's start comes before ends in one.
    lines = [line for line in done.err.splitlines() if line.startswith("zoo: ")]
    assert lines == done.err.splitlines()[-1:]
    assert says in lines[0]
    if "model.pretrained=gone" not in words:
        assert done.err.splitlines() == lines
    after = [p for p in sorted(tmp_path.rglob("*")) if p not in before and p.name not in ("runs", "tiny")]
    assert after == []


def test_broken_training_pictures_are_named(zoo, tmp_path, discs):
    (discs / "train" / "alpha" / "d03.png").unlink()
    done = zoo("train", "tiny", "--data-root", discs)
    assert done.code == 1
    assert "d03" in done.err.splitlines()[-1]
    (discs / "train" / "alpha" / "d03.png").write_bytes(b"no picture")
    done = zoo("train", "tiny", "--data-root", discs, "--set", "data.val=0")
    assert done.code == 1
    assert "d03.png" in done.err.splitlines()[-1]


def test_evaluation_goes_on_past_a_bad_picture(zoo, tmp_path, discs):
    assert zoo("train", "tiny", "--data-root", discs, "--set", "train.epochs=1").code == 0
    (discs / "test" / "alpha" / "d01.png").unlink()
    small = np.zeros((5, 5), np.uint8)
    cv2.imwrite(str(discs / "test" / "alpha" / "d02.png"), small)
    done = zoo("eval", "tiny", "--output", "result")
    assert done.code == 1
    assert "2 of 3 pictures could not be scored" in done.err
    report = json.loads(Path("result/report.json").read_text())
    assert [p["image"] for p in report["problems"]] == ["d01", "d02"]
    assert report["n_images"] == 1


def test_a_loss_that_is_no_number_stops_the_run(zoo, discs):
    done = zoo("train", "tiny", "--data-root", discs, "--set", "train.lr=1e38", "--set", "train.schedule=constant")
    assert done.code == 1
    assert "the loss is" in done.err
    assert "lower train.lr" in done.err


def test_print_config_is_one_yaml_mapping(zoo, discs):
    done = zoo("train", "tiny", "--data-root", discs, "--print-config", "--set", "train.lr=0.125")
    assert done.code == 0
    values = yaml.safe_load(done.out)
    assert list(values) == ["model", "data", "train", "eval"]
    assert values["train"]["lr"] == 0.125
    assert values["model"]["name"] == "tiny"
    done = zoo("train", "tiny", "--data-root", discs, "--print-config", "--verbose")
    assert "# --data-root" in done.out
    assert yaml.safe_load(done.out)["data"]["root"] == str(discs)


def test_an_objective_that_fails_names_its_plugin(zoo, tmp_path, discs):
    plugin = (Path(PLUGIN)).read_text().replace('ModelSpec("tiny"', 'ModelSpec("broken"')
    folder = tmp_path / "plugin"
    folder.mkdir()
    (folder / "tiny.yaml").write_text((Path(PLUGIN).parent / "tiny.yaml").read_text())
    raising = plugin.replace(
        "everywhere = ",
        "if image.shape[0] == 2:\n                raise ValueError('no such luck')\n            everywhere = ",
        1,
    )
    miscounting = plugin.replace('terms=("everywhere", "unknown")', 'terms=("everywhere",)')
    for source, says in ((raising, "ValueError: 'no such luck'"), (miscounting, "declares 1 terms and returns 2")):
        (folder / "broken.py").write_text(source)
        done = zoo(
            "train", "broken", "--data-root", discs, "--output", "run", "--plugin", folder / "broken.py", tiny=False
        )
        assert done.code == 3, done.err
        assert says in done.err.splitlines()[-1]
        assert "plugin broken" in done.err.splitlines()[-1]
        assert not (tmp_path / "rank_0").exists()
        __import__("shutil").rmtree("run", ignore_errors=True)


def test_own_validation_pictures_win_over_a_slice(zoo, discs):
    write_discs(discs, 2, "val")
    done = zoo("train", "tiny", "--data-root", discs, "--output", "run", "--set", "train.epochs=1")
    assert done.code == 0, done.err
    assert "9 pictures to learn from, 2 to choose checkpoints on" in done.err
    (discs / "val" / "alpha" / "d01.png").unlink()
    done = zoo("train", "tiny", "--data-root", discs, "--output", "other")
    assert done.code == 1
    assert "1 of 2 validation pictures have no mask" in done.err


def test_more_memory_than_is_free_is_refused_before_compiling(zoo, discs, monkeypatch):
    from zoo.engine import room

    monkeypatch.setattr(room, "free_mib", lambda: 900.0)
    done = zoo("train", "tiny", "--data-root", discs)
    assert done.code == 1
    line = done.err.splitlines()[-1]
    assert line.startswith("zoo: a batch of 2 at 32 x 32 needs about 1,1")
    assert line.endswith("MiB and 900 MiB are free: lower train.batch_size or data.crop_size")
    assert "compiling" not in done.err
    assert not list(Path("runs/tiny").iterdir())


def test_checkpoints_that_will_not_fit_are_refused(zoo, discs, monkeypatch):
    from collections import namedtuple

    from zoo.engine import room

    usage = namedtuple("usage", "free")
    monkeypatch.setattr(room.shutil, "disk_usage", lambda folder: usage(100))
    done = zoo("train", "tiny", "--data-root", discs, "--output", "run")
    assert done.code == 1
    assert (
        "and 0 MiB are free in run: make room, lower train.keep, or put the run elsewhere" in done.err.splitlines()[-1]
    )
    assert not Path("run").exists()


def test_what_a_checkpoint_has_seen_is_handed_on(zoo, tmp_path, discs):
    assert zoo("train", "tiny", "--data-root", discs, "--output", "one", "--set", "train.epochs=1").code == 0
    demo = write_discs(tmp_path / "P3M-10k", 4)
    (demo / "train" / "image").rename(demo / "train" / "blurred_image")
    (demo / "train" / "alpha").rename(demo / "train" / "mask")
    words = ("--dataset", "P3M-10k", "--data-root", demo, "--set", "train.epochs=1", "--set", "data.val=0")
    assert zoo("train", "tiny", *words, "--output", "two", "--checkpoint", "one").code == 0
    assert checkpoint.read(Path("two/checkpoints/last.ckpt")).meta["trained_on"] == ["folder/train", "P3M-10k/train"]
    scored = zoo("eval", "tiny", "--checkpoint", "two", "--dataset", "folder", "--data-root", discs, "--json")
    assert json.loads(scored.out)["trained_on"] == ["folder/train", "P3M-10k/train"]


def test_what_pretrained_weights_have_seen_belongs_to_the_run(tmp_path):
    (tmp_path / "seen.py").write_text(
        "from zoo import BackboneSpec, Weights, hookimpl\n"
        "weights = Weights('encoder-weights', ('https://example.org/a.ckpt',), trained_on=('ImageNet-1k',))\n"
        "@hookimpl\ndef register_backbones(register):\n"
        "    register(BackboneSpec('encoder2', build=lambda config: None, weights=[weights]))\n"
    )
    registry = load(only=[], extra=[str(PLUGIN), str(tmp_path / "seen.py")])
    for pretrained, expected in (("encoder-weights", ["ImageNet-1k", "demo/train"]), ("file.ckpt", ["demo/train"])):
        settings = (f"model.pretrained={pretrained}", "data.dataset=demo")
        trainer = SimpleNamespace(registry=registry, config=resolve(settings=settings).config, spec=None)
        assert Training._lineage(trainer, None) == expected


def test_evaluating_takes_settings_that_the_checkpoint_does_not_decide(zoo, discs):
    assert zoo("train", "tiny", "--data-root", discs, "--output", "run", "--set", "train.epochs=1").code == 0
    words = ("eval", "tiny", "--checkpoint", "run", "--json")
    done = zoo(*words, "--set", "eval.protocol=pad", "--set", "eval.short_side=64")
    assert done.code == 0, done.err
    assert json.loads(done.out)["config"]["eval"]["protocol"] == "pad"
    for setting, said in (
        ("train.lr=1", "--set train.lr=1: the checkpoint decides it; only eval.* and data.* can be set"),
        ("eval.protocl=pad", "unknown key eval.protocl. Did you mean 'eval.protocol'?"),
    ):
        done = zoo(*words, "--set", setting)
        assert done.code == 2
        assert said in done.err


def test_the_options_of_a_data_set_are_its_own(zoo, tmp_path, discs):
    """Another one might not know them, and refuses what it does not know."""
    (discs / "train" / "image").rename(discs / "train" / "photo")
    named = ("--set", "data.options.image_dir=photo", "--set", "train.epochs=1")
    assert zoo("train", "tiny", "--data-root", discs, *named, "--output", "run").code == 0
    assert zoo("data", "demo", "drawn", "--count", 4, "--size", 64).code == 0
    other = ("--dataset", "demo", "--data-root", "drawn", "--limit", 1)
    done = zoo("eval", "tiny", "--checkpoint", "run", *other, "--split", "P3M-500-P", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["config"]["data"]["options"] == {}
