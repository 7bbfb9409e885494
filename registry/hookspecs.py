"""The four hooks by which anything enters zoo, and the version of that contract.

A plugin is a module that implements at least one of these hooks and is named in the entry-point
group ``zoo`` of its distribution::

    from zoo import ModelSpec, hookimpl

    @hookimpl
    def register_models(register):
        register(ModelSpec("name", build=build, card=card))
"""

from __future__ import annotations

from collections.abc import Callable

import pluggy

from registry.specs import BackboneSpec, DatasetSpec, MetricSpec, ModelSpec

API = 1
"""Version of the contract. A plugin module may state ``ZOO_API = 1``; absent means 1."""

GROUP = "zoo"
"""Name of the entry-point group and of the pluggy project."""

hookspec = pluggy.HookspecMarker(GROUP)
"""Marks a function as one of zoo's hook specifications."""

hookimpl = pluggy.HookimplMarker(GROUP)
"""Marks a function of a plugin as an implementation of one of the four hooks."""


@hookspec
def register_models(register: Callable[[ModelSpec], None]) -> None:
    """Call ``register(ModelSpec(...))`` once for each matting model offered."""


@hookspec
def register_backbones(register: Callable[[BackboneSpec], None]) -> None:
    """Call ``register(BackboneSpec(...))`` once for each encoder offered."""


@hookspec
def register_datasets(register: Callable[[DatasetSpec], None]) -> None:
    """Call ``register(DatasetSpec(...))`` once for each data set offered."""


@hookspec
def register_metrics(register: Callable[[MetricSpec], None]) -> None:
    """Call ``register(MetricSpec(...))`` once for each metric offered."""
