"""The core's own data sets and metrics; they enter as a stranger's plugin would."""

from __future__ import annotations

from collections.abc import Callable

from registry import DatasetSpec, MetricSpec, hookimpl
from zoo.data import demo_set, folder, p3m10k


@hookimpl
def register_datasets(register: Callable[[DatasetSpec], None]) -> None:
    """P3M-10k, a user's own folder, the generated demo set."""
    for module in (p3m10k, folder, demo_set):
        register(module.SPEC)


@hookimpl
def register_metrics(register: Callable[[MetricSpec], None]) -> None:
    """The metrics of the P3M papers."""
    from zoo.metrics.specs import SPECS

    for spec in SPECS:
        register(spec)
