"""The colours of the subject alone, so that no old background shines through its hair.

A picture is I = a F + (1 - a) B. Where the matte a is soft, F and B are unknown, and I in F's place leaves a rim of the
old background. Both are found from coarse to fine, as by Germer, Uelwer, Conrad and Harmeling (Fast Multi-Level
Foreground Estimation, ICPR 2020); the step at each level is that of Forte (Approximate Fast Foreground Colour
Estimation, ICIP 2021), blur fusion, with the denominator that the former's least squares have:

    F' = blur(a F) / blur(a)                     the colour of the subject round about
    B' = blur((1 - a) B) / blur(1 - a)           that of the background
    R  = I - a F' - (1 - a) B'                   what both leave unexplained
    F  = F' + a R / (a^2 + (1 - a)^2)            is shared out: a F + (1 - a) B = I again
    B  = B' + (1 - a) R / (a^2 + (1 - a)^2)

A level that is large is worked on where its matte is soft only, in strips of tiles: elsewhere I is F or B already.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from registry import ShapeError
from zoo.data.opencv import cv2

_RADIUS = 2
"""Of the blur, in pixels of the level. From 1 to 3 the error is the same within a tenth; the greatest takes longest."""
_STEPS, _LAST_STEPS = 4, 2
"""Steps at each level and at the finest. One step at each leaves nearly half as much error again; more gain little."""
_COARSEST = 2
"""Pixels of the coarsest level's short side, at most twice as many. There a blur reaches from subject to background."""
_TILE = 128
"""Side of a tile, in pixels."""
_MARGIN = _RADIUS * _STEPS
"""Pixels around a tile that its own depend on."""
_SOFT = 0.5 / 255
"""Alphas nearer to 0 or 1 are these in 8 bits."""
_LEAST = 1e-4
"""Weight of a pixel of the other side, so that every blur is of something."""


def estimate(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The colours of the subject.

    Args:
        image: (H, W, 3) RGB, uint8 or uint16.
        alpha: (H, W) float32 in [0, 1].

    Returns:
        A picture like ``image``, and the same where alpha is 1; where the subject cannot be seen it goes on as it is
        nearby.

    Raises:
        ShapeError: The two have different sizes.
    """
    if image.shape[:2] != alpha.shape:
        raise ShapeError(f"the picture has size {image.shape[:2]}, the alpha {alpha.shape}")
    levels = [(image, np.ascontiguousarray(alpha, np.float32))]
    while min(levels[-1][1].shape) > 2 * _COARSEST:
        levels.append((_half(levels[-1][0]), _half(levels[-1][1])))
    foreground, background = _begin(*levels[-1])
    while levels:
        image, alpha = levels.pop()
        foreground, background = (_enlarged(part, alpha.shape) for part in (foreground, background))
        cv2.copyTo(image, (alpha > 1 - _SOFT).astype(np.uint8), foreground)
        cv2.copyTo(image, (alpha < _SOFT).astype(np.uint8), background)
        foreground, background = _improved(image, alpha, foreground, background, last=not levels)
    return foreground


def _begin(image: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of the coarsest level: the picture where it shows a side, elsewhere that side's mean colour."""
    sides = []
    for weight in (alpha, 1 - alpha):
        near = (weight**4 + _LEAST)[..., None]  # little of what is mixed
        mean = (image * near).sum(axis=(0, 1)) / near.sum()
        sides.append(np.rint(image * weight[..., None] + mean * (1 - weight[..., None])).astype(image.dtype))
    return sides[0], sides[1]


def _half(array: np.ndarray) -> np.ndarray:
    height, width = array.shape[:2]
    return cv2.resize(array, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)


def _enlarged(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return cv2.resize(array, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)


def _improved(
    image: np.ndarray, alpha: np.ndarray, foreground: np.ndarray, background: np.ndarray, last: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Both after some steps at one level; at the last, which none follows, the background as it is."""
    # Not in place: a tile's margin belongs to others, which may be done already.
    results = [foreground.copy()] if last else [foreground.copy(), background.copy()]
    for inner, outer in _strips((alpha > _SOFT) & (alpha < 1 - _SOFT)):
        colours, front, back = (_unit(part[outer]) for part in (image, foreground, background))
        found = _steps(colours, alpha[outer], front, back, _LAST_STEPS if last else _STEPS)
        rows, columns = (slice(i.start - o.start, i.stop - o.start) for i, o in zip(inner, outer, strict=True))
        for result, part in zip(results, found, strict=False):
            result[inner] = _integers(part[rows, columns], image.dtype)
    return results[0], background if last else results[1]


_Window = tuple[slice, slice]


def _strips(soft: np.ndarray) -> Iterator[tuple[_Window, _Window]]:
    """Windows that cover every soft pixel, runs of tiles along a row of them: without their margin, and with it."""
    height, width = soft.shape
    for top in range(0, height, _TILE):
        bottom = min(top + _TILE, height)
        columns = soft[top:bottom].any(axis=0)
        tiles = [bool(columns[left : left + _TILE].any()) for left in range(0, width, _TILE)]
        for first, last in _runs(tiles):
            left, right = first * _TILE, min((last + 1) * _TILE, width)
            yield (
                (slice(top, bottom), slice(left, right)),
                (
                    slice(max(0, top - _MARGIN), min(height, bottom + _MARGIN)),
                    slice(max(0, left - _MARGIN), min(width, right + _MARGIN)),
                ),
            )


def _runs(flags: list[bool]) -> Iterator[tuple[int, int]]:
    """First and last index of each run of true flags."""
    start = None
    for index, flag in enumerate([*flags, False]):
        if flag and start is None:
            start = index
        elif not flag and start is not None:
            yield start, index - 1
            start = None


def _steps(
    image: np.ndarray, alpha: np.ndarray, foreground: np.ndarray, background: np.ndarray, steps: int
) -> tuple[np.ndarray, np.ndarray]:
    """The formulas of the module, on (h, w, 3) float32 in [0, 1]."""
    a = cv2.merge([alpha] * 3)  # three equal channels: NumPy broadcasts a last axis of 1 at a third of the speed
    b = 1 - a
    near_a, near_b = a + _LEAST, b + _LEAST
    sum_a, sum_b = _blur(near_a), _blur(near_b)
    share_a, share_b = (part / (a * a + b * b) for part in (a, b))
    for _ in range(steps):
        foreground = _blur(foreground * near_a) / sum_a
        background = _blur(background * near_b) / sum_b
        rest = image - a * foreground - b * background
        foreground += share_a * rest
        np.clip(foreground, 0, 1, out=foreground)
        background += share_b * rest
        np.clip(background, 0, 1, out=background)
    return foreground, background


def _blur(array: np.ndarray) -> np.ndarray:
    return cv2.blur(array, (2 * _RADIUS + 1, 2 * _RADIUS + 1))


def _unit(array: np.ndarray) -> np.ndarray:
    return array * np.float32(1 / np.iinfo(array.dtype).max)


def _integers(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    return np.rint(array * np.float32(np.iinfo(dtype).max)).astype(dtype)
