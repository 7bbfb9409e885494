"""The head: skull, ears, features, and what is worn on them.

Units are head heights, the origin is the middle of the face, y points down.
"""

from __future__ import annotations

import numpy as np

from zoo.data.demo.body import dress
from zoo.data.demo.canvas import Canvas, Frame, ellipse, limb, mirrored, smooth
from zoo.data.demo.hair import grow, strands
from zoo.data.demo.light import Light
from zoo.data.demo.sitter import Sitter


def draw_head(canvas: Canvas, rng: np.random.Generator, sitter: Sitter, light: Light, head: Frame) -> None:
    """Paint skull, ears and features."""
    u, f = head.unit, sitter.face
    for side in (-1, 1):
        ear = ellipse(side * 0.375 * f - 0.05 * sitter.yaw, 0.03, 0.065, 0.115, -0.2 * side, 24)
        light.paint(canvas, canvas.patch(head(ear)), sitter.skin * 0.93)
        canvas.paint(canvas.stroke(head(ear[4:16] * (1.0, 0.7)), width=u * 0.012), sitter.skin * 0.65, 0.6)
        if sitter.style not in ("short", "bald") and sitter.parting > 0.2:
            hoop = ellipse(side * 0.40 * f, 0.23, 0.06, 0.075, n=24)
            canvas.paint(canvas.stroke(head(hoop), width=u * 0.014, closed=True), (0.85, 0.75, 0.45))
    half = [
        (0.0, -0.54),
        (0.22, -0.49),
        (0.36 * f, -0.28),
        (0.385 * f, -0.03),
        (0.35 * f, 0.20),
        (0.24 * f, 0.39),
        (0.10, 0.49),
        (0.0, 0.505),
    ]
    skull = canvas.patch(head(smooth(mirrored(half))))
    light.shadow(canvas, skull, u * 0.14, 0.45)
    light.paint(canvas, skull, sitter.skin, 0.3)
    _draw_features(canvas, rng, sitter, light, head)
    if sitter.beard:
        _draw_beard(canvas, rng, sitter, head)


def _draw_features(canvas: Canvas, rng: np.random.Generator, sitter: Sitter, light: Light, head: Frame) -> None:
    u = head.unit
    # A turned head moves the features to one side and narrows them.
    face = Frame(head.matrix @ np.array([[1 - 0.12 * abs(sitter.yaw), 0, 0.09 * sitter.yaw], [0, 1, 0], [0, 0, 1]]))
    ink = np.array([0.10, 0.07, 0.06])
    lip = np.clip(sitter.skin * (0.95, 0.62, 0.60), 0, 1) * rng.uniform(0.75, 1.05)
    iris = np.array([(0.25, 0.15, 0.08), (0.2, 0.35, 0.5), (0.25, 0.4, 0.25)][rng.integers(3)])
    open_eye, smile = rng.uniform(0.030, 0.045), rng.uniform(-0.01, 0.05)
    for side in (-1, 1):
        x = 0.155 * side
        canvas.paint(canvas.patch(face(ellipse(x, -0.03, 0.105, 0.075)), soft=u * 0.02), sitter.skin * 0.75, 0.5)
        eye = [(x - 0.075, -0.02), (x, -0.02 - open_eye * 1.15), (x + 0.075, -0.02), (x, -0.02 + open_eye * 0.8)]
        canvas.paint(canvas.patch(face(smooth(eye))), (0.93, 0.92, 0.90))
        look = x + 0.02 * sitter.yaw
        canvas.paint(canvas.patch(face(ellipse(look, -0.025, 0.034, 0.036, n=24))), iris)
        canvas.paint(canvas.patch(face(ellipse(look, -0.025, 0.017, 0.018, n=16))), ink)
        canvas.paint(canvas.patch(face(ellipse(look - 0.012, -0.037, 0.009, 0.009, n=10))), (1, 1, 1))
        canvas.paint(canvas.stroke(face(smooth(eye[:3], closed=False)), width=u * 0.018), ink)
        brow = [(x - 0.09 * side, -0.115), (x + 0.02 * side, -0.145), (x + 0.105 * side, -0.10)]
        tone = sitter.hair * 0.7 if sitter.style != "bald" else sitter.skin * 0.45
        canvas.paint(canvas.patch(*map(face, limb(brow, [0.020, 0.020, 0.008]))), tone, 0.9)
        canvas.paint(canvas.patch(face(ellipse(0.21 * side, 0.15, 0.08, 0.06)), soft=u * 0.03), lip, 0.22)
    # The nose is a shadow on the side that turns from the light, and two nostrils.
    away = 1.0 if light.direction[0] > 0 else -1.0
    nose = [(0.015 * away, -0.04), (0.05 * away, 0.08), (0.075 * away, 0.15), (0.0, 0.185), (0.02 * away, 0.10)]
    canvas.paint(canvas.patch(face(smooth(nose)), soft=u * 0.006), sitter.skin * 0.70, 0.75)
    for side in (-1, 1):
        canvas.paint(canvas.patch(face(ellipse(0.035 * side, 0.168, 0.018, 0.010, n=14))), sitter.skin * 0.38)
    mouth = [
        (-0.12, 0.29 - smile),
        (-0.04, 0.270),
        (0.0, 0.278),
        (0.04, 0.270),
        (0.12, 0.29 - smile),
        (0.05, 0.33),
        (-0.05, 0.33),
    ]
    canvas.paint(canvas.patch(face(smooth(mouth))), lip)
    canvas.paint(
        canvas.stroke(
            face(smooth([(-0.12, 0.29 - smile), (0.0, 0.298), (0.12, 0.29 - smile)], closed=False)), width=u * 0.014
        ),
        lip * 0.45,
    )
    canvas.paint(canvas.patch(face(ellipse(0.0, 0.375, 0.07, 0.018)), soft=u * 0.012), sitter.skin * 0.75, 0.5)
    if sitter.glasses:
        _draw_glasses(canvas, sitter, face)


def _draw_glasses(canvas: Canvas, sitter: Sitter, face: Frame) -> None:
    ink, u = sitter.accent * 0.4, face.unit
    for side in (-1, 1):
        lens = smooth(np.array([(0.05, -0.09), (0.27, -0.10), (0.28, 0.02), (0.20, 0.08), (0.08, 0.07)]) * (side, 1))
        canvas.paint(canvas.patch(face(lens)), (0.06, 0.06, 0.08), 0.88 if sitter.glasses == "dark" else 0.08)
        canvas.paint(canvas.stroke(face(lens), width=u * 0.02, closed=True), ink)
        canvas.paint(canvas.stroke(face([(0.28 * side, -0.06), (0.40 * side, -0.04)]), width=u * 0.02), ink)
    canvas.paint(canvas.stroke(face([(-0.05, -0.05), (0.0, -0.065), (0.05, -0.05)]), width=u * 0.02), ink)


def _draw_beard(canvas: Canvas, rng: np.random.Generator, sitter: Sitter, head: Frame) -> None:
    u, f = head.unit, sitter.face
    long = 0.12 * sitter.beard
    right = [(0.38 * f, 0.02), (0.36 * f, 0.24), (0.25 * f, 0.42), (0.11, 0.51 + long), (0.0, 0.53 + long)]
    left = [(-x, y) for x, y in right[-2::-1]]
    inner = [
        (-0.33 * f, 0.05),
        (-0.25 * f, 0.20),
        (-0.15, 0.24),
        (0.0, 0.225),
        (0.15, 0.24),
        (0.25 * f, 0.20),
        (0.33 * f, 0.05),
    ]
    patch = canvas.patch(head(smooth([*right, *left, *inner])), soft=u * 0.012)
    canvas.paint(patch, sitter.hair * 0.85, 0.35 + 0.6 * sitter.beard)
    lips = smooth([(-0.10, 0.29), (0.0, 0.275), (0.10, 0.29), (0.0, 0.325)])
    canvas.paint(canvas.patch(head(lips)), sitter.skin * (0.85, 0.55, 0.52))
    n = int(140 * sitter.beard)
    x = rng.uniform(-1, 1, n)
    roots = np.column_stack([0.34 * f * x, 0.44 - 0.30 * x**2 + rng.uniform(-0.08, 0.05, n)])
    way = np.column_stack([0.5 * x, np.ones(n)])
    paths = grow(rng, roots, way, rng.uniform(0.06, 0.14, n) + long * 0.8, 0.4, 0.0, 6)
    strands(canvas, rng, head(paths), sitter.hair, 0.25, (0.85, 0.55), u / 220)


def draw_hat(canvas: Canvas, rng: np.random.Generator, sitter: Sitter, light: Light, head: Frame) -> None:
    """Paint the hat, if there is one."""
    if sitter.hat is None:
        return
    u, f = head.unit, sitter.face
    tall = 0.16 if sitter.hat == "beanie" else 0.10
    crown = [
        (0.0, -0.58 - tall),
        (0.26, -0.53 - tall),
        (0.43 * f, -0.42),
        (0.46 * f, -0.20),
        (0.30, -0.25),
        (0.0, -0.28),
    ]
    patch = canvas.patch(head(smooth(mirrored(crown))))
    light.shadow(canvas, patch, u * 0.05)
    if sitter.hat == "beanie":
        dress(canvas, rng, light, patch, sitter.scarf or sitter.top, u, 0.3)
        band = smooth(
            mirrored([(0.0, -0.40), (0.3, -0.37), (0.46 * f, -0.30), (0.48 * f, -0.17), (0.3, -0.23), (0.0, -0.26)])
        )
        light.paint(canvas, canvas.patch(head(band)), sitter.accent)
        light.paint(canvas, canvas.patch(head(ellipse(0.0, -0.62 - tall, 0.10, 0.10)), soft=u * 0.01), sitter.accent)
        return
    light.paint(canvas, patch, sitter.accent, 0.3)
    if sitter.hat == "cap":
        brim = [
            (-0.40, -0.27),
            (0.0, -0.34),
            (0.40, -0.27),
            (0.40 + 0.14 * sitter.yaw, -0.19),
            (0.12 * sitter.yaw, -0.15),
            (-0.40 + 0.14 * sitter.yaw, -0.19),
        ]
    else:
        brim = [
            (-0.85, -0.26),
            (-0.4, -0.34),
            (0.0, -0.36),
            (0.4, -0.34),
            (0.85, -0.26),
            (0.4, -0.20),
            (0.0, -0.18),
            (-0.4, -0.20),
        ]
    patch = canvas.patch(head(smooth(brim)))
    light.shadow(canvas, patch, u * 0.08)
    light.paint(canvas, patch, sitter.accent * 0.8)
