"""Matching weights with a network, and the checkpoints that come of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import peer
import pytest
import torch

from registry import Card, PluginError, UsageError, Weights, ZooError, load
from zoo.config import resolve
from zoo.engine import checkpoint, device
from zoo.engine.conversion import build_target, convert_arrays, require_fit, write
from zoo.engine.foreign import ForeignFile
from zoo.engine.pretrained import load_pretrained
from zoo.engine.provenance import trace

NAMES = [
    "backbone.conv.weight", "backbone.norm.gamma", "backbone.norm.beta", "backbone.norm.moving_mean",
    "backbone.norm.moving_variance", "head.weight", "head.bias",
]  # fmt: skip


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    return load(only=[], extra=[str(peer.write_plugin(tmp_path_factory.mktemp("plugin")))])


@pytest.fixture(scope="module")
def config(registry):
    return resolve(registry.get("model", "pair").config, values=[("model.name", "pair", "test")]).config


@pytest.fixture(scope="module")
def network(registry, config):
    device.start()
    return build_target(registry, config)


@pytest.fixture
def convert(registry, network):
    """Convert arrays for the model ``pair``, with another ``convert`` if one is given."""

    def run(arrays, how=None, dtypes=None):
        spec = registry.get("model", "pair")
        spec = spec if how is None else replace(spec, convert=how)
        return convert_arrays(spec, registry.owner("model", "pair"), network, arrays, dtypes, "file.pth")

    return run


@pytest.fixture
def arrays():
    return {name: tensor.numpy().copy() for name, tensor in peer.state().items()}


def file(format: str = "PyTorch", name: str = "file.pth", sha256: str = "0" * 64) -> ForeignFile:
    return ForeignFile(Path("folder") / name, format, 1, sha256, {}, {})


def test_a_converted_network_answers_as_pytorch_does(convert, arrays, registry, config):
    from mindspore import Tensor

    found = convert(arrays)
    assert (found.holds, found.parameters, found.ignored) == ("network", 7, 1)
    assert sorted(found.weights) == sorted(NAMES)
    other = build_target(registry, config)
    checkpoint.load_weights(other, found.weights, "test")
    image = np.random.default_rng(0).normal(size=(2, 3, 16, 24)).astype(np.float32)
    with torch.no_grad():
        expected = peer.module()(torch.from_numpy(image)).numpy()
    # float32 of two frameworks; gamma and beta swapped change it by 0.23, mean and variance by 0.05.
    assert np.abs(other(Tensor(image)).asnumpy() - expected).max() < 1e-6


def test_the_network_stays_as_it_is(convert, arrays, network):
    before = {p.name: p.asnumpy() for p in network.get_parameters()}
    convert(arrays)
    assert all(np.array_equal(before[p.name], p.asnumpy()) for p in network.get_parameters())


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "module._orig_mod."])
def test_prefixes_of_parallel_training(convert, arrays, prefix):
    found = convert({prefix + name: array for name, array in arrays.items()})
    assert (found.holds, list(found.unexpected)) == ("network", [])
    one_without = {prefix + name if "head" in name else name: array for name, array in arrays.items()}
    assert sorted(convert(one_without).unexpected) == [f"{prefix}head.bias", f"{prefix}head.weight"]


def test_names_and_shapes_of_what_does_not_fit(convert, arrays):
    del arrays["head.bias"]
    arrays["extra.weight"] = np.zeros((2, 3), np.float32)
    arrays["backbone.norm.weight"] = np.ones(5, np.float32)
    found = convert(arrays)
    assert found.missing == {"head.bias": (1,)}
    assert found.unexpected == {"extra.weight": (2, 3)}
    assert found.shapes == {"backbone.norm.gamma": ((5,), (4,))}
    assert (found.holds, len(found.weights), found.parameters) == ("part", 5, 7)


@pytest.mark.parametrize(
    ("drop", "holds"),
    [([], "network"), (["head"], "backbone"), (["head.bias"], "part"), (["head", "norm"], "part"), (["back"], "part")],
)
def test_what_a_conversion_holds(convert, arrays, drop, holds):
    kept = {name: array for name, array in arrays.items() if not any(word in name for word in drop)}
    assert convert(kept).holds == holds


def test_other_precisions_become_float32(convert, arrays):
    arrays["head.weight"] = arrays["head.weight"].astype(np.float16)
    arrays["backbone.conv.weight"] = arrays["backbone.conv.weight"].astype(np.float64)
    found = convert(arrays, dtypes={"head.bias": "bfloat16"})
    assert found.casts == {"float16": 1, "bfloat16": 1, "float64": 1}
    assert {array.dtype for array in found.weights.values()} == {np.dtype(np.float32)}
    assert np.array_equal(found.weights["head.weight"], arrays["head.weight"].astype(np.float32))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e39])
def test_numbers_no_network_works_with(convert, arrays, value):
    arrays["head.weight"] = arrays["head.weight"].astype(np.float64)
    arrays["head.weight"][0, 1, 2, 0] = value
    with pytest.raises(ZooError, match=r"^file\.pth: head\.weight holds NaN, infinite"):
        convert(arrays)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, bool, np.complex64])
def test_weights_that_are_not_floating_point(convert, arrays, dtype):
    arrays["head.bias"] = arrays["head.bias"].astype(dtype)
    with pytest.raises(ZooError, match=rf"head\.bias is {np.dtype(dtype)}, not floating point"):
        convert(arrays)


def test_a_plugin_whose_conversion_fails_is_named(convert, arrays, registry):
    def broken(_):
        raise KeyError("stem")

    def contradiction(_):
        raise ZooError("two encoders")

    for how, words in ((broken, "KeyError"), (lambda _: None, "did not return"), (lambda _: {1: 2}, "did not return")):
        with pytest.raises(PluginError, match=words) as caught:
            convert(arrays, how)
        assert registry.owner("model", "pair").label in str(caught.value)
    with pytest.raises(ZooError, match="two encoders") as caught:
        convert(arrays, contradiction)
    assert not isinstance(caught.value, PluginError)


def test_models_without_conversion_or_network(registry, network, arrays, config):
    spec = registry.get("model", "single")
    with pytest.raises(UsageError, match="'single' offers no conversion"):
        convert_arrays(spec, registry.owner("model", "single"), network, arrays)
    with pytest.raises(UsageError, match="is no MindSpore network"):
        build_target(registry, config.override(model={"name": "flat", "backbone": None}))


# --- What may be written ---


def test_a_part_is_refused_unless_asked_for(convert, arrays):
    del arrays["head.bias"]
    arrays["extra"] = np.zeros(1, np.float32)
    found = convert(arrays)
    with pytest.raises(ZooError) as caught:
        require_fit(found, file(), partial=False)
    assert str(caught.value) == (
        "folder/file.pth does not fit 'pair': 6 of 7 parameters matched, 1 missing (head.bias) and 1 unexpected "
        "(extra); nothing is written without --partial"
    )
    require_fit(found, file(), partial=True)


def test_a_backbone_is_no_part_but_one_with_a_classifier_is_asked_about(convert, arrays):
    kept = {name: array for name, array in arrays.items() if "head" not in name}
    require_fit(convert(kept), file(), partial=False)
    found = convert({**kept, "classifier.weight": np.zeros((10, 4), np.float32)})
    with pytest.raises(ZooError, match=r"1 unexpected \(classifier\.weight\) beside the whole backbone"):
        require_fit(found, file(), partial=False)
    require_fit(found, file(), partial=True)
    assert found.holds == "backbone"


@pytest.mark.parametrize("partial", [False, True])
def test_other_shapes_and_other_models_are_always_refused(convert, arrays, partial):
    none = convert({"stem.weight": np.zeros(3, np.float32)})
    with pytest.raises(ZooError, match=r"none of its 1 names is known \(stem\.weight\)"):
        require_fit(none, file(), partial)
    arrays["head.weight"] = np.zeros((2, 4, 3, 3), np.float32)
    with pytest.raises(ZooError, match=r"head\.weight has shape \(2, 4, 3, 3\), the network's \(1, 4, 3, 3\); nothing"):
        require_fit(convert(arrays), file(), partial)


def test_onnx_graphs_have_constants_of_their_own(convert, arrays):
    found = convert({**arrays, "/Constant_1": np.ones(4, np.float32)})
    require_fit(found, file("ONNX"), partial=False)
    with pytest.raises(ZooError, match="1 unexpected"):
        require_fit(found, file("PyTorch"), partial=False)


def test_folded_onnx_graphs_are_explained(convert, arrays):
    # As torch.onnx.export does it: the pair of convolution and batch norm becomes one convolution without a name.
    folded = {"head.weight": arrays["head.weight"], "head.bias": arrays["head.bias"]}
    folded |= {"onnx::Conv_21": arrays["backbone.conv.weight"], "onnx::Conv_22": np.zeros(4, np.float32)}
    with pytest.raises(ZooError, match=r"2 of 7 parameters matched.*folds batch norms.*convert the PyTorch checkpoint"):
        require_fit(convert(folded), file("ONNX"), partial=False)


# --- What is written ---


@pytest.fixture
def put(tmp_path, convert, registry, config):
    """Convert arrays and write them to a file of that name."""

    def run(arrays, name="dest.ckpt", folder=tmp_path):
        origin = trace(file(), Card("c"), "MIT", None)[0]
        write(folder / name, convert(arrays), registry, config, origin, "state_dict")
        return folder / name

    return run


def test_a_checkpoint_knows_its_source(put, arrays, config):
    saved = checkpoint.read(put(arrays))
    assert saved.config == config
    assert saved.meta["source"] == {
        "file": "file.pth", "sha256": "0" * 64, "format": "PyTorch", "weights": None, "license": "MIT",
        "data_license": "unknown", "wrapper": "state_dict", "matched": 7, "missing": 0, "unexpected": 0, "casts": {},
    }  # fmt: skip
    assert (saved.holds, saved.meta["model"], saved.meta["step"]) == ("network", "pair", 0)


def test_the_same_source_gives_the_same_bytes(put, arrays, tmp_path, monkeypatch):
    import time

    (tmp_path / "other").mkdir()
    one = put(arrays).read_bytes()
    monkeypatch.setattr(time, "time", lambda: 4e9)
    assert put(arrays, "other.ckpt", tmp_path / "other").read_bytes() == one


def test_a_backbone_serves_training_and_nothing_else(put, arrays, registry, network, config):
    path = put({name: array for name, array in arrays.items() if "head" not in name})
    assert sorted(checkpoint.read(path, whole=False).weights) == sorted(n for n in NAMES if "backbone" in n)
    with pytest.raises(
        UsageError, match=r"holds the backbone of 'pair' and no more: train with --set model.pretrained"
    ):
        checkpoint.read(path)
    with pytest.raises(UsageError, match="holds the backbone"):
        checkpoint.load_start(network, checkpoint.read(path, whole=False))
    encoder = registry.get("backbone", "encoder").build(config)
    load_pretrained(encoder, str(path))
    for parameter in encoder.get_parameters():
        source = parameter.name.replace("gamma", "weight").replace("beta", "bias")
        source = source.replace("moving_mean", "running_mean").replace("moving_variance", "running_var")
        assert np.array_equal(parameter.asnumpy(), arrays[f"backbone.{source}"])


def test_a_whole_network_and_a_part_give_their_backbone(put, arrays, registry, config):
    for drop in ("nothing", "head.bias"):
        path = put({name: array for name, array in arrays.items() if name != drop}, f"{drop}.ckpt")
        encoder = registry.get("backbone", "encoder").build(config)
        load_pretrained(encoder, str(path))
        assert np.array_equal(encoder.conv.weight.asnumpy(), arrays["backbone.conv.weight"])


def test_a_part_is_trained_further_and_nothing_else(put, arrays, registry, config):
    path = put({name: array for name, array in arrays.items() if name != "head.bias"})
    with pytest.raises(UsageError, match=r"6 of the 7 parameters of 'pair' \(a partial conversion\)"):
        checkpoint.read(path)
    saved = checkpoint.read(path, whole=False)
    assert "head.bias" not in saved.weights
    network = build_target(registry, config)
    before = network.head.bias.asnumpy()
    assert checkpoint.load_start(network, saved) == 1
    assert np.array_equal(network.head.bias.asnumpy(), before)
    assert np.array_equal(network.head.weight.asnumpy(), arrays["head.weight"])


def test_pretrained_refuses_what_it_cannot_use(put, arrays, registry, config, tmp_path):
    encoder = registry.get("backbone", "encoder").build(config)
    lacking = put({name: array for name, array in arrays.items() if "norm" not in name}, "lacking.ckpt")
    with pytest.raises(ZooError, match=r"lacks 4 of the backbone's 5 parameters \(norm\."):
        load_pretrained(encoder, str(lacking))
    (tmp_path / "official.ckpt").write_bytes(peer.torch_bytes(peer.state()))
    with pytest.raises(UsageError, match=r"official.ckpt is a PyTorch file: make a checkpoint of it first"):
        load_pretrained(encoder, str(tmp_path / "official.ckpt"))
    damaged = put(arrays, "damaged.ckpt")
    data = bytearray(damaged.read_bytes())
    where = bytes(data).find(arrays["backbone.conv.weight"].tobytes()[:16])
    data[where] ^= 1
    damaged.write_bytes(data)
    with pytest.raises(ZooError, match="do not match their checksum"):
        load_pretrained(encoder, str(damaged))


def test_reading_a_foreign_file_as_a_checkpoint_says_what_to_do(tmp_path):
    path = tmp_path / "official.ckpt"
    path.write_bytes(peer.torch_bytes(peer.state()))
    with pytest.raises(UsageError, match=r"is a PyTorch file: make a checkpoint of it first \(zoo convert MODEL"):
        checkpoint.read(path)


# --- Licences ---

CARD = Card(
    "c",
    weights=(
        Weights("big-one", ("https://a.invalid/x/big_one_v2.ckpt?download=1",), "a" * 64, license="CC-BY-4.0"),
        Weights("small", ("https://drive.invalid/uc?id=7",)),
    ),
)


def test_the_card_says_the_licence_of_its_weights():
    origin, notes = trace(file(sha256="a" * 64), CARD)
    assert (origin.weights, origin.license, origin.data_license, notes) == ("big-one", "CC-BY-4.0", "unknown", [])
    origin, notes = trace(file(sha256="a" * 64), CARD, "MIT", "CC0")
    assert (origin.license, origin.data_license) == ("CC-BY-4.0", "CC0")
    assert notes == ["--license 'MIT' is not taken: the card says 'CC-BY-4.0' of big-one"]


def test_unknown_weights_have_the_licence_that_is_given():
    assert trace(file(), CARD)[0].license == "unknown"
    origin, notes = trace(file(), CARD, "MIT", "CC0")
    assert (origin.weights, origin.license, origin.data_license, notes) == (None, "MIT", "CC0", [])


@pytest.mark.parametrize("name", ["big_one_v2.ckpt", "Big-One.pth", "big_one.safetensors"])
def test_a_name_of_the_card_with_another_digest_is_said(name):
    (note,) = trace(file(name=name, sha256="b" * 64), CARD)[1]
    assert note == f"this is not the card's big-one in spite of its name: sha256 {'b' * 64}, the card's {'a' * 64}"


def test_a_name_of_the_card_without_a_digest_is_said():
    (note,) = trace(file(name="small.pth"), CARD)[1]
    assert "without a digest" in note
