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

REGIONS: Mapping[str, str] = MappingProxyType(
    {
        "whole image": "over the whole image",
        "unknown": "over the unknown region of the trimap",
        "foreground": "over the foreground of the trimap",
        "background": "over the background of the trimap",
        "unknown or whole image": "over the unknown region of the trimap, or over the whole image without one",
    }
)
"""Where a metric is summed, and how a sentence says it."""


@dataclass(frozen=True)
class Definition:
    """A metric of a dialect.

    Attributes:
        name: Name in reports.
        function: Where it is, ``module:function``, so that listing metrics loads no NumPy. One that is called
            ``scores`` gives it together with the others of its dialect.
        what: What is summed and what it is divided by, in a few words.
        region: Where it is summed, a key of `REGIONS`.
        forced: The prediction is first set to 1 on the foreground and to 0 on the background of the trimap.
        needs_trimap: Undefined without a trimap.
    """

    name: str
    function: str
    what: str
    region: str = "whole image"
    forced: bool = False
    needs_trimap: bool = False

    def __str__(self) -> str:
        """What it is, for people: "sum of absolute differences / 1000, over the whole image"."""
        known = ", the known regions of the trimap given to the prediction first" if self.forced else ""
        return f"{self.what}, {REGIONS[self.region]}{known}"

    def load(self) -> Callable[[Any, Any, Any], float | None]:
        """The function ``(alpha, target, trimap) -> float | None``."""
        function: Callable[[Any, Any, Any], Any] = pkgutil.resolve_name(self.function)
        if self.function.endswith(":scores"):
            return lambda *image: function(*image)[self.name]
        return function


@dataclass(frozen=True)
class Dialect:
    """One family of definitions.

    Attributes:
        source: The code that defines it.
        metrics: Its metrics in the order of a report.
        together: Where one function gives all of them, ``module:function``, quicker than they do one by one; "": none.
    """

    source: str
    metrics: tuple[Definition, ...]
    together: str = ""

    def load(self) -> Callable[[Any, Any, Any], dict[str, float | None]]:
        """The function ``(alpha, target, trimap) -> {metric: value}``, in the order of a report."""
        if self.together:
            function: Callable[[Any, Any, Any], dict[str, float | None]] = pkgutil.resolve_name(self.together)
            return function
        return lambda *image: {metric.name: metric.load()(*image) for metric in self.metrics}


_SAD = "sum of absolute differences / 1000"
_MSE = "mean of squared differences"
_CONN = "sum of differences in connectedness / 1000"
_GRAD = "sum of squared differences of gradient magnitudes / 1000"


def _p3m() -> tuple[Definition, ...]:
    where = "zoo.metrics.pixel:"
    given = {"forced": True, "needs_trimap": True}
    return (
        Definition("SAD", where + "sad", _SAD),
        Definition("MSE", where + "mse", _MSE),
        Definition("MAD", where + "mad", "mean of absolute differences"),
        Definition("GRAD", "zoo.metrics.grad:grad", "sum of squared differences of gradient magnitudes / 10"),
        Definition("CONN", "zoo.metrics.conn:conn", _CONN),
        Definition("SAD-T", where + "sad_t", _SAD, **given),
        Definition("MSE-T", where + "mse_t", "sum of squared differences / number of unknown pixels", **given),
        Definition("MAD-T", where + "mad_t", "sum of absolute differences / number of unknown pixels", **given),
        Definition("SAD-FG", where + "sad_fg", _SAD, "foreground", needs_trimap=True),
        Definition("SAD-BG", where + "sad_bg", _SAD, "background", needs_trimap=True),
    )


def _dim() -> tuple[Definition, ...]:
    where = "zoo.metrics.dim:scores"
    return (
        Definition("SAD", where, _SAD, "unknown", needs_trimap=True),
        Definition("MSE", where, _MSE, "unknown", needs_trimap=True),
        Definition("GRAD", where, _GRAD, "unknown", needs_trimap=True),
        Definition("CONN", where, _CONN, "unknown", needs_trimap=True),
    )


def _mmagic() -> tuple[Definition, ...]:
    where = "zoo.metrics.mmagic:scores"
    per_unknown = "sum of squared differences / number of unknown pixels"
    given = {"forced": True, "needs_trimap": True}
    return (
        Definition("SAD", where, _SAD, **given),
        Definition("MSE", where, per_unknown, **given),
        Definition("GRAD", where, _GRAD, "unknown", **given),
        Definition("CONN", where, _CONN, "unknown", **given),
    )


def _paddleseg() -> tuple[Definition, ...]:
    where = "zoo.metrics.paddleseg:scores"
    region = "unknown or whole image"
    return (
        Definition("SAD", where, _SAD, region, forced=True),
        Definition("MSE", where, _MSE, region, forced=True),
        Definition("GRAD", where, _GRAD, region, forced=True),
        Definition("CONN", where, _CONN, region, forced=True),
    )


DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        "p3m": Dialect(
            "JizhiziLi/P3M core/evaluate.py, the same in ViTAE-Transformer/P3M-Net core/metrics.py",
            _p3m(),
            together="zoo.metrics.p3m:scores",
        ),
        "dim": Dialect(
            "MATLAB code of Deep Image Matting (Xu et al. 2017), as papers with a trimap use it",
            _dim(),
            together="zoo.metrics.dim:scores",
        ),
        "mmagic": Dialect(
            "open-mmlab/mmagic mmagic/evaluation/metrics, which calls open-mmlab/mmeval",
            _mmagic(),
            together="zoo.metrics.mmagic:scores",
        ),
        "paddleseg": Dialect(
            "PaddlePaddle/PaddleSeg Matting/ppmatting/metrics/metric.py",
            _paddleseg(),
            together="zoo.metrics.paddleseg:scores",
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
