"""The one way from a picture to its alpha."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from disc_set import disc

from registry import Card, ModelSpec, Plugin, PluginError, ShapeError, load
from zoo.config import Config, resolve
from zoo.engine import checkpoint
from zoo.engine.load import load_model
from zoo.engine.macs import count_macs, count_parameters
from zoo.engine.predictor import COMPILE_AFTER, MAX_GRAPHS, Predictor

PLUGIN = str(Path(__file__).parents[2] / "support" / "tiny_plugin.py")


@pytest.fixture
def predictor() -> Predictor:
    registry = load(only=[], extra=[PLUGIN])
    config = resolve(registry.get("model", "tiny").config, values=[("model.name", "tiny", "test")]).config
    return load_model(registry, config, None).predictor


def test_alpha_has_the_size_of_the_picture(predictor):
    for height, width in ((48, 64), (33, 57), (1, 40), (200, 30)):
        image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
        alpha = predictor.predict(image)
        assert alpha.shape == (height, width)
        assert alpha.dtype == np.float32
        assert 0 <= alpha.min() <= alpha.max() <= 1
        assert np.array_equal(alpha, predictor.predict(image))


def test_many_sizes_are_not_compiled(predictor):
    for width in range(40, 40 + 2 * COMPILE_AFTER):
        predictor.predict(disc(0, 32, 8 * width)[0])
    assert not predictor._compiled


def test_a_common_size_is_compiled_and_a_few_only(predictor):
    shapes = [(1, 3, 32, 32 + 8 * i) for i in range(MAX_GRAPHS + 1)]
    for shape in shapes:
        planes = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        eager = predictor.forward(planes)
        for _ in range(COMPILE_AFTER):
            late = predictor.forward(planes)
        assert np.allclose(eager, late, atol=1e-6)
    assert predictor._compiled == set(shapes[:MAX_GRAPHS])


def test_new_weights_are_seen_by_the_compiled_graph(predictor):
    """MindSpore's graphs keep the weights of their first call unless these are changed by assignment."""
    image = disc(0)[0]
    planes = predictor.prepare(image)
    predictor.compile(planes)
    before = predictor.forward(planes)
    weights = {p.name: p.asnumpy() for p in predictor.network.get_parameters()}
    checkpoint.load_weights(predictor.network, {**weights, "head.bias": weights["head.bias"] + 3}, "test")
    after = predictor.forward(planes)
    odds = np.log(after / (1 - after)) - np.log(before / (1 - before))
    assert np.allclose(odds, 3, atol=1e-2)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),
        [[1]],
    ],
)
def test_what_is_no_picture_is_refused(predictor, image):
    with pytest.raises(ShapeError, match="image"):
        predictor.predict(image)


class Answer:
    def __init__(self, answer):
        self.answer = answer

    def predict(self, image, trimap=None):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (np.zeros((3, 3)), r"shape \(3, 3\), expected \(4, 5\)"),
        (np.full((4, 5), 1.5), r"alphas from 1\.5 to 1\.5"),
        (np.full((4, 5), np.nan), "must lie in"),
        (np.full((4, 5), -0.1), "must lie in"),
        (KeyError("x"), "KeyError: 'x'"),
    ],
)
def test_a_plugin_that_answers_nonsense_is_named(answer, says):
    spec = ModelSpec("odd", build=print, card=Card("t"))
    predictor = Predictor(Answer(answer), Config(), spec, Plugin("odd", "zoo-odd", "1.0"))
    with pytest.raises(PluginError, match=r"plugin odd \(zoo-odd 1\.0\).*" + says):
        predictor.predict(np.zeros((4, 5, 3), np.uint8))


def test_parameters_and_macs_by_hand(predictor):
    # 3x3 convolutions: 3 -> 4 at half size without bias, batch norm of 4, 4 -> 1 at half size with bias.
    assert count_parameters(predictor.network) == 108 + 8 + 36 + 1
    planes = np.zeros((1, 3, 32, 48), np.float32)
    assert count_macs(predictor.network, planes) == 16 * 24 * (4 * 27 + 36)
