"""Drawn pictures whose alpha is known exactly."""

import os

# Before the first operator of MindSpore; zoo's engine does the same.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")

import numpy as np
import pytest


def draw_disc(height=48, width=60):
    """A disc with a soft edge of eight pixels before a slope of another colour.

    Returns:
        (H, W, 3) uint8 RGB, (H, W) float64 alpha, (H, W) uint8 trimap: unknown is the soft edge and a pixel around it.
    """
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot(rows - 0.5 * height, columns - 0.45 * width)
    alpha = np.clip((0.3 * height + 4 - distance) / 8, 0, 1)
    front = np.stack([200 + 0 * rows, 90 + rows, 60 + 0 * rows], -1)
    back = np.stack([40 + 0 * rows, 70 + columns, 150 + rows], -1)
    image = np.rint(alpha[..., None] * front + (1 - alpha[..., None]) * back).astype(np.uint8)
    trimap = np.where(distance < 0.3 * height - 5, 255, np.where(distance > 0.3 * height + 5, 0, 128)).astype(np.uint8)
    return image, alpha, trimap


@pytest.fixture
def draw():
    """`draw_disc`."""
    return draw_disc


@pytest.fixture
def disc():
    """`draw_disc` as it comes."""
    return draw_disc()


@pytest.fixture
def matting():
    """A function: the model of a method, as the plugin builds it."""
    from zoo_pymatting import methods
    from zoo_pymatting.matting import Matting

    def make(method="closed_form", max_side=None):
        return Matting(method, getattr(methods, method), max_side)

    return make
