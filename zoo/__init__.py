"""zoo: a plugin-based zoo of image matting models on MindSpore.

What is named in ``__all__`` is the public API; everything else may move. Importing this module imports neither
MindSpore nor OpenCV nor SciPy.

    import zoo
    model = zoo.load("NAME", checkpoint="runs/NAME/20260101-120000")
    alpha = model.predict(image)
"""

from registry import (
    BackboneSpec,
    Card,
    DataError,
    DatasetSpec,
    MetricSpec,
    ModelSpec,
    NotFoundError,
    Objective,
    Sample,
    UsageError,
    Weights,
    ZooError,
    hookimpl,
)
from zoo import metrics
from zoo.api import Model, backbones, datasets, load, models, score

__all__ = [
    "BackboneSpec",
    "Card",
    "DataError",
    "DatasetSpec",
    "MetricSpec",
    "Model",
    "ModelSpec",
    "NotFoundError",
    "Objective",
    "Sample",
    "UsageError",
    "Weights",
    "ZooError",
    "backbones",
    "datasets",
    "hookimpl",
    "load",
    "metrics",
    "models",
    "score",
]
