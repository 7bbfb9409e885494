"""What the plugin offers, without building anything."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import numpy as np
import zoo_modnet

from registry import load


def test_offers_model_and_backbone():
    found = load(points=[EntryPoint("modnet", "zoo_modnet", "zoo")], strict=True)
    assert list(found.models) == ["modnet"]
    assert list(found.backbones) == ["modnet/mobilenetv2"]
    assert found.models["modnet"].objectives["supervised"].terms == ("semantic", "detail", "matte")


def test_import_needs_no_mindspore():
    code = "import sys, zoo_modnet; sys.exit('mindspore' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_defaults_are_the_recipe_of_the_paper(config):
    assert config.model.backbone == "modnet/mobilenetv2"
    assert (config.train.optimizer, config.train.lr, config.train.momentum) == ("sgd", 0.01, 0.9)
    assert (config.train.epochs, config.train.batch_size, config.train.step_epochs, config.train.gamma) == (
        40,
        16,
        10,
        0.1,
    )
    assert (config.data.crop_size, config.eval.short_side, config.model.stride) == (512, 512, 32)


def test_every_result_has_a_source():
    assert len(zoo_modnet.CARD.results) == 4
    assert all(row["source"] and row["setting"] for row in zoo_modnet.CARD.results)


def torch_names(network):
    """The reference's names for the network's parameters, batch norm counters included."""
    norms = {name.removesuffix(".gamma") for name in (p.name for p in network.get_parameters()) if ".gamma" in name}
    parts = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
    for parameter in network.get_parameters():
        layer, _, part = parameter.name.rpartition(".")
        name = f"{layer}.{parts.get(part, part) if layer in norms else part}"
        yield name.replace("backbone.features", "backbone.model.features"), parameter
        if part == "gamma":
            counter = f"{layer}.num_batches_tracked".replace("backbone.features", "backbone.model.features")
            yield counter, None


def test_convert_gives_every_parameter(modnet):
    arrays = {}
    for index, (name, parameter) in enumerate(torch_names(modnet)):
        value = np.int64(7) if parameter is None else np.full(parameter.shape, index, np.float32)
        arrays["module." + name] = value
        if name.startswith("backbone."):  # the reference registers its encoder twice
            arrays["module.lr_branch." + name] = value
    converted = zoo_modnet.convert(arrays)
    expected = {p.name: p.shape for p in modnet.get_parameters()}
    assert {name: array.shape for name, array in converted.items()} == expected
    assert len(modnet.trainable_params()) == 232
    assert len({float(array.flat[0]) for array in converted.values()}) == len(expected)


def test_convert_knows_names_of_the_reference():
    # Spelt out, so that the test above cannot agree with itself on a wrong name.
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
    }
    arrays = {name: np.float32(i) for i, name in enumerate(names)}
    assert zoo_modnet.convert(arrays) == {new: arrays[old] for old, new in names.items()}


def test_convert_takes_an_encoder_alone():
    arrays = {"features.0.1.weight": np.ones(1), "features.0.1.running_mean": np.zeros(1), "head.weight": np.ones(1)}
    assert set(zoo_modnet.convert(arrays)) == {
        "backbone.features.0.1.gamma",
        "backbone.features.0.1.moving_mean",
        "head.weight",
    }
