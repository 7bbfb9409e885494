"""The P3M metrics written a second time, the plain way: SciPy filters, one labelling per level in scikit-image.

Independent of zoo: nothing is imported from it. Sources: the definitions in JizhiziLi/P3M, core/evaluate.py, with
its levels taken as exactly k / 10. Left out is what that script computes and does not use: a distance transform for
each level. Mattes are (H, W) float64 in [0, 1].
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage import measure


def scores(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> dict[str, float | None]:
    """All ten, by name."""
    error = np.abs(alpha - target)
    values: dict[str, float | None] = {
        "SAD": np.sum(error) / 1000,
        "MSE": np.mean(error**2),
        "MAD": np.mean(error),
        "GRAD": grad(alpha, target),
        "CONN": conn(alpha, target),
    }
    regional = dict.fromkeys(("SAD-T", "MSE-T", "MAD-T", "SAD-FG", "SAD-BG"))
    if trimap is not None:
        forced = np.where(trimap == 255, 1.0, np.where(trimap == 0, 0.0, alpha))
        rest = np.abs(forced - target)
        unknown = np.sum(trimap == 128)
        regional["SAD-T"] = np.sum(rest) / 1000
        regional["MSE-T"] = np.sum(rest**2) / unknown if unknown else None
        regional["MAD-T"] = np.sum(rest) / unknown if unknown else None
        regional["SAD-FG"] = np.sum(error[trimap == 255]) / 1000
        regional["SAD-BG"] = np.sum(error[trimap == 0]) / 1000
    return {**values, **regional}


def grad(alpha: np.ndarray, target: np.ndarray) -> float:
    """Gaussian derivatives of order 1 along each axis, sigma 1.4, SciPy's default border and truncation."""

    def magnitude(matte: np.ndarray) -> np.ndarray:
        dy = ndimage.gaussian_filter(matte, 1.4, order=(1, 0))
        dx = ndimage.gaussian_filter(matte, 1.4, order=(0, 1))
        return np.sqrt(dx**2 + dy**2)

    return np.sum((magnitude(alpha) - magnitude(target)) ** 2) / 10


def conn(alpha: np.ndarray, target: np.ndarray) -> float:
    """Ten labellings; see `zoo.metrics.conn` for the rules."""
    level = np.full(alpha.shape, -1.0)
    for k in range(1, 11):
        omega = largest_component((alpha >= k / 10) & (target >= k / 10))
        if omega is not None:
            level[(level == -1) & ~omega] = (k - 1) / 10
    level[level == -1] = 1

    def phi(value: np.ndarray) -> np.ndarray:
        above = value - level
        return 1 - above * (above >= 0.15)

    return np.sum(np.abs(phi(alpha) - phi(target))) / 1000


def largest_component(both: np.ndarray) -> np.ndarray | None:
    """The largest 4-connected component, the first in row order on a tie; None if there is none."""
    components = measure.regionprops(measure.label(both, connectivity=1))  # numbered in row order
    if not components:
        return None
    largest = components[np.argmax([component.area for component in components])]
    omega = np.zeros(both.shape, bool)
    omega[tuple(largest.coords.T)] = True
    return omega
