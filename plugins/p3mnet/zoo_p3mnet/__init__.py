"""P3M-Net (Li et al., ACM MM 2021) as a zoo plugin: one model, its encoder, one objective."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo import BackboneSpec, Card, ModelSpec, Objective, Weights, ZooError, hookimpl

# MindSpore is imported where something is built, so that listing and help stay quick.


def build_backbone(config: Any) -> Any:
    """ResNet-34 that shrinks by max pooling: six maps at strides 1, 2, 4, 8, 16, 32."""
    from zoo_p3mnet import resnet

    return resnet.build(config)


def build_network(config: Any, backbone: Any) -> Any:
    """P3M-Net around a built backbone."""
    from zoo_p3mnet import network

    return network.build(config, backbone)


def build_supervised(network: Any, config: Any) -> Any:
    """Trimap, detail, fusion and composition loss, for pictures with a true alpha."""
    from zoo_p3mnet import objective

    return objective.build(network, config)


_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
"""PyTorch's names in a batch norm, and MindSpore's."""

_PLACES = (
    (r"resnet\.", "backbone."),
    (r"encoder0\.0\.", "backbone.conv1."),
    (r"encoder0\.1\.", "backbone.bn1."),
    (r"encoder1\.0\.", "backbone.layer1."),
    (r"encoder([234])\.", r"backbone.layer\1."),
    (r"(?=(conv1|bn1|layer[1-4])\.)", "backbone."),
)
"""Where files keep the encoder: the authors' network under ``resnet`` and, as the same tensors, under ``encoder0`` to
``encoder4`` (core/network/P3mNet.py); a file of the encoder alone at the top, as torchvision's ResNet-34 has it."""

_CLASSIFIER = ("resnet.fc.", "fc.")
"""ImageNet's classes: in every file, of no use here."""


def convert(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Names and arrays of the authors' PyTorch files, as this network's.

    Layers are named alike, so only the norms' parts and the encoder's place differ. A file of the whole network gives
    every parameter; one of the encoder alone gives its part. The classifier of the encoder is left out. Names that are
    not known pass through and will be reported as unexpected.

    Args:
        arrays: State of the PyTorch module, ``{"resnet.layer1.0.bn1.weight": array, ...}``.

    Returns:
        ``{"backbone.layer1.0.bn1.gamma": array, ...}``, the arrays themselves unchanged.

    Raises:
        ZooError: The encoder is in two places, and they disagree.
    """
    import numpy as np

    norms = {name.removesuffix(".running_mean") for name in arrays if name.endswith(".running_mean")}
    converted: dict[str, Any] = {}
    for name, array in arrays.items():
        layer, _, part = name.rpartition(".")
        if part == "num_batches_tracked" or name.startswith(_CLASSIFIER):
            continue
        # A convolution has a weight too; a norm is what has running statistics.
        new = _place(f"{layer}.{_NORM.get(part, part) if layer in norms else part}".removeprefix("."))
        if new in converted and not np.array_equal(converted[new], array, equal_nan=True):
            raise ZooError(f"the file has {new} twice and the two differ (once as {name}): which one is meant?")
        converted[new] = array
    return converted


def _place(name: str) -> str:
    for pattern, place in _PLACES:
        new, count = re.subn(rf"^{pattern}", place, name)
        if count:
            return new
    return name


_DRIVE = "https://drive.google.com/uc?export=download&id="

CARD = Card(
    title="P3M-Net: Privacy-Preserving Portrait Matting",
    paper="https://arxiv.org/abs/2104.14222 (ACM MM 2021)",
    authors="Jizhizi Li, Sihan Ma, Jing Zhang, Dacheng Tao",
    code_license="Apache-2.0",
    weights=(
        # Places: README of JizhiziLi/P3M. Licence: README, "this project is under MIT licence"; of the data: the label
        # that the README gives the release agreement. No size or digest is published.
        Weights(
            "p3mnet-p3m10k",
            (f"{_DRIVE}1smX2YQGIpzKbfwDYHAwete00a_YMwoG1",),
            license="MIT",
            data_license="MIT (P3M-10k, by its release agreement)",
        ),
        Weights("resnet34-mp-imagenet", (f"{_DRIVE}18Pt-klsbkiyonMdGi6dytExQEjzBnHwY",), license="MIT"),
    ),
    trained_on=("P3M-10k/train",),
    intended_use="Cutting people out of photographs without a trimap, with faces blurred or not.",
    limits=(
        "Portraits only: other objects are background. The detail counts only where the predicted trimap says unknown; "
        "where it takes a person for background, the alpha is 0. The first map has 64 channels at the input's full "
        "size, so memory grows quickly with it. A user who retrained with the authors' code reports SAD 9.61 on "
        "P3M-500-P, and 15.94 (one GPU) and 13.55 (four) on P3M-500-NP (JizhiziLi/P3M, issue 11)."
    ),
    parameters=38_965_060,
    macs=58_497_957_888,  # convolutions, 512 x 512, without the three training outputs
    results=(
        {
            "method": "P3M-Net (ResNet-34)",
            "dataset": "P3M-10k",
            "split": "P3M-500-P",
            "SAD": 8.73,
            "MSE": 0.0026,
            "source": "README of JizhiziLi/P3M, table 2, B:B",
            "setting": "the authors' weights, trained on P3M-10k, whole image at native resolution",
            "dialect": "p3m",
            "protocol": "half",
        },
        {
            "method": "P3M-Net (ResNet-34)",
            "dataset": "P3M-10k",
            "split": "P3M-500-NP",
            "SAD": 11.23,
            "MSE": 0.0035,
            "source": "ReChannel paper, table 2, after the authors' paper",
            "setting": "the authors' weights, trained on P3M-10k, whole image at native resolution",
            "dialect": "p3m",
            "protocol": "half",
        },
        {
            "method": "P3M-Net (ResNet-34)",
            "dataset": "P3M-10k",
            "split": "P3M-500-P",
            "SAD": 8.8,
            "MSE": 0.0027,
            "MAD": 0.0051,
            "CONN": 8.3,
            "source": "Matting by Generation (SIGGRAPH 2024), table 1",
            "setting": "480 pictures: 20 ambiguous ones removed; the authors' weights, measured again",
            "dialect": "not stated",
            "n_images": 480,
        },
        {
            "method": "P3M-Net (ResNet-34)",
            "dataset": "P3M-10k",
            "split": "P3M-500-P",
            "SAD": 9.61,
            "source": "JizhiziLi/P3M, issue 11",
            "setting": "a user's retraining with the authors' code, one GPU, batch 8",
            "dialect": "not stated",
        },
        {
            "method": "P3M-Net (ResNet-34)",
            "dataset": "P3M-10k",
            "split": "P3M-500-NP",
            "SAD": 15.94,
            "source": "JizhiziLi/P3M, issue 11",
            "setting": "a user's retraining with the authors' code, one GPU, batch 8",
            "dialect": "not stated",
        },
    ),
)
"""The model card; a value that could not be verified is left empty."""


@hookimpl
def register_models(register: Any) -> None:
    """P3M-Net and its objective."""
    register(
        ModelSpec(
            "p3mnet",
            build=build_network,
            card=CARD,
            config=Path(__file__).with_name("default.yaml"),
            objectives={
                "supervised": Objective(build_supervised, ("semantic", "detail", "fusion", "composition")),
            },
            convert=convert,
        )
    )


@hookimpl
def register_backbones(register: Any) -> None:
    """The encoder that the paper uses."""
    register(BackboneSpec("resnet34", build=build_backbone))
