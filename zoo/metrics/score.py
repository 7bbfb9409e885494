"""Every metric of one image."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from registry import DataError, MetricSpec, PluginError, UsageError, ZooError
from zoo.metrics.arrays import as_pair, as_stored, check_trimap, same_shape
from zoo.metrics.definitions import check_dialect, check_rounding
from zoo.metrics.steps import exact


def score(
    alpha: np.ndarray,
    target: np.ndarray,
    trimap: np.ndarray | None = None,
    dialect: str = "p3m",
    rounding: str = "float",
    extra: Mapping[str, MetricSpec] | None = None,
) -> dict[str, float | None]:
    """Score a matte against the truth.

    Args:
        alpha: Predicted matte, (H, W), float in [0, 1] or uint8 (255 is 1).
        target: True matte, same shape, same ranges.
        trimap: (H, W) in {0, 128, 255}, or None: the metrics that need one are then undefined.
        dialect: Whose definitions, one of `zoo.metrics.definitions.DIALECTS`.
        rounding: What happens to the prediction first: ``float`` nothing, ``truncated``
            floor(255 alpha) / 255, ``rounded`` the nearest of the 256 steps (a half to the even one).
        extra: Metrics of plugins by their name in the report.

    Returns:
        Metric -> value, in the order of a report, those of plugins last. None where a metric is undefined.

    Raises:
        ShapeError: The shapes differ, or one is not (H, W).
        DataError: A value is not finite or out of range, or the trimap has other values.
        UsageError: Unknown dialect or rounding, or a metric of a plugin has the name of one of the dialect.
        PluginError: A metric of a plugin failed.
    """
    family = check_dialect(dialect)
    alpha, target, trimap = _checked(alpha, target, trimap, rounding)
    if not family.together:
        alpha, target = (_read_only(matte) for matte in as_pair(alpha, target))  # once, not in every metric
    values = family.load()(alpha, target, trimap)
    return {**values, **_of_plugins(extra or {}, dialect, alpha, target, trimap)}


def extra_scores(
    alpha: np.ndarray,
    target: np.ndarray,
    trimap: np.ndarray | None,
    dialect: str,
    rounding: str,
    metrics: Mapping[str, MetricSpec],
) -> dict[str, float | None]:
    """The metrics of plugins alone; arguments, values and errors as `score`."""
    return _of_plugins(metrics, dialect, *_checked(alpha, target, trimap, rounding))


_Checked = tuple[np.ndarray, np.ndarray, np.ndarray | None]


def _checked(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None, rounding: str) -> _Checked:
    """What was given, if it can be scored, the prediction rounded; uint8 or float."""
    check_rounding(rounding)
    same_shape(alpha, target)
    # Read-only views: a metric that writes into what it was given fails instead of changing the next one's input.
    alpha = _read_only(_round(_in_range(exact(np.asarray(alpha)), "alpha"), rounding))
    target = _read_only(as_stored(_in_range(exact(np.asarray(target)), "target"), "target"))
    return alpha, target, None if trimap is None else _read_only(check_trimap(trimap, target.shape))


def _of_plugins(
    metrics: Mapping[str, MetricSpec],
    dialect: str,
    alpha: np.ndarray,
    target: np.ndarray,
    trimap: np.ndarray | None,
) -> dict[str, float | None]:
    if not metrics:
        return {}
    taken = {metric.name for metric in check_dialect(dialect).metrics}
    for name in metrics:
        if name in taken:
            raise UsageError(f"metric {name!r} of a plugin has the name of one of dialect {dialect}; rename it")
    alpha, target = (_read_only(matte) for matte in as_pair(alpha, target))
    return {name: _compute(name, spec, alpha, target, trimap) for name, spec in metrics.items()}


def _in_range(matte: np.ndarray, name: str) -> np.ndarray:
    """The matte in its own dtype, refused unless it is a finite one in [0, 1] or uint8."""
    if matte.size == 0 or matte.dtype == np.uint8:
        return matte
    low, high = matte.min(), matte.max()
    # NaN is in the least and the largest value if it is anywhere, and fails both comparisons.
    if low >= 0 and high <= 1:
        return matte
    if not (np.isfinite(low) and np.isfinite(high)):
        raise DataError(f"{name} has NaN or infinite values: a matte is finite, in [0, 1]")
    raise DataError(f"{name} has values from {low:.6g} to {high:.6g}: give float in [0, 1] or uint8 in [0, 255]")


def _round(alpha: np.ndarray, rounding: str) -> np.ndarray:
    """The prediction as `as_stored` has it, through 8 bits unless rounding is ``float``; (H, W)."""
    if rounding == "float" or not np.issubdtype(alpha.dtype, np.floating):
        return as_stored(alpha, "alpha")
    # In its own precision, as a program that writes the file does: 255 x (v / 255) is v there.
    steps = np.floor(alpha * 255) if rounding == "truncated" else np.rint(alpha * 255)
    return as_stored(steps.astype(np.uint8), "alpha")


def _read_only(array: np.ndarray) -> np.ndarray:
    view = array.view()
    view.flags.writeable = False
    return view


def _compute(
    name: str, spec: MetricSpec, alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None
) -> float | None:
    """A plugin's metric; NaN and infinity count as undefined, as no report can hold them."""
    if spec.needs_trimap and trimap is None:
        return None
    try:
        value = spec.compute(alpha, target, trimap)
        value = None if value is None else float(value)
    except ZooError:
        raise
    except Exception as error:
        raise PluginError(f"metric {name!r} failed: {type(error).__name__}: {error}") from error
    return value if value is not None and math.isfinite(value) else None
