"""zoo from Python: load a model, predict, score, see what is registered."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from os import PathLike
from typing import TYPE_CHECKING, Any

from registry import BackboneSpec, DatasetSpec, MetricSpec, ModelSpec, Registry, UsageError, load_from_environment

if TYPE_CHECKING:
    import numpy as np

    from zoo.config import Config
    from zoo.engine.load import LoadedModel


@lru_cache(maxsize=1)
def _registry() -> Registry:
    return load_from_environment()


def models() -> Mapping[str, ModelSpec]:
    """Registered models by name; read-only."""
    return _registry().models


def backbones() -> Mapping[str, BackboneSpec]:
    """Registered backbones by full name, ``PLUGIN/NAME``; read-only."""
    return _registry().backbones


def datasets() -> Mapping[str, DatasetSpec]:
    """Registered data sets by name; read-only."""
    return _registry().datasets


def registered_metrics() -> Mapping[str, MetricSpec]:
    """Registered metrics by name; read-only. Public as ``zoo.metrics()``."""
    return _registry().metrics


class Model:
    """A model ready to answer; made by `load`."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._loaded = loaded

    def __repr__(self) -> str:
        weights = self._loaded.checkpoint or "fresh weights"
        return f"<zoo.Model {self.config.model.name} ({weights})>"

    @property
    def config(self) -> Config:
        """The resolved config it was built with."""
        return self._loaded.config

    @property
    def network(self) -> Any:
        """The ``nn.Cell``: (N, 3, H, W) float32 normalised -> (N, 1, H, W) in [0, 1].

        Raises:
            UsageError: The model is no MindSpore network.
        """
        if self._loaded.predictor.network is None:
            raise UsageError(f"model {self.config.model.name!r} is no MindSpore network; use predict")
        return self._loaded.predictor.network

    def predict(self, image: np.ndarray, trimap: np.ndarray | None = None) -> np.ndarray:
        """The alpha of a picture.

        Args:
            image: (H, W, 3) uint8 RGB.
            trimap: (H, W) uint8 in {0, 128, 255}, for models that need one.

        Returns:
            (H, W) float32 in [0, 1], the picture's own size.

        Raises:
            ShapeError: The image is not (H, W, 3) uint8.
            UsageError: The model needs a trimap and got none.
        """
        if self._loaded.predictor.spec.needs_trimap and trimap is None:
            raise UsageError(f"model {self.config.model.name!r} needs a trimap")
        return self._loaded.predictor.predict(image, trimap)


def load(name: str, checkpoint: str | PathLike[str] | None = None, device: str = "auto") -> Model:
    """Build a registered model and give it weights.

    Args:
        name: Registered name.
        checkpoint: A ``.ckpt`` file or the folder of a run (its best checkpoint). None: fresh weights, which
            is said in a warning of the logger ``zoo`` for a model that can be trained.
        device: ``auto``, ``CPU``, ``GPU[:N]`` or ``Ascend[:N]``; one device per process.

    Raises:
        NotFoundError: No such model or checkpoint.
        ZooError: The checkpoint is damaged or belongs to another model.
    """
    import logging

    from zoo.config import resolve
    from zoo.engine import device as devices
    from zoo.engine.checkpoint import read
    from zoo.engine.load import config_for, load_model
    from zoo.engine.run import find_checkpoint

    registry = _registry()
    spec = registry.get("model", name)
    asked = None if device == "auto" else device
    if checkpoint is None:
        if spec.objectives:
            logging.getLogger("zoo").warning("%s has fresh, untrained weights: no checkpoint was given", name)
        config = resolve(spec.config, values=[("model.name", spec.name, "name")]).config
        return Model(load_model(registry, config, None, asked))
    path = find_checkpoint(checkpoint, name)
    devices.start(asked)
    saved = read(path)
    return Model(load_model(registry, config_for(saved, name), saved, asked))


def score(
    alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None, dialect: str = "p3m"
) -> dict[str, float | None]:
    """Every metric of one image.

    Args:
        alpha: Predicted matte, (H, W), float in [0, 1] or uint8.
        target: True matte, same shape.
        trimap: (H, W) uint8 in {0, 128, 255}; without one the regional metrics are None.
        dialect: Definition of the metrics.

    Returns:
        Metric name, as in ``report.json``, to value; None where undefined.

    Raises:
        ShapeError: The sizes differ.
        UsageError: There is no such dialect.
    """
    from zoo.metrics.score import score as score_image

    return score_image(alpha, target, trimap, dialect)
