"""What a composite stands on: a colour, a picture, the old background blurred, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from registry import NotFoundError, UsageError
from registry.errors import did_you_mean
from zoo.data.opencv import cv2

Background = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""``background(old, alpha) -> new``: old and new (H, W, 3) RGB of one type, uint8 or uint16; alpha (H, W) float32."""

TRANSPARENT, BLUR = "transparent", "blur"

_BLUR = 0.02
"""Standard deviation of the blur, of the long side."""
_SMALL = 512
"""Long side at which the blur is computed, in pixels: nothing finer is left after it."""


def parse(text: str) -> Background | None:
    """What ``--background`` means; None: ``transparent``.

    Args:
        text: ``transparent``, ``blur``, a colour (CSS name, ``#rgb``, ``#rrggbb``, ``rgb(...)``) or a picture's path.

    Raises:
        NotFoundError: Neither a colour nor a file.
        UsageError: A colour that cannot be: ``#12``.
        DataError: The picture cannot be read.
    """
    if text == TRANSPARENT:
        return None
    if text == BLUR:
        return blurred
    colour = _colour(text)
    if colour is not None:
        return plain(colour)
    if Path(text).is_file():
        from zoo.predict.pictures import read_picture

        return picture(read_picture(text).image)
    if text.startswith("#"):
        raise UsageError(f"--background {text}: no colour; write #rgb or #rrggbb")
    from PIL import ImageColor

    known = (*ImageColor.colormap, TRANSPARENT, BLUR)
    raise NotFoundError(f"--background {text}: neither a colour nor a file.{did_you_mean(text, known)}")


def _colour(text: str) -> tuple[int, int, int] | None:
    from PIL import ImageColor

    try:
        red, green, blue, *opacity = ImageColor.getrgb(text)
    except ValueError:
        return None
    if opacity and opacity[0] != 255:
        raise UsageError(f"--background {text}: a colour with opacity; a background is opaque, or {TRANSPARENT}")
    return red, green, blue


def plain(colour: tuple[int, int, int]) -> Background:
    """One colour, of 0 to 255."""

    def fill(old: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        return np.full_like(old, np.array(colour, old.dtype) * (np.iinfo(old.dtype).max // 255))

    return fill


def picture(image: np.ndarray) -> Background:
    """A picture that covers: enlarged or shrunk by its aspect until no edge is bare, then cut about its middle.

    Args:
        image: (h, w, 3) RGB, uint8 or uint16.
    """
    last: dict[tuple[int, ...], np.ndarray] = {}  # of the last size: photos of a folder often share one

    def fit(old: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        key = old.shape[:2]
        if key not in last:
            last.clear()
            last[key] = _cover(image, *key)
        return as_type(last[key], old.dtype)

    return fit


def _cover(image: np.ndarray, height: int, width: int) -> np.ndarray:
    scale = max(height / image.shape[0], width / image.shape[1])
    # Cut before it is enlarged: a strip of a background may be a thousandth of it.
    high, wide = (
        min(length, max(1, round(wanted / scale)))
        for length, wanted in zip(image.shape[:2], (height, width), strict=True)
    )
    top, left = (image.shape[0] - high) // 2, (image.shape[1] - wide) // 2
    filter_ = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(image[top : top + high, left : left + wide], (width, height), interpolation=filter_)


def as_type(image: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Integers of 8 or 16 bits as the other."""
    if image.dtype == dtype:
        return image
    if dtype == np.uint16:
        return image.astype(np.uint16) * np.uint16(257)
    from zoo.predict.pictures import to_8_bit

    return to_8_bit(image)


def blurred(old: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """The old background out of focus, without the subject: what is behind it is filled in from around.

    A blur of the whole picture would put a glow of the subject's colours around it.
    """
    height, width = alpha.shape
    scale = min(1.0, _SMALL / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(old, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    # The fourth power: a pixel that has half of the subject in it says little of the background.
    known = cv2.resize(1 - alpha, size, interpolation=cv2.INTER_AREA) ** 4
    found = cv2.GaussianBlur(_filled(small, known), (0, 0), max(0.5, _BLUR * max(size)))
    whole = np.clip(np.rint(found), 0, np.iinfo(old.dtype).max).astype(old.dtype)
    return cv2.resize(whole, (width, height), interpolation=cv2.INTER_LINEAR)


def _filled(colours: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Colours that go on where they are not known: from half the size, and there from half of that.

    Pull and push, after Gortler et al. (The Lumigraph, SIGGRAPH 1996).

    Args:
        colours: (h, w, 3) float32.
        known: (h, w) float32 in [0, 1], how much each counts.
    """
    height, width = known.shape
    if max(height, width) == 1 or known.min() >= 1:
        return colours
    size = ((width + 1) // 2, (height + 1) // 2)
    sums = cv2.resize(colours * known[..., None], size, interpolation=cv2.INTER_AREA)
    shares = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    plain = cv2.resize(colours, size, interpolation=cv2.INTER_AREA)
    # Where nothing is known all counts a little: a subject that fills the picture leaves no other colours.
    half = (sums + _NOTHING * plain) / (shares + _NOTHING)[..., None]
    below = cv2.resize(_filled(half, np.minimum(1, 4 * shares)), (width, height), interpolation=cv2.INTER_LINEAR)
    return below + known[..., None] * (colours - below)


_NOTHING = 1e-6
"""Weight of a pixel that is not known."""
