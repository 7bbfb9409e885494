"""One lamp for the whole picture: flat patches look round, and what lies above throws a shadow below."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from zoo.data.demo.canvas import Canvas, Patch
from zoo.data.opencv import cv2

# Longest side in pixels at which shading is computed; it is smooth, so more would only cost time.
_COARSE = 40


@dataclass(frozen=True)
class Light:
    """Where light comes from.

    Attributes:
        direction: Unit vector (2,), x right and y down, in which the light travels.
        strength: Contrast of the shading, 0 for none.
        warmth: Colour (3,) of the light, about 1.
    """

    direction: np.ndarray
    strength: float
    warmth: np.ndarray

    @classmethod
    def random(cls, rng: np.random.Generator) -> Light:
        """A lamp above, to the left or the right, more or less hard and warm."""
        angle = rng.uniform(0.1, np.pi - 0.1)
        tone = rng.normal(0, 0.05)
        return cls(np.array([np.cos(angle), np.sin(angle)]), rng.uniform(0.25, 0.8), np.array([1 + tone, 1, 1 - tone]))

    def shade(self, patch: Patch, roundness: float = 0.22) -> np.ndarray:
        """How bright a patch is if it is taken for a rounded body.

        Args:
            patch: Where.
            roundness: How far in from the edge the surface bends, as a part of the patch's shorter side.

        Returns:
            (h, w, 3) float32 factors around 1.
        """
        h, w = patch.mask.shape
        scale = min(1.0, _COARSE / max(h, w))
        small = cv2.resize(
            patch.mask, (max(2, round(w * scale)), max(2, round(h * scale))), interpolation=cv2.INTER_AREA
        )
        sigma = max(0.5, roundness * min(small.shape))
        # Without the mirrored border of the default, a body cut by the frame does not get a bright rim there.
        height = cv2.GaussianBlur(small, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
        dy, dx = np.gradient(height)
        slope = (dx * self.direction[0] + dy * self.direction[1]) * sigma * 2.5
        factor = cv2.resize(slope.astype(np.float32), (w, h), interpolation=cv2.INTER_LINEAR)
        return (0.97 + self.strength * np.clip(factor, -0.8, 0.6))[..., None] * self.warmth.astype(np.float32)

    def paint(self, canvas: Canvas, patch: Patch | None, colour: np.ndarray, roundness: float = 0.22) -> None:
        """Paint a patch in a colour, (3,) or (h, w, 3), shaded."""
        if patch is not None:
            canvas.paint(patch, np.clip(colour * self.shade(patch, roundness), 0, 1))

    def shadow(self, canvas: Canvas, patch: Patch | None, distance: float, depth: float = 0.4) -> None:
        """Darken what is painted already where the patch, about to be painted, throws its shadow.

        Args:
            canvas: Changed in place; its alpha is not.
            patch: What throws the shadow.
            distance: How far the shadow falls, in pixels.
            depth: How dark it is, 0 to 1.
        """
        if patch is None:
            return
        x, y = np.round(self.direction * distance).astype(int)
        h, w = patch.mask.shape
        pad = int(2 * distance) + 1
        height, width = canvas.rgba.shape[:2]
        left, top = max(patch.x + x - pad, 0), max(patch.y + y - pad, 0)
        right, bottom = min(patch.x + x + w + pad, width), min(patch.y + y + h + pad, height)
        if right <= left or bottom <= top:
            return
        shift = np.array([[1, 0, patch.x + x - left], [0, 1, patch.y + y - top]], float) * (0.25, 0.25, 0.25)
        shift[:, :2] = np.eye(2) * 0.25
        size = ((right - left) // 4 + 1, (bottom - top) // 4 + 1)
        coarse = cv2.warpAffine(patch.mask, shift, size, flags=cv2.INTER_LINEAR)
        coarse = cv2.GaussianBlur(coarse, (0, 0), max(0.5, distance / 8))
        mask = cv2.resize(coarse, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
        canvas.tint(replace(patch, mask=mask, x=left, y=top), 1 - depth)
