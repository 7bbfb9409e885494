"""The matting metrics of mmagic written a second time: correlation with a 9 x 9 kernel, SciPy's labelling.

Independent of zoo: nothing is imported from it. Source: open-mmlab/mmagic mmagic/evaluation/metrics and
open-mmlab/mmeval mmeval/metrics. The code demands a prediction that agrees with the known regions of the trimap, so it
is made to first.
Mattes are (H, W) float64 in [0, 1], the trimap is uint8.
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy import ndimage


def scores(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> dict[str, float | None]:
    """All four, by name."""
    if trimap is None:
        return dict.fromkeys(("SAD", "MSE", "GRAD", "CONN"))
    alpha = np.where(trimap == 0, 0.0, np.where(trimap == 255, 1.0, alpha))
    unknown = np.where(trimap == 128, 1.0, 0.0)
    error = alpha - target
    return {
        "SAD": np.abs(error).sum() / 1000,
        "MSE": (error**2).sum() / unknown.sum() if unknown.any() else 0.0,
        "GRAD": grad(alpha, target, unknown),
        "CONN": conn(alpha, target, unknown),
    }


def grad(alpha: np.ndarray, target: np.ndarray, unknown: np.ndarray) -> float:
    """Smoothing across times slope along, as one kernel; the matte scaled by its least and largest value."""
    x = np.arange(-4.0, 5.0)
    gaussian = np.exp(-(x**2) / (2 * 1.4**2)) / (1.4 * np.sqrt(2 * np.pi))
    slope = -x * gaussian / 1.4**2
    kernel = gaussian[:, None] * slope[None, :]
    kernel = kernel / np.linalg.norm(kernel)
    steepness = []
    for matte in (alpha, target):
        span = matte.max() - matte.min()
        scaled = (matte - matte.min()) / span if span > 0 else 0 * matte
        along, across = (ndimage.correlate(scaled, k, mode="nearest") for k in (kernel, kernel.T))
        steepness.append(np.hypot(along, across))
    return (np.square(steepness[0] - steepness[1]) * unknown).sum() / 1000


def conn(alpha: np.ndarray, target: np.ndarray, unknown: np.ndarray, neighbours: int = 4, arange: bool = True) -> float:
    """Levels from numpy.arange. ``neighbours`` 8 and ``arange`` False give what this dialect does not do."""
    steps = np.arange(0, 1.1, 0.1) if arange else np.arange(11) / 10
    structure = ndimage.generate_binary_structure(2, 1 if neighbours == 4 else 2)
    level = np.full(alpha.shape, np.nan)
    for before, step in itertools.pairwise(steps):
        labels, count = ndimage.label((alpha >= step) & (target >= step), structure)
        sizes = [np.count_nonzero(labels == 1 + i) for i in range(count)]
        inside = labels == 1 + sizes.index(max(sizes)) if sizes else np.zeros(alpha.shape, bool)
        level[np.isnan(level) & ~inside] = before
    level[np.isnan(level)] = 1
    distance = [np.where(matte - level >= 0.15, matte - level, 0.0) for matte in (alpha, target)]
    return (np.abs(distance[0] - distance[1]) * unknown).sum() / 1000
