"""A large picture in parts: the whole one says what is subject, parts at their own size say how its edge runs.

A network that sees a part of a jacket cannot know that it is worn. So the picture is answered whole first, shrunk as
ever; parts are answered only where that answer is soft, and count only there. Where parts overlap they are blended with
weights that fall to 0 at a part's edge, and so does the weight of all parts at the edge of the soft region: no answer
ends anywhere at a step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from zoo.data.opencv import cv2

OVERLAP = 0.25
"""Of a tile's side that it shares with its neighbour."""

_SOFT = 0.02
"""Alphas nearer to 0 or 1 than this are known."""
_REACH = 0.02
"""How far around soft pixels the parts count, of the picture's short side."""

Answer = Callable[[np.ndarray, np.ndarray | None], np.ndarray]
"""``answer(image, trimap) -> alpha``, as `zoo.engine.predictor.Predictor.predict`."""

Window = tuple[slice, slice]


def in_tiles(answer: Answer, image: np.ndarray, trimap: np.ndarray | None, whole: np.ndarray, side: int) -> np.ndarray:
    """The matte of a picture, answered in parts where the whole one is soft.

    Args:
        answer: The model.
        image: (H, W, 3) uint8 RGB.
        trimap: (H, W) uint8, for models that need one.
        whole: (H, W) float32 in [0, 1], the model's answer to the whole picture.
        side: Of a tile, in pixels.

    Returns:
        (H, W) float32 in [0, 1]; ``whole`` itself for a picture that is no larger than a tile.
    """
    height, width = whole.shape
    if max(height, width) <= side:
        return whole
    share = _share(whole)
    total, weights = np.zeros_like(whole), np.zeros_like(whole)
    for window in windows(height, width, side):
        if not share[window].any():
            continue
        part = np.ascontiguousarray(image[window])
        found = answer(part, None if trimap is None else np.ascontiguousarray(trimap[window]))
        weight = _feather(window, height, width, side)
        total[window] += found * weight
        weights[window] += weight
    # A pixel that no tile was asked about has a share of 0.
    parts = np.divide(total, weights, out=whole.copy(), where=weights > 0)
    return whole + share * (parts - whole)


def windows(height: int, width: int, side: int) -> Iterator[Window]:
    """Windows of at most ``side`` pixels that cover a picture and share `OVERLAP` with their neighbours or more."""
    for rows in _spans(height, side):
        for columns in _spans(width, side):
            yield rows, columns


def _spans(length: int, side: int) -> list[slice]:
    if length <= side:
        return [slice(0, length)]
    count = -(-(length - side) // max(1, round(side * (1 - OVERLAP)))) + 1
    starts = [round(index * (length - side) / (count - 1)) for index in range(count)]
    return [slice(start, start + side) for start in starts]


def _feather(window: Window, height: int, width: int, side: int) -> np.ndarray:
    """Weights of a tile: 1, falling linearly to nearly 0 over the overlap; not at the picture's own edges."""
    ramps = []
    for span, length in zip(window, (height, width), strict=True):
        place = np.arange(span.stop - span.start, dtype=np.float32) + 0.5
        ramp = np.ones_like(place)
        reach = max(1.0, side * OVERLAP)
        if span.start > 0:
            ramp = np.minimum(ramp, place / reach)
        if span.stop < length:
            ramp = np.minimum(ramp, place[::-1] / reach)
        ramps.append(ramp)
    return np.outer(*ramps).astype(np.float32)


def _share(whole: np.ndarray) -> np.ndarray:
    """How much the parts count: 1 at and near soft pixels, 0 where all is known, in between a slope."""
    reach = max(2, round(_REACH * min(whole.shape)))
    soft = ((whole > _SOFT) & (whole < 1 - _SOFT)).astype(np.uint8)
    near = cv2.dilate(soft, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    return cv2.blur(near.astype(np.float32), (reach, reach))
