"""What can run a network beside MindSpore, and which of them a command gets.

A runtime is a module with three functions:

    lacking(on_card)       why it cannot be used here, in a clause; None: it can. Cheap, imports nothing heavy.
    open_kept(source)      what answers for a checkpoint, made by an earlier process; None: nothing was made yet.
                           Imports no MindSpore: so a picture is answered in the time of the runtime alone.
    make(source, network)  what answers for a network, checked against it, and kept if it has a checkpoint. ZooError:
                           the runtime cannot run this network.

What answers is a `Runner`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from registry import ModelSpec, Plugin, Registry, UsageError, ZooError
from zoo.engine import device as devices
from zoo.engine.checkpoint import Checkpoint

MINDSPORE, AUTO = "mindspore", "auto"

RUNTIMES: Mapping[str, str] = MappingProxyType({"onnxruntime": "zoo.engine.onnx"})
"""Modules of the runtimes beside MindSpore, the fastest first."""

CHOICES = (AUTO, MINDSPORE, *RUNTIMES)
"""What ``--runtime`` takes."""


class Runner(Protocol):
    """Answers in place of a network.

    Attributes:
        name: Of the runtime, as reports have it.
        opened_s: Seconds that opening took.
        max_difference: Largest difference to MindSpore that was found when it was made; None: not known.
    """

    name: str
    opened_s: float
    max_difference: float | None

    def __call__(self, planes: np.ndarray) -> np.ndarray:
        """(N, 3, h, w) float32 normalised -> (N, 1, h, w) float32 in [0, 1]."""


@dataclass(frozen=True)
class Source:
    """A model that wants a runtime.

    Attributes:
        registry: Where names are looked up.
        spec: The model.
        plugin: Its owner.
        path: Its checkpoint, None for fresh weights.
        sha256: Hex digest of the checkpoint.
        card: Number of the NVIDIA card that shall run it; None: the CPU.
    """

    registry: Registry
    spec: ModelSpec
    plugin: Plugin
    path: Path | None = None
    sha256: str | None = None
    card: int | None = None


@dataclass(frozen=True)
class Kept:
    """What an earlier process left of a checkpoint.

    Attributes:
        runner: Answers.
        checkpoint: The checkpoint, without its weights.
    """

    runner: Runner
    checkpoint: Checkpoint


def candidates(asked: str, device: str | None) -> tuple[str, ...]:
    """The runtimes to try before MindSpore, for a value of ``--runtime``.

    Raises:
        UsageError: One was asked for that does not run on this device.
    """
    if asked == MINDSPORE:
        return ()
    target = devices.parse(device).target
    names = tuple(RUNTIMES) if asked == AUTO else (asked,)
    if target == "Ascend" and asked != AUTO:
        raise UsageError(f"--runtime {asked} runs on CPU and GPU: take --runtime {MINDSPORE}")
    if target == "GPU" and asked == AUTO:
        return tuple(name for name in names if module(name).lacking(on_card=True) is None)
    return names if target != "Ascend" else ()


def host(asked: str, device: str | None) -> str | None:
    """The device on which MindSpore makes what a runtime runs: the CPU where the card is the runtime's."""
    return "CPU" if devices.parse(device).target == "GPU" and candidates(asked, device) else device


def _for(source: Source, device: str | None) -> Source:
    wanted = devices.parse(device)
    return replace(source, card=wanted.index if wanted.target == "GPU" else None)


def module(name: str) -> Any:
    """The module of a runtime."""
    return importlib.import_module(RUNTIMES[name])


def open_kept(asked: str, device: str | None, source: Source) -> Kept | None:
    """What answers for a checkpoint without MindSpore; None where none was made yet, or MindSpore was asked for.

    Args:
        asked: Value of ``--runtime``.
        device: Value of ``--device``.
        source: The model with its checkpoint.

    Raises:
        UsageError: The runtime asked for is not installed, or not for this device.
    """
    source = _for(source, device)
    for name in candidates(asked, device):
        lacking = module(name).lacking(source.card is not None)
        if lacking is not None and asked != AUTO:
            raise UsageError(f"--runtime {name}: {lacking}")
        kept: Kept | None = None if lacking else module(name).open_kept(source)
        if kept is not None:
            return kept
    return None


def choose(
    asked: str, device: str | None, source: Source, network: Any, config: Any, meta: Any, say: Callable[[str], None]
) -> Runner | None:
    """What runs a network that was built; None: MindSpore.

    Args:
        asked: Value of ``--runtime``.
        device: Value of ``--device``.
        source: The model.
        network: The ``nn.Cell`` with its weights, None for a model that is no network.
        config: Its resolved config.
        meta: The description inside its checkpoint, None for fresh weights.
        say: Told which runtime it is, and why no faster one.

    Raises:
        ZooError: The runtime asked for cannot be used for this model.
    """
    names, source = candidates(asked, device), _for(source, device)
    if network is None:
        if asked not in (AUTO, MINDSPORE):
            raise UsageError(f"--runtime {asked}: model {source.spec.name!r} is no network; its plugin runs it")
        return None
    reasons = []
    for name in names:
        try:
            lacking = module(name).lacking(source.card is not None)
            if lacking is not None:
                raise UsageError(lacking)
            runner: Runner = module(name).make(source, network, config, meta, again=asked != AUTO, say=say)
        except ZooError as error:
            if asked != AUTO or source.card is not None:  # MindSpore is on the CPU, which was not asked for
                raise type(error)(f"--runtime {name}: {error}") from error
            reasons.append(f"{name}: {error}")
            continue
        say(taken(source.spec.name, runner))
        return runner
    if reasons:
        say(f"{source.spec.name} runs in {MINDSPORE} ({'; '.join(reasons)})")
    return None


def taken(model: str, runner: Runner) -> str:
    """The line that says what runs a model."""
    checked = f" (within {runner.max_difference:.1e} of {MINDSPORE})" if runner.max_difference is not None else ""
    return f"{model} runs in {runner.name}{checked}"
