"""From a model's name and a checkpoint to something that answers pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry import ModelSpec, Plugin, Registry, UsageError
from zoo.config import Config
from zoo.data.splits import TRAIN
from zoo.engine import checkpoint as checkpoints
from zoo.engine import device as devices
from zoo.engine.build import build_model
from zoo.engine.predictor import Predictor
from zoo.engine.protocol import PROTOCOLS
from zoo.engine.runtimes import AUTO, MINDSPORE, Runner, Source, choose, host


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to answer.

    Attributes:
        predictor: Answers pictures.
        config: The config it was built with.
        plugin: Its owner.
        checkpoint: File its weights come from, None for fresh ones.
        sha256: Hex digest of that file.
        trained_on: Data sets, ``NAME`` or ``NAME/SPLIT``, that its weights have seen: the training set of its run, or
            what the card says of converted weights and of a model that is not trained. None: not known.
        source: What converted weights were made of, see `zoo.engine.provenance`; None for others.
    """

    predictor: Predictor
    config: Config
    plugin: Plugin
    checkpoint: Path | None
    sha256: str | None
    trained_on: tuple[str, ...] | None = None
    source: Mapping[str, Any] | None = None


def load_model(
    registry: Registry,
    config: Config,
    saved: checkpoints.Checkpoint | None,
    device: str | None = None,
    runtime: str = MINDSPORE,
    say: Callable[[str], None] = lambda text: None,
) -> LoadedModel:
    """Build a model and give it its weights.

    Args:
        registry: Where the names are looked up.
        config: Whole resolved config, see `config_for`.
        saved: The checkpoint, None for fresh weights.
        device: As for `zoo.engine.device.start`.
        runtime: What runs it, one of `zoo.engine.runtimes.CHOICES`.
        say: Told which runtime it is, if it was to be chosen.

    Raises:
        ZooError: The checkpoint does not fit the network, or the runtime cannot run it.
    """
    refuse_two_looks(config, runtime)
    looks_once = not PROTOCOLS[config.eval.protocol].detail
    devices.start(host(runtime, device) if looks_once else device)
    import mindspore as ms

    ms.set_seed(config.train.seed)
    spec: ModelSpec = registry.get("model", config.model.name)
    plugin = registry.owner("model", config.model.name)
    model = build_model(registry, config)
    predictor = Predictor(model, config, spec, plugin)
    if saved is not None:
        if predictor.network is None:
            raise UsageError(f"model {spec.name!r} takes no checkpoint: it is no network")
        checkpoints.load_weights(predictor.network, saved.answers, str(saved.path))
    if runtime != MINDSPORE and looks_once:
        path, sha256, meta = (saved.path, saved.sha256, saved.meta) if saved is not None else (None, None, None)
        source = Source(registry, spec, plugin, path, sha256)
        predictor.runner = choose(runtime, device, source, predictor.network, config, meta, say)
    seen = trained_on(spec, saved)
    if saved is None:
        return LoadedModel(predictor, config, plugin, None, None, seen)
    return LoadedModel(predictor, config, plugin, saved.path, saved.sha256, seen, saved.meta.get("source"))


def load_kept(registry: Registry, config: Config, saved: checkpoints.Checkpoint, runner: Runner) -> LoadedModel:
    """A model that an earlier process exported, without MindSpore.

    Args:
        registry: Where the names are looked up.
        config: Whole resolved config, see `config_for`.
        saved: Its checkpoint, whose weights are not needed.
        runner: Answers in the network's place.
    """
    spec: ModelSpec = registry.get("model", config.model.name)
    plugin = registry.owner("model", config.model.name)
    predictor = Predictor(None, config, spec, plugin, runner)
    source = saved.meta.get("source")
    return LoadedModel(predictor, config, plugin, saved.path, saved.sha256, trained_on(spec, saved), source)


def refuse_two_looks(config: Config, runtime: str) -> None:
    """Refuse a runtime that has a network's alpha and not its parts, for a protocol that needs these.

    Raises:
        UsageError: It was asked for by name.
    """
    if runtime not in (MINDSPORE, AUTO) and PROTOCOLS[config.eval.protocol].detail:
        raise UsageError(
            f"--runtime {runtime} answers alphas only, and eval.protocol {config.eval.protocol} looks at parts of the "
            f"network: take --runtime {MINDSPORE}"
        )


def trained_on(spec: ModelSpec, saved: checkpoints.Checkpoint | None) -> tuple[str, ...] | None:
    """The data sets that weights have seen, ``NAME`` or ``NAME/SPLIT``; None: not known.

    Args:
        spec: The model.
        saved: Its checkpoint, None for the weights that its plugin builds it with.
    """
    if saved is not None and saved.meta.get("source") is None:
        if "trained_on" in saved.meta:
            seen = saved.meta["trained_on"]
            return tuple(seen) if seen is not None else None
        return (f"{saved.config.data.dataset}/{TRAIN}",)
    if saved is None and spec.objectives:
        return ()  # fresh weights
    return tuple(spec.card.trained_on) or None


def config_for(saved: checkpoints.Checkpoint, model: str) -> Config:
    """The config inside a checkpoint, if the checkpoint is the model's.

    Raises:
        UsageError: It belongs to another model.
    """
    config = saved.config
    if config.model.name != model:
        raise UsageError(f"{saved.path} holds weights of {config.model.name!r}, not of {model!r}")
    return config
