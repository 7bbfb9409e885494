"""Checks of a metric: axioms that hold for any measure of how far a matte is from the truth."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from registry import MetricSpec
from zoo.testing.check import NotApplicable, expect
from zoo.testing.once import Once

OFFSETS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25)
"""Constant errors, each worse than the one before."""

ROUNDING = 1e-9
"""Share of a value that float64 may lose."""

_Image = tuple[np.ndarray, np.ndarray, np.ndarray]


def checks(spec: MetricSpec) -> list[tuple[str, Callable[[], None]]]:
    """The checks of this family, by name."""
    return [
        ("values", partial(check_values, spec)),
        ("perfect", partial(check_perfect, spec)),
        ("mirror", partial(check_mirror, spec)),
        ("pure", partial(check_pure, spec)),
        ("ordering", partial(check_ordering, spec)),
        ("float64", partial(check_float64, spec)),
    ]


def check_values(spec: MetricSpec) -> None:
    """A finite number or None, of any image; one that needs a trimap is None without."""
    for what, (alpha, target, trimap) in _images().items():
        for given in (trimap, None):
            value = spec.compute(alpha, target, given)
            where = f"of the {what}, {'without' if given is None else 'with'} a trimap,"
            # np.float64 is a float, np.float32 is none.
            kind = type(value).__name__
            expect(value is None or isinstance(value, float), f"{where} it is {kind}; expected a float or None")
            expect(value is None or math.isfinite(value), f"{where} it is {value}; expected a finite number or None")
            if given is None and spec.needs_trimap:
                expect(value is None, f"{where} it is {value}; it declares needs_trimap: expected None")


def check_perfect(spec: MetricSpec) -> None:
    """The truth itself has 0 where lower is better, and is better than anything else where higher is."""
    Once(spec).need(check_values)
    for what, (alpha, target, trimap) in _images().items():
        best, other = spec.compute(target.copy(), target, trimap), spec.compute(alpha, target, trimap)
        if best is None:
            continue
        if spec.lower_is_better:
            expect(abs(best) <= ROUNDING, f"the truth itself, the {what}, has {best:.4g}; expected 0")
        elif other is not None:
            expect(best >= other, f"the truth itself, the {what}, has {best:.4g} and a worse matte {other:.4g}")


def check_mirror(spec: MetricSpec) -> None:
    """A mirrored image has the same value."""
    Once(spec).need(check_values)
    for what, image in _images().items():
        turned = [np.ascontiguousarray(part[:, ::-1]) for part in image]
        value, mirrored = spec.compute(*image), spec.compute(*turned)
        expect(_alike(value, mirrored), f"the {what} has {value}, mirrored left to right {mirrored}")


def check_pure(spec: MetricSpec) -> None:
    """It leaves what it is given as it is, and gives the same value again."""
    Once(spec).need(check_values)
    for what, image in _images().items():
        kept = [part.copy() for part in image]
        value = spec.compute(*image)
        for name, before, part in zip(("alpha", "target", "trimap"), kept, image, strict=True):
            expect(np.array_equal(before, part), f"computing it changes the {name} it is given, of the {what}")
        again = spec.compute(*image)
        expect(value == again, f"computed twice, the {what} has {value} and {again}")


def check_ordering(spec: MetricSpec) -> None:
    """Of two constant errors the greater is not better."""
    Once(spec).need(check_values)
    target = 0.25 + 0.5 * _soft(24, 30)  # room for an offset either way
    trimap = _trimap(target)
    for sign in (1, -1):
        values = [spec.compute(target + sign * offset, target, trimap) for offset in OFFSETS]
        numbers = [(offset, value) for offset, value in zip(OFFSETS, values, strict=True) if value is not None]
        for (less, one), (more, other) in pairwise(numbers):
            slack = ROUNDING * max(1.0, abs(one))
            better = other < one - slack if spec.lower_is_better else other > one + slack
            direction = "lower" if spec.lower_is_better else "higher"
            expect(
                not better,
                f"an error of {sign * more:+g} on every pixel has {other:.6g}, better than {one:.6g} of one of "
                f"{sign * less + 0.0:+g}; expected no better ({direction} is better)",
            )


def check_float64(spec: MetricSpec) -> None:
    """It is calculated in float64: what float32 cannot tell apart has another value."""
    Once(spec).need(check_values)
    alpha, target, trimap = _images()["portrait"]
    rng = np.random.default_rng(7)
    value = spec.compute(alpha, target, trimap)
    nudged = spec.compute(np.clip(alpha + rng.uniform(0, 1e-6, alpha.shape), 0, 1), target, trimap)
    if value is None or value == nudged:
        raise NotApplicable("it does not change with small changes of an alpha: it counts rather than measures")
    single = spec.compute(alpha.astype(np.float32).astype(np.float64), target, trimap)
    expect(value != single, "it is the same for an alpha rounded to float32; expected a calculation in float64")


def _alike(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= 1e-6 * max(abs(one), abs(other), 1e-9)


# --- Images ------------------------------------------------------------------------------------------


def _images() -> dict[str, _Image]:
    """(alpha, target, trimap) of several kinds: alpha and target float64, trimap uint8."""
    return dict(_draw())


def _draw() -> Iterator[tuple[str, _Image]]:
    rng = np.random.default_rng(5)
    target = _soft(24, 30)
    yield "portrait", (np.clip(target + rng.normal(0, 0.1, target.shape), 0, 1), target, _trimap(target))
    small = _soft(3, 5)
    yield "picture of 3 x 5 pixels", (small * 0.5, small, _trimap(small))
    for name, level in (("empty picture", 0.0), ("full picture", 1.0)):
        flat = np.full((12, 9), level)
        yield name, (np.abs(flat - rng.uniform(0, 0.3, flat.shape)), flat, _trimap(flat))


def _soft(height: int, width: int) -> np.ndarray:
    """An ellipse with a soft edge, off the middle so that its mirror image is another, and a strand beside it."""
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot((rows + 0.5) / height - 0.45, (columns + 0.5) / width - 0.4)
    soft: Any = np.clip((0.42 - distance) / 0.25, 0.0, 1.0)
    soft[1, width // 4 : -2] = 1.0  # for metrics of fine structures
    return soft


def _trimap(target: np.ndarray) -> np.ndarray:
    return np.where(target >= 1, 255, np.where(target <= 0, 0, 128)).astype(np.uint8)
