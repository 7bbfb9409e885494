"""The small pictures of a report page: what was seen, what was wanted, what came, and where it is wrong."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from registry import ShapeError

SIDE = 320
"""Longest side of a picture, in pixels."""

QUALITY = 85
"""JPEG quality. Colour is kept at full resolution: thin errors are thin lines of colour."""

ERROR_MAX = 0.5
"""Absolute error shown in the last colour of the scale; larger errors share it. The same for every
image and report, so that pages can be compared by eye."""

ERROR_COLOURS = (
    (0, 0, 4),
    (33, 12, 74),
    (87, 16, 110),
    (138, 34, 106),
    (188, 55, 84),
    (227, 89, 51),
    (249, 140, 10),
    (249, 201, 50),
    (252, 255, 164),
)
"""RGB at equal steps of the error scale, linear between: nine points of "inferno" (Nathaniel Smith,
Stefan van der Walt, Eric Firing; matplotlib, CC0), whose lightness grows evenly."""

BACKDROP = (0, 150, 90)
"""RGB behind the composite: a green that neither skin, hair nor a bright sky has."""

VIEWS = ("image", "target", "matte", "error", "composite")
"""Names of the pictures, in the order of the page."""


def thumbnails(
    image: np.ndarray | None, target: np.ndarray | None, matte: np.ndarray, side: int = SIDE
) -> dict[str, str]:
    """The pictures of one image as data URIs.

    Args:
        image: (H, W, 3) uint8 RGB; None: neither it nor the composite is shown.
        target: (H, W) float in [0, 1]; None: no target and no error map.
        matte: (H, W) float in [0, 1].
        side: Longest side of the pictures; smaller images stay as they are.

    Returns:
        ``data:image/jpeg`` URIs by the names of `VIEWS`.

    Raises:
        ShapeError: The arrays differ in height or width.
    """
    against, size = ("image", image.shape[:2]) if image is not None else ("matte", matte.shape)
    for name, array in (("matte", matte), ("target", target)):
        if array is not None and array.shape != size:
            raise ShapeError(f"{name} has shape {array.shape}, {against} has {size}")
    pictures: dict[str, Any] = {"image": reduce(image, side)} if image is not None else {}
    if target is not None:
        pictures["target"] = grey(reduce(target, side))
    pictures["matte"] = grey(reduce(matte, side))
    if target is not None:
        # Averaged before it is coloured: a colour is then the mean error of the pixels it stands for.
        pictures["error"] = error_map(reduce(np.abs(matte - target), side))
    if image is not None:
        pictures["composite"] = reduce(composite(image, matte), side)
    return {name: data_uri(picture) for name, picture in pictures.items()}


def reduce(picture: np.ndarray, side: int = SIDE) -> np.ndarray:
    """The picture with its longest side at most ``side`` pixels, by area averaging; never enlarged."""
    import cv2

    if picture.dtype != np.uint8:
        picture = picture.astype(np.float32, copy=False)  # OpenCV resizes no float16
    height, width = picture.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def grey(alpha: np.ndarray) -> np.ndarray:
    """(H, W) in [0, 1] as (H, W) uint8, rounded."""
    return np.rint(np.clip(alpha, 0.0, 1.0) * 255.0).astype(np.uint8)


def error_map(error: np.ndarray) -> np.ndarray:
    """Absolute errors in colours.

    Args:
        error: (H, W) float, 0 and above.

    Returns:
        (H, W, 3) uint8 RGB: the first of `ERROR_COLOURS` at 0, the last at `ERROR_MAX` and above.
    """
    steps = np.linspace(0.0, ERROR_MAX, len(ERROR_COLOURS))
    # A table of 256 colours: three interpolations over the whole picture would cost ten times as much.
    levels = np.linspace(0.0, ERROR_MAX, 256)
    colours = np.stack([np.interp(levels, steps, channel) for channel in zip(*ERROR_COLOURS, strict=True)], axis=-1)
    return np.rint(colours).astype(np.uint8)[grey(error / ERROR_MAX)]


def composite(image: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """The image cut out by the matte over a flat `BACKDROP`.

    The image's own colours are used, not estimated foreground colours: what the matte lets through
    of the old background stays visible as a fringe.

    Args:
        image: (H, W, 3) uint8 RGB.
        matte: (H, W) float in [0, 1].

    Returns:
        (H, W, 3) uint8 RGB.
    """
    import cv2

    # OpenCV's passes over the pixels: several times as fast as NumPy's with a colour broadcast over them.
    alpha = cv2.merge([np.clip(matte, 0.0, 1.0).astype(np.float32)] * 3)
    above = cv2.multiply(cv2.subtract(image, (*BACKDROP, 0), dtype=cv2.CV_32F), alpha)
    return cv2.convertScaleAbs(cv2.add(above, (*BACKDROP, 0)))


def data_uri(picture: np.ndarray) -> str:
    """A JPEG data URI of an (H, W, 3) RGB or (H, W) grey uint8 picture."""
    import cv2

    bgr = picture[..., ::-1] if picture.ndim == 3 else picture
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    done, data = cv2.imencode(".jpg", np.ascontiguousarray(bgr), options)
    assert done, "OpenCV encodes any uint8 picture as JPEG"
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")
