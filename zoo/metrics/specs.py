"""The core's metrics as it registers them; NumPy and OpenCV are loaded by the first call of `compute`."""

from __future__ import annotations

from typing import Any

from registry import MetricSpec
from zoo.metrics.definitions import DEFAULT_DIALECT, DIALECTS, Definition


def _spec(definition: Definition) -> MetricSpec:
    def compute(alpha: Any, target: Any, trimap: Any) -> float | None:
        return definition.load()(alpha, target, trimap)

    return MetricSpec(definition.name, compute, needs_trimap=definition.needs_trimap)


SPECS: tuple[MetricSpec, ...] = tuple(_spec(definition) for definition in DIALECTS[DEFAULT_DIALECT].metrics)
"""One spec for each metric of the default dialect, in the order of a report."""
