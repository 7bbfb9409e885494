"""The encoders themselves, three of the cheapest: one that is cut, one whose sequence is opened, one without 1/2."""

import mindspore as ms
import numpy as np
import pytest
import zoo_mindcv
from mindcv.models import create_model
from mindspore import nn

from registry import UsageError


def maps_of(encoder, image):
    return [each.asnumpy() for each in encoder(image)]


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small_075"])
def test_the_same_seed_gives_the_same_weights_whatever_was_drawn_before(name, build):
    first = {p.name: p.asnumpy() for p in build(name, seed=3).get_parameters()}
    np.random.rand(7)
    ms.ops.standard_normal((5,))
    again = {p.name: p.asnumpy() for p in build(name, seed=3).get_parameters()}
    other = {p.name: p.asnumpy() for p in build(name, seed=4).get_parameters()}
    assert list(first) == list(again) == list(other)
    assert all(np.array_equal(first[n], again[n]) for n in first)
    assert not np.array_equal(first[next(iter(first))], other[next(iter(first))])


def test_maps_are_finite_float32_and_follow_the_picture(build, picture):
    for name in ("resnet18", "mobilenet_v3_small_075"):
        row, found = zoo_mindcv.table()[name], maps_of(build(name), picture(64, 96, 2))
        assert [each.shape for each in found] == [
            (2, count, 64 // stride, 96 // stride)
            for count, stride in zip(row["channels"], row["strides"], strict=True)
        ]
        assert all(each.dtype == np.float32 and np.isfinite(each).all() for each in found)


def test_compiled_it_answers_alike(build, picture):
    encoder = build("mobilenet_v3_small_075")
    image = picture(64, 64)
    eager = maps_of(encoder, image)
    compiled = [each.asnumpy() for each in ms.jit(encoder.construct)(image)]
    # Measured: 0 to 5e-7 of the largest value of a map.
    assert all(np.abs(e - c).max() < 1e-5 * np.abs(e).max() for e, c in zip(eager, compiled, strict=True))


def test_every_parameter_has_a_gradient(build, picture):
    encoder = build("mobilenet_v3_small_075")
    encoder.set_train(True)
    weights = ms.ParameterTuple(encoder.trainable_params())
    step = ms.value_and_grad(lambda x: sum((each * each).mean() for each in encoder(x)), None, weights)
    _, gradients = step(picture(64, 64, 2))
    assert all(np.isfinite(g.asnumpy()).all() for g in gradients)
    assert sum(parameter.size for parameter in weights) == zoo_mindcv.table()["mobilenet_v3_small_075"]["parameters"]
    assert [p.name for p, g in zip(weights, gradients, strict=True) if not g.asnumpy().any()] == []


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small_075"])
def test_a_file_of_mindcv_is_taken_as_it_is(name, build, picture, tmp_path):
    from zoo.engine.pretrained import load_pretrained

    classifier = create_model(name)
    ms.save_checkpoint(classifier, str(tmp_path / "published.ckpt"))
    encoder = build(name, seed=9)
    load_pretrained(encoder, str(tmp_path / "published.ckpt"))
    held = {p.name: p.asnumpy() for p in classifier.get_parameters()}
    assert all(np.array_equal(held[p.name], p.asnumpy()) for p in encoder.get_parameters())


def test_inside_a_network_names_get_its_place_and_no_more(build):
    class Network(nn.Cell):
        def __init__(self):
            super().__init__()
            self.backbone = build("mobilenet_v3_small_075")

    alone = [p.name for p in build("mobilenet_v3_small_075").get_parameters()]
    assert len(set(alone)) == len(alone)
    assert [p.name for p in Network().get_parameters()] == [f"backbone.{name}" for name in alone]


def model(backbone):
    from registry import load
    from zoo.config import resolve
    from zoo.engine.build import build_model

    registry = load()
    settings = [f"model.backbone={backbone}", "model.options.hr_channels=8", "model.options.lr_channels=[8,8]"]
    config = resolve(registry.models["modnet"].config, None, settings, [("model.name", "modnet", "test")]).config
    return build_model(registry, config)


def test_modnet_runs_on_one_that_has_the_maps(picture):
    alpha = model("mindcv/mobilenet_v3_small_075")(picture(64, 96)).asnumpy()
    assert alpha.shape == (1, 1, 64, 96)
    assert 0 <= alpha.min() < alpha.max() <= 1


def test_modnet_refuses_one_that_has_not():
    with pytest.raises(UsageError, match=r"needs a backbone with maps at 1/2, 1/4 and 1/32"):
        model("mindcv/convnextv2_atto")
