"""Every check of everything that a plugin registers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from registry import BackboneSpec, DatasetSpec, MetricSpec, ModelSpec, NotFoundError, Plugin, Registry
from registry.errors import did_you_mean
from zoo.testing import plugin as plugins
from zoo.testing.check import Check

Named = tuple[str, Callable[[], None]]
"""A check as the families give it: its name, and what does it."""


def checks(
    registry: Registry, plugin_name: str, settings: Sequence[str] = (), data_root: str | Path | None = None
) -> Iterator[Check]:
    """The checks of a plugin, in order; nothing is built before a check runs.

    Args:
        registry: Where the plugin is.
        plugin_name: Its entry-point name.
        settings: ``a.b=value`` as ``--set`` takes them, for models that are quicker in another form. What the card
            says of size is held against the model as it comes.
        data_root: Folder of the data set; without one, data sets that need it are skipped.

    Raises:
        NotFoundError: No such plugin, or it was left out.
    """
    plugin = find(registry, plugin_name)
    yield Check("loads", "plugin", plugin.name, plugin.label, lambda: plugins.check_loaded(plugin))
    if plugin.status != "loaded":
        return
    yield Check("import-light", "plugin", plugin.name, plugin.label, lambda: plugins.check_import(plugin))
    declined = plugins.declined(plugin)
    offered = [
        Check(name, kind, subject, plugin.label, function, plugins.reason(declined, subject, name))
        for kind, subject, family in _families(registry, plugin, tuple(settings), data_root)
        for name, function in family
    ]
    known = {(check.subject, check.name) for check in offered}
    yield Check(
        "declined", "plugin", plugin.name, plugin.label, lambda: plugins.check_declined(plugin, declined, known)
    )
    yield from offered


def find(registry: Registry, name: str) -> Plugin:
    """The plugin of that entry-point name or distribution.

    Raises:
        NotFoundError: There is none, or it was left out.
    """
    found = [p for p in registry.plugins if name in (p.name, p.distribution)]
    if not found:
        names = [p.name for p in registry.plugins]
        raise NotFoundError(f"no plugin {name!r}; plugins: {', '.join(sorted(names))}.{did_you_mean(name, names)}")
    # Of two with one name the one that is set aside is what its author wonders about.
    plugin = sorted(found, key=lambda p: p.status == "loaded")[0]
    if plugin.status == "blocked":
        raise NotFoundError(f"plugin {plugin.label} is not loaded: {plugin.cause}")
    return plugin


def _families(
    registry: Registry, plugin: Plugin, settings: tuple[str, ...], data_root: Any
) -> Iterator[tuple[str, str, list[Named]]]:
    """(kind, subject, its checks) of everything registered, in the order of registration."""
    for spec in plugin.specs:
        if isinstance(spec, ModelSpec):
            yield from _model_families(registry, plugin, spec, settings)
        elif isinstance(spec, BackboneSpec):
            from zoo.testing import backbone

            yield "backbone", spec.name, backbone.checks(spec)
        elif isinstance(spec, DatasetSpec):
            from zoo.testing import dataset

            yield "dataset", spec.name, dataset.checks(spec, data_root)
        elif isinstance(spec, MetricSpec):
            from zoo.testing import metric

            yield "metric", spec.name, metric.checks(spec)


def _model_families(
    registry: Registry, plugin: Plugin, spec: ModelSpec, settings: tuple[str, ...]
) -> Iterator[tuple[str, str, list[Named]]]:
    from zoo.testing import answer, card, construction, training
    from zoo.testing.subject import Subject

    subject = Subject(registry, plugin, spec, settings)
    yield "model", spec.name, [*construction.checks(subject), *card.checks(subject), *answer.checks(subject)]
    for stage in spec.objectives:
        yield "stage", f"{spec.name}/{stage}", training.checks(training.Stage(subject, stage))
