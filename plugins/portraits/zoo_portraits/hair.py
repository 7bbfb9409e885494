"""MAD-HAIR: the error at hair, which the usual metrics drown in the long smooth edges of a body.

A strand is what a morphological opening takes away: a bright structure narrower than the disc (the white top-hat of
Meyer, 1979). With ``g`` the true alpha, ``D`` a disc of `DISC` pixels at a short side of `SHORT_SIDE`, smaller in
proportion below that, and ``a`` the prediction:

    thin = g - opening(g, D) > CONTRAST
    hair = the connected parts of ``thin`` whose bounding box has a side of at least the disc's: a strand is longer than
           it is wide, and the corners of a body, which an opening rounds off, are not
    band = dilation(hair, D), so that smear beside a strand and the gaps between strands count
    MAD-HAIR = mean of |a - g| over the band

It looks at the true alpha alone to find the band, so the band is the same for every model and no trimap is needed. 0 is
perfect, 1 the worst; undefined where there is no hair. To measure only near what matters is an old idea: the unknown
region of a trimap, or Boundary IoU (Cheng et al., CVPR 2021).
"""

from __future__ import annotations

import cv2
import numpy as np

DISC = 11
"""Pixels across the disc, chosen by eye on real and drawn mattes: strands, fringes and earrings fit in, fingers not."""

SHORT_SIDE = 1080
"""Short side in pixels at which the disc has its full size: that of P3M-10k."""

CONTRAST = 0.1
"""What a strand must stand out by, of 1. What is fainter can hardly be seen, and hand-made mattes are uneven there."""


def mad_hair(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> float | None:
    """Mean absolute error near hair.

    Args:
        alpha: Predicted matte, (H, W), float64 in [0, 1].
        target: True matte, same shape and range.
        trimap: Not used.

    Returns:
        In [0, 1], 0 is perfect; None where the target has no hair.
    """
    inside = band(target).view(bool)
    return float(np.abs(alpha - target)[inside].mean()) if inside.any() else None


def band(target: np.ndarray) -> np.ndarray:
    """Where the error counts, (H, W) uint8 of 0 and 1, of a true matte (H, W) float in [0, 1]."""
    disc = _disc(min(target.shape))
    levels = np.ascontiguousarray(target, np.float32)  # enough to find the band; the error is float64
    thin = (levels - cv2.morphologyEx(levels, cv2.MORPH_OPEN, disc) > CONTRAST).view(np.uint8)
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(thin, connectivity=8)
    long = boxes[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(axis=1) >= len(disc)
    long[0] = False  # what is not thin
    if not long.any():
        return np.zeros(target.shape, np.uint8)
    return cv2.dilate(long[labels].view(np.uint8), disc)


def _disc(short_side: int) -> np.ndarray:
    side = max(3, 2 * int(DISC * min(1.0, short_side / SHORT_SIDE) / 2) + 1)
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
