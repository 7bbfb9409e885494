"""The protocol that looks twice: what is known from half the size, the detail from the full one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from registry import Card, ModelSpec, Plugin, PluginError, UsageError, load
from zoo.config import Config, resolve
from zoo.engine import device, resize
from zoo.engine.load import load_model
from zoo.engine.predictor import Predictor

PLUGIN = str(Path(__file__).parents[2] / "support" / "tiny_plugin.py")


def network(detail_limit=1.0):
    """Left third background, right third foreground, the middle unknown; its detail is the picture's first plane."""
    from mindspore import nn, ops

    class Thirds(nn.Cell):
        def construct(self, image):
            return self.parts(image)[1]

        def parts(self, image):
            n, _, height, width = image.shape
            column = ops.arange(width).astype(image.dtype).reshape((1, 1, 1, width)) / width
            trimap = 0.5 * (column > 1 / 3).astype(image.dtype) + 0.5 * (column > 2 / 3).astype(image.dtype)
            return ops.broadcast_to(trimap, (n, 1, height, width)), image[:, :1] * detail_limit

    return Thirds()


def settings() -> Config:
    """Pictures enter the network as they are, divided by 255."""
    config = resolve(None, None, ("eval.protocol=hybrid", "model.stride=8"), [("model.name", "thirds", "test")]).config
    return replace(config, model=replace(config.model, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)))


def predictor(**options) -> Predictor:
    device.start("CPU")
    config = settings()
    spec = ModelSpec("thirds", build=lambda config, backbone: None, card=Card("thirds"))
    return Predictor(network(**options), config, spec, Plugin("thirds", value="thirds.py"))


def test_known_from_half_and_detail_from_full():
    image = np.random.default_rng(0).integers(1, 255, (64, 96, 3), np.uint8)
    alpha = predictor().predict(image)
    assert alpha.dtype == np.float32
    # Known columns are those that the enlarged map of 48 columns knows exactly: a pixel or two short of the border.
    # The outermost pixels of a map enlarged into zeros are not known either, except where zero is what they say.
    assert np.array_equal(alpha[:, :31], np.zeros((64, 31), np.float32))
    assert np.array_equal(alpha[1:-1, 67:-1], np.ones((62, 28), np.float32))
    # 64 and 96 are multiples of the stride: the second look sees the picture itself, which half the size cannot show.
    assert np.allclose(alpha[:, 36:62], image[:, 36:62, 0] / 255, atol=1e-6)


def test_the_second_look_is_at_the_full_size_and_at_most_1600():
    config = replace(settings(), eval=replace(settings().eval, protocol="full"))
    assert resize.input_size(1080, 1620, config) == (1080, 1600)
    assert resize.input_size(1080, 1620, settings()) == (536, 808)  # 540 and 810, to multiples of 8


def test_a_network_without_parts_is_refused():
    registry = load(only=[], extra=[PLUGIN])
    values = [("model.name", "tiny", "test")]
    config = resolve(registry.get("model", "tiny").config, None, ("eval.protocol=hybrid",), values).config
    with pytest.raises(UsageError, match=r"hybrid looks twice.*tiny has no parts\(image\); protocols for it: cut, "):
        load_model(registry, config, None)


def test_parts_out_of_range_are_the_plugins_fault():
    said = r"plugin thirds \(thirds.py\): parts of 'thirds' answered .* within \[0, 1\]"
    with pytest.raises(PluginError, match=said):
        predictor(detail_limit=3.0).predict(np.full((32, 32, 3), 255, np.uint8))


def test_bench_refuses_it(zoo):
    words = ("--models", "tiny", "--one-process", "--set", "eval.protocol=hybrid", "--output", "out")
    done = zoo("bench", "throughput", *words)
    assert done.code == 1
    assert "tiny was not timed: eval.protocol hybrid looks twice" in done.err
