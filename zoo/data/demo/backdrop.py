"""What is behind the figure: walls, rooms, streets, gardens, lights, all with clutter, mostly out of focus."""

from __future__ import annotations

import numpy as np

from zoo.data.demo.canvas import SHIFT, ellipse
from zoo.data.demo.texture import PATTERNS, noise, pattern, skin
from zoo.data.opencv import cv2

KINDS = ("wall", "room", "shelves", "street", "garden", "lights", "landscape")


def draw_backdrop(
    rng: np.random.Generator, height: int, width: int, colours: np.ndarray, light: np.ndarray
) -> np.ndarray:
    """One background.

    Args:
        rng: Source of everything in it.
        height: Rows.
        width: Columns.
        colours: The picture's palette, (5, 3).
        light: Direction (2,) in which brightness falls off.

    Returns:
        (height, width, 3) float32 RGB in [0, 1].
    """
    kind = KINDS[rng.integers(len(KINDS))]
    size = min(height, width)
    if kind == "wall":
        picture = _wall(rng, height, width, colours)
    else:
        picture = {
            "room": _room,
            "shelves": _shelves,
            "street": _street,
            "garden": _garden,
            "lights": _lights,
            "landscape": _landscape,
        }[kind](rng, height, width, colours)
    _distract(rng, picture, colours)
    y, x = np.mgrid[:height, :width].astype(np.float32) / size
    fall = (x - x.mean()) * light[0] + (y - y.mean()) * light[1]
    picture *= (1 - rng.uniform(0.0, 0.5) * fall + 0.12 * noise(rng, height, width, size / 2, 1))[..., None]
    # Air between here and there takes contrast away.
    middle = picture.mean(axis=(0, 1))
    picture = middle + (picture - middle) * rng.uniform(0.6, 1.0)
    # Depth of field: the usual portrait has a soft background, some less so.
    blur = size * (rng.uniform(0.035, 0.065) if rng.random() < 0.92 else rng.uniform(0.018, 0.030))
    return np.clip(_blurred(picture, blur), 0, 1)


def _blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    """A Gaussian blur; wide ones are done on a smaller picture, where they look the same and cost less."""
    height, width = picture.shape[:2]
    step = max(1, int(sigma / 1.5))
    small = cv2.resize(picture, (width // step, height // step), interpolation=cv2.INTER_AREA)
    return cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / step), (width, height), interpolation=cv2.INTER_LINEAR)


def _pick(rng: np.random.Generator, colours: np.ndarray) -> np.ndarray:
    """A colour of the palette, a little lighter or darker."""
    return np.clip(colours[rng.integers(len(colours))] * rng.uniform(0.7, 1.25) + rng.normal(0, 0.02, 3), 0, 1)


def _fill(picture: np.ndarray, outline: np.ndarray, colour: np.ndarray, opacity: float = 1.0) -> None:
    """Fill an outline (n, 2) of a float32 picture in place."""
    low = np.maximum(np.floor(outline.min(axis=0)), 0).astype(int)
    high = np.minimum(np.ceil(outline.max(axis=0)) + 1, picture.shape[1::-1]).astype(int)
    if (high <= low).any():
        return
    mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
    cv2.fillPoly(mask, [np.round((outline - low) * (1 << SHIFT)).astype(np.int32)], 255, cv2.LINE_AA, SHIFT)
    part = picture[low[1] : high[1], low[0] : high[0]]
    part += (np.asarray(colour, np.float32) - part) * (mask.astype(np.float32) * (opacity / 255))[..., None]


def _box(x0: float, y0: float, x1: float, y1: float) -> np.ndarray:
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def _surface(rng: np.random.Generator, height: int, width: int, colours: np.ndarray) -> np.ndarray:
    kind = PATTERNS[rng.integers(len(PATTERNS))]
    unit = min(height, width) * rng.uniform(0.05, 0.22)
    angle = rng.choice([0.0, np.pi / 2, np.pi / 4, rng.uniform(0, np.pi)])
    return pattern(rng, kind, height, width, unit, (_pick(rng, colours), _pick(rng, colours)), angle)


def _wall(rng: np.random.Generator, height: int, width: int, colours: np.ndarray) -> np.ndarray:
    picture = _surface(rng, height, width, colours)
    for _ in range(rng.integers(0, 4)):
        x, y = rng.uniform(0, width), rng.uniform(0, 0.7 * height)
        w, h = rng.uniform(0.1, 0.35, 2) * min(height, width)
        _fill(picture, _box(x - w / 2, y - h / 2, x + w / 2, y + h / 2), _pick(rng, colours))
        _fill(picture, _box(x - 0.4 * w, y - 0.4 * h, x + 0.4 * w, y + 0.4 * h), _pick(rng, colours))
    return picture


def _room(rng: np.random.Generator, height: int, width: int, colours: np.ndarray) -> np.ndarray:
    picture = _surface(rng, height, width, colours)
    floor = height * rng.uniform(0.55, 0.9)
    picture[int(floor) :] = _surface(rng, height - int(floor), width, colours)
    for _ in range(rng.integers(2, 6)):
        x, w = rng.uniform(0, width), rng.uniform(0.08, 0.35) * width
        top, bottom = sorted(rng.uniform(0.0, 1.0, 2) * height)
        colour = _pick(rng, colours)
        _fill(picture, _box(x, top, x + w, bottom), colour)
        for part in np.linspace(0.1, 0.9, rng.integers(2, 5)):
            _fill(
                picture, _box(x, top + part * (bottom - top), x + w, top + (part + 0.03) * (bottom - top)), colour * 0.6
            )
    return picture


def _shelves(rng: np.random.Generator, height: int, width: int, colours: np.ndarray) -> np.ndarray:
    picture = np.empty((height, width, 3), np.float32)
    picture[:] = _pick(rng, colours) * 0.6
    step = height * rng.uniform(0.16, 0.32)
    board = _pick(rng, colours)
    for bottom in np.arange(step * rng.uniform(0.3, 1), height + step, step):
        x = -rng.uniform(0, 10.0)
        while x < width:
            w = step * rng.uniform(0.08, 0.35)
            if rng.random() < 0.85:
                _fill(picture, _box(x, bottom - step * rng.uniform(0.5, 0.9), x + w, bottom), _pick(rng, colours))
            x += w + step * 0.02
        _fill(picture, _box(0, bottom, width, bottom + 0.06 * step), board)
    return picture


def _street(rng: np.random.Generator, height: int, width: int, colours: np.ndarray) -> np.ndarray:
    picture = np.empty((height, width, 3), np.float32)
    picture[:] = np.clip(_pick(rng, colours) * 0.5 + 0.5, 0, 1)
    x = -rng.uniform(0, 0.2) * width
    while x < width:
        w, top = rng.uniform(0.15, 0.4) * width, rng.uniform(-0.3, 0.5) * height
        wall, pane = _pick(rng, colours), _pick(rng, colours)
        _fill(picture, _box(x, top, x + w, height), wall)
        step = w / rng.integers(2, 6)
        for wy in np.arange(top + 0.3 * step, height * 0.9, step * rng.uniform(1.0, 1.5)):
            for wx in np.arange(x + 0.2 * step, x + w - 0.5 * step, step):
                _fill(picture, _box(wx, wy, wx + 0.6 * step, wy + 0.7 * step), pane * rng.uniform(0.7, 1.2))
        x += w
    _fill(picture, _box(0, height * rng.uniform(0.7, 0.95), width, height + 1), _pick(rng, colours))
    return picture


def _garden(rng: np.random.Generator, height: int, width: int, colours: np.ndarray) -> np.ndarray:
    leaf = np.array([rng.uniform(0.2, 0.45), rng.uniform(0.3, 0.55), rng.uniform(0.1, 0.3)])
    depth = noise(rng, height, width, min(height, width) / 3, 3)[..., None]
    picture = (leaf * (0.75 + 0.6 * depth)).astype(np.float32)
    size = min(height, width)
    for _ in range(140):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        colour = leaf * rng.uniform(0.4, 1.7) if rng.random() < 0.8 else _pick(rng, colours)
        long = size * rng.uniform(0.01, 0.05)
        _fill(
            picture, ellipse(x, y, long, long * rng.uniform(0.3, 0.8), rng.uniform(0, np.pi), 14), np.clip(colour, 0, 1)
        )
    return picture


def _lights(rng: np.random.Generator, height: int, width: int, colours: np.ndarray) -> np.ndarray:
    picture = (
        _pick(rng, colours)
        * rng.uniform(0.2, 0.7)
        * (1 + 0.4 * noise(rng, height, width, min(height, width) / 2)[..., None])
    )
    picture = picture.astype(np.float32)
    for _ in range(rng.integers(15, 45)):
        r = min(height, width) * rng.uniform(0.015, 0.09)
        colour = np.clip(_pick(rng, colours) * rng.uniform(0.9, 1.6), 0, 1)
        _fill(picture, ellipse(rng.uniform(0, width), rng.uniform(0, height), r, r), colour, rng.uniform(0.2, 0.8))
    return picture


def _landscape(rng: np.random.Generator, height: int, width: int, colours: np.ndarray) -> np.ndarray:
    low, high = _pick(rng, colours), np.clip(_pick(rng, colours) * 0.5 + 0.45, 0, 1)
    ramp = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    picture = high * (1 - ramp) + (0.6 * high + 0.4 * low) * ramp
    picture = picture + 0.12 * np.maximum(noise(rng, height, width, min(height, width) / 3, 3), 0)[..., None]
    picture = np.ascontiguousarray(np.broadcast_to(picture, (height, width, 3)), np.float32)
    for part in np.sort(rng.uniform(0.3, 0.95, 3)):
        ridge = height * part - 0.12 * height * noise(rng, 1, width, width / 4, 3)[0]
        hill = np.concatenate([np.column_stack([np.arange(width), ridge]), [(width, height), (0, height)]])
        _fill(picture, hill, _pick(rng, colours))
    return picture


def _distract(rng: np.random.Generator, picture: np.ndarray, colours: np.ndarray) -> None:
    """Add what could be taken for a part of a figure: poles, and discs of skin or hair colour without a body."""
    height, width = picture.shape[:2]
    size = min(height, width)
    for _ in range(rng.integers(0, 4)):
        x, y, r = rng.uniform(0, width), rng.uniform(0, 0.8 * height), size * rng.uniform(0.04, 0.14)
        colour = skin(rng) if rng.random() < 0.5 else _pick(rng, colours)
        if rng.random() < 0.5:
            _fill(picture, _box(x - 0.1 * r, y, x + 0.1 * r, height + 1), colour * 0.5)
        if rng.random() < 0.75:
            _fill(picture, ellipse(x, y, r, r * rng.uniform(0.8, 1.3)), colour)
            _fill(picture, ellipse(x - 0.3 * r, y - 0.3 * r, 0.5 * r, 0.5 * r), np.clip(colour * 1.15, 0, 1), 0.5)
    for _ in range(rng.integers(0, 3)):
        x, w = rng.uniform(0, width), size * rng.uniform(0.008, 0.05)
        lean = rng.normal(0, 0.05) * height
        outline = np.array([(x, 0), (x + w, 0), (x + w + lean, height), (x + lean, height)])
        _fill(picture, outline, _pick(rng, colours) * 0.8)
