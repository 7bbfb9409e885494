"""Weights for a backbone before training (``model.pretrained``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from registry import NotFoundError, ZooError
from zoo.engine.checkpoint import load_weights

_PREFIXES = ("", "backbone.")
"""Where an encoder's parameters stand in a file: alone, or inside a whole network."""


def load_pretrained(backbone: Any, source: str) -> None:
    """Put the weights of a MindSpore checkpoint into an encoder.

    Args:
        backbone: The built encoder.
        source: A ``.ckpt`` file of the encoder alone or of a network that holds it as ``backbone``. What else
            is in the file is left.

    Raises:
        NotFoundError: No such file.
        ZooError: The file is no checkpoint, or lacks a parameter of the encoder.
    """
    path = Path(source).expanduser()
    if not path.is_file():
        raise NotFoundError(
            f"model.pretrained: no file {source!r}; give a .ckpt of the backbone, or null for a random start"
        )
    import mindspore as ms

    try:
        found = {
            name: value.asnumpy() for name, value in ms.load_checkpoint(str(path)).items() if hasattr(value, "asnumpy")
        }
    except Exception as error:
        raise ZooError(f"model.pretrained: {path} is no readable MindSpore checkpoint") from error
    names = [p.name for p in backbone.get_parameters()]
    for prefix in _PREFIXES:
        if all(prefix + name in found for name in names):
            load_weights(backbone, {name: found[prefix + name] for name in names}, f"model.pretrained: {path}")
            return
    missing = [name for name in names if name not in found]
    raise ZooError(f"model.pretrained: {path} lacks {len(missing)} of the backbone's parameters ({missing[0]}, ...)")
