"""A registered model while it is checked: its config, and networks built from it, each only once it is needed."""

from __future__ import annotations

import shutil
import tempfile
import weakref
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from registry import ModelSpec, Plugin, Registry
from zoo.config import Config, resolve
from zoo.engine import checkpoint as checkpoints
from zoo.engine import device
from zoo.engine.build import build_model, build_objective, is_network
from zoo.engine.predictor import Predictor
from zoo.engine.training_pictures import SUPERVISED
from zoo.testing.check import NotApplicable
from zoo.testing.once import Once
from zoo.testing.pictures import batch

LEAST_SIDE = 64
"""Least side of the networks' inputs, in pixels: two by two values are left for a norm at 1/32."""


class Subject:
    """A model, and everything its checks share.

    Args:
        registry: Where the model and its backbone are.
        plugin: Its owner.
        spec: The model.
        settings: ``a.b=value`` texts over its ``default.yaml``.
    """

    def __init__(self, registry: Registry, plugin: Plugin, spec: ModelSpec, settings: Sequence[str] = ()) -> None:
        self.registry, self.plugin, self.spec, self.settings = registry, plugin, spec, tuple(settings)
        self.once = Once(self)

    # --- Configs ---

    def resolve(self, settings: Sequence[str] = ()) -> Config:
        """The model's config, with some settings."""
        return resolve(self.spec.config, settings=settings, values=[("model.name", self.spec.name, "MODEL")]).config

    @cached_property
    def config(self) -> Config:
        """The model's config with the settings of the check, its input as small as makes sense."""
        return self.resolve(self.settings).override(eval={"short_side": self.side})

    @cached_property
    def side(self) -> int:
        """Side of square inputs, in pixels: the least multiple of the stride from `LEAST_SIDE` on."""
        stride = self.resolve(self.settings).model.stride
        return -(-LEAST_SIDE // stride) * stride

    def stage_config(self, stage: str) -> Config:
        """The config of a training in that stage; all but the first stage begin with trained weights."""
        start = None if stage == SUPERVISED else str(self.saved)
        return self.config.override(train={"stage": stage, "start_from": start}, model={"pretrained": None})

    # --- What is built ---

    def build(self, config: Config | None = None, seed: int | None = None) -> Any:
        """The model anew, with fresh weights.

        Args:
            config: Another config than `config`.
            seed: Of the random streams; None: ``train.seed``, as in a training.
        """
        config = config or self.config
        device.start()
        import mindspore as ms

        ms.set_seed(config.train.seed if seed is None else seed)
        return build_model(self.registry, config)

    @cached_property
    def model(self) -> Any:
        """The model once, in evaluation mode; a network with lively weights."""
        return self.lively()

    def lively(self) -> Any:
        """The model anew; a network with the weights of `enliven`."""
        model = self.build()
        if is_network(model):
            enliven(model)
        return model

    @property
    def is_network(self) -> bool:
        """Whether the model is a MindSpore network."""
        device.start()
        return is_network(self.model)

    @property
    def network(self) -> Any:
        """`model`, if it is a network.

        Raises:
            NotApplicable: It is none.
        """
        if not self.is_network:
            raise NotApplicable("the model answers pictures itself, it is no network")
        return self.model

    @cached_property
    def planes(self) -> np.ndarray:
        """Two pictures as the network is given them."""
        return batch(self.config, 2, self.side)[0]

    @cached_property
    def predictor(self) -> Predictor:
        """What answers pictures with `model`, as an evaluation does."""
        return Predictor(self.model, self.config, self.spec, self.plugin)

    def objective(self, stage: str, network: Any) -> Any:
        """The objective of a stage around a network."""
        return build_objective(self.registry, self.stage_config(stage), network)

    # --- Files ---

    @cached_property
    def folder(self) -> Path:
        """A folder that goes when this does."""
        place = tempfile.mkdtemp(prefix="zoo-check-")
        weakref.finalize(self, shutil.rmtree, place, ignore_errors=True)
        return Path(place)

    @cached_property
    def saved(self) -> Path:
        """A checkpoint of `network`."""
        path = self.folder / "network.ckpt"
        meta = {
            "model": self.spec.name,
            "plugin": self.plugin.name,
            "plugin_version": self.plugin.version,
            "step": 0,
            "epoch": 0,
            "best": None,
            "images": 0,
            "config": self.config.to_dict(),
        }
        checkpoints.save(path, checkpoints.weights_of(self.network), meta)
        return path


def enliven(network: Any) -> None:
    """Give parameters that begin as all zeros or all ones other values near these.

    A norm that begins with 0, or a last layer of zeros, hides what lies behind it; a norm without shift hides its scale
    behind the next one; moving statistics of 0 and 1 hide that they are used.
    """
    device.start()
    changed = {}
    for parameter in network.get_parameters():
        array = parameter.asnumpy()
        if array.dtype.kind != "f" or not array.size or array.min() != array.max() or array.flat[0] not in (0, 1):
            continue
        random = np.random.default_rng(zlib.crc32(parameter.name.encode()))
        # Ones are scales and variances, which must not come near 0.
        change = random.uniform(-0.3, 0.5, array.shape) if array.flat[0] == 1 else random.normal(0, 0.1, array.shape)
        changed[parameter.name] = (array + change).astype(array.dtype)
    parameters = {p.name: p for p in network.get_parameters() if p.name in changed}
    checkpoints.assign(parameters, changed, "lively weights")


class Watched(dict[str, Any]):
    """The ``model.options`` of a config, which remembers what it was asked for."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.read.add(key)
        return super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """As of a dictionary."""
        self.read.add(key)
        return super().get(key, default)

    def __iter__(self) -> Iterator[str]:
        self.read.update(super().keys())
        return super().__iter__()

    def keys(self) -> Any:
        """As of a dictionary; every key counts as read, as it does for the other views."""
        self.read.update(super().keys())
        return super().keys()

    def items(self) -> Any:
        """As of a dictionary."""
        self.read.update(super().keys())
        return super().items()

    def values(self) -> Any:
        """As of a dictionary."""
        self.read.update(super().keys())
        return super().values()
