"""A checkpoint of the tiny plugin's network with fresh weights, without the seconds of a training."""

from __future__ import annotations

from pathlib import Path

from registry import Registry, load
from zoo.config import resolve
from zoo.engine import checkpoint as checkpoints
from zoo.engine.load import load_model

PLUGIN = str(Path(__file__).with_name("tiny_plugin.py"))


def tiny_registry() -> Registry:
    """The core and the tiny plugin."""
    return load(only=[], extra=[PLUGIN])


def write_tiny_weights(path: Path) -> Path:
    """Write the checkpoint; as if of a training on the data set ``folder``."""
    registry = tiny_registry()
    config = resolve(registry.get("model", "tiny").config, values=[("model.name", "tiny", "test")]).config
    network = load_model(registry, config, None).predictor.network
    meta = {
        **{"model": "tiny", "plugin": "p", "plugin_version": "1", "step": 1, "epoch": 1, "best": None, "images": 1},
        **{"trained_on": ["folder/train"], "config": config.to_dict()},
    }
    checkpoints.save(path, checkpoints.weights_of(network), meta)
    return path
