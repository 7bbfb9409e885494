"""GRAD: how differently steep two mattes are.

    GRAD = sum (|grad a| - |grad g|)^2 / 10

over the whole image, without any stretching of a or g. The gradient is that of P3M (JizhiziLi/P3M,
core/evaluate.py), which calls SciPy's ``gaussian_filter`` with sigma 1.4 and order 1 along one axis: a Gaussian of
unit sum cut at 4 sigma (13 taps) and its derivative; the border is mirrored, the edge pixel repeated.
The derivative kernels of DIM and its followers have unit L2 norm instead and divide by 1000: sums 96.55 times
as large before the division, 1.036 times smaller after it.
"""

from __future__ import annotations

import numpy as np

from zoo.data.opencv import cv2
from zoo.metrics.arrays import as_pair

SIGMA = 1.4
"""Standard deviation of the Gaussian, in pixels (Rhemann et al. 2009)."""

RADIUS = int(4 * SIGMA + 0.5)
"""Taps on each side of the centre, 6: SciPy's default truncation at 4 sigma."""

_TILE = 32
"""Side of the squares the image is worked through in, in pixels. Any value gives the same result."""

_WINDOW = _TILE + 2 * RADIUS


def grad(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> float:
    """Sum of squared differences between the gradient magnitudes of two mattes, over ten.

    Args:
        alpha: Predicted matte, (H, W), float in [0, 1] or uint8.
        target: True matte, same shape and range.
        trimap: Not used; P3M has no regional variant.

    Returns:
        Over the whole image; zero is perfect.

    Raises:
        ShapeError: The shapes differ.
    """
    # Most of a photograph's matte is exactly right or flat, so the image is cut into tiles, and
    # only tiles with a difference in their window (the tile and RADIUS pixels around it) are filtered.
    alpha, target = as_pair(alpha, target)
    height, width = target.shape
    rows, columns = _windows(height), _windows(width)
    inside = _starts(width)[:, None] + np.arange(_TILE) < width
    differs = alpha != target
    total = 0.0
    for top, window in zip(_starts(height), rows, strict=True):
        busy = differs[window].any(axis=0)[columns].any(axis=1)
        if busy.any():
            ours, truth = (_magnitude(matte[window][:, columns[busy]].swapaxes(0, 1)) for matte in (alpha, target))
            error = np.square(ours - truth) * inside[busy, None]
            total += float(error[:, : height - top].sum())
    return total / 10


def _starts(length: int) -> np.ndarray:
    return np.arange(0, length, _TILE)


def _windows(length: int) -> np.ndarray:
    """Indices of the pixels in the window of each tile along one axis, mirrored at the ends; (tiles, window)."""
    starts = _starts(length)
    past_the_end = len(starts) * _TILE - length
    mirrored = np.pad(np.arange(length), (RADIUS, RADIUS + past_the_end), mode="symmetric")
    return mirrored[starts[:, None] + np.arange(_WINDOW)]


def _magnitude(windows: np.ndarray) -> np.ndarray:
    """Gradient magnitudes of tiles.

    Args:
        windows: (tiles, window, window).

    Returns:
        (tiles, tile, tile); exactly 0 where a window is constant.
    """
    magnitude = np.zeros((len(windows), _TILE, _TILE))
    sloped = (windows != windows[:, :1, :1]).any(axis=(1, 2))
    if sloped.any():
        # The filters are matrices. Products of this size stay below the point where BLAS starts threads, which
        # would stand in each other's way: several images are scored at a time.
        #   dy: [derivative]                      [smooth    ]ᵀ
        #   dx: [smooth    ]  @  window  @ ...    [derivative]ᵀ
        down = _FILTERS @ windows[sloped]
        dy, dx = down[:, :_TILE] @ _SMOOTH.T, down[:, _TILE:] @ _DERIVATIVE.T
        magnitude[sloped] = cv2.magnitude(dx.ravel(), dy.ravel()).reshape(dx.shape)
    return magnitude


def _kernels() -> tuple[np.ndarray, np.ndarray]:
    """The Gaussian of unit sum and its derivative, 13 taps each."""
    x = np.arange(-RADIUS, RADIUS + 1)
    gaussian = np.exp(-0.5 * (x / SIGMA) ** 2)
    gaussian /= gaussian.sum()
    return gaussian, -x / SIGMA**2 * gaussian


def _filter_matrix(kernel: np.ndarray) -> np.ndarray:
    """(tile, window): row i has the kernel at columns i to i + 12."""
    matrix = np.zeros((_TILE, _WINDOW))
    for i in range(_TILE):
        matrix[i, i : i + len(kernel)] = kernel
    return matrix


_SMOOTH, _DERIVATIVE = (_filter_matrix(kernel) for kernel in _kernels())
_FILTERS = np.concatenate([_DERIVATIVE, _SMOOTH])
