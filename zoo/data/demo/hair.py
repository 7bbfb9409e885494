"""Hair: a dense body with a texture of strands, and loose strands that end in the air.

Units are head heights, the origin is the middle of the face, y points down.
"""

from __future__ import annotations

import numpy as np

from zoo.data.demo.canvas import SHIFT, Canvas, Frame, ellipse, limb, smooth
from zoo.data.demo.light import Light
from zoo.data.demo.sitter import Sitter
from zoo.data.opencv import cv2


def strands(
    canvas: Canvas,
    rng: np.random.Generator,
    paths: np.ndarray,
    colour: np.ndarray,
    spread: float,
    opacities: tuple[float, ...],
    width: float = 1.0,
) -> None:
    """Draw curves in shades of one colour.

    Args:
        canvas: Changed in place.
        rng: Source of the shades.
        paths: (strands, points, 2) in pixels.
        colour: (3,).
        spread: How much the shades differ, 0 to 1.
        opacities: The strands are dealt out to layers of these opacities, from back to front.
        width: In pixels of the canvas; not below 1.
    """
    thickness = max(1, round(width))
    fixed = np.round(paths * (1 << SHIFT)).astype(np.int32)
    shades = np.clip(
        colour * np.exp(rng.normal(0, spread, (len(paths), 1))) + rng.normal(0, 0.015, (len(paths), 3)), 0, 1
    )
    for group, opacity in enumerate(opacities):
        layer = np.zeros(canvas.rgba.shape, np.uint8)
        for path, shade in zip(fixed[group :: len(opacities)], shades[group :: len(opacities)], strict=True):
            cv2.polylines(layer, [path], False, (*(shade * 255), 255.0), thickness, cv2.LINE_AA, SHIFT)
        canvas.lay(layer, opacity)


def grow(
    rng: np.random.Generator,
    roots: np.ndarray,
    directions: np.ndarray,
    lengths: np.ndarray,
    curl: float,
    fall: float,
    n: int = 16,
) -> np.ndarray:
    """Paths of strands.

    Args:
        rng: Source of their waves.
        roots: (m, 2) where they start.
        directions: (m, 2) where they set out to.
        lengths: (m,) how far they get.
        curl: Size of the waves, 0 to 1.
        fall: How much weight bends them down.
        n: Points of a path.

    Returns:
        (m, n, 2) in the unit of the roots.
    """
    m = len(roots)
    t = np.linspace(0, 1, n)[None, :, None]
    along = directions[:, None] * (lengths[:, None, None] * t)
    across = directions[:, None, ::-1] * (-1, 1)
    turns = rng.uniform(0.4, 0.8 + 1.4 * curl, (m, 1, 1))
    phase = rng.uniform(0, 2 * np.pi, (m, 1, 1))
    # Faster waves are smaller, or strands would look like twigs.
    wave = (np.sin(2 * np.pi * turns * t + phase) - np.sin(phase)) / turns * t * lengths[:, None, None]
    bend = rng.normal(0, 0.22, (m, 1, 1)) * t**2 * lengths[:, None, None]
    path = roots[:, None] + along + across * (wave * (0.03 + 0.09 * curl) + bend)
    path[..., 1] += fall * (t[..., 0] ** 2) * lengths[:, None]
    return path


def _curtain(end: float, flare: float) -> np.ndarray:
    """Outline of hair hanging behind the face down to y = ``end``."""
    side = [
        (0.0, -0.62),
        (0.26, -0.57),
        (0.44, -0.34),
        (0.48, 0.0),
        (0.46 + 0.4 * flare, 0.5 * end + 0.1),
        (0.40 + flare, end),
    ]
    right = np.array(side)
    left = right[:0:-1] * (-1, 1)
    hem = np.array([(0.2, end + 0.06), (0.0, end - 0.02), (-0.2, end + 0.05)])
    return smooth(np.concatenate([right, hem, left]))


def _cap(sitter: Sitter, height: float, side: float) -> np.ndarray:
    """Outline of the hair on the skull: over the crown from ear to ear and back along the hairline."""
    f = sitter.face
    outer = [
        (0.40 * f, side),
        (0.45 * f, -0.18),
        (0.36, -0.44 - 0.5 * height),
        (0.17, -0.55 - height),
        (0.0, -0.57 - height),
    ]
    left = [(-x, y) for x, y in outer[-2::-1]]
    part = 0.22 * sitter.parting
    line = [
        (-0.34 * f, side - 0.06),
        (-0.31, -0.20),
        (part - 0.12, -0.31),
        (part, -0.37),
        (part + 0.12, -0.31),
        (0.31, -0.20),
    ]
    return smooth([*outer, *left, *line, (0.34 * f, side - 0.06)])


def hair_behind(canvas: Canvas, rng: np.random.Generator, sitter: Sitter, light: Light, head: Frame) -> None:
    """Paint the hair that hangs or stands behind the head, with its strands."""
    style, u = sitter.style, head.unit
    dark = sitter.hair * 0.75
    if style in ("long", "loose", "bob"):
        end = {
            "long": 0.75 + 1.3 * sitter.length,
            "loose": 0.7 + 0.9 * sitter.length,
            "bob": 0.35 + 0.25 * sitter.length,
        }[style]
        flare = {"long": 0.04, "loose": 0.22, "bob": 0.08}[style] * (0.4 + sitter.wildness)
        outline = _curtain(end, flare)
        light.paint(canvas, canvas.patch(head(outline), soft=u / 70), dark)
        n = 260
        x = rng.uniform(-1, 1, n)
        roots = np.column_stack([0.44 * x, -0.2 - 0.38 * np.sqrt(1 - x**2)])
        goal = np.column_stack([x * (0.42 + flare) * rng.uniform(0.9, 1.12, n), end * rng.uniform(0.75, 1.08, n)])
        way = goal - roots
        length = np.linalg.norm(way, axis=1)
        paths = grow(rng, roots, way / length[:, None], length, 0.15 + 0.7 * sitter.curl, 0.0)
        # Outwards in the middle, so that strands follow the outline round the face.
        paths[..., 0] += np.sign(x)[:, None] * 0.10 * np.sin(np.linspace(0, np.pi, paths.shape[1])) * np.abs(x)[:, None]
        strands(canvas, rng, head(paths), sitter.hair, 0.25, (0.9, 0.65, 0.4), u / 200)
    elif style == "curly":
        size = 0.50 + 0.30 * sitter.length
        angle = np.linspace(0, 2 * np.pi, 26, endpoint=False)
        radius = size * (1 + rng.uniform(-0.07, 0.07, 26))
        outline = smooth(np.column_stack([radius * np.cos(angle), radius * np.sin(angle) - 0.15]))
        light.paint(canvas, canvas.patch(head(outline), soft=u / 60), dark)
        _curls(canvas, rng, sitter, head, (0.0, -0.15), size)
    elif style == "tail":
        side = np.sign(sitter.parting) or 1.0
        # The tail leaves the crown, swings out and comes back: background shows inside the bow.
        bow = 0.55 + 0.35 * sitter.wildness
        joints = [
            (0.20 * side, -0.50),
            (bow * side, -0.55),
            (0.85 * bow * side + 0.1 * side, 0.15),
            (0.60 * side, 0.75 + 0.5 * sitter.length),
        ]
        light.paint(canvas, canvas.patch(*map(head, limb(joints, [0.07, 0.12, 0.12, 0.03]))), sitter.hair)
        line = smooth(joints, 5, closed=False)
        offset = (
            rng.normal(0, 0.055, (90, 1, 2))
            + rng.normal(0, 0.03, (90, 1, 2)) * np.linspace(0, 2, len(line))[None, :, None]
        )
        strands(canvas, rng, head(line + offset), sitter.hair, 0.25, (0.9, 0.6), u / 200)
    elif style == "bun":
        x, y, r = 0.15 * sitter.parting, -0.68, 0.15 + 0.10 * sitter.length
        light.paint(canvas, canvas.patch(head(ellipse(x, y, r * 1.15, r))), sitter.hair)
        _curls(canvas, rng, sitter, head, (x, y), r, 40)


def hair_locks(canvas: Canvas, rng: np.random.Generator, sitter: Sitter, light: Light, head: Frame) -> None:
    """Paint long hair that falls over the shoulders, on both sides of the throat."""
    if sitter.style != "long" or sitter.length < 0.35:
        return
    end = 0.75 + 1.3 * sitter.length
    for side in (-1, 1):
        joints = np.array([(0.40, 0.05), (0.45, 0.55), (0.50, 0.8 * end), (0.42, end)]) * (side, 1)
        patch = canvas.patch(*map(head, limb(joints, [0.07, 0.10, 0.11, 0.02])), soft=head.unit / 70)
        light.shadow(canvas, patch, head.unit * 0.04, 0.3)
        light.paint(canvas, patch, sitter.hair * 0.85)
        line = smooth(joints, 6, closed=False)
        offset = (
            rng.normal(0, 0.05, (70, 1, 2)) * (1, 0.3)
            + rng.normal(0, 0.02, (70, 1, 2)) * np.linspace(0, 2, len(line))[:, None]
        )
        strands(canvas, rng, head(line + offset), sitter.hair, 0.25, (0.9, 0.5), head.unit / 200)


def _curls(
    canvas: Canvas,
    rng: np.random.Generator,
    sitter: Sitter,
    head: Frame,
    centre: tuple[float, float],
    size: float,
    n: int = 230,
) -> None:
    """Small open loops all over a ball of hair and a little beyond its edge."""
    angle, far = rng.uniform(0, 2 * np.pi, n), size * np.sqrt(rng.random(n)) * (1.0 + 0.14 * sitter.wildness)
    middle = np.column_stack([far * np.cos(angle) + centre[0], far * np.sin(angle) + centre[1]])
    t = rng.uniform(0, 2 * np.pi, (n, 1)) + np.linspace(0, 1, 12) * rng.uniform(3, 7, (n, 1))
    r = size * rng.uniform(0.05, 0.16, (n, 1))
    loops = middle[:, None] + np.stack([r * np.cos(t), r * np.sin(t)], axis=-1)
    strands(canvas, rng, head(loops), sitter.hair, 0.3, (0.95, 0.8, 0.55), head.unit / 160)


def hair_before(canvas: Canvas, rng: np.random.Generator, sitter: Sitter, light: Light, head: Frame) -> None:
    """Paint the hair on the skull and the strands that stand off it, over the finished face."""
    style, u = sitter.style, head.unit
    if style == "bald":
        return
    height = {"short": 0.02 + 0.12 * sitter.length, "curly": 0.08, "bob": 0.05}.get(style, 0.05)
    outline = _cap(sitter, height, 0.06 if style != "short" else 0.0)
    patch = canvas.patch(head(outline), soft=u / 90)
    light.shadow(canvas, patch, u * 0.03, 0.3)
    light.paint(canvas, patch, sitter.hair, 0.3)
    if style == "curly":
        _curls(canvas, rng, sitter, head, (0.0, -0.48), 0.24, 70)
    # On the skull strands run from the parting down to the sides.
    n = 110
    angle = rng.uniform(np.pi, 2 * np.pi, n)
    tip = np.column_stack([0.41 * sitter.face * np.cos(angle), 0.02 + (0.56 + height) * np.sin(angle)])
    tip[:, 1] = np.minimum(tip[:, 1], 0.0)
    root = np.column_stack([np.full(n, 0.22 * sitter.parting), np.full(n, -0.46 - 0.6 * height)]) + rng.normal(
        0, 0.04, (n, 2)
    )
    middle = 0.5 * (root + tip) + 0.16 * tip * (1, 0.9)
    middle[:, 1] = np.minimum(middle[:, 1], -0.30)
    t = np.linspace(0, 1, 9)[None, :, None]
    paths = (1 - t) ** 2 * root[:, None] + 2 * t * (1 - t) * middle[:, None] + t**2 * tip[:, None]
    strands(canvas, rng, head(paths), sitter.hair, 0.22, (0.8, 0.5), u / 170)
    _flyaway(canvas, rng, sitter, head, height)


def _flyaway(canvas: Canvas, rng: np.random.Generator, sitter: Sitter, head: Frame, height: float) -> None:
    """Loose strands around the skull."""
    short = sitter.style == "short"
    n = int(60 + 200 * sitter.wildness)
    angle = rng.uniform(np.pi * 0.98, np.pi * 2.02, n)
    out = np.column_stack([np.cos(angle), np.sin(angle)])
    roots = out * (0.41 * sitter.face, 0.54 + height)
    # Short hair stands up, long hair leaves at a slant and comes down again.
    slant = np.where(out[:, :1] > 0, 1.0, -1.0) * np.column_stack([-out[:, 1], out[:, 0]])
    lean = rng.uniform(-0.3, 0.5, (n, 1)) if short else rng.uniform(0.2, 1.4, (n, 1))
    direction = out + lean * slant
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    reach = 0.14 if short else 0.32
    lengths = rng.gamma(2.0, 0.5, n) * reach * (0.25 + 0.6 * sitter.wildness)
    paths = grow(rng, roots, direction, np.minimum(lengths, 0.8), 0.2 + 0.8 * sitter.curl, 0.1 if short else 0.45)
    strands(canvas, rng, head(paths), sitter.hair, 0.2, (0.9, 0.6, 0.35), head.unit / 260)
