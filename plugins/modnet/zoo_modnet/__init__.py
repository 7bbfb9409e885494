"""MODNet (Ke et al., AAAI 2022) as a zoo plugin: one model, one backbone, an objective for each stage of training."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from zoo import BackboneSpec, Card, ModelSpec, Objective, Weights, ZooError, hookimpl

# MindSpore is imported where something is built, so that listing and help stay quick.


def build_backbone(config: Any) -> Any:
    """MobileNetV2 at width 1.0: five maps at strides 2, 4, 8, 16, 32."""
    from zoo_modnet import mobilenetv2

    return mobilenetv2.build(config)


def build_network(config: Any, backbone: Any) -> Any:
    """MODNet around a built backbone."""
    from zoo_modnet import network

    return network.build(config, backbone)


def build_supervised(network: Any, config: Any) -> Any:
    """Semantic, detail and matte loss, for pictures with a true alpha."""
    from zoo_modnet import objective

    return objective.build(network, config)


def build_soc(network: Any, config: Any) -> Any:
    """Consistency of the outputs, for pictures without alphas: the second stage."""
    from zoo_modnet import soc

    return soc.build(network, config)


_TERMS = ("semantic", "detail", "matte")

_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
"""PyTorch's names in a batch norm, and MindSpore's."""

_ENCODER = ("lr_branch.backbone.model.", "backbone.model.", "backbone.", "")
"""Where files keep the encoder: the reference's network in two places (src/models/modnet.py registers it in the network
and again in its branch), a UNet of thuyngch/Human-Segmentation-PyTorch (models/UNet.py) under ``backbone``, a file of
the encoder alone at the top."""

_NESTED = re.compile(r"(.*features\.\d+)\.conv\.(\d+)\.(\d+)")
"""A layer inside a unit (convolution, norm, activation) of a block, as torchvision's MobileNetV2 nests them."""


def convert(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Names and arrays of the reference's PyTorch files, as this network's.

    Layers are named alike, so only the norms' parts and the encoder's place differ. A file of the whole network gives
    every parameter; one of the encoder alone gives its part. An encoder with torchvision's names (ImageNet) is taken
    too: the same layers, its classifier apart. Names that are not known pass through and will be reported as
    unexpected.

    Args:
        arrays: State of the PyTorch module, ``{"backbone.model.features.0.0.weight": array, ...}``.

    Returns:
        ``{"backbone.features.0.0.weight": array, ...}``, the arrays themselves unchanged.

    Raises:
        ZooError: The encoder is in two places, and they disagree.
    """
    import numpy as np

    norms = {name.removesuffix(".running_mean") for name in arrays if name.endswith(".running_mean")}
    units = _units(arrays)
    converted: dict[str, Any] = {}
    for name, array in arrays.items():
        layer, _, part = name.rpartition(".")
        if part == "num_batches_tracked":
            continue
        # A linear layer and a convolution have weight and bias too; a norm is what has running statistics.
        new = f"{_place(_flat(layer, units))}.{_NORM.get(part, part) if layer in norms else part}".removeprefix(".")
        if new in converted and not np.array_equal(converted[new], array, equal_nan=True):
            raise ZooError(f"the file has {new} twice and the two differ (once as {name}): which one is meant?")
        converted[new] = array
    return converted


def _place(layer: str) -> str:
    for prefix in _ENCODER:
        if layer.startswith(prefix + "features."):
            return "backbone." + layer.removeprefix(prefix)
    return layer


def _units(names: Iterable[str]) -> dict[str, int]:
    """For each block with nested layers the number of its units: 1 without expansion, else 2."""
    units: dict[str, int] = {}
    for name in names:
        if match := _NESTED.match(name):
            units[match[1]] = max(units.get(match[1], 0), int(match[2]) + 1)
    return units


def _flat(layer: str, units: Mapping[str, int]) -> str:
    """A layer's name in torchvision's blocks as in the reference's flat ones; any other name as it is.

    torchvision   conv.0.0 conv.0.1   conv.1.0 conv.1.1   conv.2 conv.3     of a block with two units
    reference     conv.0   conv.1     conv.3   conv.4     conv.6 conv.7     (2 and 5 are the activations)
    """
    if match := _NESTED.fullmatch(layer):
        return f"{match[1]}.conv.{3 * int(match[2]) + int(match[3])}"
    block, _, number = layer.rpartition(".conv.")
    if block in units and number.isdigit():
        return f"{block}.conv.{2 * units[block] + int(number)}"
    return layer


_OPENVINO = "https://storage.openvinotoolkit.org/repositories/open_model_zoo/public/2022.2"
_DRIVE = "https://drive.google.com/uc?export=download&id="

CARD = Card(
    title="MODNet: Real-Time Trimap-Free Portrait Matting via Objective Decomposition",
    paper="https://arxiv.org/abs/2011.11961 (AAAI 2022)",
    authors="Zhanghan Ke, Jiayu Sun, Kaican Li, Qiong Yan, Rynson W.H. Lau",
    code_license="Apache-2.0",
    weights=(
        # Names, places, sizes: Open Model Zoo, models/public/modnet-*/model.yml, a copy of the authors' files (the
        # second place). Licence: README of ZHKKKe/MODNet, "the code, models, and demos".
        Weights(
            "modnet-photographic",
            (
                f"{_OPENVINO}/modnet-photographic-portrait-matting/modnet_photographic_portrait_matting.ckpt",
                f"{_DRIVE}1mcr7ALciuAsHCpLnrtG_eop5-EYhbCmz",
            ),
            sha256="7c22235f0925deba15d4d63e53afcb654c47055bbcd98f56e393ab2584007ed8",
            bytes=26_255_603,
            license="Apache-2.0",
        ),
        Weights(
            "modnet-webcam",
            (
                f"{_OPENVINO}/modnet-webcam-portrait-matting/modnet_webcam_portrait_matting.ckpt",
                f"{_DRIVE}1Nf1ZxeJZJL8Qx9KadcYYyEmmlKhTADxX",
            ),
            sha256="913b82b66558db39b6286c150f809017d7528c872b156eb14333c9c6cb52108b",
            bytes=26_255_603,
            license="Apache-2.0",
        ),
        # The encoder that the authors start from, trained to segment people (thuyngch/Human-Segmentation-PyTorch,
        # says their src/models/backbones/wrapper.py). Its licence and digest are not stated anywhere we could read.
        Weights("mobilenetv2-human-seg", (f"{_DRIVE}1gNJXQPUBBp2mbA4q1Giz5mzv3EpxR7lq",)),
    ),
    intended_use="Cutting people out of photographs and video frames without a trimap or a green screen.",
    limits=(
        "Portraits only: other objects are background. Like other methods without a trimap it loses accuracy on "
        "pictures unlike those it was trained on (the paper's domain shift). The published weights were not trained on "
        "P3M-10k. Users of the authors' code report much worse results from an encoder that starts random "
        "(ZHKKKe/MODNet, issue 164)."
    ),
    parameters=6_487_075,
    macs=15_465_971_712,  # convolutions and linear layers, 512 x 512, without the two training heads
    results=(
        {
            "method": "MODNet",
            "dataset": "PPM-100",
            "split": "test",
            "MSE": 0.0044,
            "MAD": 0.0086,
            "source": "MODNet paper, arXiv 2011.11961v3",
            "setting": "the authors' weights and their private training set, whole image",
            "dialect": "not stated",
        },
        {
            "method": "MODNet",
            "dataset": "P3M-10k",
            "split": "P3M-500-P",
            "SAD": 13.31,
            "MSE": 0.0038,
            "CONN": 10.88,
            "source": "ReChannel paper, table 2, after the IJCV 2023 paper of P3M-10k",
            "setting": "training on P3M-10k presumed, whole image, native resolution",
            "dialect": "not stated",
        },
        {
            "method": "MODNet",
            "dataset": "P3M-10k",
            "split": "P3M-500-NP",
            "SAD": 16.70,
            "MSE": 0.0051,
            "CONN": 13.81,
            "source": "ReChannel paper, table 2, after the IJCV 2023 paper of P3M-10k",
            "setting": "training on P3M-10k presumed, whole image, native resolution",
            "dialect": "not stated",
        },
        {
            "method": "MODNet",
            "dataset": "P3M-10k",
            "split": "P3M-500-P",
            "MSE": 0.0044,
            "MAD": 0.0072,
            "source": "mindspore-ai/models, research/cv/MODNet, README",
            "setting": "an earlier port to MindSpore 1.8, trained on P3M-10k, float prediction at native resolution",
            "dialect": "not stated",
            "rounding": "float",
            "protocol": "mindspore18 512",
        },
        {
            "method": "MODNet",
            "dataset": "P3M-10k",
            "split": "P3M-500-P",
            "SAD": 29.9,
            "MSE": 0.0113,
            "MAD": 0.0174,
            "CONN": 26.6,
            "source": "Matting by Generation (SIGGRAPH 2024), table 1",
            "setting": "480 pictures: 20 ambiguous ones removed; released photographic weights, not trained on P3M-10k",
            "dialect": "not stated",
            "n_images": 480,
        },
        {
            "method": "MODNet",
            "dataset": "P3M-10k",
            "split": "P3M-500-P",
            "MAD": 0.0062,
            "source": "change note of a model hub repository by PotterWhite",
            "setting": "batch normalisation only, 15 epochs; measured at 512 x 512",
            "dialect": "not stated",
            "resolution": "512 x 512",
        },
    ),
)
"""The model card; a value that could not be verified is left empty."""


@hookimpl
def register_models(register: Any) -> None:
    """MODNet with the objectives of its two stages."""
    register(
        ModelSpec(
            "modnet",
            build=build_network,
            card=CARD,
            config=Path(__file__).with_name("default.yaml"),
            objectives={"supervised": Objective(build_supervised, _TERMS), "soc": Objective(build_soc, _TERMS)},
            convert=convert,
        )
    )


@hookimpl
def register_backbones(register: Any) -> None:
    """The encoder that the paper uses."""
    register(BackboneSpec("mobilenetv2", build=build_backbone))
