"""The perceptual hash: copies are found, different pictures are not."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from zoo.data.demo import draw_portrait
from zoo.data.duplicates import MOST_BITS, copies, distance, picture_hash
from zoo.data.overlap import Place, overlaps

RNG = np.random.default_rng(7)

CHANGES = {
    "nothing": lambda image: image,
    "JPEG 30": lambda image: cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], 1),
    "half": lambda image: cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "another aspect": lambda image: cv2.resize(image, (256, 256)),
    "brighter": lambda image: cv2.convertScaleAbs(image, alpha=1.2),
    "darker": lambda image: cv2.convertScaleAbs(image, alpha=0.6),
    "lifted": lambda image: cv2.add(image, (30, 30, 30, 0)),
    "grey": lambda image: cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB),
    "noise": lambda image: np.clip(image + RNG.normal(0, 10, image.shape), 0, 255).astype(np.uint8),
}


@pytest.fixture(scope="module")
def portraits() -> list[np.ndarray]:
    return [draw_portrait([0, 0, index], 96, True)[0] for index in range(16)]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("mirrored", [False, True])
def test_copies_are_near(portraits, change, mirrored):
    for image in portraits[:8]:
        other = CHANGES[change](np.ascontiguousarray(image[:, ::-1]) if mirrored else image)
        bits, told = distance(picture_hash(image), picture_hash(other))
        assert bits <= MOST_BITS / 2
        assert told is mirrored


def test_the_hash_of_the_mirror_image_is_that_of_the_mirrored_picture(portraits):
    for image in portraits[:4]:
        straight, mirrored = picture_hash(image), picture_hash(np.ascontiguousarray(image[:, ::-1]))
        assert np.unpackbits(straight[0] ^ mirrored[1]).sum() <= 2  # rounding, at the median
        assert np.unpackbits(straight[1] ^ mirrored[0]).sum() <= 2


def test_different_pictures_are_far(portraits):
    hashes = np.stack([picture_hash(image) for image in portraits])
    assert copies(hashes) == []
    for first in range(len(portraits)):
        for second in range(first):
            assert distance(hashes[first], hashes[second])[0] > 1.5 * MOST_BITS


def random_hashes(count: int) -> np.ndarray:
    hashes = np.random.default_rng(0).integers(0, 256, (count, 2, 32), dtype=np.uint8)
    hashes[..., -1] &= 0xFE  # 255 bits
    return hashes


def flip(row: np.ndarray, bits: int) -> np.ndarray:
    """The hash with its first so many bits the other way round."""
    return row ^ np.packbits(np.arange(256) < bits)


def test_groups():
    # More than one block of rows, the last one partly filled.
    hashes = random_hashes(2100)
    hashes[2000, 0] = flip(hashes[3, 0], MOST_BITS)
    hashes[2050, 0] = flip(hashes[2000, 0], MOST_BITS)
    hashes[1500, 0] = flip(hashes[4, 1], MOST_BITS)  # the mirror image of 4
    hashes[1600, 0] = flip(hashes[5, 0], MOST_BITS + 1)
    hashes[7] = hashes[1024]
    assert copies(hashes) == [[3, 2000, 2050], [4, 1500], [7, 1024]]
    assert copies(hashes[:0]) == []


def test_one_picture_ten_thousand_times_is_one_group():
    hashes = np.repeat(random_hashes(2), 5000, axis=0)
    assert copies(hashes) == [list(range(5000)), list(range(5000, 10000))]


def test_where_copies_lie_says_what_they_are():
    hashes = random_hashes(3)
    near = np.stack([flip(hashes[0, 0], 9), hashes[0, 1]])

    def place(split: str, name: str, sha256: str, value: np.ndarray) -> Place:
        return Place(split, name, sha256, value)

    places = [
        place("train", "a", "1", hashes[0]),
        place("train", "b", "2", hashes[1]),
        place("train", "c", "1", hashes[0]),
        place("val", "d", "3", near),
        place("test", "e", "1", hashes[0]),
        place("test", "f", "5", hashes[2]),
        place("other", "g", "6", hashes[2]),
    ]
    assert sorted(overlaps(places)) == [
        ("copies-across", "other", "g", "test/f, a copy, 0 of 255 bits differ"),
        ("copies-across", "val", "d", "train/a, a copy, 9 of 255 bits differ"),
        ("copies-within", "train", "c", "a, the same file"),
        ("train-in-test", "test", "e", "train/a, the same file"),
    ]
    assert overlaps([]) == []
