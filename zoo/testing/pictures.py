"""Small pictures with true alphas to check with, drawn from a seed."""

from __future__ import annotations

import numpy as np

from zoo.config import Config
from zoo.data.normalise import normalise
from zoo.data.trimap import training_trimap


def portrait(seed: int, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """A bright ellipse with a soft edge before a noisy ground.

    Returns:
        (H, W, 3) uint8 RGB and (H, W) float32 alpha in [0, 1], which holds 0, 1 and values between where the picture
        has room for them.
    """
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    middle = rng.uniform(0.4, 0.6, 2)
    radius = rng.uniform(0.25, 0.35, 2)
    distance = np.hypot(
        ((rows + 0.5) / height - middle[0]) / radius[0], ((columns + 0.5) / width - middle[1]) / radius[1]
    )
    alpha = np.clip((1.3 - distance) / 0.6, 0, 1).astype(np.float32)
    front, back = rng.uniform(0, 255, (2, 3))
    image = alpha[..., None] * front + (1 - alpha[..., None]) * back + rng.normal(0, 20, (height, width, 3))
    return np.clip(image, 0, 255).astype(np.uint8), alpha


def batch(config: Config, count: int, side: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a training step is given: image (N, 3, side, side) normalised, alpha and trimap (N, 1, side, side)."""
    images, alphas, trimaps = [], [], []
    for number in range(count):
        image, alpha = portrait(seed + number, side, side)
        images.append(normalise(image, config.model.mean, config.model.std))
        alphas.append(alpha[None])
        trimaps.append(training_trimap(alpha, np.random.default_rng(seed + number))[None])
    return np.stack(images), np.stack(alphas), np.stack(trimaps).astype(np.float32)


def two_sided_trimap(height: int, width: int) -> np.ndarray:
    """(H, W) uint8: foreground on the left, background on the right, unknown between."""
    columns = np.arange(width)
    row = np.where(columns < (width + 2) // 3, 255, np.where(columns >= width - (width + 2) // 3, 0, 128))
    return np.broadcast_to(row.astype(np.uint8), (height, width)).copy()
