"""Samples of a plugin's data set: arrays, and files that are not there."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from broken_set import add_exif, exif, picture, save, trimap_of

from registry import Sample
from zoo.data.duplicates import picture_hash
from zoo.data.examine import examine
from zoo.data.rules import RULES

IMAGE, ALPHA = picture(0)


def codes(sample: Sample) -> list[str]:
    found = [code for code, _ in examine(sample).defects]
    assert set(found) <= set(RULES)
    return found


def test_arrays():
    facts = examine(Sample("a", IMAGE, ALPHA, trimap_of(ALPHA)))
    assert (facts.name, facts.defects, facts.size) == ("a", (), (96, 128))
    assert facts.sha256 == hashlib.sha256(IMAGE.tobytes()).hexdigest()
    assert np.array_equal(facts.hash, picture_hash(IMAGE))
    assert facts.levels.sum() == ALPHA.size
    assert examine(Sample("a", IMAGE)).levels is None


def test_arrays_that_break_the_contract():
    assert codes(Sample("a", None)) == ["image-unreadable"]
    assert codes(Sample("a", IMAGE[..., 0], ALPHA)) == ["image-unreadable"]
    assert codes(Sample("a", IMAGE, ALPHA * 2)) == ["mask-unreadable"]
    assert codes(Sample("a", IMAGE, None, trimap_of(ALPHA) + 1)) == ["trimap-unreadable"]
    assert codes(Sample("a", IMAGE, ALPHA[1:], trimap_of(ALPHA)[:, 1:])) == ["mask-size", "trimap-size"]


def test_files_that_are_not_there(tmp_path):
    nowhere = [tmp_path / f"{part}.png" for part in ("image", "mask", "trimap")]
    assert examine(Sample("a", *nowhere)).defects == (
        ("no-image", "expected image.png"),
        ("no-mask", "expected mask.png"),
        ("no-trimap", "expected trimap.png"),
    )


def test_a_trimap_of_another_matte_contradicts():
    trimap = trimap_of(ALPHA)
    few = trimap.copy()
    few[0, :100] = 255 - few[0, :100]  # 100 of 12,288 pixels, 0.8 %
    assert codes(Sample("a", IMAGE, ALPHA, few)) == []
    few[1, :100] = 255 - few[1, :100]
    assert codes(Sample("a", IMAGE, ALPHA, few)) == ["trimap-contradicts"]


@pytest.mark.parametrize(
    ("orientation", "side", "code"),
    [(1, 128, []), (3, 128, ["turned-unsure"]), (6, 96, ["turned-unsure"]), (6, 128, ["mask-size"])],
)
def test_turned_images(tmp_path, orientation, side, code):
    image = save(tmp_path / "image.jpg", IMAGE[:, :side])
    add_exif(image, exif((0x0112, orientation)))
    mask = save(tmp_path / "mask.png", ALPHA[:, :side])
    assert codes(Sample("a", image, mask)) == code
    assert codes(Sample("a", image)) == (["turned"] if orientation > 1 else [])
    # A mask that is turned in the same way agrees.
    mask = save(tmp_path / "mask.jpg", ALPHA[:, :side])
    add_exif(mask, exif((0x0112, orientation)))
    assert codes(Sample("a", image, mask)) == (["turned"] if orientation > 1 else [])
