"""How far a mean over images can be trusted, and whether two of them differ.

The images of a test split stand for the pictures that might have been in it. An interval answers: had other pictures
of the same kind been drawn, where would the mean lie? It says nothing of training again with another seed.

Per-image errors are far from normal: many small ones and a few large ones. The intervals are therefore bootstrap
intervals, and of their kinds the bias-corrected and accelerated one (BCa; Efron, Better Bootstrap Confidence Intervals,
JASA 1987), which shifts the percentiles for that skewness. For a mean its acceleration has a closed form, so it costs
nothing. A bootstrap of few values is too narrow, as it divides by n where a variance divides by n - 1 and takes normal
tails where there are Student's; both are made good by asking for a higher level (Hesterberg, What Teachers Should Know
About the Bootstrap, The American Statistician 2015), which with hundreds of images changes nothing.

Everything here is deterministic and, as values are sorted first, the same for any order of the rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np

from zoo.metrics.summary import ABOUT

LEVEL = 0.95
"""Share of data sets whose interval holds the true mean."""

RESAMPLES = 4000
"""Data sets drawn for an interval. Another seed moves its ends by a few hundredths of its width."""

FLIPS = 10_000
"""Random assignments of signs for a p-value; with few images all of them are counted instead."""

SEED = 0

_BLOCK = 1 << 21
"""Random numbers held at a time: memory does not grow with the data set."""

_ALL_SIGNS = 13
"""Up to this many images there are no more assignments of signs than `FLIPS`."""


@dataclass(frozen=True)
class Difference:
    """The difference B - A of a metric.

    Attributes:
        metric: Name of the metric.
        n: Images that both have a value of; 0 for two splits, whose counts are ``n_a`` and ``n_b``.
        mean: Mean difference, B - A; None if there is no image.
        low: Lower end of its interval; None with fewer than two images.
        high: Upper end.
        wins: Images on which B is better; None for two splits, which have no image in common.
        losses: Images on which B is worse.
        ties: Images on which both are the same.
        p: Two-sided p-value of the sign-flip test; None for two splits, and with fewer than two images.
        n_a: Images of A with a value.
        n_b: Images of B with a value.
    """

    metric: str
    n: int
    mean: float | None = None
    low: float | None = None
    high: float | None = None
    wins: int | None = None
    losses: int | None = None
    ties: int | None = None
    p: float | None = None
    n_a: int = 0
    n_b: int = 0


def interval(
    values: Iterable[float | None], level: float = LEVEL, resamples: int = RESAMPLES, seed: int = SEED
) -> tuple[float, float] | None:
    """Bootstrap interval of a mean.

    Args:
        values: One for each image; None (undefined) is left out.
        level: Share of data sets whose interval is to hold the true mean, in (0, 1).
        resamples: Data sets to draw.
        seed: Of the draws.

    Returns:
        (low, high), or None with fewer than two values. With a few dozen it is still somewhat too narrow where the
        values are very skewed: so small a sample seldom shows its own tail.
    """
    known = _sorted(values)
    if len(known) < 2:
        return None
    drawn = _resampled_means(known, resamples, seed)
    return _bca(known.mean(), drawn, known - known.mean(), _quantile(level, len(known)))


def intervals(rows: Iterable[Mapping[str, Any]], level: float = LEVEL) -> dict[str, list[float] | None]:
    """`interval` of every metric of a report.

    Args:
        rows: Rows of ``per_image``: metric -> value or None, besides what a row says of its image.
        level: As in `interval`.

    Returns:
        Metric -> ``[low, high]``, or None where fewer than two images have a value.
    """
    rows = list(rows)
    names = dict.fromkeys(name for row in rows for name in row if name not in ABOUT)
    found = {name: interval((row.get(name) for row in rows), level) for name in names}
    return {name: None if ends is None else list(ends) for name, ends in found.items()}


def paired_difference(
    rows_a: Iterable[Mapping[str, Any]],
    rows_b: Iterable[Mapping[str, Any]],
    metric: str,
    lower_is_better: bool = True,
    level: float = LEVEL,
) -> Difference:
    """B - A over the images that both have a value of.

    Images are hard or easy for everybody, and that part of the spread cancels in the differences: the interval is much
    narrower than those of the two means, which may overlap although the difference is plain.

    Args:
        rows_a: Rows of ``per_image`` of A.
        rows_b: Those of B.
        metric: Name of the metric.
        lower_is_better: Which direction is better.
        level: Of the interval.

    Returns:
        The difference; see `Difference`.
    """
    a, b = _by_image(rows_a, metric), _by_image(rows_b, metric)
    changes = _sorted(b[image] - a[image] for image in a if image in b)
    found = Difference(metric, len(changes), wins=0, losses=0, ties=0, n_a=len(a), n_b=len(b))
    if not len(changes):
        return found
    below, above = int((changes < 0).sum()), int((changes > 0).sum())
    ends = interval(changes, level)
    return replace(
        found,
        mean=_mean(changes),
        low=ends and ends[0],
        high=ends and ends[1],
        wins=below if lower_is_better else above,
        losses=above if lower_is_better else below,
        ties=len(changes) - below - above,
        p=sign_flip_p(changes),
    )


def unpaired_difference(
    rows_a: Iterable[Mapping[str, Any]], rows_b: Iterable[Mapping[str, Any]], metric: str, level: float = LEVEL
) -> Difference:
    """B - A of the means of two sets of different images, each resampled by itself.

    Args:
        rows_a: Rows of ``per_image`` of A.
        rows_b: Those of B.
        metric: Name of the metric.
        level: Of the interval.

    Returns:
        The difference; without wins, ties and p-value, and without an interval if a set has fewer than two values.
    """
    a, b = _sorted(_by_image(rows_a, metric).values()), _sorted(_by_image(rows_b, metric).values())
    found = Difference(metric, 0, n_a=len(a), n_b=len(b))
    if not len(a) or not len(b):
        return found
    mean = _mean(b) - _mean(a)
    if min(len(a), len(b)) < 2:
        return replace(found, mean=mean)
    drawn = _resampled_means(b, RESAMPLES, SEED + 1) - _resampled_means(a, RESAMPLES, SEED)
    # What each image adds to the difference; those of A enter with the other sign (Davison and Hinkley, Bootstrap
    # Methods and their Application, 1997, chapter 5).
    influence = np.concatenate([(b - b.mean()) / len(b), (a.mean() - a) / len(a)])
    low, high = _bca(mean, drawn, influence, _quantile(level, min(len(a), len(b))))
    return replace(found, mean=mean, low=low, high=high)


def privacy_gap(report_p: Mapping[str, Any], report_np: Mapping[str, Any]) -> dict[str, Difference]:
    """How much worse or better one model is on pictures with faces left as they are.

    Args:
        report_p: Report on P3M-500-P, whose faces are blurred.
        report_np: Report of the same model on P3M-500-NP, whose faces are not.

    Returns:
        Metric -> NP - P, for the metrics that both reports name.
    """
    p, other = report_p["per_image"], report_np["per_image"]
    names = [name for name in report_p["metrics"] if name in report_np["metrics"]]
    return {name: unpaired_difference(p, other, name) for name in names}


def sign_flip_p(changes: np.ndarray, seed: int = SEED) -> float | None:
    """How often chance alone gives a mean difference as large as this one.

    If A and B did not differ, each image's difference would have had the other sign as often. All assignments of signs
    are counted with few images, else `FLIPS` random ones and the one observed.

    Args:
        changes: Differences, sorted, (n,).
        seed: Of the random signs.

    Returns:
        Two-sided p-value in (0, 1], or None with fewer than two differences. With n images it cannot be below
        2 / 2**n, nor below about 1 / `FLIPS`.
    """
    count = len(changes)
    if count < 2:
        return None
    # The same sum in another order differs in its last digits; such a one is as large as the observed one.
    limit = abs(changes.sum()) - 1e-12 * np.abs(changes).sum()
    if count <= _ALL_SIGNS:
        signs = 1 - 2 * (np.arange(2**count)[:, None] >> np.arange(count) & 1)
        return float((np.abs(signs @ changes) >= limit).mean())
    rng = np.random.default_rng(seed)
    reached, left = 1, FLIPS
    while left:
        size = min(left, max(1, _BLOCK // count))
        flipped = rng.integers(0, 2, (size, count), np.int8, endpoint=False).astype(np.float64) @ changes
        reached += int((np.abs(changes.sum() - 2 * flipped) >= limit).sum())
        left -= size
    return reached / (FLIPS + 1)


def _sorted(values: Iterable[float | None]) -> np.ndarray:
    return np.sort(np.array([value for value in values if value is not None], np.float64))


def _mean(values: np.ndarray) -> float:
    """The mean as `zoo.metrics.summary.summarise` has it, to the last bit."""
    return math.fsum(values) / len(values)


def _by_image(rows: Iterable[Mapping[str, Any]], metric: str) -> dict[str, float]:
    return {row["image"]: row[metric] for row in rows if row.get(metric) is not None}


def _resampled_means(values: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """Means of data sets drawn from the values with replacement; (resamples,)."""
    rng = np.random.default_rng(seed)
    count = len(values)
    size = max(1, _BLOCK // count)
    means = [
        values[rng.integers(0, count, (min(size, resamples - done), count), np.int32)].mean(axis=1)
        for done in range(0, resamples, size)
    ]
    return np.concatenate(means)


def _quantile(level: float, count: int) -> float:
    """Normal quantile at the upper end of an interval, large enough for so few values; 1.96 and a little at 0.95."""
    from scipy.special import stdtrit  # loading it takes longer than computing everything else here

    return float(stdtrit(count - 1, (1 + level) / 2)) * math.sqrt(count / (count - 1))


def _bca(estimate: float, drawn: np.ndarray, influence: np.ndarray, quantile: float) -> tuple[float, float]:
    """The BCa interval.

    Args:
        estimate: The figure itself.
        drawn: The figure of each resampled data set.
        influence: What each value adds to the figure, up to a common factor; they sum to 0.
        quantile: Normal quantile of either end, were the draws normal and centred on the estimate.

    Returns:
        (low, high): the quantiles of ``drawn`` at Phi(z0 + (z0 + z) / (1 - a (z0 + z))) for z = -+ quantile, where z0
        says how far the draws lie to one side of the estimate and a, the acceleration, how their spread grows.
    """
    spread = float(np.square(influence).sum())
    if spread == 0 or drawn.min() == drawn.max():
        return float(drawn.min()), float(drawn.max())
    normal = NormalDist()
    below = (np.count_nonzero(drawn < estimate) + np.count_nonzero(drawn <= estimate)) / 2
    bias = normal.inv_cdf(min(max(below, 0.5), len(drawn) - 0.5) / len(drawn))
    acceleration = float((influence**3).sum()) / (6 * spread**1.5)
    shares = []
    for z in (bias - quantile, bias + quantile):
        # Few and very skewed values can push the pole past the end; the outermost draw is then the end.
        shares.append(normal.cdf(bias + z / max(1 - acceleration * z, 1e-9)))
    low, high = np.quantile(drawn, shares)
    return float(low), float(high)
