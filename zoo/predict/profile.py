"""ICC profiles inside the bytes of pictures: what is there is found, what is handed on is put in.

    JPEG   APP2 segments "ICC_PROFILE\\0", number, count, part (ICC.1:2022, annex B.4)
    PNG    chunk iCCP: name, 0, 0 (deflate), compressed profile, before PLTE and IDAT (PNG, section 11.3.3.3)
    WebP   chunk ICCP

TIFF and the rest are read by Pillow, which hands over their profile itself.
"""

from __future__ import annotations

import zlib

_PNG = b"\x89PNG\r\n\x1a\n"
_MARK = b"ICC_PROFILE\0"
_HEAD = 128
"""Bytes of a profile's header; its colour space is at 16."""


def embedded_profile(data: bytes, space: bytes) -> bytes | None:
    """The profile of a picture, if it describes colours of one kind.

    Args:
        data: The whole file.
        space: Colour space as profiles name it: ``b"RGB "``, ``b"CMYK"``, ``b"GRAY"``.

    Returns:
        The profile; None where there is none, it is damaged, or of another space.
    """
    profile = b""
    if data.startswith(b"\xff\xd8"):
        profile = _of_jpeg(data)
    elif data.startswith(_PNG):
        profile = _of_png(data)
    elif data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        profile = _of_webp(data)
    return profile if len(profile) > _HEAD and profile[16:20] == space else None


def _of_jpeg(data: bytes) -> bytes:
    parts: dict[int, bytes] = {}
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        if data[at + 1] == 0xFF:  # fill byte
            at += 1
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == 0xE2 and data[at + 4 : at + 16] == _MARK:
            parts[data[at + 16]] = data[at + 18 : end]
        at = end
    return b"".join(parts[number] for number in sorted(parts))


def _of_png(data: bytes) -> bytes:
    at = len(_PNG)
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind == b"iCCP":
            body = data[at + 8 : at + 8 + length]
            try:
                return zlib.decompress(body[body.index(b"\0") + 2 :])
            except (ValueError, zlib.error):
                return b""
        if kind in (b"PLTE", b"IDAT", b"IEND"):
            break
        at += 12 + length
    return b""


def _of_webp(data: bytes) -> bytes:
    at = 12
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at : at + 4] == b"ICCP":
            return data[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
    return b""


def png_with_profile(png: bytes, profile: bytes | None) -> bytes:
    """A PNG file of RGB or RGBA with a profile in it; None: as it is."""
    if profile is None:
        return png
    body = b"ICC Profile\0\0" + zlib.compress(profile)
    chunk = b"iCCP" + body
    chunk = len(body).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    head = len(_PNG) + 12 + 13  # the signature and IHDR, which is always first and of one length
    return png[:head] + chunk + png[head:]
