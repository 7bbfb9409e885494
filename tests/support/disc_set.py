"""Pictures of a bright disc on a dark ground with their exact alphas, as folders."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np


def disc(seed: int, height: int = 48, width: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """(H, W, 3) uint8 RGB and (H, W) float32 alpha with a soft edge."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    centre_y, centre_x = rng.uniform(0.3, 0.7, 2) * (height, width)
    distance = np.hypot(y - centre_y, x - centre_x)
    alpha = np.clip((height * rng.uniform(0.2, 0.35) - distance) / 3 + 0.5, 0, 1).astype(np.float32)
    colour, ground = rng.uniform(150, 255, 3), rng.uniform(0, 90, 3)
    noise = rng.normal(0, 8, (height, width, 3))
    image = alpha[..., None] * colour + (1 - alpha[..., None]) * ground + noise
    return np.clip(image, 0, 255).astype(np.uint8), alpha


def write_discs(root: Path, count: int = 9, split: str = "train", labelled: bool = True, **size: int) -> Path:
    """``count`` discs in the layout of the data set ``folder``: root/SPLIT/{image,alpha}."""
    for kind in ("image", "alpha") if labelled else ("image",):
        (root / split / kind).mkdir(parents=True, exist_ok=True)
    for seed in range(count):
        image, alpha = disc(seed, **size)
        cv2.imwrite(str(root / split / "image" / f"d{seed:02d}.png"), image[..., ::-1])
        if labelled:
            cv2.imwrite(str(root / split / "alpha" / f"d{seed:02d}.png"), np.rint(alpha * 255).astype(np.uint8))
    return root
