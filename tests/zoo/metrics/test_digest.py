import hashlib

import numpy as np

from zoo.metrics.digest import digest, to_8_bit


def test_by_hand():
    matte = np.array([[0, 128, 255]], np.uint8)
    assert digest(matte) == hashlib.sha256(b"1 3\n" + bytes([0, 128, 255])).hexdigest()


def test_size_is_part_of_it():
    assert digest(np.zeros((2, 3), np.uint8)) != digest(np.zeros((3, 2), np.uint8))


def test_float_and_its_8_bits_are_one(tmp_path):
    from zoo.data.images import read_alpha, write_png

    matte = np.random.default_rng(0).random((33, 21), np.float32)
    pixels = to_8_bit(matte)
    assert pixels.dtype == np.uint8
    assert abs(pixels / 255 - matte).max() <= 0.5 / 255 + 1e-6
    write_png(tmp_path / "a.png", matte)
    assert digest(matte) == digest(pixels) == digest(read_alpha(tmp_path / "a.png"))
    assert digest(np.asfortranarray(pixels)) == digest(pixels)
    assert digest(to_8_bit(np.nextafter(matte, np.float32(2)) * np.float32(0.9))) != digest(matte)
