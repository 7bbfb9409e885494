"""The metrics of a report: the core's in their dialect, then those of plugins under their own names."""

from __future__ import annotations

from collections.abc import Mapping

from registry import MetricSpec, Registry


def extra_metrics(registry: Registry) -> dict[str, MetricSpec]:
    """Metrics registered by plugins, by the name they have in reports.

    The short name serves while it is unique among plugins, else ``PLUGIN/NAME``.
    """
    own = [spec for plugin in registry.plugins if plugin.is_core for spec in plugin.specs]
    found = {full: spec for full, spec in registry.metrics.items() if spec not in own}
    short = [spec.name for spec in found.values()]
    return {(spec.name if short.count(spec.name) == 1 else full): spec for full, spec in found.items()}


def all_metrics(registry: Registry) -> Mapping[str, MetricSpec]:
    """Every metric that a report can contain, by its name there."""
    core = {s.name: s for p in registry.plugins if p.is_core for s in p.specs if isinstance(s, MetricSpec)}
    return {**core, **extra_metrics(registry)}
