"""The metrics of Deep Image Matting's MATLAB code written a second time: one 9 x 9 filter, one labelling per level.

Independent of zoo: nothing is imported from it. Source: compute_{sad_loss,mse_loss,gradient_loss,connectivity_error}.m
(Ning Xu, 2018-1-1) and gaussgradient.m, with the callers' division of GRAD and CONN by 1000. Mattes are (H, W)
float64 in [0, 1], the trimap is uint8.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage
from skimage import measure


def scores(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> dict[str, float | None]:
    """All four, by name."""
    if trimap is None:
        return dict.fromkeys(("SAD", "MSE", "GRAD", "CONN"))
    unknown = trimap == 128
    error = (alpha - target)[unknown]
    return {
        "SAD": np.sum(np.abs(error)) / 1000,
        "MSE": np.sum(error**2) / np.sum(unknown) if unknown.any() else None,
        "GRAD": grad(alpha, target, unknown),
        "CONN": conn(alpha, target, unknown),
    }


def grad(alpha: np.ndarray, target: np.ndarray, unknown: np.ndarray, beyond: str = "nearest") -> float:
    """Two filters of 81 taps on mattes stretched to [0, 1]. ``beyond`` "reflect" or "constant" is another border."""
    kernel = np.zeros((9, 9))
    for y in range(9):
        for x in range(9):
            kernel[y, x] = -(x - 4) * math.exp(-((x - 4) ** 2 + (y - 4) ** 2) / (2 * 1.4**2))
    kernel /= np.sqrt(np.sum(kernel**2))

    def magnitude(matte: np.ndarray) -> np.ndarray:
        if matte.max() == matte.min():
            return np.zeros(matte.shape)
        stretched = (matte - matte.min()) / (matte.max() - matte.min())
        dx = ndimage.convolve(stretched, kernel, mode=beyond)
        dy = ndimage.convolve(stretched, kernel.T, mode=beyond)
        return np.sqrt(dx**2 + dy**2)

    return np.sum(((magnitude(alpha) - magnitude(target)) ** 2)[unknown]) / 1000


def conn(alpha: np.ndarray, target: np.ndarray, unknown: np.ndarray, neighbours: int = 4, by: str = "columns") -> float:
    """Ten labellings. ``neighbours`` 8 and ``by`` "rows" give what this dialect does not do."""
    level = np.full(alpha.shape, -1.0)
    for k in range(1, 11):
        both = (alpha >= k / 10) & (target >= k / 10)
        if not both.any():
            continue
        # skimage numbers in row order; the rows of the transposed image are the columns.
        turned = both.T if by == "columns" else both
        labels = measure.label(turned, connectivity=1 if neighbours == 4 else 2)
        largest = 1 + np.argmax([region.area for region in measure.regionprops(labels)])
        omega = labels == largest
        if by == "columns":
            omega = omega.T
        level[(level == -1) & ~omega] = (k - 1) / 10
    level[level == -1] = 1

    def phi(value: np.ndarray) -> np.ndarray:
        above = value - level
        return 1 - above * (above >= 0.15)

    return np.sum(np.abs(phi(alpha) - phi(target))[unknown]) / 1000
