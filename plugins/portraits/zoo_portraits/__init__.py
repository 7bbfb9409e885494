"""Two test sets and a metric as a zoo plugin: PPM-100, AIM-500 and the error at hair."""

from __future__ import annotations

from typing import Any

from zoo import MetricSpec, hookimpl
from zoo_portraits import aim500, ppm100


def mad_hair(alpha: Any, target: Any, trimap: Any) -> float | None:
    """`zoo_portraits.hair.mad_hair`, which loads OpenCV, as late as it is computed."""
    from zoo_portraits import hair

    return hair.mad_hair(alpha, target, trimap)


@hookimpl
def register_datasets(register: Any) -> None:
    """Both have no pictures to train on."""
    register(ppm100.SPEC)
    register(aim500.SPEC)


@hookimpl
def register_metrics(register: Any) -> None:
    """In every report under its own name."""
    register(MetricSpec("MAD-HAIR", mad_hair))
