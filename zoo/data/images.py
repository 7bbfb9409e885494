"""Pictures, alphas and trimaps between files and arrays.

RGB everywhere; what a file can be (8 or 16 bit, grey, RGB, RGBA, turned by EXIF) ends here. A file that is missing,
damaged or truncated is refused in one line that names it.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from registry import DataError, ZooError
from zoo.data.header import damage, header_size
from zoo.data.opencv import cv2
from zoo.files import write_bytes

_LOSSY = 8
"""Largest difference between the channels of a grey picture in a lossy file, of 255."""

_ANY = cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH

_REDUCED = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}


def read_image(path: str | os.PathLike[str]) -> np.ndarray:
    """Read a picture as it is meant to be seen.

    Grey is repeated over the channels, an alpha channel is left out, 16 bit become 8, and the
    EXIF orientation is applied.

    Returns:
        (H, W, 3) uint8 RGB.

    Raises:
        DataError: The file is missing, damaged or no picture.
    """
    bgr = _decode(path, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    return cv2.cvtColor(_to_8_bit(bgr), cv2.COLOR_BGR2RGB)


def read_reduced(path: str | os.PathLike[str], factor: int) -> np.ndarray:
    """Read a JPEG picture as `read_image` does, but at a fraction of its size (`zoo.data.reduction`).

    Args:
        path: The file.
        factor: 2, 4 or 8.

    Returns:
        (ceil(H / factor), ceil(W / factor), 3) uint8 RGB.

    Raises:
        DataError: As for `read_image`.
    """
    return cv2.cvtColor(_decode(path, _REDUCED[factor]), cv2.COLOR_BGR2RGB)


def read_alpha(path: str | os.PathLike[str], dtype: type[np.floating] = np.float32) -> np.ndarray:
    """Read an alpha (P3M-10k calls it mask).

    Three equal channels count as one (so are the masks of P3M-10k saved). Slightly different ones, as lossy files
    have them, are turned to grey; a coloured picture is no alpha.

    Args:
        path: The file.
        dtype: ``numpy.float32``, or ``numpy.float64`` to score with: a level of 8 bits, v / 255, is off by up to 3e-8
            in the former, which the seventh digit of a metric shows.

    Returns:
        (H, W) in [0, 1].

    Raises:
        DataError: The file is missing, damaged or no picture, or has colours, or is a cut-out: the matte would be
            in its transparency and not in its colours.
    """
    return alpha_of(read_levels(path), dtype)


def read_levels(path: str | os.PathLike[str]) -> np.ndarray:
    """Read an alpha as `read_alpha` does, but leave it in the integers of its file, a quarter of the memory.

    Returns:
        (H, W) uint8 or uint16; `alpha_of` makes the alpha of it.

    Raises:
        DataError: As for `read_alpha`.
    """
    pixels = _decode(path, _ANY)
    _refuse_transparency(path)
    if pixels.ndim == 2:
        return pixels
    return cv2.extractChannel(pixels, 0) if _grey(pixels) else _nearly_grey(path, pixels)


def alpha_of(levels: np.ndarray, dtype: type[np.floating] = np.float32) -> np.ndarray:
    """The alpha in [0, 1] that unsigned integers stand for; ``dtype`` as for `read_alpha`."""
    return levels.astype(dtype) / dtype(np.iinfo(levels.dtype).max)


def read_trimap(path: str | os.PathLike[str]) -> np.ndarray:
    """Read a trimap.

    Returns:
        (H, W) uint8: 0 background, 128 unknown, 255 foreground.

    Raises:
        DataError: The file is missing, damaged or no picture, or it has another value.
    """
    pixels = _to_8_bit(_decode(path, _ANY))
    if pixels.ndim == 3:
        if not _grey(pixels):
            raise DataError(f"{path}: no trimap, it has colours; a trimap has only the values 0, 128 and 255")
        pixels = cv2.extractChannel(pixels, 0)
    refuse_other_values(pixels, str(path))
    return pixels


def refuse_other_values(trimap: np.ndarray, name: str) -> None:
    """Refuse a trimap with any value but 0, 128 and 255.

    Args:
        trimap: (H, W) uint8.
        name: What the message calls it.

    Raises:
        DataError: There is another value.
    """
    present = np.bincount(trimap.ravel(), minlength=256) > 0
    present[[0, 128, 255]] = False
    if present.any():
        raise DataError(
            f"{name}: no trimap, it has the value {int(present.argmax())}; "
            "a trimap has only the values 0, 128 and 255 (saved without loss, as PNG)"
        )


def picture_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Height and width of a picture as `read_image` would give them, from its header if that is enough.

    Returns:
        (height, width) in pixels.

    Raises:
        DataError: The file is missing, damaged or no picture.
    """
    try:
        with open(path, "rb") as file:
            size = header_size(file)
    except OSError as error:
        raise _unreadable(path, error) from error
    if size and all(size):
        return size
    height, width = _decode(path, _ANY).shape[:2]
    return height, width


def write_png(path: str | os.PathLike[str], array: np.ndarray) -> None:
    """Write a PNG file, whole or not at all.

    Args:
        path: File to write; its folder must exist. An older file is replaced.
        array: (H, W), (H, W, 3) RGB or (H, W, 4) RGBA uint8, or an alpha (H, W) float in [0, 1],
            which is rounded to the nearest of 256 steps.

    Raises:
        DataError: The array is none of these.
        ZooError: The file cannot be written.
    """
    data = encode_png(array, str(path))
    try:
        write_bytes(Path(path), data)
    except OSError as error:
        raise ZooError(f"{path}: cannot be written ({error.strerror or error})") from error


def encode_png(array: np.ndarray, name: str) -> bytes:
    """The bytes of the file that `write_png` writes.

    With OpenCV's own settings: runs of equal values only, at zlib's quickest level. For mattes and cut-outs none of its
    other strategies and levels takes less time, and those that give smaller files take two to ten times as long.

    Args:
        array: As for `write_png`.
        name: What the message of an error calls it.

    Raises:
        DataError: The array is none that can be written.
    """
    pixels = _to_pixels(name, array)
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR if pixels.shape[2] == 3 else cv2.COLOR_RGBA2BGRA)
    _, data = cv2.imencode(".png", np.ascontiguousarray(pixels))
    return bytes(data)


def _to_pixels(path: str | os.PathLike[str], array: np.ndarray) -> np.ndarray:
    flat = array.ndim == 2
    if array.size and array.dtype == np.uint8 and (flat or (array.ndim == 3 and array.shape[2] in (3, 4))):
        return array
    if array.size and flat and np.issubdtype(array.dtype, np.floating):
        # Written so that NaN is refused too.
        if not (array.min() >= 0 and array.max() <= 1):
            raise DataError(f"{path}: not written, the alpha has values outside [0, 1]")
        return np.rint(array * 255).astype(np.uint8)
    raise DataError(
        f"{path}: not written, an array {array.shape} {array.dtype} is neither uint8 (grey, RGB, RGBA) nor an alpha"
    )


def _decode(path: str | os.PathLike[str], flags: int) -> np.ndarray:
    """Pixels of a file as OpenCV gives them; uint8 or uint16. Takes any path, OpenCV's own reader does not."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    problem = damage(data)
    if problem:
        raise DataError(f"{path}: {problem}")
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise DataError(f"{path}: cannot be decoded ({' '.join(str(error).split())})") from error
    if pixels is None:
        raise DataError(f"{path}: no picture that can be read")
    if pixels.dtype not in (np.uint8, np.uint16):
        raise DataError(f"{path}: has {pixels.dtype} pixels; 8 and 16 bit can be read")
    return pixels


def _unreadable(path: str | os.PathLike[str], error: OSError) -> DataError:
    if isinstance(error, FileNotFoundError):
        return DataError(f"{path}: no such file")
    return DataError(f"{path}: cannot be read ({error.strerror or error})")


def _to_8_bit(pixels: np.ndarray) -> np.ndarray:
    """16 bit to 8 by division by 257 = 65535 / 255, rounded to nearest."""
    if pixels.dtype == np.uint8:
        return pixels
    return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _grey(bgr: np.ndarray) -> bool:
    # Contiguous channels: comparing strided ones takes four times as long.
    first = cv2.extractChannel(bgr, 0)
    return all(np.array_equal(first, cv2.extractChannel(bgr, channel)) for channel in (1, 2))


def _nearly_grey(path: str | os.PathLike[str], bgr: np.ndarray) -> np.ndarray:
    """Three channels as one, unless they differ by more than a lossy file makes of grey.

    Raises:
        DataError: They do. One evaluation code would take the first channel and another the grey value: neither is it.
    """
    apart = int((bgr.max(axis=2) - bgr.min(axis=2)).max()) / np.iinfo(bgr.dtype).max * 255
    if apart > _LOSSY:
        raise DataError(f"{path}: no alpha, it has colours (channels differ by up to {apart:.0f} of 255)")
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)


def _refuse_transparency(path: str | os.PathLike[str]) -> None:
    """Refuse a PNG whose matte would be in its alpha channel; an opaque alpha channel is harmless."""
    with open(path, "rb") as file:
        head = file.read(26)
    # The last byte is the colour type of a PNG: 4 is grey with alpha, 6 RGB with alpha.
    if head[12:16] != b"IHDR" or head[25] not in (4, 6):
        return
    pixels = _decode(path, cv2.IMREAD_UNCHANGED)
    if pixels.ndim == 3 and pixels.shape[2] == 4 and (pixels[..., 3] != np.iinfo(pixels.dtype).max).any():
        raise DataError(f"{path}: a cut-out with transparency, not an alpha; save the matte itself as a grey picture")
