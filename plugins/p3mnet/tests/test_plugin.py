"""What the plugin offers, without building anything."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import zoo_p3mnet

from registry import load


def test_offers_model_and_backbone():
    found = load(points=[EntryPoint("p3mnet", "zoo_p3mnet", "zoo")], strict=True)
    assert list(found.models) == ["p3mnet"]
    assert list(found.backbones) == ["p3mnet/resnet34"]
    assert found.models["p3mnet"].objectives["supervised"].terms == ("semantic", "detail", "fusion", "composition")


def test_import_needs_no_mindspore():
    code = "import sys, zoo_p3mnet; sys.exit('mindspore' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_defaults_are_the_recipe_of_the_authors(default_config):
    # JizhiziLi/P3M: scripts/train.sh, core/train.py, core/data.py, core/config.py, scripts/test_dataset.sh.
    train = default_config.train
    assert (train.optimizer, train.lr, train.betas, train.weight_decay) == ("adam", 1e-5, (0.9, 0.999), 0)
    assert (train.epochs, train.batch_size, train.schedule, train.warmup_steps) == (150, 8, "constant", 0)
    assert (default_config.data.crop_size, default_config.model.stride, default_config.eval.protocol) == (
        512,
        32,
        "half",
    )
    crop, flip = default_config.data.transforms
    # Windows of 512 to 1024 pixels, of 1080.
    assert crop == {"crop": {"min": round(512 / 1080, 2), "max": round(1024 / 1080, 2), "unknown": 0.5}}
    assert flip == {"flip": {"p": 0.5}}
    assert default_config.model.mean == (0.485, 0.456, 0.406)
    assert default_config.model.std == (0.229, 0.224, 0.225)


def test_every_result_has_a_source():
    assert len(zoo_p3mnet.CARD.results) == 5
    assert all(row["source"] and row["setting"] for row in zoo_p3mnet.CARD.results)


def test_nothing_is_invented_about_the_weights():
    assert [weights.name for weights in zoo_p3mnet.CARD.weights] == ["p3mnet-p3m10k", "resnet34-mp-imagenet"]
    assert all(weights.sha256 is None and weights.bytes is None for weights in zoo_p3mnet.CARD.weights)
