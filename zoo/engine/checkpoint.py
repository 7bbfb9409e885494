"""Checkpoints: one ``.ckpt`` file that holds weights, optimizer state and the whole resolved config.

The file is MindSpore's own format, so `mindspore.load_checkpoint` reads it. Network parameters carry their
plain names; what only a training needs has a prefix (``optimizer.``, ``ema.`` for averaged weights, ``objective.`` for
what an objective remembers); one text named ``zoo`` holds a JSON mapping {schema, model, plugin, plugin_version, step,
epoch, best, images, devices, validation_owed, loss_scale, trained_on, config, digest}. Nothing in it depends on the
clock.

A file made by ``zoo convert`` has two more: ``source`` says what it was made of, and ``holds`` whether it is the whole
``network``, its ``backbone`` alone, or some other ``part``. The last two hold no parameter that the source did not
have, and `read` refuses them unless asked, so that nobody evaluates a network of which a part is random.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from registry import NotFoundError, UsageError, ZooError
from zoo.config import Config, from_dict
from zoo.engine import device
from zoo.engine.foreign import MINDSPORE, recognise_file
from zoo.files import flush_folder

SCHEMA = 1
NETWORK, BACKBONE, PART = "network", "backbone", "part"
"""What a checkpoint may hold; one that does not say so holds the network."""

OPTIMIZER, AVERAGE, OBJECTIVE = "optimizer", "ema", "objective"
"""Prefixes of what a training remembers beside the network."""

_META = "zoo"
_PARTS = (OPTIMIZER, AVERAGE, OBJECTIVE)


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint file holds.

    Attributes:
        path: The file.
        meta: The JSON mapping of the module docstring.
        weights: Network parameters by name, as the training left them.
        state: What the training remembers, by prefix and name; empty in ``best.ckpt``.
        sha256: Hex digest of the file.
    """

    path: Path
    meta: Mapping[str, Any]
    weights: Mapping[str, np.ndarray]
    state: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    sha256: str = ""

    @property
    def answers(self) -> Mapping[str, np.ndarray]:
        """The network parameters to answer pictures with: averaged where the training averaged."""
        return {**self.weights, **self.state.get(AVERAGE, {})}

    @property
    def config(self) -> Config:
        """The config the weights were trained with."""
        return from_dict(self.meta["config"], str(self.path))

    @property
    def holds(self) -> str:
        """``network``, ``backbone`` or ``part``."""
        return str(self.meta.get("holds", NETWORK))


def save(
    path: Path,
    weights: Mapping[str, np.ndarray],
    meta: Mapping[str, Any],
    state: Mapping[str, Mapping[str, np.ndarray]] | None = None,
) -> None:
    """Write a checkpoint: aside, flushed, then renamed, so that the previous one stays good until the end.

    Args:
        path: Where to; ends in ``.ckpt``.
        weights: Network parameters by name.
        meta: Everything of the JSON mapping but ``schema`` and ``digest``.
        state: What the training remembers, by prefix and name.

    Raises:
        ZooError: The file cannot be written (disk full, no permission).
    """
    rest = {f"{part}.{name}": array for part, arrays in (state or {}).items() for name, array in arrays.items()}
    write(path, {**weights, **rest}, meta)


def write(path: Path, entries: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> None:
    """`save` for arrays by name, as they shall stand in the file.

    Raises:
        ZooError: As for `save`.
    """
    import mindspore as ms

    described = {"schema": SCHEMA, **meta}
    text = json.dumps({**described, "digest": _digest(entries, described)}, sort_keys=True)
    aside = path.with_name(f".{path.stem}.{os.getpid()}.tmp.ckpt")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        listed = [{"name": name, "data": ms.Tensor(value)} for name, value in entries.items()]
        with _without_logs():
            ms.save_checkpoint(listed, str(aside), append_dict={_META: text})
        os.chmod(aside, 0o644)  # MindSpore leaves its files read-only
        with open(aside, "rb") as file:
            os.fsync(file.fileno())
        os.replace(aside, path)
        flush_folder(path.parent)
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ZooError(f"cannot write checkpoint {path}: {reason}; the previous one is untouched") from error
    finally:
        for left in path.parent.glob(f"{aside.stem}.*"):  # MindSpore has one more name for what it is writing
            left.unlink(missing_ok=True)


@contextmanager
def _without_logs() -> Iterator[None]:
    """Nothing from MindSpore's own log: what goes wrong it raises too, and that is told in one line."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def read(path: Path, whole: bool = True) -> Checkpoint:
    """Read a checkpoint and check that nothing of it was lost or altered.

    Args:
        path: The file.
        whole: Refuse one that does not hold a whole network.

    Raises:
        NotFoundError: No such file.
        UsageError: It holds a part of a network, or another program's weights.
        ZooError: The file is torn, altered, or not one of zoo's.
    """
    if not path.is_file():
        raise NotFoundError(f"no checkpoint {path}")
    kind = recognise_file(path)
    if kind not in (MINDSPORE, None):
        raise UsageError(f"{path} is a {kind} file: make a checkpoint of it first (zoo convert MODEL {path} NEW.ckpt)")
    device.start()
    import mindspore as ms

    try:
        loaded = ms.load_checkpoint(str(path))
    except Exception as error:
        raise ZooError(f"{path} is no readable checkpoint (torn, or another format)") from error
    if not is_described(loaded):
        raise ZooError(f"{path} was not written by zoo: it names no model and config")
    try:
        meta = json.loads(loaded.pop(_META))
        schema, digest = meta["schema"], meta.pop("digest")
    except (ValueError, KeyError, TypeError) as error:
        raise ZooError(f"{path} is damaged: its description cannot be read") from error
    if schema != SCHEMA:
        raise ZooError(f"{path} has checkpoint schema {schema}, this zoo reads {SCHEMA}")
    arrays = {name: value.asnumpy() for name, value in loaded.items()}
    # MindSpore itself loads a file with a flipped byte without a word.
    if _digest(arrays, meta) != digest:
        raise ZooError(f"{path} is damaged: its contents do not match their checksum")
    saved = Checkpoint(
        path=path,
        meta=meta,
        weights={n: a for n, a in arrays.items() if n.partition(".")[0] not in _PARTS},
        state=_parts(arrays),
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )
    if whole and saved.holds != NETWORK:
        raise UsageError(_incomplete(saved))
    return saved


def _parts(arrays: Mapping[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    found: dict[str, dict[str, np.ndarray]] = {}
    for name, array in arrays.items():
        part, _, rest = name.partition(".")
        if part in _PARTS:
            found.setdefault(part, {})[rest] = array
    return found


def is_described(loaded: Mapping[str, Any]) -> bool:
    """Whether what `mindspore.load_checkpoint` gave comes from zoo."""
    return isinstance(loaded.get(_META), str)


def _incomplete(saved: Checkpoint) -> str:
    model = saved.meta["model"]
    if saved.holds == BACKBONE:
        return (
            f"{saved.path} holds the backbone of {model!r} and no more: train with --set model.pretrained={saved.path}"
        )
    have, lack = len(saved.weights), saved.meta["source"]["missing"]
    return (
        f"{saved.path} holds {have} of the {have + lack} parameters of {model!r} (a partial conversion): it can only "
        f"be trained further, zoo train {model} --checkpoint {saved.path}"
    )


def weights_of(network: Any) -> dict[str, np.ndarray]:
    """A network's parameters by name."""
    return {p.name: p.asnumpy() for p in network.get_parameters()}


def load_weights(network: Any, weights: Mapping[str, np.ndarray], origin: str) -> None:
    """Put weights into a network's parameters, all of them or none.

    Raises:
        ZooError: A parameter is missing, unexpected, or of another shape.
    """
    assign({p.name: p for p in network.get_parameters()}, weights, origin)


def load_start(network: Any, saved: Checkpoint) -> int:
    """Put a checkpoint's weights into a network that is about to be trained; a partial one leaves the rest fresh.

    Returns:
        The number of parameters that stay fresh.

    Raises:
        UsageError: The checkpoint holds a backbone alone.
        ZooError: The weights do not fit the network.
    """
    if saved.holds == BACKBONE:
        raise UsageError(_incomplete(saved))
    fresh = {}
    if saved.holds == PART:
        fresh = {n: a for n, a in weights_of(network).items() if n not in saved.weights}
    load_weights(network, {**saved.answers, **fresh}, str(saved.path))
    return len(fresh)


def assign(parameters: Mapping[str, Any], arrays: Mapping[str, np.ndarray], origin: str) -> None:
    """Put arrays into parameters by name, all of them or none.

    Raises:
        ZooError: One is missing, unexpected, or of another shape.
    """
    import mindspore as ms
    from mindspore import ops

    missing = sorted(set(parameters) - set(arrays))
    unexpected = sorted(set(arrays) - set(parameters))
    if missing or unexpected:
        parts = [
            f"{len(n)} {what} ({n[0]}, ...)" for n, what in ((missing, "missing"), (unexpected, "unexpected")) if n
        ]
        raise ZooError(f"{origin} does not fit this network: {' and '.join(parts)} parameters")
    for name, parameter in parameters.items():
        if tuple(parameter.shape) != arrays[name].shape:
            shapes = f"{arrays[name].shape}, the network's {tuple(parameter.shape)}"
            raise ZooError(f"{origin} does not fit this network: {name} has shape {shapes}")
    for name, parameter in parameters.items():
        # Not set_data: a graph compiled from the network would keep its old weights for good.
        ops.assign(parameter, ms.Tensor(arrays[name], dtype=parameter.dtype))


def _digest(arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> str:
    total = hashlib.sha256(json.dumps(meta, sort_keys=True).encode())
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        total.update(array.tobytes())
    return total.hexdigest()
