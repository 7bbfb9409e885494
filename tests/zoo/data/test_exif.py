"""EXIF blocks written by hand, byte by byte, in each container."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from broken_set import LATITUDE, MODEL, exif

from zoo.data.exif import Exif, read_exif

IMAGE = np.zeros((4, 6, 3), np.uint8)


def encoded(suffix: str) -> bytes:
    return cv2.imencode(suffix, IMAGE)[1].tobytes()


def in_jpeg(block: bytes) -> bytes:
    data, body = encoded(".jpg"), b"Exif\0\0" + block
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:]


def in_png(block: bytes) -> bytes:
    data = encoded(".png")
    return data[:33] + struct.pack(">I", len(block)) + b"eXIf" + block + bytes(4) + data[33:]


def in_webp(block: bytes) -> bytes:
    odd = b"ICCP" + struct.pack("<I", 3) + b"abc\0"  # an odd length is padded
    return b"RIFF" + bytes(4) + b"WEBP" + odd + b"EXIF" + struct.pack("<I", len(block)) + block


def in_tiff(block: bytes) -> bytes:
    return block


@pytest.mark.parametrize("container", [in_jpeg, in_png, in_webp, in_tiff])
@pytest.mark.parametrize("order", ["<", ">"])
def test_what_it_says(container, order):
    def read(*entries):
        return read_exif(container(exif(*entries, order=order)))

    assert read() == Exif()
    assert read((0x0112, 6)) == Exif(orientation=6)
    assert read((0x0112, 9)) == Exif()  # no such orientation
    assert read(LATITUDE, (0x0112, 3)) == Exif(orientation=3, place=True)
    assert read((0x8825, {0x0000: 2})) == Exif()  # a table that names no place
    assert read(MODEL) == Exif(camera=True)
    assert read((0x8769, {0xA431: 7})) == Exif(person=True)  # a serial number
    assert read((0x8769, {0x829A: 7})) == Exif()  # exposure time
    assert read((0x013B, 1)) == Exif(person=True)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".bmp"])
def test_none(suffix):
    assert read_exif(encoded(suffix)) == Exif()


def test_damaged_blocks_end_somewhere():
    whole = in_jpeg(exif((0x0112, 6), LATITUDE, MODEL))
    for length in range(len(whole)):
        assert isinstance(read_exif(whole[:length]), Exif)
    rng = np.random.default_rng(0)
    for _ in range(300):
        block = bytearray(exif((0x0112, 6), LATITUDE, MODEL))
        for at in rng.integers(4, len(block), 4):
            block[at] = rng.integers(256)
        assert isinstance(read_exif(bytes(block)), Exif)
