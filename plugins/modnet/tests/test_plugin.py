"""What the plugin offers, without building anything."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import zoo_modnet

from registry import load


def test_offers_model_and_backbone():
    found = load(points=[EntryPoint("modnet", "zoo_modnet", "zoo")], strict=True)
    assert list(found.models) == ["modnet"]
    assert list(found.backbones) == ["modnet/mobilenetv2"]
    objectives = found.models["modnet"].objectives
    assert {stage: objective.terms for stage, objective in objectives.items()} == {
        "supervised": ("semantic", "detail", "matte"),
        "soc": ("semantic", "detail", "matte"),
    }


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
    assert len(zoo_modnet.CARD.results) == 6
    assert all(row["source"] and row["setting"] for row in zoo_modnet.CARD.results)
