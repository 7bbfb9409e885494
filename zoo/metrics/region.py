"""The unknown region of a trimap, where most dialects measure."""

from __future__ import annotations

import numpy as np

from zoo.data.opencv import cv2
from zoo.metrics.arrays import as_pair, fitting_trimap

UNKNOWN = 128
"""Value of the unknown region in a trimap; 255 is foreground, 0 background."""


def unknown(trimap: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Where a trimap is unknown.

    Args:
        trimap: (H, W) uint8.
        shape: Shape of the mattes.

    Returns:
        (H, W) uint8, 1 there and 0 elsewhere.

    Raises:
        ShapeError: The trimap has another shape.
    """
    return (fitting_trimap(trimap, shape) == UNKNOWN).view(np.uint8)


def forced(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mattes, the prediction set to 1 on the foreground and to 0 on the background of the trimap.

    Args:
        alpha: Predicted matte, (H, W), float in [0, 1] or uint8. Never changed.
        target: True matte, same shape and range.
        trimap: (H, W) uint8 in {0, 128, 255}.

    Returns:
        Two (H, W) float64.

    Raises:
        ShapeError: The shapes differ.
    """
    alpha, target = as_pair(alpha, target)
    trimap = fitting_trimap(trimap, target.shape)
    known = (trimap == 255).astype(np.float64)
    np.copyto(known, alpha, where=trimap == UNKNOWN)
    return known, target


def absolute(alpha: np.ndarray, target: np.ndarray, region: np.ndarray | None = None) -> float:
    """sum |a - g| over a region ((H, W) uint8, 1 inside), or over the image."""
    # cv2.norm adds up in float64 without a temporary array.
    return float(cv2.norm(alpha, target, cv2.NORM_L1, region))


def squared(alpha: np.ndarray, target: np.ndarray, region: np.ndarray | None = None) -> float:
    """sum (a - g)^2 over a region ((H, W) uint8, 1 inside), or over the image."""
    return float(cv2.norm(alpha, target, cv2.NORM_L2SQR, region))
