"""Difference in steepness of two mattes after DIM: what GRAD is in every dialect but p3m.

    a' = (a - min a) / (max a - min a), g' likewise; a constant matte has no gradient
    sum over the region of (|grad a'| - |grad g'|)^2

The gradient is that of ``gaussgradient.m`` (Guanglei Xiong), which DIM's ``compute_gradient_loss.m`` (Ning Xu 2018) and
its followers call with sigma 1.4:

    h(x, y) = G(y) G'(x)  for x, y = -4 ... 4,  divided by its L2 norm; the other one is its transpose
    half width = ceil(sigma sqrt(-2 ln(sqrt(2 pi) sigma 0.01))) = 4: where G falls below 0.01

and the edge pixel is repeated beyond the border. Both factors of h can be normalised apart, as the L2 norm of an outer
product is the product of the norms: the filters are separable.
"""

from __future__ import annotations

import numpy as np

from zoo.data.opencv import cv2

SIGMA = 1.4
"""Standard deviation of the Gaussian, in pixels (Rhemann et al. 2009)."""

RADIUS = 4
"""Taps on each side of the centre."""


def steepness_error(alpha: np.ndarray, target: np.ndarray, region: np.ndarray) -> float:
    """Sum of squared differences between the gradient magnitudes of two stretched mattes.

    Args:
        alpha: Predicted matte, (H, W) float64 in [0, 1].
        target: True matte, same shape and range.
        region: (H, W) uint8, 1 where the sum runs and 0 elsewhere. Both mattes are stretched and filtered
            whole, whatever it is.

    Returns:
        The sum, undivided; 0 for an empty region.
    """
    left, top, width, height = cv2.boundingRect(region)
    if not width:
        return 0.0
    # A pixel's gradient needs RADIUS pixels around it. Only where the image ends does the cut end there too, so the
    # border is made only where the image has one.
    first_row, first_column = max(top - RADIUS, 0), max(left - RADIUS, 0)
    window = np.s_[first_row : top + height + RADIUS, first_column : left + width + RADIUS]
    ours, truth = (_magnitude(matte, window) for matte in (alpha, target))
    return float(cv2.norm(ours, truth, cv2.NORM_L2SQR, np.ascontiguousarray(region[window])))


def _magnitude(matte: np.ndarray, window: tuple[slice, slice]) -> np.ndarray:
    """Gradient magnitudes of the stretched matte in a window, float64."""
    part = np.ascontiguousarray(matte[window])
    low, high = cv2.minMaxLoc(matte)[:2]
    if high == low:
        return np.zeros(part.shape)
    # The kernels sum to zero, so stretching is the same as dividing the gradient.
    dx = cv2.sepFilter2D(part, cv2.CV_64F, _DERIVATIVE, _SMOOTH, borderType=cv2.BORDER_REPLICATE)
    dy = cv2.sepFilter2D(part, cv2.CV_64F, _SMOOTH, _DERIVATIVE, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.magnitude(dx, dy)) / (high - low)


def _kernels() -> tuple[np.ndarray, np.ndarray]:
    """The Gaussian and its derivative, 9 taps each, both of unit L2 norm."""
    x = np.arange(-RADIUS, RADIUS + 1)
    gaussian = np.exp(-0.5 * (x / SIGMA) ** 2)
    derivative = -x * gaussian
    return gaussian / np.sqrt((gaussian**2).sum()), derivative / np.sqrt((derivative**2).sum())


_SMOOTH, _DERIVATIVE = _kernels()
