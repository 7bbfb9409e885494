"""Official weights: every name of the authors' files finds its parameter, and nothing else does."""

import io
import json

import numpy as np
import pytest
import torch
import zoo_modnet

from registry import load
from zoo import UsageError, ZooError
from zoo.cli import run
from zoo.engine import checkpoint
from zoo.engine.conversion import convert_arrays
from zoo.engine.pretrained import load_pretrained

PARTS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}


@pytest.fixture(scope="module")
def official(modnet):
    """The state of the authors' network as in their files, counters and both places of the encoder included.

    Each array is told from every other by its value.
    """
    norms = {p.name.removesuffix(".gamma") for p in modnet.get_parameters() if p.name.endswith(".gamma")}
    state = {}
    for index, parameter in enumerate(modnet.get_parameters()):
        layer, _, part = parameter.name.rpartition(".")
        name = f"{layer}.{PARTS[part] if layer in norms else part}"
        state[name.replace("backbone.", "backbone.model.")] = np.full(parameter.shape, index, np.float32)
        if part == "gamma":
            state[f"{layer}.num_batches_tracked".replace("backbone.", "backbone.model.")] = np.int64(7)
    twins = {f"lr_branch.{name}": array for name, array in state.items() if name.startswith("backbone.")}
    return {**state, **twins}


@pytest.fixture(scope="module")
def match(modnet):
    """Convert arrays for the network."""
    from importlib.metadata import EntryPoint

    found = load(points=[EntryPoint("modnet", "zoo_modnet", "zoo")], strict=True)

    def run(arrays):
        return convert_arrays(found.get("model", "modnet"), found.owner("model", "modnet"), modnet, arrays)

    return run


def encoder_of(official):
    """The encoder's own file: ``self.model.load_state_dict`` of the authors' wrapper.py takes exactly these."""
    start = "backbone.model."
    return {name.removeprefix(start): array for name, array in official.items() if name.startswith(start)}


@pytest.mark.parametrize("prefix", ["", "module."])
def test_the_whole_network(official, match, modnet, prefix):
    found = match({prefix + name: array for name, array in official.items()})
    assert found.holds == "network"
    assert (len(found.weights), len(found.missing), len(found.unexpected), len(found.shapes)) == (370, 0, 0, 0)
    assert found.ignored == 69 + 52  # a counter for each batch norm, for each of the encoder's once more
    for index, parameter in enumerate(modnet.get_parameters()):
        assert np.array_equal(found.weights[parameter.name], np.full(parameter.shape, index, np.float32))


def test_names_of_the_reference():
    # Spelt out, so that the test above cannot agree with itself on a wrong name (ZHKKKe/MODNet, src/models).
    names = {
        "backbone.model.features.0.1.running_var": "backbone.features.0.1.moving_variance",
        "backbone.model.features.0.1.running_mean": "backbone.features.0.1.moving_mean",
        "backbone.model.features.0.1.weight": "backbone.features.0.1.gamma",
        "backbone.model.features.17.conv.6.weight": "backbone.features.17.conv.6.weight",
        "lr_branch.se_block.fc.2.weight": "lr_branch.se_block.fc.2.weight",
        "lr_branch.conv_lr16x.layers.0.bias": "lr_branch.conv_lr16x.layers.0.bias",
        "lr_branch.conv_lr16x.layers.1.bnorm.running_mean": "lr_branch.conv_lr16x.layers.1.bnorm.moving_mean",
        "lr_branch.conv_lr16x.layers.1.bnorm.bias": "lr_branch.conv_lr16x.layers.1.bnorm.beta",
        "hr_branch.conv_hr2x.3.layers.0.weight": "hr_branch.conv_hr2x.3.layers.0.weight",
        "f_branch.conv_f.1.layers.0.bias": "f_branch.conv_f.1.layers.0.bias",
        "lonely": "lonely",
    }
    arrays = {name: np.float32(i) for i, name in enumerate(names)}
    assert zoo_modnet.convert(arrays) == {new: arrays[old] for old, new in names.items()}


def test_encoders_that_disagree_are_refused(official, match):
    name = "lr_branch.backbone.model.features.3.conv.4.running_var"
    changed = {**official, name: official[name] + 1}
    with pytest.raises(ZooError, match=r"has backbone\.features\.3\.conv\.4\.moving_variance twice and the two differ"):
        match(changed)


def test_the_encoder_alone(official, match):
    state = encoder_of(official)
    assert list(state)[:3] == ["features.0.0.weight", "features.0.1.running_mean", "features.0.1.running_var"]
    found = match(state)
    assert found.holds == "backbone"
    assert (len(found.weights), len(found.unexpected), found.ignored) == (260, 0, 52)
    with_classifier = match({**state, "classifier.1.weight": np.zeros((1000, 1280), np.float32)})
    assert (with_classifier.holds, list(with_classifier.unexpected)) == ("backbone", ["classifier.1.weight"])


def test_the_encoder_inside_a_segmentation_network(official, match):
    # thuyngch/Human-Segmentation-PyTorch, models/UNet.py: self.backbone, self.decoder1 to 4, self.conv_last.
    state = {f"backbone.{name}": array for name, array in encoder_of(official).items()}
    decoder = {"decoder1.deconv.weight": np.zeros((1280, 96, 4, 4)), "conv_last.0.bias": np.zeros(3)}
    found = match({**state, **decoder})
    assert (found.holds, len(found.weights)) == ("backbone", 260)
    assert list(found.unexpected) == list(decoder)


def torchvision_names():
    """Layers of torchvision's MobileNetV2 and of the authors', written down from both sources.

    torchvision 0.x, models/mobilenetv2.py: a unit (convolution, norm, activation) is a module of its own. Block 1 does
    not expand, so it has one unit before the last convolution; blocks 2 to 17 have two.
    """
    pairs = {f"features.{block}.{part}": f"features.{block}.{part}" for block in (0, 18) for part in (0, 1)}
    one = {"0.0": 0, "0.1": 1, "1": 3, "2": 4}
    two = {"0.0": 0, "0.1": 1, "1.0": 3, "1.1": 4, "2": 6, "3": 7}
    for block in range(1, 18):
        for theirs, ours in (one if block == 1 else two).items():
            pairs[f"features.{block}.conv.{theirs}"] = f"features.{block}.conv.{ours}"
    return pairs


def test_an_encoder_with_the_names_of_torchvision(official, match):
    state = encoder_of(official)
    names = {ours: theirs for theirs, ours in torchvision_names().items()}
    renamed = {}
    for name, array in state.items():
        layer, _, part = name.rpartition(".")
        renamed[f"{names[layer]}.{part}"] = array
    assert len(renamed) == len(state) == 312
    assert {"features.1.conv.1.weight", "features.2.conv.1.0.weight", "features.17.conv.3.running_var"} < set(renamed)
    found, expected = match(renamed), match(state)
    assert found.holds == "backbone"
    assert not found.unexpected
    for name, array in expected.weights.items():
        assert np.array_equal(found.weights[name], array), name


def test_other_widths_have_other_shapes(official, match):
    name = "f_branch.conv_f.1.layers.0.weight"
    found = match({**official, name: np.zeros((1, 8, 1, 1), np.float32)})
    assert found.shapes == {name: ((1, 8, 1, 1), (1, 16, 1, 1))}


def save(path, state):
    stream = io.BytesIO()
    torch.save({name: torch.from_numpy(np.array(array)) for name, array in state.items()}, stream)
    path.write_bytes(stream.getvalue())


def test_from_the_command_line(official, tmp_path, monkeypatch, capsys, config, build):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    save(tmp_path / "modnet_photographic_portrait_matting.ckpt", {f"module.{n}": a for n, a in official.items()})
    words = ["convert", "modnet", "modnet_photographic_portrait_matting.ckpt", "whole.ckpt", "--json", "--quiet"]
    assert run(words) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["holds"], len(report["matched"]), report["license"]) == ("network", 370, "unknown")
    assert report["notes"][0].startswith("this is not the card's modnet-photographic in spite of its name")
    saved = checkpoint.read(tmp_path / "whole.ckpt")
    assert saved.config.model.backbone == "modnet/mobilenetv2"
    network = build(config)
    checkpoint.load_weights(network, saved.weights, "test")

    save(tmp_path / "mobilenetv2_human_seg.ckpt", encoder_of(official))
    assert run(["convert", "modnet", "mobilenetv2_human_seg.ckpt", "encoder.ckpt", "--quiet"]) == 0
    out = capsys.readouterr().out
    assert "matched     260 of 370 parameters" in out
    assert "the card names mobilenetv2-human-seg without a digest" in out
    encoder = zoo_modnet.build_backbone(config)
    load_pretrained(encoder, "encoder.ckpt")
    found = {p.name: p.asnumpy() for p in encoder.get_parameters()}
    assert np.array_equal(
        found["features.17.conv.7.moving_variance"], network.backbone.features[17].conv[7].moving_variance.asnumpy()
    )
    with pytest.raises(UsageError, match="holds the backbone of 'modnet' and no more"):
        checkpoint.read(tmp_path / "encoder.ckpt")


def test_the_card_lists_the_official_files():
    named = {weights.name: weights for weights in zoo_modnet.CARD.weights}
    assert list(named) == ["modnet-photographic", "modnet-webcam", "mobilenetv2-human-seg"]
    # Open Model Zoo, models/public/modnet-*/model.yml.
    assert named["modnet-photographic"].bytes == named["modnet-webcam"].bytes == 26_255_603
    assert named["mobilenetv2-human-seg"].sha256 is None
