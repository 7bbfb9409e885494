"""Neck, shoulders, arms and clothes.

Units are head heights, the origin is the middle of the face, y points down.
"""

from __future__ import annotations

import numpy as np

from zoo.data.demo.canvas import Canvas, Frame, Patch, ellipse, limb, mirrored, smooth
from zoo.data.demo.light import Light
from zoo.data.demo.sitter import ARMS, Cloth, Sitter
from zoo.data.demo.texture import noise, pattern


def dress(
    canvas: Canvas,
    rng: np.random.Generator,
    light: Light,
    patch: Patch | None,
    cloth: Cloth,
    unit: float,
    roundness: float = 0.22,
) -> None:
    """Paint a patch in a fabric; ``unit`` is a head height in pixels."""
    if patch is not None:
        h, w = patch.mask.shape
        surface = pattern(rng, cloth.kind, h, w, cloth.unit * unit, cloth.colours, cloth.angle)
        folds = 0.5 * noise(rng, h, w, 0.3 * unit, 1) + noise(rng, h, w, 0.014 * min(canvas.rgba.shape[:2]), 2)
        light.paint(canvas, patch, surface * (1 + cloth.relief * folds[..., None]), roundness)


def _torso(sitter: Sitter) -> np.ndarray:
    b = sitter.build
    half = [
        (0.14, 0.62),
        (0.28, 0.76),
        (0.58 * b, 0.87),
        (0.86 * b, 0.98),
        (0.97 * b, 1.14),
        (0.95 * b, 1.45),
        (0.80 * b, 1.95),
        (0.70 * b, 2.6),
        (0.80 * b, 3.4),
        (0.86 * b, 4.6),
        (0.86 * b, 9.0),
    ]
    return smooth(mirrored(half), 5)


def draw_torso(canvas: Canvas, rng: np.random.Generator, sitter: Sitter, light: Light, body: Frame) -> None:
    """Paint neck, torso and what is worn on it."""
    u, b = body.unit, sitter.build
    dress(canvas, rng, light, canvas.patch(body(_torso(sitter))), sitter.top, u, 0.12)
    throat = canvas.patch(*map(body, limb([(0, 0.25), (0, 0.55), (0, 0.84)], [0.21, 0.20, 0.24])))
    light.paint(canvas, throat, sitter.skin * 0.88)
    depth = 0.85 + sitter.neckline
    opening = smooth(
        [
            (0.0, 0.62),
            (0.24, 0.72),
            (0.16 + 0.05 * sitter.neckline, 0.80),
            (0.0, depth),
            (-0.16 - 0.05 * sitter.neckline, 0.80),
            (-0.24, 0.72),
        ]
    )
    light.paint(canvas, canvas.patch(body(opening)), sitter.skin * 0.93)
    canvas.paint(canvas.stroke(body(opening[8:41]), width=u * 0.025), sitter.top.colours[1] * 0.8)
    if sitter.jacket is not None:
        for side in (-1, 1):
            panel = np.array(
                [
                    (0.24, 0.70),
                    (0.60 * b, 0.85),
                    (0.90 * b, 0.97),
                    (1.01 * b, 1.14),
                    (0.99 * b, 1.5),
                    (0.86 * b, 2.0),
                    (0.78 * b, 2.6),
                    (0.90 * b, 4.0),
                    (0.92 * b, 9.0),
                    (0.35, 9.0),
                    (0.30, 2.8),
                    (0.16, 1.75),
                ]
            )
            dress(canvas, rng, light, canvas.patch(body(smooth(panel, 4) * (side, 1))), sitter.jacket, u, 0.2)
            lapel = np.array([(0.23, 0.70), (0.48, 0.95), (0.40, 1.12), (0.46, 1.16), (0.17, 1.80)]) * (side, 1)
            patch = canvas.patch(body(lapel))
            light.shadow(canvas, patch, u * 0.03, 0.35)
            dress(canvas, rng, light, patch, sitter.jacket, u)
    elif sitter.neckline < 0.25:
        for y in np.arange(depth + 0.15, 4.0, 0.32):
            canvas.paint(canvas.patch(body(ellipse(0.0, y, 0.028, 0.028, n=12))), sitter.accent)
    if sitter.scarf is not None:
        roll = canvas.patch(*map(body, limb([(-0.26, 0.62), (0.0, 0.76), (0.26, 0.62)], [0.13, 0.16, 0.13])))
        light.shadow(canvas, roll, u * 0.05)
        dress(canvas, rng, light, roll, sitter.scarf, u)
        end = canvas.patch(*map(body, limb([(0.12, 0.78), (0.22, 1.3), (0.18, 2.0)], [0.11, 0.14, 0.16])))
        dress(canvas, rng, light, end, sitter.scarf, u)


def hand_of(sitter: Sitter, side: int) -> np.ndarray:
    """Where the hand of an arm is, (2,); ``side`` is -1 for the left of the picture, 1 for the right."""
    joints = _joints(sitter, side)
    return joints[2] + 0.12 * (joints[2] - joints[1]) / np.linalg.norm(joints[2] - joints[1])


def _joints(sitter: Sitter, side: int) -> np.ndarray:
    pose = sitter.left if side < 0 else sitter.right
    return np.array(ARMS[pose]) * (sitter.build * side, 1.0)


def draw_arm(canvas: Canvas, rng: np.random.Generator, sitter: Sitter, light: Light, body: Frame, side: int) -> None:
    """Paint one arm with its sleeve and hand."""
    u = body.unit
    joints = _joints(sitter, side)
    along = smooth(joints, 6, closed=False)
    radii = np.interp(np.linspace(0, 1, len(along)), [0, 0.15, 0.5, 0.9, 1], [0.20, 0.21, 0.165, 0.11, 0.095])
    bare = canvas.patch(*map(body, limb(along[4:], radii[4:], 1)))
    light.shadow(canvas, bare, u * 0.06, 0.3)
    light.paint(canvas, bare, sitter.skin * 0.95, 0.3)
    cut = max(4, round(len(along) * (0.25 + 0.70 * sitter.sleeves)))
    sleeve = canvas.patch(*map(body, limb(along[:cut], radii[:cut] * 1.12, 1)))
    dress(canvas, rng, light, sleeve, sitter.jacket or sitter.top, u, 0.3)
    _draw_hand(canvas, sitter, light, body, joints)


def _draw_hand(canvas: Canvas, sitter: Sitter, light: Light, body: Frame, joints: np.ndarray) -> None:
    way = (joints[2] - joints[1]) / np.linalg.norm(joints[2] - joints[1])
    angle = float(np.arctan2(way[1], way[0]))
    hand = Frame(body.matrix).moved(*joints[2]).turned(angle)
    palm = [ellipse(0.10, 0.0, 0.15, 0.105, n=24)]
    fingers = [
        part
        for y in (-0.075, -0.025, 0.025, 0.075)
        for part in limb([(0.18, y), (0.27, 1.2 * y), (0.35, 1.1 * y)], [0.036, 0.034, 0.026], 3)
    ]
    thumb = limb([(0.06, -0.08), (0.14, -0.15), (0.22, -0.17)], [0.042, 0.038, 0.028], 3)
    light.paint(canvas, canvas.patch(*(hand(part) for part in [*palm, *fingers, *thumb])), sitter.skin)
    for y in (-0.05, 0.0, 0.05):
        canvas.paint(
            canvas.stroke(hand([(0.20, y), (0.33, 1.15 * y)]), width=body.unit * 0.008), sitter.skin * 0.7, 0.6
        )
