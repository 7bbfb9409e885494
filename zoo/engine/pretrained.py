"""Weights for a backbone before training (``model.pretrained``)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from registry import NotFoundError, Registry, UsageError, ZooError
from registry.errors import did_you_mean
from zoo.engine import checkpoint
from zoo.engine.foreign import MINDSPORE, recognise_file
from zoo.weights.kept import ABSENT, GOOD, UNCONFIRMED, cache_folder, look
from zoo.weights.offers import named, offers

_PREFIXES = ("", "backbone.")
"""Where an encoder's parameters stand in a file: alone, or inside a network or a part of one."""


def find_pretrained(registry: Registry, source: str) -> Path:
    """The file that ``model.pretrained`` means. Nothing is ever fetched here.

    Args:
        registry: Where the names of published weights are looked up.
        source: A file, or the name of weights that ``zoo download`` has brought.

    Raises:
        NotFoundError: Neither, or those weights are not in the cache; the message says where they come from.
        ZooError: They are in the cache and not as they should be.
    """
    path = Path(source).expanduser()
    if path.is_file():
        return path
    offer = named(registry, source)
    if offer is None:
        near = did_you_mean(source, [each.name for each in offers(registry)])
        raise NotFoundError(
            f"model.pretrained: no file {source!r} and no published weights of that name; give a .ckpt of the "
            f"backbone, a name that zoo download knows, or null for a random start.{near}"
        )
    kept = look(offer, cache_folder(offer))
    fetching = f"zoo download {source}"
    if kept.state == ABSENT:
        places = " or ".join(offer.weights.urls) or "its authors; the card has no address"
        raise NotFoundError(
            f"model.pretrained: the weights {source!r} are not here, and zoo fetches none by itself. They come from "
            f"{places} (licence of the weights: {offer.licenses['weights']}; of the data: {offer.licenses['data']}): "
            f"{fetching}"
        )
    if kept.state == UNCONFIRMED:
        raise ZooError(f"model.pretrained: the digest of {kept.path} was never confirmed: {fetching}")
    if kept.state != GOOD:
        raise ZooError(f"model.pretrained: {kept.path} is damaged (sha256 {kept.sha256}); fetch it again: {fetching}")
    return kept.path


def load_pretrained(backbone: Any, source: str, model: str = "MODEL") -> None:
    """Put the weights of a checkpoint into an encoder.

    Args:
        backbone: The built encoder.
        source: A ``.ckpt`` file: a backbone or a network that ``zoo convert`` wrote, a checkpoint of a training, or
            one that MindSpore wrote, of the encoder alone or of a network that holds it as ``backbone``. What else
            is in the file is left.
        model: Whose backbone it is, for messages.

    Raises:
        NotFoundError: No such file.
        UsageError: The file is another framework's.
        ZooError: The file is no checkpoint, damaged, or lacks a parameter of the encoder.
    """
    path = Path(source).expanduser()
    if not path.is_file():
        raise NotFoundError(
            f"model.pretrained: no file {source!r}; give a .ckpt of the backbone, or null for a random start"
        )
    found = _arrays(path, model)
    names = [p.name for p in backbone.get_parameters()]
    lacking = {prefix: [name for name in names if prefix + name not in found] for prefix in _PREFIXES}
    prefix = min(_PREFIXES, key=lambda each: len(lacking[each]))
    if missing := lacking[prefix]:
        raise ZooError(
            f"model.pretrained: {path} lacks {len(missing)} of the backbone's {len(names)} parameters "
            f"({missing[0]}, ...)"
        )
    checkpoint.load_weights(backbone, {name: found[prefix + name] for name in names}, f"model.pretrained: {path}")


def _arrays(path: Path, model: str) -> Mapping[str, np.ndarray]:
    """Every array of a MindSpore checkpoint by name; one of zoo's is checked against its checksum."""
    kind = recognise_file(path)
    if kind not in (MINDSPORE, None):
        raise UsageError(
            f"model.pretrained: {path} is a {kind} file: make a checkpoint of it first "
            f"(zoo convert {model} {path} NEW.ckpt)"
        )
    import mindspore as ms

    try:
        loaded = ms.load_checkpoint(str(path))
    except Exception as error:
        raise ZooError(f"model.pretrained: {path} is no readable MindSpore checkpoint") from error
    if checkpoint.is_described(loaded):
        return checkpoint.read(path, whole=False).weights
    return {name: value.asnumpy() for name, value in loaded.items() if hasattr(value, "asnumpy")}
