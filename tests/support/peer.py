"""The network of `tiny_plugin` in PyTorch, its weights as files of every kind, and a plugin that converts them."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

PLUGIN = """
from dataclasses import replace

import tiny_plugin
from zoo import BackboneSpec, Card, ModelSpec, Weights, hookimpl

NORM = {{"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}}


def convert(arrays):
    {extra}
    found = {{}}
    for name, array in arrays.items():
        layer, _, part = name.rpartition(".")
        found[f"{{layer}}.{{NORM[part]}}" if layer.endswith("norm") else name] = array
    return found


WEIGHTS = (
    Weights("pair-one", ["https://weights.invalid/pair_one.pth?v=1"], {digest!r}, None, "CC-BY-4.0", "CC0"),
    Weights("pair-two", ()),
)


@hookimpl
def register_models(register):
    card = Card("Pair", weights=WEIGHTS)
    config = tiny_plugin.Path(tiny_plugin.__file__).with_name("tiny.yaml")
    objectives = {{"supervised": tiny_plugin.Objective(tiny_plugin.build_objective, terms=("everywhere", "unknown"))}}
    register(ModelSpec("pair", tiny_plugin.build, card, config=config, objectives=objectives, convert=convert))
    register(ModelSpec("single", tiny_plugin.build, card, config=config))
    register(ModelSpec("flat", lambda config, backbone: Flat(), card, convert=convert))


class Flat:
    def predict(self, image, trimap=None):
        return image[..., 0] / 255


@hookimpl
def register_backbones(register):
    register(BackboneSpec("encoder", build=tiny_plugin.build_backbone))
"""


def write_plugin(folder: Path, digest: str | None = None, extra: str = "pass") -> Path:
    """A plugin with the models ``pair`` (converts), ``single`` (does not) and ``flat`` (is no network).

    Args:
        folder: Where to.
        digest: sha256 of the card's weights ``pair-one``.
        extra: First statement of its ``convert``.
    """
    file = folder / "pair_plugin.py"
    file.write_text(PLUGIN.format(digest=digest, extra=extra))
    return file


def module(seed: int = 0):
    """A ``torch.nn.Module`` with lively running statistics; ``module(image) -> alpha`` as `tiny_plugin.build`."""
    import torch
    from torch import nn

    class Encoder(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False)
            self.norm = nn.BatchNorm2d(4)

        def forward(self, x):
            return torch.relu(self.norm(self.conv(x)))

    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = Encoder()
            self.head = nn.Conv2d(4, 1, 3, padding=1)

        def forward(self, x):
            y = self.head(self.backbone(x))
            return torch.sigmoid(nn.functional.interpolate(y, size=x.shape[2:], mode="bilinear", align_corners=False))

    torch.manual_seed(seed)
    pair = Pair().eval()
    with torch.no_grad():
        pair.backbone.norm.running_mean.normal_()
        pair.backbone.norm.running_var.uniform_(0.5, 2)
        pair.backbone.norm.weight.normal_()
        pair.backbone.norm.bias.normal_()
    return pair


def state(seed: int = 0) -> dict:
    """Names and tensors of `module`: 7 parameters and one counter of batches."""
    return dict(module(seed).state_dict())


def torch_bytes(thing: object, legacy: bool = False) -> bytes:
    """What ``torch.save`` writes, in the format of today or of before 1.6."""
    import torch

    stream = io.BytesIO()
    torch.save(thing, stream, _use_new_zipfile_serialization=not legacy)
    return stream.getvalue()


def onnx_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    """An ONNX model with these initialisers and one node, as an exporter writes it."""
    from onnx import TensorProto, helper, numpy_helper

    initialisers = [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()]
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("image", "alpha")]
    node = helper.make_node("Identity", ["image"], ["alpha"])
    graph = helper.make_graph([node], "pair", value[:1], value[1:], initializer=initialisers)
    return helper.make_model(graph, producer_name="tests").SerializeToString()
