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

from dataclasses import dataclass

import numpy as np

from zoo.data.opencv import cv2
from zoo.metrics.arrays import as_mattes, check_trimap, to_float64

_AT_A_TIME = 1 << 17
"""Pixels worked through together, while they are in the processor's cache. Another number changes the last bits."""


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
    return errors(alpha, target).sad


def mse(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> float:
    """Mean squared difference between two mattes, over the image; arguments and errors as `sad`."""
    return errors(alpha, target).mse


def mad(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> float:
    """Mean absolute difference between two mattes, over the image; arguments and errors as `sad`."""
    return errors(alpha, target).mad


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
        DataError: The trimap has other values.
    """
    return _checked(alpha, target, trimap).sad_t


def mse_t(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> float | None:
    """Squared differences as in `sad_t`, over the number of unknown pixels.

    None without a trimap and, where P3M has NaN or infinity, without an unknown pixel.
    """
    return _checked(alpha, target, trimap).mse_t


def mad_t(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> float | None:
    """Absolute differences as in `sad_t`, over the number of unknown pixels; None as in `mse_t`."""
    return _checked(alpha, target, trimap).mad_t


def sad_fg(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> float | None:
    """`sad` over the foreground of the trimap, in thousands; None without a trimap, 0 without foreground."""
    return _checked(alpha, target, trimap).sad_fg


def sad_bg(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> float | None:
    """`sad` over the background of the trimap, in thousands; None without a trimap, 0 without background."""
    return _checked(alpha, target, trimap).sad_bg


@dataclass(frozen=True)
class Errors:
    """All metrics of this file for one image.

    Attributes: those named as the functions above; None where they are None.
    """

    sad: float
    mse: float
    mad: float
    sad_t: float | None = None
    mse_t: float | None = None
    mad_t: float | None = None
    sad_fg: float | None = None
    sad_bg: float | None = None


def errors(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> Errors:
    """All metrics of this file in one pass over the pixels.

    Args:
        alpha: Predicted matte.
        target: True matte.
        trimap: As `check_trimap` returns it, or None.

    Raises:
        ShapeError: The shapes differ.
    """
    alpha, target = (matte.ravel() for matte in as_mattes(alpha, target))
    if trimap is not None:
        trimap = np.ascontiguousarray(trimap).ravel()
    count = len(target)
    room = np.empty((2, 1, min(count, _AT_A_TIME)))  # OpenCV takes (1,) for a number, so rows
    absolute = squared = 0.0
    foreground = background = forced_absolute = forced_squared = 0.0
    for start in range(0, count, _AT_A_TIME):
        part = slice(start, start + _AT_A_TIME)
        row, truth = room[..., : len(target[part])]
        cv2.absdiff(to_float64(alpha[None, part], row), to_float64(target[None, part], truth), row)
        squared += cv2.norm(row, cv2.NORM_L2SQR)
        error = row[0]
        absolute += error.sum()
        if trimap is None:
            continue
        of_foreground, of_background = _known(error, trimap[part])
        foreground += of_foreground
        background += of_background
        left = np.append(error[trimap[part] == 128], _wrong(target[part], trimap[part]))
        forced_absolute += left.sum()
        forced_squared += np.square(left).sum()
    whole = float(absolute) / 1000, squared / count, float(absolute) / count
    if trimap is None:
        return Errors(*whole)
    unknown = np.count_nonzero(trimap == 128)
    return Errors(
        *whole,
        sad_t=float(forced_absolute) / 1000,
        mse_t=float(forced_squared) / unknown if unknown else None,
        mad_t=float(forced_absolute) / unknown if unknown else None,
        sad_fg=float(foreground) / 1000,
        sad_bg=float(background) / 1000,
    )


def _checked(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None) -> Errors:
    return errors(alpha, target, None if trimap is None else check_trimap(trimap, np.shape(target)))


def _known(error: np.ndarray, trimap: np.ndarray) -> tuple[float, float]:
    """Sums of errors over the foreground and over the background; (pixels,) each."""
    # A trimap consists of long runs of one value. Their sums take no longer than the sum of everything, and a
    # third of what a sum under a mask takes.
    starts = np.append(0, 1 + np.flatnonzero(trimap[1:] != trimap[:-1]))
    sums, value = np.add.reduceat(error, starts), trimap[starts]
    return sums[value == 255].sum(), sums[value == 0].sum()


def _wrong(target: np.ndarray, trimap: np.ndarray) -> np.ndarray:
    """|a - g| where a is forced to 1 or 0 and wrong; (such pixels,)."""
    if target.dtype == np.uint8:
        wrong = (trimap != 128) & (target != trimap)
    else:
        wrong = ((trimap == 255) & (target != 1)) | ((trimap == 0) & (target != 0))
    return np.abs((trimap[wrong] == 255) - to_float64(target[wrong]))
