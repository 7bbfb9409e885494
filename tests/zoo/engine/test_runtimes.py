"""Another runtime behind the one predictor: the same alphas, kept by checkpoint, named in every result."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from disc_set import disc, write_discs
from tiny_weights import PLUGIN, tiny_registry, write_tiny_weights

from registry import UsageError, ZooError
from zoo.engine import device, exported, onnx
from zoo.engine.runtimes import CHOICES, Source, choose, open_kept

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

CLOSE = 1e-5
"""Two frameworks, a network of a few hundred weights; alphas lie in [0, 1]."""


@pytest.fixture
def weights(tmp_path) -> Path:
    """A checkpoint of the tiny network."""
    return write_tiny_weights(tmp_path / "tiny.ckpt")


@pytest.fixture
def picture(tmp_path) -> Path:
    from zoo.data.opencv import cv2

    path = tmp_path / "photos" / "disc.png"
    path.parent.mkdir()
    cv2.imwrite(str(path), disc(0, 50, 70)[0])
    return path


def source_of(path):
    registry = tiny_registry()
    return Source(registry, registry.get("model", "tiny"), registry.owner("model", "tiny"), path)


def kept_files(tmp_path):
    folder = tmp_path / "home" / "onnx"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def test_the_command_line_offers_what_there_is():
    from zoo.cli.options import runtime_option
    from zoo.cli.predict import command

    assert callable(runtime_option)
    (option,) = [each for each in command.params if each.name == "runtime"]
    assert tuple(option.type.choices) == CHOICES


def test_both_runtimes_predict_the_same_and_a_second_process_exports_nothing(zoo, weights, picture, tmp_path):
    from zoo.data.images import read_alpha

    first = zoo("predict", "tiny", picture, "-o", "onnx", "--checkpoint", weights)
    assert first.code == 0, first.err
    assert "exporting tiny for onnxruntime and checking it (once; the file is kept)\n" in first.err
    assert "tiny runs in onnxruntime (within " in first.err
    (file,) = kept_files(tmp_path)
    second = zoo("predict", "tiny", picture, "-o", "again", "--checkpoint", weights)
    assert second.code == 0, second.err
    assert "exporting" not in second.err
    assert "tiny runs in onnxruntime (within " in second.err
    assert kept_files(tmp_path) == [file]
    plain = zoo("predict", "tiny", picture, "-o", "ms", "--checkpoint", weights, "--runtime", "mindspore")
    assert plain.code == 0, plain.err
    assert "runs in" not in plain.err
    alphas = [read_alpha(tmp_path / folder / "disc.png") for folder in ("onnx", "again", "ms")]
    assert np.array_equal(alphas[0], alphas[1])
    assert np.abs(alphas[0] - alphas[2]).max() <= 1 / 255 + 1e-6  # a value near a half may round to either side


def test_a_kept_export_answers_without_mindspore(zoo, weights, picture, tmp_path):
    done = zoo("predict", "tiny", picture, "-o", "out", "--checkpoint", weights)
    assert done.code == 0, done.err
    line = ["predict", "tiny", str(picture), "-o", "out", "--checkpoint", str(weights), "--plugin", PLUGIN]
    code = f"import sys; from zoo.cli import run; code = run({line!r}); sys.exit(code or 'mindspore' in sys.modules)"
    apart = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert apart.returncode == 0, apart.stderr


def test_reports_name_the_runtime_and_agree(zoo, weights, tmp_path):
    write_discs(tmp_path / "discs", 2, height=40, width=56)
    reports = {}
    for runtime in ("onnxruntime", "mindspore", "auto"):
        words = ("--dataset", "folder", "--data-root", tmp_path / "discs", "--split", "train")
        done = zoo("eval", "tiny", *words, "--checkpoint", weights, "--runtime", runtime, "--json", "--output", runtime)
        assert done.code == 0, done.err
        reports[runtime] = json.loads(done.out)
    assert [report["runtime"] for report in reports.values()] == ["onnxruntime", "mindspore", "onnxruntime"]
    ours, theirs = reports["onnxruntime"], reports["mindspore"]
    assert ours["checkpoint_sha256"] == theirs["checkpoint_sha256"]
    assert ours["trained_on"] == theirs["trained_on"] == ["folder/train"]
    assert ours["protocol"] == theirs["protocol"]
    for name, value in theirs["metrics"].items():
        assert ours["metrics"][name] == pytest.approx(value, rel=1e-3, abs=CLOSE), name


def test_fresh_weights_are_timed_and_leave_nothing_behind(zoo, tmp_path):
    words = ("--models", "tiny", "--height", 48, "--width", 64, "--repeat", 1, "--warmup", 0, "--one-process")
    done = zoo("bench", "throughput", *words, "--output", "bench", "--json")
    assert done.code == 0, done.err
    rows = json.loads(done.out)["rows"]
    assert {row["runtime"] for row in rows} == {"onnxruntime"}
    assert {row["peak_mib"] for row in rows} == {None}
    assert all(row["params"] and row["macs"] for row in rows)
    assert kept_files(tmp_path) == []


def test_a_damaged_export_is_made_again(zoo, weights, tmp_path, monkeypatch, picture):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    assert zoo("predict", "tiny", picture, "-o", "out", "--checkpoint", weights).code == 0
    (file,) = kept_files(tmp_path)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    assert open_kept("auto", None, source_of(weights)) is None


def test_other_weights_or_sources_have_another_export(weights, monkeypatch):
    source = source_of(weights)
    key = exported.key_of("a" * 64, "tiny", source.plugin)
    assert key == exported.key_of("a" * 64, "tiny", source.plugin)
    assert key != exported.key_of("b" * 64, "tiny", source.plugin)
    monkeypatch.setattr(exported, "_sources", lambda module: "changed")
    assert key != exported.key_of("a" * 64, "tiny", source.plugin)


def test_many_may_keep_and_find_at_the_same_time(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    key, data = exported.Key("k"), bytes(200_000)
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda _: key.keep(data), range(32)))
        found = set(pool.map(lambda _: key.find(), range(32)))
    assert paths == found == set(kept_files(tmp_path))
    assert len(paths) == 1


def test_the_files_used_least_recently_go(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(exported, "KEEP", 2)
    keys = [exported.Key(str(number)) for number in range(3)]
    for number, key in enumerate(keys[:2]):
        path = key.keep(str(number).encode())
        os.utime(path, ns=(number, number))
    assert keys[0].find() is not None  # used just now
    keys[2].keep(b"2")
    assert [key.find() is not None for key in keys] == [True, False, True]


def test_auto_falls_back_with_a_reason_and_remembers_it(zoo, weights, picture, tmp_path, monkeypatch):
    from zoo.export.table import functions

    monkeypatch.delitem(functions(), "ReLU")
    for again in (False, True):
        done = zoo("predict", "tiny", picture, "-o", "out", "--checkpoint", weights)
        assert done.code == 0, done.err
        line = "tiny runs in mindspore (onnxruntime: backbone/relu/ReLU: operator ReLU has no counterpart in zoo's"
        assert line in done.err
        assert ("exporting tiny" in done.err) is not again
    asked = zoo("predict", "tiny", picture, "-o", "out", "--checkpoint", weights, "--runtime", "onnxruntime")
    assert asked.code == 1
    assert asked.err.splitlines()[-1].startswith("zoo: --runtime onnxruntime: backbone/relu/ReLU: operator ReLU")


def test_without_the_package_auto_says_so_and_a_wish_is_refused(zoo, weights, picture, monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name, *rest: None if name == "onnxruntime" else real(name))
    done = zoo("predict", "tiny", picture, "-o", "out", "--checkpoint", weights)
    assert done.code == 0, done.err
    assert 'not installed: pip install "matting-zoo[onnx]")' in done.err
    asked = zoo("predict", "tiny", picture, "-o", "out", "--checkpoint", weights, "--runtime", "onnxruntime")
    assert asked.code == 2
    assert 'pip install "matting-zoo[onnx]"' in asked.err


def test_on_a_card_the_package_for_cards_is_needed(weights):
    with pytest.raises(UsageError, match="the package onnxruntime-gpu is not installed: pip uninstall onnxruntime &&"):
        open_kept("onnxruntime", "GPU", source_of(weights))
    assert open_kept("auto", "GPU", source_of(weights)) is None
    with pytest.raises(UsageError, match="--runtime onnxruntime runs on CPU and GPU"):
        open_kept("onnxruntime", "Ascend", source_of(weights))


@pytest.fixture
def with_cuda(monkeypatch):
    """ONNX Runtime as its package for cards, whose sessions run on the CPU all the same; what they were asked for."""
    import onnxruntime

    real, asked = onnxruntime.InferenceSession, []

    class Session:
        providers = ("CUDAExecutionProvider", "CPUExecutionProvider")

        def __init__(self, given, options, providers):
            asked.append(providers)
            self._real = real(given, options, providers=["CPUExecutionProvider"])

        def get_providers(self):
            return self.providers

        def __getattr__(self, name):
            return getattr(self._real, name)

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    monkeypatch.setattr(onnx, "version", lambda name: "1.32.0")
    return asked, Session


def test_a_card_is_given_to_the_runtime_and_the_network_is_made_on_the_processor(zoo, weights, picture, with_cuda):
    asked, _ = with_cuda
    words = ("predict", "tiny", picture, "--checkpoint", weights, "--device", "GPU:0")
    first = zoo(*words, "-o", "first")
    assert first.code == 0, first.err
    assert "tiny runs in onnxruntime on GPU:0 (within" in first.err
    again = zoo(*words, "-o", "again")  # the kept file, without MindSpore
    assert "tiny runs in onnxruntime on GPU:0 (within" in again.err
    assert asked[-1] == [("CUDAExecutionProvider", {"device_id": 0, "use_tf32": 0}), "CPUExecutionProvider"]
    assert device.start().target == "CPU"


def test_a_runtime_that_would_fall_back_to_the_processor_is_an_error(zoo, weights, picture, with_cuda):
    with_cuda[1].providers = ("CPUExecutionProvider",)
    done = zoo("predict", "tiny", picture, "--checkpoint", weights, "--device", "GPU", "-o", "out")
    assert done.code == 1
    assert "cannot use GPU:0: its CUDA provider does not load" in done.err


def test_a_model_that_is_no_network_runs_in_its_plugin():
    said = []
    assert choose("auto", None, source_of(None), None, None, None, said.append) is None
    assert said == []
    with pytest.raises(UsageError, match="is no network; its plugin runs it"):
        choose("onnxruntime", None, source_of(None), None, None, None, said.append)


def test_a_file_that_is_no_network_is_refused(tmp_path):
    from zoo.engine.runtime_onnx import Session

    with pytest.raises(ZooError, match="cannot open the network"):
        Session(b"no graph")
