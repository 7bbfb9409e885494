"""From a name and a config to a network, and from a failure in a plugin to its owner."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from registry import ModelSpec, Plugin, PluginError, Registry, UsageError, ZooError
from zoo.config import Config
from zoo.engine.pretrained import find_pretrained, load_pretrained


@contextmanager
def blame(plugin: Plugin, doing: str) -> Iterator[None]:
    """Turn whatever plugin code raises into one line that names the plugin.

    Args:
        plugin: Whose code runs inside the block.
        doing: What it was asked to do, as a noun phrase.

    Raises:
        PluginError: The code raised something other than a `ZooError`.
    """
    try:
        yield
    except ZooError:
        raise
    except Exception as error:
        # The first line: MindSpore puts its own call stack behind the message.
        lines = [line.strip() for line in str(error).splitlines() if line.strip(" -")]
        text = (lines or ["no message"])[0]
        raise PluginError(f"plugin {plugin.label}: {doing} failed: {type(error).__name__}: {text}") from error


def build_model(registry: Registry, config: Config, pretrained: bool = False) -> Any:
    """Build the model that a config names, with its backbone, weights fresh.

    Args:
        registry: Where the names are looked up.
        config: Whole resolved config; ``model.name`` and ``model.backbone`` decide.
        pretrained: Give the backbone the weights of ``model.pretrained``, as training does. A network that is
            about to get a checkpoint's weights needs none.

    Returns:
        An ``nn.Cell`` in evaluation mode, or an object with ``predict`` for a model that is no network.

    Raises:
        NotFoundError: No such model or backbone.
        PluginError: The plugin's builder failed.
    """
    name = config.model.name
    spec: ModelSpec = registry.get("model", name)
    plugin = registry.owner("model", name)
    backbone = None
    if config.model.backbone is not None:
        encoder = registry.get("backbone", config.model.backbone, prefer=plugin.name)
        owner = registry.owner("backbone", config.model.backbone, prefer=plugin.name)
        with blame(owner, f"building backbone {encoder.name!r}"):
            backbone = encoder.build(config)
        if pretrained and config.model.pretrained is not None:
            load_pretrained(backbone, str(find_pretrained(registry, config.model.pretrained)), name)
    with blame(plugin, f"building model {name!r}"):
        model = spec.build(config, backbone)
    if callable(getattr(model, "predict", None)) and not is_network(model):
        return model
    if not is_network(model):
        kind = type(model).__name__
        raise PluginError(f"plugin {plugin.label}: build of {name!r} returned {kind}, not an nn.Cell nor a predictor")
    model.set_train(False)
    return model


def is_network(model: Any) -> bool:
    """Whether a built model is a MindSpore network, which can be trained and compiled."""
    from mindspore import nn

    return isinstance(model, nn.Cell)


def build_objective(registry: Registry, config: Config, network: Any) -> Any:
    """Build the objective of ``train.stage`` around a network.

    Raises:
        UsageError: The model cannot be trained, or not in that stage.
        PluginError: The plugin's builder failed.
    """
    spec: ModelSpec = registry.get("model", config.model.name)
    check_stage(spec, config.train.stage)
    with blame(registry.owner("model", spec.name), f"building objective {config.train.stage!r}"):
        return spec.objectives[config.train.stage].build(network, config)


def check_stage(spec: ModelSpec, stage: str) -> None:
    """Refuse a stage that a model does not have.

    Raises:
        UsageError: The model has no objectives, or none of that name.
    """
    if not spec.objectives:
        raise UsageError(f"model {spec.name!r} cannot be trained: it registers no objective")
    if stage not in spec.objectives:
        raise UsageError(f"model {spec.name!r} has no stage {stage!r}; stages: {', '.join(spec.objectives)}")
