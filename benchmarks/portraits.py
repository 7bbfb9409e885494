"""Synthetic portraits with a prediction, for benchmarks of what comes after the network."""

from __future__ import annotations

import cv2
import numpy as np

HEIGHT, WIDTH = 1440, 1080

Pair = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Prediction, truth, trimap."""


def portrait(lean: float = 0.0) -> np.ndarray:
    """Signed distance (pixels, positive inside) of a head on shoulders with a wavy outline; (H, W)."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    x = x - WIDTH / 2 - lean
    angle = np.arctan2(x, y - 480)
    head = 230 + 12 * np.sin(23 * angle) + 5 * np.sin(71 * angle) - np.hypot(x, 0.8 * (y - 480))
    body = 420 - np.hypot(x, 0.55 * (y - 1440))
    return np.maximum(head, body)


def hair() -> np.ndarray:
    """Strands around the head, a pixel wide and thinner; (H, W) in [0, 1]."""
    rng = np.random.default_rng(0)
    drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
    along = np.linspace(0, 1, 40)
    for angle, length, bend in zip(
        rng.uniform(-2.2, 2.2, 400), rng.uniform(40, 160, 400), rng.normal(0, 0.25, 400), strict=True
    ):
        radius = 220 + length * along
        turned = angle + bend * along**2
        points = np.stack([WIDTH / 2 + radius * np.sin(turned), 480 - 1.2 * radius * np.cos(turned)], axis=-1)
        cv2.polylines(
            drawn, [np.rint(points * 16).astype(np.int32)], False, int(rng.integers(60, 255)), 1, cv2.LINE_AA, 4
        )
    return drawn / 255


def make_pair(kind: str) -> Pair:
    """Prediction and truth, (H, W) float32 in [0, 1], and trimap uint8."""
    distance = portrait()
    target = np.clip(0.5 + distance / 24, 0, 1)
    guess = portrait(lean=1.5)
    if kind == "solid":
        alpha = np.rint(np.clip(0.5 + guess / 20, 0, 1) * 255) / 255
    else:
        alpha = 1 / (1 + np.exp(-np.clip(guess / 5, -8, 8) - 0.3 * np.sin(guess / 50)))
    trimap = np.full(target.shape, 128, np.uint8)
    trimap[distance > 25] = 255
    trimap[distance < -25] = 0
    if kind == "strands":
        strands = hair()
        target = np.maximum(target, strands)
        alpha = np.maximum(alpha, 0.9 * cv2.GaussianBlur(strands, (0, 0), 0.6))
        trimap[(trimap == 0) & (cv2.dilate(strands, np.ones((15, 15))) > 0)] = 128
    return alpha.astype(np.float32), (np.rint(target * 255) / 255).astype(np.float32), trimap
