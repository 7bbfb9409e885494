"""Who is portrayed: every choice about one person, drawn once, so that the painters only paint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zoo.data.demo.texture import HAIR, PATTERNS, hsv, skin

STYLES = ("short", "long", "bob", "curly", "tail", "bun", "loose", "bald")
# Joints of the right arm in head heights, origin at the middle of the face: shoulder, elbow, wrist.
ARMS = {
    "down": ((0.86, 1.22), (1.00, 2.30), (0.92, 3.50)),
    "away": ((0.86, 1.20), (1.42, 2.20), (1.55, 3.40)),
    "hip": ((0.86, 1.20), (1.80, 2.05), (0.85, 2.75)),
    "fold": ((0.86, 1.20), (1.12, 2.25), (0.10, 2.10)),
    "hold": ((0.86, 1.20), (1.16, 2.35), (1.52, 1.50)),
    "out": ((0.86, 1.20), (1.55, 1.85), (2.05, 1.15)),
    "head": ((0.86, 1.15), (1.60, 0.60), (0.62, -0.18)),
}
THINGS = ("cup", "book", "racket", "stick", "balloon", "phone", "flowers", "umbrella")


@dataclass(frozen=True)
class Cloth:
    """A fabric.

    Attributes:
        kind: Name of the pattern.
        colours: (2, 3).
        unit: Size of a repeat in head heights.
        angle: Its direction in radians.
        relief: Contrast of yarn and folds.
    """

    kind: str
    colours: np.ndarray
    unit: float
    angle: float
    relief: float

    @classmethod
    def random(cls, rng: np.random.Generator, colours: np.ndarray) -> Cloth:
        """A fabric in colours (n, 3) of the palette, mostly; the wall may well have the same."""
        chosen = np.array([colours[rng.integers(len(colours))] * rng.uniform(0.75, 1.2) for _ in range(2)])
        if rng.random() < 0.2:
            chosen[0] = hsv(rng.random(), rng.uniform(0.0, 0.8), rng.uniform(0.08, 0.95))
        chosen[1] += (chosen[0] - chosen[1]) * rng.uniform(0.2, 0.8)
        kind = str(rng.choice(PATTERNS[:-1]))
        angle = rng.choice([0, np.pi / 2, np.pi / 4])
        return cls(kind, np.clip(chosen, 0.12, 0.95), rng.uniform(0.12, 0.45), angle, rng.uniform(0.25, 0.42))


@dataclass(frozen=True)
class Sitter:
    """One person.

    Attributes:
        skin: (3,).
        hair: (3,).
        style: One of `STYLES`.
        length: How long the hair is, 0 to 1.
        wildness: How many strands leave the outline and how far, 0 to 1.
        curl: How wavy strands are, 0 to 1.
        parting: Where the hair parts, -1 to 1.
        build: Breadth of the shoulders, about 1.
        face: Breadth of the face, about 1.
        yaw: Where the face looks, -1 left to 1 right.
        top: Fabric of the upper garment.
        jacket: Fabric of an open jacket, or None.
        neckline: Its depth in head heights.
        sleeves: How far down the arm they reach, 0 to 1.
        left: Pose of the arm at the left of the picture, a key of `ARMS`.
        right: Pose of the other one.
        thing: What a raised hand holds, or None.
        hat: "beanie", "cap", "brim" or None.
        glasses: "clear", "dark" or None.
        beard: How dense the beard is, 0 for none.
        scarf: Fabric of a scarf, or None.
        accent: Colour (3,) of hat, thing and trimmings.
    """

    skin: np.ndarray
    hair: np.ndarray
    style: str
    length: float
    wildness: float
    curl: float
    parting: float
    build: float
    face: float
    yaw: float
    top: Cloth
    jacket: Cloth | None
    neckline: float
    sleeves: float
    left: str
    right: str
    thing: str | None
    hat: str | None
    glasses: str | None
    beard: float
    scarf: Cloth | None
    accent: np.ndarray

    @classmethod
    def random(cls, rng: np.random.Generator, colours: np.ndarray) -> Sitter:
        """Somebody dressed in the colours (n, 3) of the palette."""

        def some(share: float) -> bool:
            return bool(rng.random() < share)

        style = str(rng.choice(STYLES, p=(0.20, 0.18, 0.12, 0.13, 0.11, 0.11, 0.10, 0.05)))
        poses = [str(rng.choice(list(ARMS), p=(0.30, 0.16, 0.16, 0.10, 0.14, 0.06, 0.08))) for _ in range(2)]
        raised = any(pose in ("hold", "out") for pose in poses)
        tone = HAIR[rng.choice(len(HAIR), p=(0.22, 0.22, 0.16, 0.10, 0.11, 0.07, 0.08, 0.04))]
        if some(0.06):
            tone = hsv(rng.random(), 0.6, 0.7)
        short = style in ("short", "bald")
        return cls(
            skin=np.clip(skin(rng) * rng.uniform(0.94, 1.04, 3), 0, 1),
            hair=np.clip(tone * rng.uniform(0.8, 1.2), 0.08, 0.95),
            style=style,
            length=rng.random(),
            wildness=rng.random() ** 1.5,
            curl=1.0 if style == "curly" else rng.random() ** 1.5,
            parting=rng.uniform(-1, 1),
            build=rng.uniform(0.86, 1.14),
            face=rng.uniform(0.92, 1.08),
            yaw=float(np.clip(rng.normal(0, 0.5), -1, 1)),
            top=Cloth.random(rng, colours),
            jacket=Cloth.random(rng, colours) if some(0.35) else None,
            neckline=rng.uniform(0.02, 0.75) ** 1.3,
            sleeves=1.0 if some(0.6) else rng.uniform(0.1, 0.7),
            left=poses[0],
            right=poses[1],
            thing=str(rng.choice(THINGS)) if raised and some(0.85) else None,
            hat=str(rng.choice(["beanie", "cap", "brim"])) if some(0.16) else None,
            glasses=str(rng.choice(["clear", "dark"], p=(0.7, 0.3))) if some(0.25) else None,
            beard=rng.uniform(0.3, 1.0) if short and some(0.5) else 0.0,
            scarf=Cloth.random(rng, colours) if some(0.12) else None,
            accent=np.clip(colours[rng.integers(len(colours))] * rng.uniform(0.8, 1.2), 0.03, 0.97),
        )
