"""Colours and surfaces: palettes, smooth noise, and the patterns that both clothes and walls are made of."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np

from zoo.data.opencv import cv2

# Skin from pale to deep, RGB in [0, 1].
SKIN = np.array(
    [
        (0.96, 0.82, 0.73),
        (0.92, 0.74, 0.62),
        (0.85, 0.65, 0.51),
        (0.74, 0.53, 0.39),
        (0.58, 0.39, 0.28),
        (0.42, 0.28, 0.20),
    ]
)
# Black, dark brown, chestnut, copper, blond, light blond, grey, white.
HAIR = np.array(
    [
        (0.07, 0.06, 0.06),
        (0.20, 0.13, 0.09),
        (0.34, 0.21, 0.12),
        (0.55, 0.27, 0.12),
        (0.66, 0.50, 0.28),
        (0.83, 0.71, 0.48),
        (0.52, 0.50, 0.48),
        (0.85, 0.83, 0.80),
    ]
)
PATTERNS = ("plain", "weave", "stripes", "checks", "dots", "blotches", "planks")


def hsv(hue: float, saturation: float, value: float) -> np.ndarray:
    """RGB (3,) of a hue (any real, 1 is a full turn), saturation and value in [0, 1]."""
    return np.array(colorsys.hsv_to_rgb(hue % 1.0, saturation, value))


def palette(rng: np.random.Generator) -> np.ndarray:
    """Five colours (5, 3) for one picture; figure and background both take from them.

    Three are neighbours around one hue, one is its complement, and the last is neutral, skin or hair.
    """
    hue = rng.random()
    near = [hsv(hue + rng.normal(0, 0.04), rng.uniform(0.1, 0.75), rng.uniform(0.2, 0.95)) for _ in range(3)]
    far = hsv(hue + 0.5 + rng.normal(0, 0.08), rng.uniform(0.1, 0.7), rng.uniform(0.2, 0.95))
    kind = rng.random()
    if kind < 0.4:
        last = hsv(rng.random(), rng.uniform(0, 0.12), rng.uniform(0.1, 0.95))
    elif kind < 0.75:
        last = skin(rng)
    else:
        last = HAIR[rng.integers(len(HAIR))] * rng.uniform(0.8, 1.3)
    return np.clip(np.array([*near, far, last]), 0.02, 0.98)


def skin(rng: np.random.Generator) -> np.ndarray:
    """A skin colour (3,) between two neighbours of `SKIN`."""
    tone = rng.uniform(0, len(SKIN) - 1)
    i = min(int(tone), len(SKIN) - 2)
    return SKIN[i] + (SKIN[i + 1] - SKIN[i]) * (tone - i)


def noise(rng: np.random.Generator, height: int, width: int, cell: float, octaves: int = 2) -> np.ndarray:
    """Smooth value noise (height, width) float32, about within [-1, 1], with features ``cell`` pixels wide."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        size = max(cell / 2**octave, 1.0)
        grid = rng.uniform(-1, 1, (int(height / size) + 3, int(width / size) + 3)).astype(np.float32)
        # Cells keep their shape on any picture: the grid is cut after enlarging, not squeezed into it.
        large = cv2.resize(grid, None, fx=size, fy=size, interpolation=cv2.INTER_CUBIC)
        total += large[:height, :width] * 0.6**octave
    return total / 1.4


def pattern(
    rng: np.random.Generator,
    kind: str,
    height: int,
    width: int,
    unit: float,
    colours: Sequence[np.ndarray],
    angle: float,
) -> np.ndarray:
    """A textured surface.

    Args:
        rng: Source of its irregularities.
        kind: One of `PATTERNS`.
        height: Rows.
        width: Columns.
        unit: Size in pixels of one repeat.
        colours: Two colours (3,); the first prevails.
        angle: Direction of the repeats in radians.

    Returns:
        (height, width, 3) float32, about within [0, 1].
    """
    first, second = (np.asarray(c, np.float32) for c in colours)
    y, x = np.mgrid[:height, :width].astype(np.float32) / max(unit, 2.0)
    c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    u, v = c * x + s * y, c * y - s * x
    if kind == "stripes":
        mix = _wave(u, rng.uniform(-0.5, 0.6))
    elif kind == "checks":
        mix = 0.5 * (_wave(u, 0.1) + _wave(v, 0.1))
    elif kind == "dots":
        mix = _wave(u, -0.1) * _wave(v, -0.1)
    elif kind == "weave":
        mix = 0.25 + 0.25 * np.sin(2 * np.pi * 3 * u) * np.sin(2 * np.pi * 3 * v)
    elif kind == "blotches":
        mix = np.clip(noise(rng, height, width, max(unit, 4.0)) * 4 - 0.6, 0, 1)
    elif kind == "planks":
        board = np.floor(u)
        mix = 0.5 + 0.4 * np.sin(board * 12.9898 + 3) + 0.3 * np.sin(40 * u + 3 * np.sin(v)) * 0.4
        mix = np.where(u - board < 0.06, 1.3, mix)
    else:
        mix = np.zeros((height, width), np.float32)
    grain = 1 + rng.uniform(0.02, 0.10) * noise(rng, height, width, max(unit, 4.0) * rng.uniform(0.3, 2.0))
    mix = mix.astype(np.float32)[..., None]
    return (first * (1 - mix) + second * mix) * grain[..., None]


def _wave(t: np.ndarray, threshold: float) -> np.ndarray:
    """Bands across t with one period a unit and edges an eighth of it wide, in [0, 1]."""
    return np.clip((np.sin(2 * np.pi * t) - threshold) * 2.5 + 0.5, 0, 1)
