"""What EXIF says of a photo beside its pixels: how it is to be turned, where and with what it was taken.

    block   II or MM (byte order), 42, offset of the first table
    table   count, then 12 bytes an entry: tag, type, count, value or its offset
    pointers to further tables: the camera's (0x8769), the place's (0x8825)

Tags: EXIF 2.32 (CIPA DC-008), sections 4.6.4 to 4.6.6.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_ORIENTATION, _CAMERA_TABLE, _PLACE_TABLE = 0x0112, 0x8769, 0x8825
_CAMERA = frozenset((0x010F, 0x0110))
"""Make and model."""
_PERSON = frozenset((0x013B, 0x8298, 0xA430, 0xA431, 0xA435, 0x9C9D))
"""Artist, copyright, the camera's owner, serial numbers of body and lens, author."""
_PLACE = frozenset((0x0002, 0x0004))
"""Latitude and longitude; a table of a version number alone says nothing."""
TURNED = (5, 6, 7, 8)
"""Orientations that swap height and width."""


@dataclass(frozen=True)
class Exif:
    """What a file says.

    Attributes:
        orientation: 1 to 8; 1 is as stored.
        place: It says where the photo was taken.
        camera: It names the camera.
        person: It names a person or a serial number.
    """

    orientation: int = 1
    place: bool = False
    camera: bool = False
    person: bool = False


def read_exif(data: bytes) -> Exif:
    """The EXIF of a JPEG, PNG, WebP or TIFF file; an empty one where there is none or it is damaged.

    Args:
        data: The whole file.
    """
    block = _block(data)
    order = {b"II": "little", b"MM": "big"}.get(block[:2])
    if order is None:
        return Exif()

    def number(at: int, count: int) -> int:
        return int.from_bytes(block[at : at + count], order)  # type: ignore[arg-type]

    def table(at: int) -> dict[int, int]:
        """Tag -> place of its value."""
        places = range(at + 2, min(at + 2 + 12 * number(at, 2), len(block) - 11), 12) if at else ()
        return {number(place, 2): place + 8 for place in places}

    first = table(number(4, 4))
    camera, place = (table(number(first[tag], 4)) if tag in first else {} for tag in (_CAMERA_TABLE, _PLACE_TABLE))
    orientation = number(first[_ORIENTATION], 2) if _ORIENTATION in first else 1
    return Exif(
        orientation=orientation if 1 <= orientation <= 8 else 1,
        place=bool(_PLACE & place.keys()),
        camera=bool(_CAMERA & first.keys()),
        person=bool(_PERSON & (first.keys() | camera.keys())),
    )


def _block(data: bytes) -> bytes:
    """The EXIF block of a file; a TIFF file is one itself."""
    if data[:4] in (b"II*\0", b"MM\0*"):
        return data
    if data.startswith(b"\xff\xd8"):
        return next((body[6:] for body in _jpeg_applications(data) if body.startswith(b"Exif\0\0")), b"")
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return next((body for kind, body in _chunks(data, 8, "big") if kind == b"eXIf"), b"")
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        body = next((body for kind, body in _chunks(data, 12, "little") if kind == b"EXIF"), b"")
        return body.removeprefix(b"Exif\0\0")
    return b""


def _jpeg_applications(data: bytes) -> Iterator[bytes]:
    """Bodies of the APP1 segments before the scan."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        if data[at + 1] == 0xFF:  # fill byte
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == 0xE1:
            yield data[at + 4 : end]
        at = end


def _chunks(data: bytes, at: int, order: str) -> Iterator[tuple[bytes, bytes]]:
    """Kind and body of the chunks of a PNG (big-endian) or WebP (little-endian) file."""
    png = order == "big"
    while at + 8 <= len(data):
        head = data[at : at + 8]
        length, kind = (head[:4], head[4:]) if png else (head[4:], head[:4])
        size = int.from_bytes(length, order)  # type: ignore[arg-type]
        yield kind, data[at + 8 : at + 8 + size]
        at += 8 + size + (4 if png else size % 2)  # a checksum; an even length
