"""Trimaps made from an alpha: a random one to train with, a fixed one where a test picture comes without."""

from __future__ import annotations

import numpy as np

from zoo.data.opencv import cv2

KERNEL_PER_256 = (10, 20)
"""Least and greatest kernel side of a training trimap, in pixels, for a crop of 256 pixels (ZHKKKe/MODNet issue 74)."""

FOREGROUND = 0.9
"""Alpha from which a pixel counts as foreground in a training trimap (same source)."""

P3M_KERNEL = 23
"""Side of the ellipse of an evaluation trimap, in pixels at native size: the middle of P3M's random 15 to 30, odd."""

P3M_SHORT_SIDE = 1080
"""Short side from which a picture has the native size of P3M-10k, in pixels; below it the ellipse shrinks along."""


def training_trimap(alpha: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The trimap that the author of MODNet describes (ZHKKKe/MODNet, issues 58, 74 and 108).

    Foreground is alpha >= 0.9, not-background is alpha > 0. Where the dilated not-background and the
    eroded foreground differ, the pixel is unknown; elsewhere both agree, on 1 or on 0.

    Args:
        alpha: (H, W) float32 in [0, 1]; normally the square training crop, whose side sets the scale.
        rng: Draws the sides of the two square kernels, each 10 to 20 pixels for every 256 of the crop.

    Returns:
        (H, W) float32 in {0, 0.5, 1}.
    """
    side = min(alpha.shape)
    wide, narrow = (max(1, round(side / 256 * r)) for r in rng.integers(*KERNEL_PER_256, size=2, endpoint=True))
    dilated = cv2.dilate((alpha > 0).astype(np.uint8), np.ones((wide, wide), np.uint8))
    eroded = cv2.erode((alpha >= FOREGROUND).astype(np.uint8), np.ones((narrow, narrow), np.uint8))
    # 0 + 0, 1 + 1, or one of each; eroded foreground is never outside the dilation.
    return (dilated + eroded).astype(np.float32) * np.float32(0.5)


def evaluation_trimap(alpha: np.ndarray) -> np.ndarray:
    """A trimap for a picture that comes without one, the same each time.

    P3M's rule for its training trimaps (JizhiziLi/P3M, core/util.py): foreground is what an
    erosion leaves of alpha = 255, background what a dilation leaves out of alpha > 0, the rest is
    unknown. P3M draws the ellipse's side from 15 to 30 pixels at native size; here it is always 23,
    and smaller in proportion for a picture with a short side below 1080 pixels.

    Args:
        alpha: (H, W) float in [0, 1]. Values that 8 bits would store as 0 or 255 count as these.

    Returns:
        (H, W) uint8 in {0, 128, 255}.
    """
    scale = min(1.0, min(alpha.shape) / P3M_SHORT_SIDE)
    side = 2 * int(P3M_KERNEL * scale / 2) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    # The half step is where np.rint(255 * alpha) leaves 0 and reaches 255.
    foreground = cv2.erode((alpha > 254.5 / 255).astype(np.uint8), kernel)
    not_background = cv2.dilate((alpha > 0.5 / 255).astype(np.uint8), kernel)
    return np.where(foreground == 1, 255, np.where(not_background == 1, 128, 0)).astype(np.uint8)
