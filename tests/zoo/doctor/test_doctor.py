"""``zoo doctor`` says what works, and what to do about what does not."""

from __future__ import annotations

import json

import pytest

from zoo.doctor import software

LAME = """
from zoo import Card, ModelSpec, hookimpl

def build(config, backbone):
    from mindspore import nn, ops

    class Sideways(nn.Cell):
        def construct(self, x):
            return {sideways}

    class Lame(nn.Cell):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 1, 1)
            self.sideways = Sideways()

        def construct(self, image):
            return ops.sigmoid(self.sideways(self.conv(image)))

    return Lame()

@hookimpl
def register_models(register):
    register(ModelSpec("lame", build=build, card=Card("lame")))
"""


def findings(done) -> dict[str, dict[str, str]]:
    return {finding["name"]: finding for finding in json.loads(done.out)["findings"]}


def test_a_sound_installation(zoo):
    done = zoo("doctor", "--json")
    found = findings(done)
    assert done.code == 0, done.err
    assert json.loads(done.out)["ok"] is True
    for name in ("python", "mindspore", "numpy", "processor", "cache", "CPU", "core", "tiny_plugin"):
        assert found[name]["status"] == "ok", name
    assert found["P3M-10k"]["status"] == "note"
    assert "ZOO_DATA_DIR" in found["P3M-10k"]["advice"]
    text = zoo("doctor").out
    assert "software\n  ok      python: 3." in text
    assert "          -> zoo data demo" in text


def test_a_model_runs_forward_and_backward(zoo):
    found = findings(zoo("doctor", "tiny", "--json"))
    assert found["tiny forward"]["text"] == "(2, 3, 64, 64) -> (2, 1, 64, 64)"
    assert found["tiny supervised: loss and gradients"]["status"] == "ok"
    # Convolution, norm and ReLU of the encoder, and the head's convolution.
    assert found["layers"]["text"].startswith("4 of 3 kinds run forward and backward by themselves: BatchNorm2d")


@pytest.mark.parametrize(
    ("sideways", "reason"),
    [
        ("ops.reshape(x, (1, 2, 3))", "forward: ValueError: "),
        ("ops.matmul(x, x.transpose((0, 1, 3, 2))[:, :, :5])", "forward: "),
    ],
)
def test_a_layer_that_does_not_run_is_named(zoo, tmp_path, sideways, reason):
    (tmp_path / "lame.py").write_text(LAME.format(sideways=sideways))
    done = zoo("doctor", "lame", "--plugin", "lame.py", "--json")
    found = findings(done)
    assert done.code == 1
    assert found["lame forward"]["status"] == "failed"
    assert found["layer Sideways"]["status"] == "failed"
    assert found["layer Sideways"]["text"].startswith(f"sideways of 1: {reason}")
    assert found["layer Conv2d"]["status"] == "ok"
    assert "findings need something done: lame forward" in done.err


def test_gradients_that_are_not_finite_are_named(zoo, tmp_path, monkeypatch):
    from zoo.doctor import model

    monkeypatch.setattr(model.np, "isfinite", lambda array: array * 0 != 0)
    found = findings(zoo("doctor", "tiny", "--json"))
    assert "the alpha is not finite" in found["tiny forward"]["text"]
    assert "gradients that are not finite: backbone.conv.weight" in found["tiny supervised: loss and gradients"]["text"]


def test_reference_kernels_are_named(zoo, monkeypatch):
    from zoo.engine import instruction_set

    assert "convolutions run on " in findings(zoo("doctor", "--json"))["oneDNN"]["text"]
    slow = instruction_set.Choice("AVX512_CORE", False, "ONEDNN_MAX_CPU_ISA says so", "ref:any")
    monkeypatch.setattr(instruction_set, "chosen", lambda: slow)
    found = findings(zoo("doctor", "--json"))["oneDNN"]
    assert (found["status"], found["advice"]) == ("failed", "unset ONEDNN_MAX_CPU_ISA")


def test_a_broken_plugin(zoo, tmp_path):
    (tmp_path / "broken.py").write_text("import not_there_at_all")
    done = zoo("doctor", "--plugin", "broken.py", "--json")
    assert done.code == 1
    assert findings(done)["broken"]["advice"] == "leave out --plugin broken.py"


def test_a_cache_that_cannot_be_written(zoo, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "file" / "home"))
    found = findings(zoo("doctor", "--json"))
    assert found["cache"]["status"] == "failed"
    assert "ZOO_HOME" in found["cache"]["advice"]


@pytest.mark.parametrize(
    ("requirement", "text", "advice"),
    [
        ("no-such-library>=1", "not installed", 'pip install "no-such-library>=1"'),
        ("numpy<1", "but zoo needs <1", 'pip install "numpy<1"'),
    ],
)
def test_a_library_that_is_missing_or_of_another_version(zoo, monkeypatch, requirement, text, advice):
    monkeypatch.setattr(software, "requires", lambda name: [requirement])
    done = zoo("doctor", "--json")
    found = findings(done)[requirement.replace("<1", "").replace(">=1", "")]
    assert done.code == 1
    assert (found["status"], found["advice"]) == ("failed", advice)
    assert text in found["text"]
    assert "CPU" not in findings(done), "what needs the libraries is not tried"


def test_wrong_usage(zoo):
    assert zoo("doctor", "tinny").code == 4
    assert zoo("doctor", "--device", "TPU").code == 2
