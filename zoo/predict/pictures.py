"""A picture of any kind of file, as it is meant to be seen: turned, in RGB, with its transparency and colour profile.

    8 bit, 16 bit          both kept: the model sees 8 bits, an output of 16 bits has all 16
    grey, palette, CMYK    become RGB; CMYK by its profile, if it has one
    EXIF orientation       is applied, so that the output needs none
    ICC profile            is handed on, where the colours still are what it describes

OpenCV decodes what it decodes rightly, which takes half the time; Pillow the rest.
"""

from __future__ import annotations

import io
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from registry import DataError, UsageError
from zoo.data.exif import read_exif
from zoo.data.header import damage
from zoo.data.opencv import cv2
from zoo.predict.profile import embedded_profile

if TYPE_CHECKING:
    from PIL import Image

_HEIC = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
"""Brands of an ISO base media file whose pictures are coded as HEVC (ISO/IEC 23008-12)."""


@dataclass(frozen=True)
class Picture:
    """What a file shows.

    Attributes:
        image: (H, W, 3) RGB, uint8 or uint16.
        alpha: (H, W) of the same type, its transparency; None: it has none, or is opaque everywhere.
        profile: ICC profile of ``image``; None: sRGB, as far as anybody knows.
    """

    image: np.ndarray
    alpha: np.ndarray | None = None
    profile: bytes | None = None

    @property
    def image8(self) -> np.ndarray:
        """(H, W, 3) uint8 RGB, what models see."""
        return to_8_bit(self.image)


def read_picture(path: str | os.PathLike[str]) -> Picture:
    """The picture of a file.

    Raises:
        DataError: The file is missing, damaged or no picture; or it needs an extra that is not installed.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise DataError(f"{path}: {reason}") from error
    return decode(data, str(path))


def decode(data: bytes, name: str) -> Picture:
    """The picture that a file's bytes hold.

    Args:
        data: The whole file.
        name: What messages call it.

    Raises:
        DataError: As for `read_picture`.
    """
    problem = damage(data)
    if problem:
        raise DataError(f"{name}: {problem}")
    picture = _with_opencv(data, name) if _opencv_reads_rightly(data) else None
    return picture or _with_pillow(data, name)


def to_8_bit(array: np.ndarray) -> np.ndarray:
    """Integers of 16 bits divided by 257 = 65535 / 255, rounded to nearest; those of 8 bits as they are."""
    if array.dtype == np.uint8:
        return array
    return ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)


# --- OpenCV ------------------------------------------------------------------------------------------


def _opencv_reads_rightly(data: bytes) -> bool:
    """Whether OpenCV gives what is in the file.

    It cannot read HEIC, AVIF and GIF, multiplies the colours of a TIFF file by its alpha, and turns CMYK into RGB
    without regard to the profile.
    """
    if data[:4] in (b"II*\0", b"MM\0*"):
        return _bits_of_tiff(data) == 16
    if data.startswith(b"\xff\xd8"):
        return embedded_profile(data, b"CMYK") is None
    return not (data[4:8] == b"ftyp" or data[:4] == b"GIF8")


def _bits_of_tiff(data: bytes) -> int:
    """Bits of a channel of the first picture: tag 258 of the first table (TIFF 6.0)."""
    order: Any = "little" if data[:2] == b"II" else "big"

    def number(at: int, count: int) -> int:
        return int.from_bytes(data[at : at + count], order)

    table = number(4, 4)
    for entry in range(table + 2, min(table + 2 + 12 * number(table, 2), len(data)), 12):
        if number(entry, 2) == 258:
            # Up to two values stand in the entry itself, more where it points to.
            return number(entry + 8 if number(entry + 4, 4) <= 2 else number(entry + 8, 4), 2)
    return 1


def _with_opencv(data: bytes, name: str) -> Picture | None:
    """None: OpenCV cannot read it, and perhaps Pillow can."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise DataError(f"{name}: cannot be decoded ({' '.join(str(error).split())})") from error
    if pixels is None:
        return None
    if pixels.dtype not in (np.uint8, np.uint16):
        raise DataError(f"{name}: has {pixels.dtype} pixels; 8 and 16 bit can be read")
    # Of TIFF files alone, OpenCV turns what it was told to leave unchanged.
    orientation = 1 if data[:2] in (b"II", b"MM") else read_exif(data).orientation
    alpha = cv2.extractChannel(pixels, 3) if pixels.ndim == 3 and pixels.shape[2] == 4 else None
    code = {2: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB}[pixels.ndim] if alpha is None else cv2.COLOR_BGRA2RGB
    image = turned(cv2.cvtColor(pixels, code), orientation)
    alpha = None if alpha is None else _unless_opaque(turned(alpha, orientation))
    return Picture(image, alpha, embedded_profile(data, b"RGB "))


def turned(array: np.ndarray, orientation: int) -> np.ndarray:
    """An array as its EXIF orientation (1 to 8) wants it shown: 5 to 8 swap the axes, then either may be mirrored."""
    if orientation >= 5:
        array = cv2.transpose(array)
    # OpenCV's code: 0 flips up and down, 1 left and right, -1 both.
    code = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}.get(orientation)
    return array if code is None else cv2.flip(array, code)


def _unless_opaque(alpha: np.ndarray) -> np.ndarray | None:
    return None if alpha.min() == np.iinfo(alpha.dtype).max else alpha


# --- Pillow ------------------------------------------------------------------------------------------


def _with_pillow(data: bytes, name: str) -> Picture:
    from PIL import Image, ImageOps

    if data[4:8] == b"ftyp" and data[8:12] in _HEIC:
        _register_heic(name)
    try:
        with warnings.catch_warnings():
            # What Pillow warns of (a huge picture, odd metadata) is either an error of its own later or harmless.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data)) as file:
                opened = ImageOps.exif_transpose(file)
                assert opened is not None
                return _of_pillow(opened)
    except UsageError:
        raise
    except Exception as error:  # its decoders raise whatever they stumble over
        text = " ".join(str(error).split())
        # With the address of a stream, which helps nobody.
        reason = "no picture that can be read" if "cannot identify" in text else f"cannot be decoded ({text})"
        raise DataError(f"{name}: {reason}") from error


def _register_heic(name: str) -> None:
    try:
        import pillow_heif
    except ImportError as error:
        raise DataError(f"{name}: HEIC files need pillow-heif; run: pip install 'matting-zoo[heic]'") from error
    pillow_heif.register_heif_opener()


def _of_pillow(opened: Image.Image) -> Picture:
    profile = opened.info.get("icc_profile")
    if opened.mode == "CMYK":
        opened, profile = _cmyk_to_rgb(opened, profile), None
    if opened.mode.startswith("I;16"):
        grey = np.asarray(opened).astype(np.uint16)
        return Picture(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB))
    transparent = opened.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in opened.info
    pixels = np.array(opened.convert("RGBA" if transparent else "RGB"))
    alpha = _unless_opaque(np.ascontiguousarray(pixels[..., 3])) if transparent else None
    describes = bool(profile) and profile[16:20] == b"RGB "
    return Picture(np.ascontiguousarray(pixels[..., :3]), alpha, profile if describes else None)


def _cmyk_to_rgb(opened: Image.Image, profile: bytes | None) -> Image.Image:
    """By the picture's profile to sRGB; without one, or with a damaged one, by the plain formula."""
    from PIL import ImageCms

    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            found = ImageCms.profileToProfile(opened, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
            if found is not None:
                return found
        except (OSError, ImageCms.PyCMSError):
            pass
    return opened.convert("RGB")
