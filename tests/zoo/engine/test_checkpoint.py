"""Checkpoints: whole or refused."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from registry import NotFoundError, ZooError
from zoo.config import Config
from zoo.engine import checkpoint, device


@pytest.fixture(scope="module")
def network():
    device.start()
    from mindspore import nn

    return nn.SequentialCell([nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)])


META = {
    "model": "m", "plugin": "p", "plugin_version": "1", "step": 7, "epoch": 1, "best": 0.25,
    "config": Config().to_dict(),
}  # fmt: skip


@pytest.fixture
def saved(tmp_path, network):
    path = tmp_path / "run" / "last.ckpt"
    checkpoint.save(path, checkpoint.weights_of(network), META)
    return path


def test_round_trip(saved, network):
    found = checkpoint.read(saved)
    assert {k: v for k, v in found.meta.items() if k in META} == META
    assert found.config == Config()
    assert found.sha256 == hashlib.sha256(saved.read_bytes()).hexdigest()
    assert set(found.weights) == {p.name for p in network.get_parameters()}
    for parameter in network.get_parameters():
        assert np.array_equal(found.weights[parameter.name], parameter.asnumpy())
    assert [p.name for p in saved.parent.iterdir()] == ["last.ckpt"]


def test_nothing_depends_on_the_clock(saved, network):
    before = saved.read_bytes()
    checkpoint.save(saved, checkpoint.weights_of(network), META)
    assert saved.read_bytes() == before


def test_mindspore_reads_it(saved):
    import mindspore as ms

    assert "0.weight" in ms.load_checkpoint(str(saved))


@pytest.mark.parametrize("where", [0.3, 0.6, 0.9])
def test_a_flipped_byte_is_noticed(saved, where):
    data = bytearray(saved.read_bytes())
    data[int(len(data) * where)] ^= 0x10
    saved.write_bytes(data)
    with pytest.raises(ZooError, match=r"last\.ckpt"):
        checkpoint.read(saved)


@pytest.mark.parametrize("keep", [0, 10, 0.5, 0.99])
def test_a_torn_file_is_refused(saved, keep):
    data = saved.read_bytes()
    saved.write_bytes(data[: int(keep if keep > 1 else keep * len(data))])
    with pytest.raises(ZooError, match=r"last\.ckpt"):
        checkpoint.read(saved)


def test_other_files_are_refused(tmp_path, network):
    import mindspore as ms

    with pytest.raises(NotFoundError, match="no checkpoint"):
        checkpoint.read(tmp_path / "absent.ckpt")
    foreign = tmp_path / "foreign.ckpt"
    ms.save_checkpoint(network, str(foreign))
    with pytest.raises(ZooError, match="was not written by zoo"):
        checkpoint.read(foreign)


def test_a_failed_write_leaves_the_previous_one(saved, network, monkeypatch):
    import mindspore as ms

    before = saved.read_bytes()

    def full(objects, name, **_):
        with open(name, "wb") as file:
            file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ms, "save_checkpoint", full)
    with pytest.raises(ZooError, match=r"No space left on device; the previous one is untouched"):
        checkpoint.save(saved, checkpoint.weights_of(network), META)
    assert saved.read_bytes() == before
    assert [p.name for p in saved.parent.iterdir()] == ["last.ckpt"]


def test_weights_that_do_not_fit_change_nothing(network, saved):
    weights = dict(checkpoint.read(saved).weights)
    before = {p.name: p.asnumpy() for p in network.get_parameters()}
    cases = {
        "1 missing": {k: v for k, v in weights.items() if k != "0.weight"},
        "1 unexpected": {**weights, "extra": np.zeros(3)},
        "0.weight has shape": {**weights, "0.weight": np.zeros((1, 1, 1, 1), np.float32)},
    }
    for words, arrays in cases.items():
        with pytest.raises(ZooError, match=words):
            checkpoint.load_weights(network, arrays, "file")
    for parameter in network.get_parameters():
        assert np.array_equal(before[parameter.name], parameter.asnumpy())


def test_a_file_that_cannot_grow_is_one_line_and_leaves_nothing(saved, network, capfd):
    """The limit on a file's size stands in for a full disk; MindSpore itself meets it, half way through."""
    import resource

    before, limits = saved.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    big = {"big": np.zeros(100_000, np.float32)}
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(ZooError, match=r"cannot write checkpoint .*last\.ckpt: .*; the previous one is untouched"):
            checkpoint.save(saved, big, META)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert saved.read_bytes() == before
    assert [p.name for p in saved.parent.iterdir()] == ["last.ckpt"]
    assert capfd.readouterr() == ("", "")
