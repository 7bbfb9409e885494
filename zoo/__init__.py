"""zoo: a plugin-based zoo of image matting models on MindSpore. This is the front door for plugin authors."""

from registry import (
    BackboneSpec,
    Card,
    DatasetSpec,
    MetricSpec,
    ModelSpec,
    Objective,
    Sample,
    Weights,
    hookimpl,
)

__all__ = [
    "BackboneSpec",
    "Card",
    "DatasetSpec",
    "MetricSpec",
    "ModelSpec",
    "Objective",
    "Sample",
    "Weights",
    "hookimpl",
]
