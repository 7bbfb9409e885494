"""SAD, MSE and MAD, over the image and by region.

Definitions of P3M (JizhiziLi/P3M, core/evaluate.py). With a the prediction, g the truth, N the number
of pixels and F, B, U the foreground (255), background (0) and unknown (128) pixels of the trimap:

    SAD = sum |a - g| / 1000      MSE = sum (a - g)^2 / N      MAD = sum |a - g| / N

    SAD-T, MSE-T, MAD-T: a becomes 1 on F and 0 on B; then the sums run over the whole image, so
    that an error of the trimap itself counts; MSE-T and MAD-T are divided by |U|
    SAD-FG, SAD-BG: sum |a - g| / 1000 over F or B, a untouched

All functions take mattes (H, W), float in [0, 1] or uint8, and a trimap (H, W) uint8 in {0, 128, 255}, and
leave them as they are. Zero is perfect.
"""

from __future__ import annotations

import numpy as np

from zoo.data.opencv import cv2
from zoo.metrics.arrays import as_pair, fitting_trimap

# cv2.norm adds up in float64 without a temporary array: several times faster than NumPy on a photograph.


def sad(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> float:
    """Sum of absolute differences between two mattes, in thousands.

    Args:
        alpha: Predicted matte.
        target: True matte.
        trimap: Not used; the regional variant is `sad_t`.

    Returns:
        sum(|alpha - target|) / 1000 over the image.

    Raises:
        ShapeError: The shapes differ.
    """
    return _absolute(*as_pair(alpha, target)) / 1000


def mse(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> float:
    """Mean squared difference between two mattes, over the image; arguments and errors as `sad`."""
    alpha, target = as_pair(alpha, target)
    return _squared(alpha, target) / target.size


def mad(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> float:
    """Mean absolute difference between two mattes, over the image; arguments and errors as `sad`."""
    alpha, target = as_pair(alpha, target)
    return _absolute(alpha, target) / target.size


def sad_t(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> float | None:
    """`sad` of a prediction that was given the known regions of the trimap.

    Args:
        alpha: Predicted matte.
        target: True matte.
        trimap: The regions, or None.

    Returns:
        In thousands, over the whole image. None without a trimap. Without an unknown region it is
        what the trimap itself gets wrong.

    Raises:
        ShapeError: The shapes differ.
    """
    if trimap is None:
        return None
    return _absolute(*_forced(alpha, target, trimap)) / 1000


def mse_t(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> float | None:
    """Squared differences as in `sad_t`, over the number of unknown pixels.

    None without a trimap and, where P3M has NaN or infinity, without an unknown pixel.
    """
    if trimap is None:
        return None
    alpha, target = _forced(alpha, target, trimap)
    return _over_unknown(_squared(alpha, target), trimap)


def mad_t(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> float | None:
    """Absolute differences as in `sad_t`, over the number of unknown pixels; None as in `mse_t`."""
    if trimap is None:
        return None
    alpha, target = _forced(alpha, target, trimap)
    return _over_unknown(_absolute(alpha, target), trimap)


def sad_fg(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> float | None:
    """`sad` over the foreground of the trimap, in thousands; None without a trimap, 0 without foreground."""
    return _within(alpha, target, trimap, 255)


def sad_bg(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> float | None:
    """`sad` over the background of the trimap, in thousands; None without a trimap, 0 without background."""
    return _within(alpha, target, trimap, 0)


def _absolute(alpha: np.ndarray, target: np.ndarray) -> float:
    return float(cv2.norm(alpha, target, cv2.NORM_L1))


def _squared(alpha: np.ndarray, target: np.ndarray) -> float:
    return float(cv2.norm(alpha, target, cv2.NORM_L2SQR))


def _forced(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mattes, the prediction 1 on the foreground and 0 on the background of the trimap."""
    alpha, target = as_pair(alpha, target)
    trimap = fitting_trimap(trimap, target.shape)
    known = (trimap == 255).astype(np.float64)
    np.copyto(known, alpha, where=trimap == 128)
    return known, target


def _over_unknown(total: float, trimap: np.ndarray) -> float | None:
    unknown = int(np.count_nonzero(np.asarray(trimap) == 128))
    return total / unknown if unknown else None


def _within(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None, value: int) -> float | None:
    if trimap is None:
        return None
    alpha, target = as_pair(alpha, target)
    region = fitting_trimap(trimap, target.shape) == value
    return float(cv2.norm(alpha, target, cv2.NORM_L1, region.view(np.uint8))) / 1000
