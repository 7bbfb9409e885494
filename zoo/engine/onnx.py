"""The runtime ``onnxruntime``: networks exported to ONNX, checked, kept by checkpoint; see `zoo.engine.runtimes`."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from registry import ZooError
from zoo.config import Config, from_dict
from zoo.engine.checkpoint import Checkpoint
from zoo.engine.exported import Key, backbone_fingerprint, key_of
from zoo.engine.runtime_onnx import CUDA_INSTALL, Session
from zoo.engine.runtimes import Kept, Source
from zoo.export.extra import INSTALL

_CHECKPOINT, _BACKBONE, _DIFFERENCE = "checkpoint", "backbone_fingerprint", "max_difference"
"""Texts that only a kept file has: the checkpoint's description, ..."""


class Runner:
    """A session that knows how far it is from MindSpore."""

    name = Session.name

    def __init__(self, session: Session, max_difference: float) -> None:
        self._session = session
        self.name = session.name
        self.opened_s = session.opened_s
        self.max_difference: float | None = max_difference

    def __call__(self, planes: np.ndarray) -> np.ndarray:
        """(N, 3, h, w) float32 normalised -> (N, 1, h, w) float32 in [0, 1]."""
        return self._session(planes)


def lacking(on_card: bool = False) -> str | None:
    """Why it cannot be used here; None: it can.

    Args:
        on_card: On an NVIDIA card, not on the CPU.
    """
    if on_card:
        try:
            version("onnxruntime-gpu")
        except PackageNotFoundError:
            return f"the package onnxruntime-gpu is not installed: {CUDA_INSTALL}"
        return None
    if importlib.util.find_spec("onnxruntime") is None:
        return f"the package onnxruntime is not installed: {INSTALL}"
    return None


def open_kept(source: Source) -> Kept | None:
    """The export of a checkpoint that an earlier process kept."""
    if source.path is None:
        return None
    digest = hashlib.sha256(source.path.read_bytes()).hexdigest()
    path = key_of(digest, source.spec.name, source.plugin).find()
    if path is None:
        return None
    try:
        session = Session(path, source.card)
    except ZooError:
        if source.card is not None:
            raise
        return None  # written for a newer version of the package: it is made again
    texts = session.texts
    meta = json.loads(texts[_CHECKPOINT])
    backbone = from_dict(meta["config"], str(source.path)).model.backbone
    if texts[_BACKBONE] != backbone_fingerprint(source.registry, backbone, source.plugin.name):
        return None
    return Kept(Runner(session, float(texts[_DIFFERENCE])), Checkpoint(source.path, meta, {}, sha256=digest))


def make(
    source: Source,
    network: Any,
    config: Config,
    meta: Mapping[str, Any] | None,
    again: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> Runner:
    """Export a network and check it; keep the file if the weights come from a checkpoint.

    Args:
        source: The model.
        network: The ``nn.Cell`` with its weights.
        config: Its resolved config.
        meta: The description inside its checkpoint, None for fresh weights.
        again: Try although it was found before that it cannot be done.
        say: Told that it takes a while.

    Raises:
        ZooError: It cannot be exported, or the export answers otherwise than the network.
        UsageError: The package ``onnx`` is not installed.
    """
    from zoo.export.extra import require_onnx

    require_onnx()
    key = key_of(source.sha256, source.spec.name, source.plugin) if source.sha256 is not None else None
    known = key.refusal() if key is not None and not again else None
    if known is not None:
        raise ZooError(known)
    kept = " (once; the file is kept)" if key is not None else ""
    say(f"exporting {source.spec.name} for {Session.name} and checking it{kept}")
    try:
        return _made(source, network, config, meta, key)
    except ZooError as error:
        if key is not None:
            key.refuse(str(error))
        raise


def _made(source: Source, network: Any, config: Config, meta: Mapping[str, Any] | None, key: Key | None) -> Runner:
    from onnx import helper

    from zoo.export.onnx_graph import to_onnx
    from zoo.export.verify import compare, require_agreement

    stride = config.model.stride
    model = to_onnx(network, stride, config.model.name, {})
    session = Session(model.SerializeToString(), source.card)
    worst = require_agreement(network, compare(network, session, stride), stride)
    if key is not None and meta is not None:
        texts = {
            _CHECKPOINT: json.dumps(meta),
            _BACKBONE: backbone_fingerprint(source.registry, config.model.backbone, source.plugin.name),
            _DIFFERENCE: repr(worst),
        }
        helper.set_model_props(model, texts)
        key.keep(model.SerializeToString(deterministic=True))
    return Runner(session, worst)
