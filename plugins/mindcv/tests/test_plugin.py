"""What the plugin offers, without building anything."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest
import zoo_mindcv

from registry import NotFoundError, load


@pytest.fixture(scope="module")
def found():
    return load(points=[EntryPoint("mindcv", "zoo_mindcv", "zoo")], strict=True)


def test_every_row_of_the_table_is_a_backbone(found):
    assert list(found.backbones) == [f"mindcv/{name}" for name in zoo_mindcv.table()]
    assert found.get("backbone", "mindcv/resnet50").name == "resnet50"
    assert found.get("backbone", "resnet50") is found.get("backbone", "mindcv/resnet50")


def test_a_network_without_maps_is_refused_by_name_and_the_others_are_listed(found):
    with pytest.raises(NotFoundError, match=r"no backbone named 'mindcv/vgg11'; installed: .*mindcv/resnet50,.*"):
        found.get("backbone", "mindcv/vgg11")


def test_listing_needs_neither_mindcv_nor_mindspore():
    code = (
        "import sys, zoo_mindcv; zoo_mindcv.register_backbones(lambda spec: None);"
        "sys.exit(any(name in sys.modules for name in ('mindcv', 'mindspore', 'numpy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_backbones_carry_their_weights(found):
    named = {name: spec.weights for name, spec in found.backbones.items() if spec.weights}
    assert len(named) == sum(bool(row["url"]) for row in zoo_mindcv.table().values())
    assert named["mindcv/resnet50"] == zoo_mindcv.weights("resnet50")


def test_published_weights_are_named_and_no_digest_is_made_up():
    (weights,) = zoo_mindcv.weights("resnet50")
    assert weights.name == "mindcv-resnet50"
    # MindCV 0.3.0, mindcv/models/resnet.py, default_cfgs.
    assert weights.urls == ("https://download.mindspore.cn/toolkits/mindcv/resnet/resnet50-e0733ab8.ckpt",)
    assert weights.sha256 is None
    assert weights.trained_on == ("ImageNet-1k",)
    assert zoo_mindcv.weights("mobilenet_v3_small_075") == ()  # its default_cfgs entry has an empty url
