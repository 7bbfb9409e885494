"""The feature extractors of MindCV as backbones of zoo: ``--set model.backbone=mindcv/resnet50``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from zoo import BackboneSpec, Weights, hookimpl

# MindCV brings MindSpore with it, so it is imported where something is built; names and maps stand in a table.


@cache
def table() -> Mapping[str, Mapping[str, Any]]:
    """What ``python -m zoo_mindcv.tabulate`` found, by MindCV's names of the networks.

    Returns:
        For each network that is offered ``indices``, ``channels`` and ``strides`` of its maps, ``unused`` parts,
        number of ``parameters``, ``url`` of the published weights ("": none).
    """
    found: dict[str, Any] = json.loads(Path(__file__).with_name("table.json").read_text(encoding="utf-8"))
    return found["backbones"]


def build(name: str, config: Any) -> Any:
    """A freshly initialised encoder.

    Args:
        name: MindCV's name of the network.
        config: The resolved config; ``train.seed`` decides the weights.
    """
    from zoo_mindcv import encoder

    return encoder.build(name, table()[name], config.train.seed)


def weights(name: str) -> tuple[Weights, ...]:
    """The weights that MindCV published for a network, as a classifier of ImageNet-1k; none for some.

    Their digests are not published, and the licence of the files is not stated: MindCV's code is Apache-2.0.
    """
    url = table()[name]["url"]
    if not url:
        return ()
    return (Weights(f"mindcv-{name}", (url,), data_license="ImageNet: research only", trained_on=("ImageNet-1k",)),)


@hookimpl
def register_backbones(register: Any) -> None:
    """Every network of MindCV that gives maps."""
    for name in table():
        register(BackboneSpec(name, build=partial(build, name), weights=weights(name)))
