"""``zoo export``: the file, its certificate, and what is refused."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
from tiny_weights import write_tiny_weights

onnxruntime = pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")


@pytest.fixture
def weights(tmp_path):
    """A checkpoint of the tiny network."""
    return write_tiny_weights(tmp_path / "tiny.ckpt")


def test_an_onnx_file_answers_as_the_network_and_says_what_it_is(zoo, weights, tmp_path):
    done = zoo("export", "tiny", "--format", "onnx", "--checkpoint", weights, "--json")
    assert done.code == 0, done.err
    file, certificate = tmp_path / "tiny.onnx", json.loads((tmp_path / "tiny.onnx.json").read_text())
    said = json.loads(done.out)
    assert {**certificate, "file": "tiny.onnx"} == said
    assert certificate["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert certificate["verified"]
    assert certificate["max_difference"] <= certificate["tolerance"]
    assert [(c["batch"], c["height"], c["width"]) for c in certificate["checks"]] == [(1, 32, 24), (2, 24, 40)]
    session = onnxruntime.InferenceSession(str(file))
    texts = session.get_modelmeta().custom_metadata_map
    assert (texts["model"], texts["stride"], texts["size_rule"]) == ("tiny", "8", "cut 32")
    assert texts["checkpoint_sha256"] == certificate["checkpoint_sha256"] != ""
    assert texts["plugin"] == "tiny_plugin"
    assert "/" not in texts["plugin"] + texts["backbone"]  # nothing of the user's folders is handed over
    answer = session.run(None, {"image": np.zeros((3, 3, 16, 8), np.float32)})[0]
    assert answer.shape == (3, 1, 16, 8)


def test_one_size_and_opencv(zoo, weights, tmp_path):
    from zoo.data.opencv import cv2

    words = ("export", "tiny", "--format", "onnx", "--checkpoint", weights, "-o", "fixed.onnx", "--size", "16x24")
    done = zoo(*words)
    assert done.code == 0, done.err
    assert "input       1 x 3 x 16 x 24, sides multiples of 8" in done.out
    image = np.random.default_rng(0).standard_normal((1, 3, 16, 24)).astype(np.float32)
    net = cv2.dnn.readNetFromONNX(str(tmp_path / "fixed.onnx"))
    net.setInput(image)
    truth = onnxruntime.InferenceSession("fixed.onnx").run(None, {"image": image})[0]
    assert np.abs(net.forward() - truth).max() < 1e-5
    odd = zoo(*words[:-1], "17x24", "--force")
    assert odd.code == 2
    assert "both sides must be multiples of 8" in odd.err
    assert zoo(*words[:-1], "big", "--force").code == 2


def test_mindir(zoo, weights, tmp_path):
    done = zoo("export", "tiny", "--format", "mindir", "--checkpoint", weights)
    assert done.code == 0, done.err
    assert "checked     1 x 32 x 32: at most 0.0e+00 from the network" in done.out
    from mindspore.train import mind_ir_pb2

    file = mind_ir_pb2.ModelProto()
    file.ParseFromString((tmp_path / "tiny.mindir").read_bytes())
    assert file.user_info["model"] == "tiny"


def test_nothing_is_replaced_and_nothing_is_left_of_a_failure(zoo, weights, tmp_path, monkeypatch):
    from zoo.export import verify

    (tmp_path / "tiny.onnx.json").write_text("mine")
    words = ("export", "tiny", "--format", "onnx", "--checkpoint", weights)
    done = zoo(*words)
    assert done.code == 2
    assert "tiny.onnx.json: there already" in done.err
    assert (tmp_path / "tiny.onnx.json").read_text() == "mine"
    monkeypatch.setattr(verify, "TOLERANCE", -1.0)
    done = zoo(*words, "-o", "bad.onnx")
    assert done.code == 1
    assert "differs from the network by" in done.err
    assert not list(tmp_path.glob("bad*"))
    assert zoo(*words, "-o", "absent/x.onnx").code == 2


def test_unchecked_says_so(zoo, weights):
    done = zoo("export", "tiny", "--format", "onnx", "--checkpoint", weights, "--no-verify")
    assert done.code == 0, done.err
    assert "not checked (--no-verify)" in done.out


def test_without_the_extra_one_line_tells_what_to_install(zoo, weights, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "onnx", None)
    done = zoo("export", "tiny", "--format", "onnx", "--checkpoint", weights)
    assert done.code == 2
    assert done.err == 'zoo: the package onnx is needed for this: pip install "matting-zoo[onnx]"\n'
