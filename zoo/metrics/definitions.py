"""Which metrics there are and what each dialect means by them.

A dialect is one family of evaluation code. The same name means different numbers in different families (another
region, kernel or divisor), so every report says its dialect. A further one is an entry of `DIALECTS`.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from registry import UsageError
from registry.errors import did_you_mean


@dataclass(frozen=True)
class Definition:
    """A metric of a dialect.

    Attributes:
        name: Name in reports.
        function: Where it is, ``module:function``, so that listing metrics loads no NumPy.
        needs_trimap: Undefined without a trimap.
    """

    name: str
    function: str
    needs_trimap: bool = False

    def load(self) -> Callable[[Any, Any, Any], float | None]:
        """The function ``(alpha, target, trimap) -> float | None``."""
        function: Callable[[Any, Any, Any], float | None] = pkgutil.resolve_name(self.function)
        return function


@dataclass(frozen=True)
class Dialect:
    """One family of definitions.

    Attributes:
        source: The code that defines it.
        metrics: Its metrics in the order of a report.
    """

    source: str
    metrics: tuple[Definition, ...]


DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "p3m": Dialect(
            "JizhiziLi/P3M core/evaluate.py, the same in ViTAE-Transformer/P3M-Net core/metrics.py",
            (
                Definition("SAD", "zoo.metrics.pixel:sad"),
                Definition("MSE", "zoo.metrics.pixel:mse"),
                Definition("MAD", "zoo.metrics.pixel:mad"),
                Definition("GRAD", "zoo.metrics.grad:grad"),
                Definition("CONN", "zoo.metrics.conn:conn"),
                Definition("SAD-T", "zoo.metrics.pixel:sad_t", needs_trimap=True),
                Definition("MSE-T", "zoo.metrics.pixel:mse_t", needs_trimap=True),
                Definition("MAD-T", "zoo.metrics.pixel:mad_t", needs_trimap=True),
                Definition("SAD-FG", "zoo.metrics.pixel:sad_fg", needs_trimap=True),
                Definition("SAD-BG", "zoo.metrics.pixel:sad_bg", needs_trimap=True),
            ),
        ),
    }
)
"""Dialects by name."""

DEFAULT_DIALECT = "p3m"
"""The dialect in which the metrics are registered."""

ROUNDINGS = ("float", "truncated", "rounded")
"""What may happen to a prediction before it is scored: nothing, or 8 bits by cutting off or to nearest."""

NAMES = tuple(definition.name for definition in DIALECTS[DEFAULT_DIALECT].metrics)
"""Names in the order of a report."""


def check_dialect(name: str) -> Dialect:
    """The dialect of that name.

    Raises:
        UsageError: There is none; the message lists those there are.
    """
    if name not in DIALECTS:
        raise UsageError(f"no dialect {name!r}; dialects: {', '.join(DIALECTS)}.{did_you_mean(name, DIALECTS)}")
    return DIALECTS[name]


def check_rounding(name: str) -> str:
    """The name, if it is one of `ROUNDINGS`.

    Raises:
        UsageError: It is not.
    """
    if name not in ROUNDINGS:
        raise UsageError(f"no rounding {name!r}; roundings: {', '.join(ROUNDINGS)}.{did_you_mean(name, ROUNDINGS)}")
    return name
