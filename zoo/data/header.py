"""What the bytes of a PNG or JPEG file say about it before any pixel is decoded: its size, and whether it is whole."""

from __future__ import annotations

import os
import zlib
from typing import BinaryIO

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8"

# Start-of-frame markers; 0xC4, 0xC8 and 0xCC in their midst are tables and extensions.
_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SOS, _EOI, _APP1 = 0xDA, 0xD9, 0xE1
_ORIENTATION = 0x0112
_TURNED = (5, 6, 7, 8)
"""EXIF orientations that swap height and width."""


def header_size(file: BinaryIO) -> tuple[int, int] | None:
    """Size of a picture as shown, that is, after its EXIF orientation.

    Args:
        file: Open binary file, at its start.

    Returns:
        (height, width) in pixels, or None if this is no PNG or JPEG or its header is damaged.
    """
    start = file.read(8)
    if start == _PNG:
        return _png_size(file)
    if start[:2] == _JPEG:
        file.seek(2)
        return _jpeg_size(file)
    return None


def _png_size(file: BinaryIO) -> tuple[int, int] | None:
    size, orientation = None, 1
    while True:
        head = file.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if kind == b"IHDR":
            body = file.read(length)
            size = int.from_bytes(body[4:8], "big"), int.from_bytes(body[:4], "big")
            file.seek(4, os.SEEK_CUR)
        elif kind == b"eXIf":
            orientation = _orientation(file.read(length))
            file.seek(4, os.SEEK_CUR)
        elif kind in (b"IEND", b""):
            return _turn(size, orientation)
        else:
            file.seek(length + 4, os.SEEK_CUR)


def _jpeg_size(file: BinaryIO) -> tuple[int, int] | None:
    orientation = 1
    while True:
        head = file.read(2)
        while head[1:] == b"\xff":  # fill bytes before a marker
            head = head[1:] + file.read(1)
        if len(head) < 2 or head[0] != 0xFF or head[1] in (_SOS, _EOI):
            return None
        length = int.from_bytes(file.read(2), "big") - 2
        if head[1] in _SOF:
            body = file.read(5)
            return _turn((int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")), orientation)
        if head[1] == _APP1:
            body = file.read(length)
            if body.startswith(b"Exif\0\0"):
                orientation = _orientation(body[6:])
        else:
            file.seek(max(0, length), os.SEEK_CUR)


def _orientation(tiff: bytes) -> int:
    """The orientation tag (1 to 8) of an EXIF block, 1 where there is none."""
    order = {b"II": "little", b"MM": "big"}.get(tiff[:2])
    if order is None:
        return 1

    def number(at: int, count: int) -> int:
        return int.from_bytes(tiff[at : at + count], order)  # type: ignore[arg-type]

    table = number(4, 4)
    for entry in range(table + 2, table + 2 + 12 * number(table, 2), 12):
        if number(entry, 2) == _ORIENTATION:
            value = number(entry + 8, 2)
            return value if 1 <= value <= 8 else 1
    return 1


def _turn(size: tuple[int, int] | None, orientation: int) -> tuple[int, int] | None:
    return (size[1], size[0]) if size and orientation in _TURNED else size


def damage(data: bytes) -> str | None:
    """What is wrong with a PNG or JPEG file that a decoder would pass over.

    OpenCV fills the missing part of a truncated file with grey or black and goes on; a matte or a
    score made from that is wrong without a word.

    Args:
        data: The whole file.

    Returns:
        A clause such as ``"is truncated"``, or None if nothing is wrong or it is another format.
    """
    if not data:
        return "is empty"
    if data.startswith(_PNG):
        return _png_damage(data)
    if data.startswith(_JPEG):
        return _jpeg_damage(data)
    return None


def _png_damage(data: bytes) -> str | None:
    at = len(_PNG)
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 > len(data):
            break
        if zlib.crc32(memoryview(data)[at + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            return "is damaged (a checksum does not match)"
        if data[at + 4 : at + 8] == b"IEND":
            return None
        at = end + 4
    return "is truncated"


def _jpeg_damage(data: bytes) -> str | None:
    """Looks for the end marker behind the start of the scan: a thumbnail in the header has one of its own."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        if data[at + 1] == 0xFF:  # fill byte
            at += 1
            continue
        if data[at + 1] == _SOS:
            return None if data.find(bytes((0xFF, _EOI)), at) >= 0 else "is truncated"
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return "is truncated"
