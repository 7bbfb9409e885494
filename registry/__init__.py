"""The contract between zoo and its plugins: standard library and pluggy, nothing else."""

from registry.errors import DataError, NotFoundError, PluginError, ShapeError, UsageError, ZooError
from registry.hookspecs import API, hookimpl, hookspec
from registry.registry import CORE, KINDS, Plugin, Registry, load, load_from_environment
from registry.specs import (
    BackboneSpec,
    Card,
    DatasetSpec,
    MetricSpec,
    ModelSpec,
    Objective,
    Sample,
    Spec,
    Weights,
)

__all__ = [
    "API",
    "CORE",
    "KINDS",
    "BackboneSpec",
    "Card",
    "DataError",
    "DatasetSpec",
    "MetricSpec",
    "ModelSpec",
    "NotFoundError",
    "Objective",
    "Plugin",
    "PluginError",
    "Registry",
    "Sample",
    "ShapeError",
    "Spec",
    "UsageError",
    "Weights",
    "ZooError",
    "hookimpl",
    "hookspec",
    "load",
    "load_from_environment",
]
