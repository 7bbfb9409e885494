"""Large pictures are solved smaller: what a picture and its trimap become, and how the alpha comes back."""

from __future__ import annotations

import cv2
import numpy as np

LEAST_SIDE = 3
"""Both sides of what is solved, at least: the methods look at 3 x 3 pixels."""

FOREGROUND, UNKNOWN, BACKGROUND = 255, 128, 0


def working_size(height: int, width: int, max_side: int | None) -> tuple[int, int]:
    """Height and width of what is solved, in pixels; ``max_side`` None: those of the picture."""
    scale = 1.0 if max_side is None else min(1.0, max_side / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def shrink(image: np.ndarray, trimap: np.ndarray, max_side: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Picture and trimap at the working size.

    Args:
        image: (H, W, 3) uint8 RGB.
        trimap: (H, W) uint8; what is neither 0 nor 255 is unknown.
        max_side: Longest side in pixels; None: any.

    Returns:
        (h, w, 3) float64 in [0, 1] and (h, w) float64 in {0, 0.5, 1}. A pixel is known where all that it stands for is.
    """
    size = working_size(*trimap.shape, max_side)
    small = image / 255.0
    shares = [(trimap == value).astype(np.float64) for value in (FOREGROUND, BACKGROUND)]
    if size != trimap.shape:
        small, *shares = (cv2.resize(part, size[::-1], interpolation=cv2.INTER_AREA) for part in (small, *shares))
    foreground, background = map(_known, shares)
    known = np.where(foreground, 1.0, np.where(background, 0.0, 0.5))
    return _padded(np.clip(small, 0, 1)), _padded(known)


def _known(share: np.ndarray) -> np.ndarray:
    """Where a pixel is wholly of a region; where the region is too thin for that, the pixels that are most so."""
    most = share.max()
    return (share >= min(most, 1.0) - 1e-6) if most > 0 else np.zeros(share.shape, bool)


def _padded(array: np.ndarray) -> np.ndarray:
    """With its last row and column repeated where it is less than `LEAST_SIDE` high or wide."""
    missing = [(0, max(0, LEAST_SIDE - side)) for side in array.shape[:2]]
    return np.pad(array, [*missing, *[(0, 0)] * (array.ndim - 2)], mode="edge")


def enlarge(alpha: np.ndarray, trimap: np.ndarray, max_side: int | None) -> np.ndarray:
    """The alpha of the whole picture, with what the trimap knows as it says.

    Args:
        alpha: (h, w) float64, as it was solved for what `shrink` gave.
        trimap: (H, W) uint8, the whole one.
        max_side: As for `shrink`.

    Returns:
        (H, W) float32 in [0, 1].
    """
    height, width = working_size(*trimap.shape, max_side)
    alpha = alpha[:height, :width]  # without what was added to reach the least side
    if alpha.shape != trimap.shape:
        alpha = cv2.resize(alpha, trimap.shape[::-1], interpolation=cv2.INTER_LINEAR)
    whole = np.clip(alpha, 0, 1).astype(np.float32)
    whole[trimap == FOREGROUND] = 1
    whole[trimap == BACKGROUND] = 0
    return whole
