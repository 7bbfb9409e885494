"""From a picture to what a network is given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def normalise(
    image: np.ndarray, mean: Sequence[float], std: Sequence[float], out: np.ndarray | None = None
) -> np.ndarray:
    """(image / 255 - mean) / std, channels first.

    Args:
        image: (H, W, 3) uint8 RGB.
        mean: Per channel, for RGB in [0, 1].
        std: Per channel, likewise.
        out: (3, H, W) float32 to write to; None: a new array.

    Returns:
        (3, H, W) float32, contiguous unless ``out`` is not.
    """
    if out is None:
        out = np.empty((3, *image.shape[:2]), np.float32)
    for channel in range(3):
        # One multiplication and one addition per value, in place: (x / 255 - m) / s = x / (255 s) - m / s.
        np.multiply(image[..., channel], np.float32(1 / (255 * std[channel])), out=out[channel])
        out[channel] -= np.float32(mean[channel] / std[channel])
    return out
