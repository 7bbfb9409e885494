"""What a raised hand holds. Units are head heights, the origin is the hand, y points down."""

from __future__ import annotations

import numpy as np

from zoo.data.demo.canvas import Canvas, Frame, ellipse, limb, smooth
from zoo.data.demo.light import Light
from zoo.data.demo.sitter import Sitter
from zoo.data.demo.texture import hsv


def draw_thing(canvas: Canvas, rng: np.random.Generator, sitter: Sitter, light: Light, hand: Frame) -> None:
    """Paint what the sitter holds, if anything, at the frame of the hand."""
    if sitter.thing is not None:
        hand = hand.turned(rng.normal(0, 0.2))
        _PAINTERS[sitter.thing](canvas, rng, sitter.accent, light, hand)


def _cup(canvas: Canvas, rng: np.random.Generator, colour: np.ndarray, light: Light, hand: Frame) -> None:
    handle = smooth([(0.14, -0.18), (0.32, -0.16), (0.30, 0.08), (0.12, 0.10)], closed=False)
    canvas.paint(canvas.stroke(hand(handle), width=hand.unit * 0.05), colour * 0.85)
    light.paint(canvas, canvas.patch(hand([(-0.19, -0.30), (0.19, -0.30), (0.14, 0.20), (-0.14, 0.20)])), colour, 0.4)
    canvas.paint(canvas.patch(hand(ellipse(0, -0.30, 0.19, 0.045))), colour * 0.5)


def _book(canvas: Canvas, rng: np.random.Generator, colour: np.ndarray, light: Light, hand: Frame) -> None:
    light.paint(
        canvas, canvas.patch(hand([(-0.36, -0.55), (0.38, -0.52), (0.38, 0.32), (-0.36, 0.32)])), (0.92, 0.90, 0.84)
    )
    light.paint(canvas, canvas.patch(hand([(-0.40, -0.55), (0.33, -0.55), (0.33, 0.34), (-0.40, 0.34)])), colour)
    canvas.paint(canvas.patch(hand([(-0.25, -0.38), (0.2, -0.38), (0.2, -0.26), (-0.25, -0.26)])), 1 - 0.6 * colour)


def _racket(canvas: Canvas, rng: np.random.Generator, colour: np.ndarray, light: Light, hand: Frame) -> None:
    u = hand.unit
    for t in np.linspace(-0.8, 0.8, 9):
        reach = np.sqrt(1 - t**2)
        across = [(-0.36 * reach, -1.0 + 0.46 * t), (0.36 * reach, -1.0 + 0.46 * t)]
        down = [(0.36 * t, -1.0 - 0.46 * reach), (0.36 * t, -1.0 + 0.46 * reach)]
        for line in (across, down):
            canvas.paint(canvas.stroke(hand(line), width=u * 0.008), (0.9, 0.9, 0.85), 0.85)
    canvas.paint(canvas.stroke(hand(ellipse(0, -1.0, 0.36, 0.46)), width=u * 0.055, closed=True), colour)
    for x in (-0.16, 0.16):
        canvas.paint(canvas.stroke(hand([(x, -0.60), (0.0, -0.28)]), width=u * 0.04), colour)
    light.paint(
        canvas, canvas.patch(*map(hand, limb([(0, -0.30), (0, 0), (0, 0.22)], [0.04, 0.05, 0.05]))), colour * 0.4
    )


def _stick(canvas: Canvas, rng: np.random.Generator, colour: np.ndarray, light: Light, hand: Frame) -> None:
    light.paint(
        canvas, canvas.patch(*map(hand, limb([(0.05, -1.5), (0, 0), (-0.05, 3.2)], [0.035, 0.04, 0.045]))), colour * 0.8
    )


def _balloon(canvas: Canvas, rng: np.random.Generator, colour: np.ndarray, light: Light, hand: Frame) -> None:
    top = -1.3
    string = smooth([(0, 0.1), (0.06, -0.4), (-0.04, -0.8), (0, top + 0.4)], closed=False)
    canvas.paint(canvas.stroke(hand(string), width=hand.unit * 0.012), (0.92, 0.92, 0.92), 0.9)
    light.paint(
        canvas,
        canvas.patch(
            hand(ellipse(0, top, 0.42, 0.50)), hand([(-0.06, top + 0.56), (0.06, top + 0.56), (0, top + 0.47)])
        ),
        colour,
        0.35,
    )
    canvas.paint(canvas.patch(hand(ellipse(-0.14, top - 0.2, 0.07, 0.10, 0.5)), soft=hand.unit * 0.02), (1, 1, 1), 0.6)


def _phone(canvas: Canvas, rng: np.random.Generator, colour: np.ndarray, light: Light, hand: Frame) -> None:
    canvas.paint(canvas.patch(hand([(-0.15, -0.38), (0.15, -0.38), (0.15, 0.20), (-0.15, 0.20)])), (0.08, 0.08, 0.09))
    light.paint(
        canvas, canvas.patch(hand([(-0.125, -0.34), (0.125, -0.34), (0.125, 0.15), (-0.125, 0.15)])), 0.5 + 0.4 * colour
    )


def _flowers(canvas: Canvas, rng: np.random.Generator, colour: np.ndarray, light: Light, hand: Frame) -> None:
    u = hand.unit
    tips = np.column_stack([rng.uniform(-0.45, 0.45, 16), rng.uniform(-0.95, -0.35, 16)])
    for tip in tips:
        canvas.paint(
            canvas.stroke(hand(smooth([(0, 0.35), (0, 0), tip], closed=False)), width=u * 0.018), (0.25, 0.42, 0.2)
        )
    for tip in tips:
        petal = np.clip(colour * rng.uniform(0.8, 1.3) + rng.normal(0, 0.05, 3), 0, 1)
        r = rng.uniform(0.05, 0.09)
        parts = [
            ellipse(*(tip + r * np.array([np.cos(a), np.sin(a)])), r * 0.8, r * 0.5, a, 14)
            for a in np.arange(5) * 1.257
        ]
        canvas.paint(canvas.patch(*map(hand, parts)), petal)
        canvas.paint(canvas.patch(hand(ellipse(*tip, r * 0.4, r * 0.4, n=12))), hsv(0.13, 0.8, 0.8))


def _umbrella(canvas: Canvas, rng: np.random.Generator, colour: np.ndarray, light: Light, hand: Frame) -> None:
    light.paint(
        canvas,
        canvas.patch(*map(hand, limb([(0, -1.9), (0, -0.8), (0, 0.4)], [0.025, 0.025, 0.03]))),
        (0.35, 0.3, 0.28),
    )
    edge = [(1.35 * np.cos(a), -1.55 - 0.75 * np.sin(a)) for a in np.linspace(0, np.pi, 14)]
    hem = [
        (x, -1.55 - 0.10 * abs(np.sin(4 * np.arccos(np.clip(x / 1.35, -1, 1)))))
        for x in np.linspace(-1.35, 1.35, 25)[1:-1]
    ]
    light.paint(canvas, canvas.patch(hand(np.array([*edge, *hem]))), colour, 0.3)
    for x in (-0.75, 0.0, 0.75):
        rib = smooth([(0, -2.3), (0.7 * x, -2.05), (x, -1.6)], closed=False)
        canvas.paint(canvas.stroke(hand(rib), width=hand.unit * 0.015), colour * 0.7)


_PAINTERS = {
    "cup": _cup,
    "book": _book,
    "racket": _racket,
    "stick": _stick,
    "balloon": _balloon,
    "phone": _phone,
    "flowers": _flowers,
    "umbrella": _umbrella,
}
