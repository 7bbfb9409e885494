"""From a model with its weights to the bytes of a file for other programs, with a certificate of what was checked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from registry import UsageError
from zoo.config import Config
from zoo.engine.protocol import label
from zoo.export import mindir
from zoo.export.onnx_graph import ALPHA, OPSET, to_onnx
from zoo.export.sheet import IMAGE
from zoo.export.verify import CASES, TOLERANCE, compare, require_agreement
from zoo.version import versions, zoo_version

SCHEMA = 1


@dataclass(frozen=True)
class Handed:
    """A file for other programs.

    Attributes:
        data: Its bytes.
        certificate: {schema, model, format, size, input, output, mean, std, stride, sha256, bytes, checkpoint_sha256,
            checks, max_difference, tolerance, versions, licences}. ``checks`` is empty if nothing was compared.
    """

    data: bytes
    certificate: Mapping[str, Any]


def about(config: Config, plugin: str, checkpoint_sha256: str | None, licences: Mapping[str, str]) -> dict[str, str]:
    """What a file says of itself, as texts by name.

    Args:
        config: Whole resolved config of the model.
        plugin: Name and version of its plugin.
        checkpoint_sha256: Hex digest of the checkpoint, None for fresh weights.
        licences: Of the code, the weights and their data, as far as they are known.
    """
    model, size = config.model, label(config.eval.protocol, config.eval.short_side)
    return {
        "model": model.name,
        "plugin": plugin,
        "backbone": model.backbone or "",
        "input": f"{IMAGE}: (N, 3, H, W) float32, (RGB in [0, 1] - mean) / std; H and W multiples of stride",
        "output": f"{ALPHA}: (N, 1, H, W) float32 in [0, 1]",
        "stride": str(model.stride),
        "mean": json.dumps(list(model.mean)),
        "std": json.dumps(list(model.std)),
        "size_rule": size,
        "checkpoint_sha256": checkpoint_sha256 or "",
        "zoo_version": zoo_version(),
        **{f"licence_of_{what}": text for what, text in licences.items()},
    }


def hand_over_onnx(
    network: Any,
    config: Config,
    texts: Mapping[str, str],
    verify: bool = True,
    size: tuple[int, int] | None = None,
) -> Handed:
    """A network as an ONNX file.

    Args:
        network: An ``nn.Cell`` in evaluation mode, with its weights.
        config: Its resolved config.
        texts: What the file says of itself, see `about`.
        verify: Compare with the network in ONNX Runtime; needs the package.
        size: Height and width of the input, which then is one picture; None: batch, height and width are open.

    Raises:
        ZooError: It cannot be written in ONNX, or answers otherwise than the network.
        UsageError: A package of the extra ``onnx`` is not installed.
    """
    from onnx import helper

    stride, name = config.model.stride, config.model.name
    model = to_onnx(network, stride, name, texts, size)
    checks: list[dict[str, Any]] = []
    if verify:
        from zoo.engine.runtime_onnx import Session

        session = Session(model.SerializeToString())
        cases = CASES if size is None else ((1, size[0] // stride, size[1] // stride),)
        checks = compare(network, session, stride, cases)
        require_agreement(network, checks, stride)
    helper.set_model_props(model, {**texts, "checks": json.dumps(checks), "tolerance": str(TOLERANCE)})
    shape = ["batch", 3, "height", "width"] if size is None else [1, 3, *size]
    return _handed(model.SerializeToString(deterministic=True), "onnx", f"opset {OPSET}", shape, config, texts, checks)


def hand_over_mindir(
    network: Any, config: Config, texts: Mapping[str, str], height: int, width: int, verify: bool = True
) -> Handed:
    """A network as a MINDIR file for one picture of one size; MindSpore keeps no open sizes here.

    Args:
        network: An ``nn.Cell`` in evaluation mode, with its weights.
        config: Its resolved config.
        texts: What the file says of itself, see `about`.
        height: Of the input, a multiple of the stride.
        width: Of the input.
        verify: Load the file again and compare it with the network.

    Raises:
        ZooError: MindSpore makes no graph of it, or the file answers otherwise than the network.
    """
    data = mindir.described(mindir.export(network, (1, 3, height, width)), texts)
    checks: list[dict[str, Any]] = []
    if verify:
        checks = compare(network, mindir.loaded(data), 1, cases=((1, height, width),))
        require_agreement(network, checks, config.model.stride)
    return _handed(data, "mindir", "fixed size", [1, 3, height, width], config, texts, checks)


def _handed(
    data: bytes,
    kind: str,
    form: str,
    shape: list[Any],
    config: Config,
    texts: Mapping[str, str],
    checks: list[dict[str, Any]],
) -> Handed:
    certificate = {
        "schema": SCHEMA,
        "format": kind,
        "form": form,
        "shape": shape,
        **texts,
        "mean": list(config.model.mean),
        "std": list(config.model.std),
        "stride": config.model.stride,
        "checks": checks,
        "max_difference": max((case["max"] for case in checks), default=None),
        "tolerance": TOLERANCE,
        "verified": bool(checks),
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "versions": versions(),
    }
    return Handed(data, certificate)


def check_size(height: int, width: int, stride: int) -> None:
    """Refuse a size that the network does not take.

    Raises:
        UsageError: A side is no multiple of the stride.
    """
    if height % stride or width % stride or min(height, width) < stride:
        raise UsageError(f"--size {height}x{width}: both sides must be multiples of {stride}")
