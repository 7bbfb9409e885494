"""MODNet (Ke et al., AAAI 2022) as a zoo plugin: one model, one backbone, one objective."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo import BackboneSpec, Card, ModelSpec, Objective, Weights, hookimpl

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


_NORM = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
"""PyTorch's names in a batch norm, and MindSpore's."""

_ENCODER = ("lr_branch.backbone.model.", "backbone.model.", "")
"""Where the reference keeps the encoder: in two places of a network's file, at the top of the encoder's own."""


def convert(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Names and arrays of the reference's PyTorch files, as this network's.

    Layers are named alike, so only the norms' parts and the encoder's place differ. A file of the whole network, with
    or without the ``module.`` of a parallel wrapper, gives every parameter; one of the encoder alone gives its part.
    Names that are not known pass through and will be reported as unexpected when loaded.

    Args:
        arrays: State of the PyTorch module, ``{"backbone.model.features.0.0.weight": array, ...}``.

    Returns:
        ``{"backbone.features.0.0.weight": array, ...}``, the arrays themselves unchanged.
    """
    plain = {name.removeprefix("module."): array for name, array in arrays.items()}
    norms = {name.removesuffix(".running_mean") for name in plain if name.endswith(".running_mean")}
    converted = {}
    for name, array in plain.items():
        layer, _, part = name.rpartition(".")
        if part == "num_batches_tracked":
            continue
        converted[f"{_place(layer)}.{_NORM.get(part, part) if layer in norms else part}"] = array
    return converted


def _place(layer: str) -> str:
    for prefix in _ENCODER:
        if layer.startswith(prefix + "features."):
            return "backbone." + layer.removeprefix(prefix)
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
            "dataset": "PPM-100",
            "MSE": 0.0044,
            "MAD": 0.0086,
            "source": "MODNet paper, arXiv 2011.11961v3",
            "setting": "the authors' weights and their private training set, whole image",
        },
        {
            "dataset": "P3M-10k",
            "split": "P3M-500-P",
            "SAD": 13.31,
            "MSE": 0.0038,
            "CONN": 10.88,
            "source": "ReChannel paper, table 2, after the IJCV 2023 paper of P3M-10k",
            "setting": "training on P3M-10k presumed, whole image, native resolution",
        },
        {
            "dataset": "P3M-10k",
            "split": "P3M-500-NP",
            "SAD": 16.70,
            "MSE": 0.0051,
            "CONN": 13.81,
            "source": "ReChannel paper, table 2, after the IJCV 2023 paper of P3M-10k",
            "setting": "training on P3M-10k presumed, whole image, native resolution",
        },
        {
            "dataset": "P3M-10k",
            "split": "P3M-500-P",
            "MSE": 0.0044,
            "MAD": 0.0072,
            "source": "mindspore-ai/models, research/cv/MODNet, README",
            "setting": "an earlier port to MindSpore, trained on P3M-10k, float prediction at native resolution",
        },
    ),
)
"""The model card; a value that could not be verified is left empty."""


@hookimpl
def register_models(register: Any) -> None:
    """MODNet with its published objective."""
    register(
        ModelSpec(
            "modnet",
            build=build_network,
            card=CARD,
            config=Path(__file__).with_name("default.yaml"),
            objectives={"supervised": Objective(build_supervised, terms=("semantic", "detail", "matte"))},
            convert=convert,
        )
    )


@hookimpl
def register_backbones(register: Any) -> None:
    """The encoder that the paper uses."""
    register(BackboneSpec("mobilenetv2", build=build_backbone))
