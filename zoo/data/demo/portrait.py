"""One portrait with its exact matte.

The figure is painted on a supersampled premultiplied canvas and reduced by area, so with foreground F,
background B and matte a the picture is a F + (1 - a) B by construction; only the camera's noise comes after.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.data.demo.backdrop import draw_backdrop
from zoo.data.demo.body import draw_arm, draw_torso, hand_of
from zoo.data.demo.canvas import Canvas, Frame
from zoo.data.demo.face import draw_hat, draw_head
from zoo.data.demo.hair import hair_before, hair_behind, hair_locks
from zoo.data.demo.light import Light
from zoo.data.demo.sitter import Sitter
from zoo.data.demo.texture import noise, palette
from zoo.data.demo.things import draw_thing
from zoo.data.opencv import cv2

# Height over width of the pictures, and how often each is drawn.
SHAPES = (4 / 3, 3 / 2, 1.0, 3 / 4)
SHARES = (0.35, 0.25, 0.20, 0.20)


@dataclass(frozen=True)
class Portrait:
    """The layers of a picture, before noise.

    Attributes:
        foreground: Premultiplied colour a F, (H, W, 3) float32 in [0, 1].
        background: B, same shape and range.
        alpha: a, (H, W) float32, a multiple of 1/255 in [0, 1].
        face: Centre x, y, half-axes and angle in radians of an ellipse on the face, in pixels.
    """

    foreground: np.ndarray
    background: np.ndarray
    alpha: np.ndarray
    face: tuple[float, float, float, float, float]

    @property
    def image(self) -> np.ndarray:
        """a F + (1 - a) B, (H, W, 3) float32 in [0, 1]."""
        return self.foreground + (1 - self.alpha[..., None]) * self.background


def draw_portrait(seed: int | Sequence[int], size: int, blur_face: bool) -> tuple[np.ndarray, np.ndarray]:
    """Draw one portrait.

    Args:
        seed: What to draw; the same seed and size always give the same picture.
        size: Short side in pixels.
        blur_face: Whether to make the face unrecognisable, as the training set of P3M-10k does.

    Returns:
        The image, (H, W, 3) uint8 RGB, and its matte, (H, W) float32 in [0, 1], a multiple of 1/255.
    """
    rng = np.random.default_rng(seed)
    portrait = compose(rng, size)
    image = expose(rng, portrait.image)
    if blur_face:
        image = hide_face(rng, image, portrait.face)
    return image, portrait.alpha


def compose(rng: np.random.Generator, size: int) -> Portrait:
    """Choose a sitter, a place and a light, and draw the layers with a short side of ``size`` pixels."""
    height, width = (round(size * side / 2) * 2 for side in _shape(rng))
    # At least 512 pixels to draw on, so that strands of hair keep their relative width in small pictures.
    scale = int(np.clip(np.ceil(512 / size), 2, 4))
    colours, light = palette(rng), Light.random(rng)
    background = draw_backdrop(rng, height, width, colours, light.direction)
    sitter = Sitter.random(rng, colours)
    canvas = Canvas(height * scale, width * scale)
    body = _place(rng, height * scale, width * scale)
    head = body.turned(float(np.clip(rng.normal(0, 0.16), -0.4, 0.4)), about=(0.0, 0.55))
    _draw_figure(canvas, rng, sitter, light, body, head)
    rgba = cv2.resize(canvas.rgba, (width, height), interpolation=cv2.INTER_AREA)
    _roughen(rng, rgba, size)
    rgba = _defocus(rng, rgba, size)
    alpha = (np.round(np.clip(rgba[..., 3], 0, 1) * 255) / 255).astype(np.float32)
    # Rounding moves alpha by at most 1/510; colour may not exceed it.
    foreground = np.clip(rgba[..., :3], 0, alpha[..., None])
    x, y = head((0.04 * sitter.yaw, 0.05)) / scale
    tilt = float(np.arctan2(head.matrix[1, 0], head.matrix[0, 0]))
    unit = head.unit / scale
    return Portrait(foreground, background, alpha, (float(x), float(y), 0.33 * unit, 0.42 * unit, tilt))


def _shape(rng: np.random.Generator) -> tuple[float, float]:
    ratio = SHAPES[rng.choice(len(SHAPES), p=SHARES)]
    return (ratio, 1.0) if ratio >= 1 else (1.0, 1 / ratio)


def _place(rng: np.random.Generator, height: int, width: int) -> Frame:
    """Where the sitter is: from a small half-length figure anywhere in the picture to a close-up that fills it."""
    unit = min(height, width) * rng.uniform(0.22, 0.60)
    x = width * np.clip(rng.normal(0.5, 0.19), 0.08, 0.92)
    top = rng.uniform(0.0, 0.5) * max(height - 1.6 * unit, 0.0)
    frame = Frame.at(float(x), top + rng.uniform(0.50, 0.95) * unit, unit)
    return frame.turned(rng.normal(0, 0.07), about=(0.0, 2.0))


def _draw_figure(
    canvas: Canvas, rng: np.random.Generator, sitter: Sitter, light: Light, body: Frame, head: Frame
) -> None:
    """Paint the figure from back to front."""
    behind = {"head", "away", "hip"}
    for side, pose in ((-1, sitter.left), (1, sitter.right)):
        if pose in behind:
            draw_arm(canvas, rng, sitter, light, body, side)
    hair_behind(canvas, rng, sitter, light, head)
    draw_torso(canvas, rng, sitter, light, body)
    hair_locks(canvas, rng, sitter, light, head)
    draw_head(canvas, rng, sitter, light, head)
    hair_before(canvas, rng, sitter, light, head)
    draw_hat(canvas, rng, sitter, light, head)
    free = True
    for side, pose in ((-1, sitter.left), (1, sitter.right)):
        if pose in behind:
            continue
        if free and pose in ("hold", "out"):
            free = False
            draw_thing(canvas, rng, sitter, light, body.moved(*hand_of(sitter, side)))
        draw_arm(canvas, rng, sitter, light, body, side)


def _roughen(rng: np.random.Generator, rgba: np.ndarray, size: int) -> None:
    """Give every surface of the figure the fine detail that things in focus have; in place, alpha stays."""
    height, width = rgba.shape[:2]
    detail = 1 + 0.09 * noise(rng, height, width, size * 0.016, 2)
    rgba[..., :3] = np.minimum(rgba[..., :3] * detail[..., None], rgba[..., 3:])


def _defocus(rng: np.random.Generator, rgba: np.ndarray, size: int) -> np.ndarray:
    """Blur the premultiplied figure towards one side or the bottom, as a shallow depth of field does."""
    height, width = rgba.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float32)
    angle = rng.uniform(0, np.pi)
    far = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle)
    weight = np.clip((far - rng.uniform(0.1, 0.5)) * 5, 0, 1)[..., None].astype(np.float32)
    sigma = size * rng.uniform(0.002, 0.006)
    lens = cv2.GaussianBlur(rgba, (0, 0), size / 700)
    return lens * (1 - weight) + cv2.GaussianBlur(rgba, (0, 0), sigma) * weight


def expose(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Take the picture: exposure, contrast, and noise that is grainier in the dark; (H, W, 3) uint8."""
    height, width = image.shape[:2]
    # Automatic exposure brings every picture to a medium brightness, and the detail in the dark with it.
    mean = float(np.clip(image, 0.001, 1).mean())
    image = np.clip(image, 0, 1) ** np.clip(np.log(rng.uniform(0.38, 0.52)) / np.log(mean), 0.55, 1.5) * rng.uniform(
        0.95, 1.05, 3
    ).astype(np.float32)
    grain = rng.normal(0, rng.uniform(0.003, 0.010), image.shape).astype(np.float32)
    haze = 0.01 * noise(rng, height, width, min(height, width) / 3, 1)[..., None]
    return np.round(np.clip(image + grain * (1.2 - image) + haze, 0, 1) * 255).astype(np.uint8)


def hide_face(
    rng: np.random.Generator, image: np.ndarray, face: tuple[float, float, float, float, float]
) -> np.ndarray:
    """A copy of an image whose face is blurred or, sometimes, made of large pixels, inside the ellipse only."""
    x, y, rx, ry, angle = face
    height, width = image.shape[:2]
    if rng.random() < 0.75:
        hidden = cv2.GaussianBlur(image, (0, 0), max(1.0, rx / 4))
    else:
        cell = max(2, round(rx / 3))
        small = cv2.resize(image, (max(1, width // cell), max(1, height // cell)), interpolation=cv2.INTER_AREA)
        hidden = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)
    mask = np.zeros((height, width), np.uint8)
    cv2.ellipse(mask, (round(x), round(y)), (round(rx), round(ry)), float(np.degrees(angle)), 0, 360, 255, -1)
    return np.where(mask[..., None] > 0, hidden, image)
