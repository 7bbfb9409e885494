"""A subject without its background: the picture with its matte for transparency."""

from __future__ import annotations

import numpy as np

from registry import ShapeError
from zoo.data.opencv import cv2


def cut_out(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The picture with transparency, black where nothing of it is seen.

    What is behind the subject is not handed on under a transparency of 0, where any program could show it again; and a
    file of it is a fraction as large and takes a third of the time to write.

    Args:
        image: (H, W, 3) uint8 RGB.
        alpha: (H, W) float32 in [0, 1], rounded to the nearest of 256 steps, or these as uint8.

    Returns:
        (H, W, 4) uint8 RGBA, colours not multiplied by alpha.

    Raises:
        ShapeError: The two have different sizes.
    """
    if image.shape[:2] != alpha.shape:
        raise ShapeError(f"the picture has size {image.shape[:2]}, the alpha {alpha.shape}")
    levels = alpha if alpha.dtype == np.uint8 else np.rint(alpha * 255).astype(np.uint8)
    seen = cv2.bitwise_and(image, image, mask=levels)
    result = np.empty((*alpha.shape, 4), np.uint8)
    cv2.mixChannels([seen, levels], [result], [0, 0, 1, 1, 2, 2, 3, 3])
    return result
