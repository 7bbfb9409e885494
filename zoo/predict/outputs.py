"""What is made of a picture and its matte, and the bytes of its file.

alpha        the matte                                       grey
cutout       the subject's colours, the matte as alpha       RGBA, straight: colours not multiplied by alpha
composite    the subject on a new background                 RGB
foreground   the subject's colours, continued outside it     RGB
trimap       0, 128 and 255                                  grey
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from registry import DataError, UsageError
from zoo.data.cutout import cut_out
from zoo.data.opencv import cv2
from zoo.data.trimap import evaluation_trimap
from zoo.predict.background import Background, as_type, plain
from zoo.predict.foreground import estimate
from zoo.predict.pictures import Picture
from zoo.predict.profile import png_with_profile

KINDS = ("alpha", "cutout", "composite", "foreground", "trimap")
FORMATS = ("png", "webp")

_WEBP_SIDE = 16383
"""Longest side of a WebP picture, in pixels: its header has 14 bits for it."""


def _pymatting(image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    from zoo.data.foreground import estimate_colours
    from zoo.predict.pictures import to_8_bit

    return as_type(estimate_colours(to_8_bit(image), alpha)[0], image.dtype)


FOREGROUNDS: Mapping[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = MappingProxyType(
    {
        "fast": estimate,
        "pymatting": _pymatting,
        "none": lambda image, alpha: image,
    }
)
"""Ways to the colours of the subject: ``(image, alpha) -> image``. See `zoo.predict.foreground`."""


@dataclass(frozen=True)
class Output:
    """What is wanted of every picture.

    Attributes:
        kind: One of `KINDS`.
        format: One of `FORMATS`.
        bits: 8 or 16 per channel.
        quality: Of WebP, 1 to 100; None: without loss.
        foreground: One of `FOREGROUNDS`.
        background: Of a composite.
        premultiplied: Colours of a cut-out are multiplied by alpha.
    """

    kind: str = "alpha"
    format: str = "png"
    bits: int = 8
    quality: int | None = None
    foreground: str = "fast"
    background: Background | None = None
    premultiplied: bool = False

    def __post_init__(self) -> None:
        if self.format == "webp" and self.bits == 16:
            raise UsageError("--bits 16: WebP has 8; take --format png")
        if self.format == "png" and self.quality is not None:
            raise UsageError("--quality: PNG is without loss; take --format webp")
        if self.premultiplied and self.kind != "cutout":
            raise UsageError(f"--premultiplied: {self.kind} has no alpha beside its colours; it is for --as cutout")
        if self.foreground == "pymatting" and self.kind in ("cutout", "composite", "foreground"):
            from zoo.data.foreground import load_estimator

            load_estimator()


def compose(picture: Picture, alpha: np.ndarray, output: Output) -> np.ndarray:
    """What is wanted of a picture.

    Args:
        picture: The picture.
        alpha: (H, W) float32 in [0, 1], its matte.
        output: What is wanted.

    Returns:
        (H, W), (H, W, 3) RGB or (H, W, 4) RGBA, uint8 or uint16.
    """
    dtype = np.dtype(np.uint16 if output.bits == 16 else np.uint8)
    if output.kind == "alpha":
        return levels(alpha, dtype)
    if output.kind == "trimap":
        return as_type(evaluation_trimap(alpha), dtype)
    image = as_type(picture.image, dtype)
    foreground = FOREGROUNDS[output.foreground](image, alpha)
    if output.kind == "foreground":
        return foreground
    if output.kind == "composite":
        background = (output.background or plain((255, 255, 255)))(image, alpha)
        return over(foreground, levels(alpha, dtype), background)
    if output.premultiplied:
        seen = over(foreground, levels(alpha, dtype), np.zeros_like(foreground))
        return np.dstack([seen, levels(alpha, dtype)])
    return cut_out(foreground, alpha) if dtype == np.uint8 else _deep_cut_out(foreground, levels(alpha, dtype))


def levels(alpha: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """An alpha in [0, 1] as the nearest integers of a type."""
    scaled = cv2.multiply(alpha, float(np.iinfo(dtype).max), dtype=cv2.CV_32F)
    return np.rint(scaled, out=scaled).astype(dtype)


def _deep_cut_out(foreground: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    # As `cut_out`: black where nothing is seen.
    return np.dstack([np.where(alpha[..., None] > 0, foreground, 0), alpha])


def over(foreground: np.ndarray, alpha: np.ndarray, background: np.ndarray) -> np.ndarray:
    """alpha F + (1 - alpha) B, rounded to nearest.

    Args:
        foreground: (H, W, 3), uint8 or uint16.
        alpha: (H, W), of the same type.
        background: (H, W, 3), of the same type.
    """
    top = int(np.iinfo(alpha.dtype).max)
    result = background.copy()
    # A strip at a time: in floats a picture of 24 megapixels would be some hundred MB more for each of three.
    step = max(1, 2**20 // alpha.shape[1])
    for start in range(0, alpha.shape[0], step):
        rows = slice(start, start + step)
        weight = cv2.merge([alpha[rows].astype(np.float32) * np.float32(1 / top)] * 3)
        below = background[rows].astype(np.float32)
        mixed = below + weight * (foreground[rows].astype(np.float32) - below)
        result[rows] = np.rint(mixed)
    return result


def encode(array: np.ndarray, output: Output, profile: bytes | None, name: str) -> bytes:
    """The bytes of a file of an array that `compose` made.

    Args:
        array: (H, W), (H, W, 3) RGB or (H, W, 4) RGBA, uint8 or uint16.
        output: Gives format and quality.
        profile: ICC profile of the colours; grey has none.
        name: What a message calls it.

    Raises:
        DataError: The format cannot hold it.
    """
    profile = profile if array.ndim == 3 else None
    if output.format == "webp":
        return _webp(array, output.quality, profile, name)
    if array.ndim == 3:
        array = cv2.cvtColor(array, cv2.COLOR_RGB2BGR if array.shape[2] == 3 else cv2.COLOR_RGBA2BGRA)
    # With OpenCV's own settings, see `zoo.data.images.encode_png`.
    _, data = cv2.imencode(".png", np.ascontiguousarray(array))
    return png_with_profile(data.tobytes(), profile)


def _webp(array: np.ndarray, quality: int | None, profile: bytes | None, name: str) -> bytes:
    import io

    from PIL import Image

    if max(array.shape[:2]) > _WEBP_SIDE:
        raise DataError(f"{name}: WebP takes at most {_WEBP_SIDE} pixels a side; take --format png")
    stream = io.BytesIO()
    loss = {"lossless": True, "quality": 0} if quality is None else {"quality": quality}
    # Least effort of the encoder: more of it takes ten times as long for a tenth of the size.
    Image.fromarray(array).save(stream, "WEBP", method=0, icc_profile=profile or b"", **loss)
    return stream.getvalue()
