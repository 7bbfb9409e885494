"""A picture painted back to front: polygons with anti-aliased edges on a premultiplied canvas.

Colours are RGB in [0, 1]. A canvas holds premultiplied RGBA, so painting is the "over" operator
(Porter and Duff, Compositing Digital Images, 1984), reducing and blurring stay exact, and the matte is
never guessed from the picture:

    rgb <- colour * m + rgb * (1 - m)        a <- m + a * (1 - m)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from zoo.data.opencv import cv2

# Fractional bits of OpenCV's drawing coordinates: 1/16 pixel.
SHIFT = 4


@dataclass(frozen=True)
class Frame:
    """Figure units to canvas pixels: a 2x3 affine matrix without shear.

    Attributes:
        matrix: (2, 3) float64.
    """

    matrix: np.ndarray

    @classmethod
    def at(cls, x: float, y: float, scale: float) -> Frame:
        """The frame whose origin is pixel (x, y) and whose unit is ``scale`` pixels."""
        return cls(np.array([[scale, 0.0, x], [0.0, scale, y]]))

    @property
    def unit(self) -> float:
        """Pixels of one unit."""
        return float(np.hypot(self.matrix[0, 0], self.matrix[1, 0]))

    def turned(self, angle: float, about: tuple[float, float] = (0.0, 0.0)) -> Frame:
        """This frame turned clockwise by ``angle`` radians about a point given in its units."""
        c, s = np.cos(angle), np.sin(angle)
        pivot = np.asarray(about, dtype=float)
        rotation = np.array([[c, -s], [s, c]])
        inner = np.column_stack([rotation, pivot - rotation @ pivot])
        return self._after(inner)

    def moved(self, x: float, y: float, scale: float = 1.0) -> Frame:
        """A frame whose origin is the point (x, y) of this one, with units ``scale`` times as long."""
        return self._after(np.array([[scale, 0.0, x], [0.0, scale, y]]))

    def _after(self, inner: np.ndarray) -> Frame:
        linear = self.matrix[:, :2] @ inner[:, :2]
        offset = self.matrix[:, :2] @ inner[:, 2] + self.matrix[:, 2]
        return Frame(np.column_stack([linear, offset]))

    def __call__(self, points: Sequence[Sequence[float]] | np.ndarray) -> np.ndarray:
        """Points (..., 2) in units to points (..., 2) in pixels."""
        return np.asarray(points, dtype=float) @ self.matrix[:, :2].T + self.matrix[:, 2]


@dataclass(frozen=True)
class Patch:
    """A mask and where it lies.

    Attributes:
        mask: (h, w) float32 in [0, 1].
        x: Column of its left edge on the canvas.
        y: Row of its top edge.
    """

    mask: np.ndarray
    x: int
    y: int


class Canvas:
    """Premultiplied RGBA, float32, (height, width, 4); starts empty.

    Args:
        height: Rows.
        width: Columns.
    """

    def __init__(self, height: int, width: int) -> None:
        self.rgba = np.zeros((height, width, 4), np.float32)

    def patch(self, *outlines: np.ndarray, margin: float = 0.0, soft: float = 0.0) -> Patch | None:
        """The area inside closed outlines; where two overlap counts once.

        Args:
            outlines: (n, 2) pixels each.
            margin: Extra pixels around the box.
            soft: Standard deviation in pixels of a blur of the edge.

        Returns:
            The patch, or None if nothing of it lies on the canvas.
        """
        return self._drawn(
            outlines, margin + 3 * soft, soft, lambda mask, line: cv2.fillPoly(mask, [line], 255, cv2.LINE_AA, SHIFT)
        )

    def stroke(self, *lines: np.ndarray, width: float, closed: bool = False) -> Patch | None:
        """The area of lines (n, 2) of one width in pixels; None if it is not on the canvas."""
        thickness = max(1, round(width))
        return self._drawn(
            lines,
            width + 2,
            0.0,
            lambda mask, line: cv2.polylines(mask, [line], closed, 255, thickness, cv2.LINE_AA, SHIFT),
        )

    def _drawn(
        self,
        lines: Sequence[np.ndarray],
        margin: float,
        soft: float,
        draw: Callable[[np.ndarray, np.ndarray], object],
    ) -> Patch | None:
        height, width = self.rgba.shape[:2]
        every = np.concatenate(lines)
        low = np.maximum(np.floor(every.min(axis=0) - margin - 1), 0).astype(int)
        high = np.minimum(np.ceil(every.max(axis=0) + margin + 2), (width, height)).astype(int)
        if (high <= low).any():
            return None
        mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        for line in lines:
            draw(mask, np.round((line - low) * (1 << SHIFT)).astype(np.int32))
        if soft > 0.3:
            mask = cv2.GaussianBlur(mask, (0, 0), soft)
        return Patch(mask.astype(np.float32) / 255, int(low[0]), int(low[1]))

    def paint(self, patch: Patch | None, colour: np.ndarray | Sequence[float], opacity: float = 1.0) -> None:
        """Lay a colour, (3,) or (h, w, 3), over the canvas inside the patch."""
        if patch is None:
            return
        mask = (patch.mask * opacity)[..., None]
        view = self._view(patch)
        view *= 1 - mask
        view[..., :3] += np.asarray(colour, np.float32) * mask
        view[..., 3:] += mask

    def tint(self, patch: Patch | None, factor: Sequence[float] | float) -> None:
        """Multiply what is already painted inside the patch by a factor, (3,) or a number; alpha stays."""
        if patch is None:
            return
        change = (np.asarray(factor, np.float32) - 1) * np.ones(3, np.float32)
        self._view(patch)[..., :3] *= 1 + patch.mask[..., None] * change

    def lay(self, layer: np.ndarray, opacity: float = 1.0) -> None:
        """Lay a premultiplied uint8 RGBA layer as large as the canvas over it."""
        x, y, w, h = cv2.boundingRect(layer[..., 3])
        if not w:
            return
        top = layer[y : y + h, x : x + w].astype(np.float32) * (opacity / 255)
        view = self.rgba[y : y + h, x : x + w]
        view *= 1 - top[..., 3:]
        view += top

    def _view(self, patch: Patch) -> np.ndarray:
        h, w = patch.mask.shape
        return self.rgba[patch.y : patch.y + h, patch.x : patch.x + w]


def smooth(points: Sequence[Sequence[float]] | np.ndarray, steps: int = 8, closed: bool = True) -> np.ndarray:
    """A Catmull-Rom curve through points (n, 2): (n * steps, 2), or (n - 1) * steps + 1 points when open."""
    p = np.asarray(points, dtype=float)
    if closed:
        before, after, last = np.roll(p, 1, 0), np.roll(p, -1, 0), np.roll(p, -2, 0)
    else:
        padded = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
        before, p, after, last = padded[:-3], padded[1:-2], padded[2:-1], padded[3:]
    t = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    a, b, c, d = (q[:, None, :] for q in (before, p, after, last))
    curve = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    curve = curve.reshape(-1, 2)
    return curve if closed else np.concatenate([curve, after[-1:]])


def mirrored(half: Sequence[Sequence[float]]) -> np.ndarray:
    """A closed outline from its right half, listed from top to bottom; points with x = 0 are not doubled."""
    right = np.asarray(half, dtype=float)
    left = right[::-1] * (-1, 1)
    return np.concatenate([right, left[left[:, 0] != 0]])


def ellipse(x: float, y: float, rx: float, ry: float, angle: float = 0.0, n: int = 40) -> np.ndarray:
    """Outline (n, 2) of an ellipse with its centre and half-axes, turned by ``angle`` radians."""
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)
    u, v = rx * np.cos(t), ry * np.sin(t)
    c, s = np.cos(angle), np.sin(angle)
    return np.stack([x + c * u - s * v, y + s * u + c * v], axis=1)


def limb(joints: Sequence[Sequence[float]], radii: Sequence[float], steps: int = 5) -> list[np.ndarray]:
    """Outlines whose union is a tube along a smooth line through joints (n, 2), with one radius (n,) for each."""
    line = smooth(joints, steps, closed=False)
    radius = np.interp(np.linspace(0, 1, len(line)), np.linspace(0, 1, len(radii)), radii)[:, None]
    tangent = np.gradient(line, axis=0)
    normal = tangent[:, ::-1] * (-1, 1) / (np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9)
    left, right = line + radius * normal, line - radius * normal
    tube = [np.stack([left[i], left[i + 1], right[i + 1], right[i]]) for i in range(len(line) - 1)]
    # Discs close the gaps that quadrilaterals leave on the outside of a bend.
    disc = ellipse(0.0, 0.0, 1.0, 1.0, n=20)
    return tube + [centre + r * disc for centre, r in zip(line, radius, strict=True)]
