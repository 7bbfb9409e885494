"""Official weights: every name of the authors' files finds its parameter, and nothing else does."""

from importlib.metadata import EntryPoint

import numpy as np
import pytest
import zoo_p3mnet

from registry import load
from zoo import ZooError
from zoo.engine.conversion import convert_arrays
from zoo.engine.pretrained import load_pretrained

PARTS = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
"""Entries of a batch norm in PyTorch's state."""


@pytest.fixture(scope="module")
def network(build):
    return build()


@pytest.fixture(scope="module")
def official(peer):
    """A state as in the authors' files; each array is told from every other by its value."""
    state = {}
    values = {}
    for name, value in peer.P3mNet(8).state_dict().items():
        number = values.setdefault(value.data_ptr(), len(values))  # the encoder is there twice
        state[name] = np.full(value.shape, number, np.float32 if value.dtype.is_floating_point else np.int64)
    return state


@pytest.fixture(scope="module")
def match(network):
    """Convert arrays for the network."""
    found = load(points=[EntryPoint("p3mnet", "zoo_p3mnet", "zoo")], strict=True)

    def run(arrays):
        return convert_arrays(found.get("model", "p3mnet"), found.owner("model", "p3mnet"), network, arrays)

    return run


def encoder_of(official):
    """The encoder's own file, with its classifier."""
    return {n.removeprefix("resnet."): array for n, array in official.items() if n.startswith("resnet.")}


@pytest.mark.parametrize("prefix", ["", "module."])
def test_the_whole_network(official, match, network, prefix):
    found = match({prefix + name: array for name, array in official.items()})
    assert found.holds == "network"
    assert (len(found.missing), len(found.unexpected), len(found.shapes)) == (0, 0, 0)
    assert found.ignored == 74 + 36  # a counter for each batch norm, for each of the encoder's once more
    assert set(found.weights) == {p.name for p in network.get_parameters()}
    assert len({array.flat[0] for array in found.weights.values()}) == len(found.weights), "each has its own array"


def test_names_of_the_authors():
    # Spelt out, so that the test above cannot agree with itself on a wrong name (JizhiziLi/P3M, core/network).
    names = {
        "resnet.conv1.weight": "backbone.conv1.weight",
        "resnet.bn1.weight": "backbone.bn1.gamma",
        "resnet.bn1.running_mean": "backbone.bn1.moving_mean",
        "resnet.layer2.0.downsample.1.bias": "backbone.layer2.0.downsample.1.beta",
        "resnet.layer2.0.downsample.1.running_mean": "backbone.layer2.0.downsample.1.moving_mean",
        "encoder1.0.2.conv1.weight": "backbone.layer1.2.conv1.weight",
        "encoder4.2.conv2.weight": "backbone.layer4.2.conv2.weight",
        "layer3.5.conv1.weight": "backbone.layer3.5.conv1.weight",
        "decoder4_g.0.bias": "decoder4_g.0.bias",
        "decoder4_g.1.bias": "decoder4_g.1.beta",
        "decoder4_g.1.running_mean": "decoder4_g.1.moving_mean",
        "refinemodule3.transform.weight": "refinemodule3.transform.weight",
        "residualmodule2_s.conv2.weight": "residualmodule2_s.conv2.weight",
        "lonely": "lonely",
    }
    arrays = {name: np.float32(i) for i, name in enumerate(names)}
    without = {"resnet.fc.weight": np.float32(0), "fc.bias": np.float32(0), "x.num_batches_tracked": np.int64(3)}
    assert zoo_p3mnet.convert({**arrays, **without}) == {new: arrays[old] for old, new in names.items()}


def test_the_first_stage_in_its_second_place():
    # encoder0 is convolution, norm and ReLU in a row.
    names = {
        "encoder0.0.weight": "backbone.conv1.weight",
        "encoder0.1.weight": "backbone.bn1.gamma",
        "encoder0.1.running_mean": "backbone.bn1.moving_mean",
        "encoder0.1.running_var": "backbone.bn1.moving_variance",
    }
    arrays = {name: np.float32(i) for i, name in enumerate(names)}
    assert zoo_p3mnet.convert(arrays) == {new: arrays[old] for old, new in names.items()}


def test_encoders_that_disagree_are_refused(official, match):
    name = "encoder2.3.bn1.running_var"
    with pytest.raises(ZooError, match=r"has backbone\.layer2\.3\.bn1\.moving_variance twice and the two differ"):
        match({**official, name: official[name] + 1})


def test_the_encoder_alone(official, match):
    state = encoder_of(official)
    assert list(state)[:3] == ["conv1.weight", "bn1.weight", "bn1.bias"]
    found = match(state)
    assert found.holds == "backbone"
    assert not found.unexpected
    assert len(found.weights) == 36 * 5  # convolution and norm, 36 times


def test_the_encoder_is_torchvision_s_by_name_and_shape(official):
    # torchvision 0.x, models/resnet.py: conv1, bn1, layerL.B.{conv1,bn1,conv2,bn2,downsample.0,downsample.1}, fc;
    # blocks 3, 4, 6, 3; a downsample where the number of channels changes. Only the strides differ, which no weight
    # shows.
    names = {"conv1.weight"} | {f"bn1.{part}" for part in PARTS}
    for layer, blocks in enumerate((3, 4, 6, 3), 1):
        for block in range(blocks):
            start = f"layer{layer}.{block}"
            names |= {f"{start}.conv{k}.weight" for k in (1, 2)} | {f"{start}.bn{k}.{p}" for k in (1, 2) for p in PARTS}
        if layer > 1:
            names |= {f"layer{layer}.0.downsample.0.weight"} | {f"layer{layer}.0.downsample.1.{p}" for p in PARTS}
    assert set(encoder_of(official)) == names | {"fc.weight", "fc.bias"}


def test_the_encoder_alone_from_the_command_line(official, config, tmp_path, capsys):
    import torch

    from zoo.cli import run

    state = {name: torch.tensor(array) for name, array in encoder_of(official).items()}
    torch.save(state, tmp_path / "r34mp_pretrained_imagenet.pth.tar")
    source, dest = str(tmp_path / "r34mp_pretrained_imagenet.pth.tar"), str(tmp_path / "encoder.ckpt")
    assert run(["convert", "p3mnet", source, dest, "--set", "model.options.encoder_width=8", "--quiet"]) == 0
    assert "matched     180 of 421 parameters" in capsys.readouterr().out
    encoder = zoo_p3mnet.build_backbone(config)
    load_pretrained(encoder, dest)
    assert (encoder.layer4[2].bn2.moving_variance.asnumpy() == official["encoder4.2.bn2.running_var"]).all()
