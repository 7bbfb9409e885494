import re
from pathlib import Path

import numpy as np
import pytest

from registry import DataError, Sample, ShapeError
from zoo.data.images import write_png
from zoo.data.samples import decode, load

IMAGE = np.zeros((4, 6, 3), np.uint8)
ALPHA = np.full((4, 6), 0.5, np.float32)
TRIMAP = np.full((4, 6), 128, np.uint8)


def test_arrays():
    loaded = load(Sample("a", IMAGE, ALPHA, TRIMAP))
    assert loaded.name == "a"
    assert loaded.image is IMAGE
    assert loaded.alpha is ALPHA
    assert loaded.trimap is TRIMAP


def test_files(tmp_path):
    for name, array in (("i", IMAGE), ("a", ALPHA), ("t", TRIMAP)):
        write_png(tmp_path / f"{name}.png", array)
    loaded = load(Sample("a", tmp_path / "i.png", str(tmp_path / "a.png"), tmp_path / "t.png"))
    assert loaded.image.shape == (4, 6, 3)
    assert loaded.alpha.dtype == np.float32
    assert loaded.alpha[0, 0] == np.float32(128 / 255)
    assert loaded.trimap[0, 0] == 128


def test_decoded_as_stored(tmp_path):
    for name, array in (("i", IMAGE), ("a", ALPHA)):
        write_png(tmp_path / f"{name}.png", array)
    decoded = decode(Sample("a", tmp_path / "i.png", tmp_path / "a.png", tmp_path / "none.png"))
    np.testing.assert_array_equal(decoded.image, IMAGE)
    assert decoded.alpha.dtype == np.uint8
    assert (decoded.alpha == 128).all()
    assert decode(Sample("a", IMAGE, ALPHA)).alpha is ALPHA
    with pytest.raises(ShapeError, match=r"^a: the image is 6x4 pixels and the mask 6x3"):
        decode(Sample("a", IMAGE, ALPHA[:3]))


def test_unlabelled():
    assert load(Sample("a", IMAGE)).alpha is None
    assert decode(Sample("a", IMAGE)).alpha is None


def test_float64_alpha_becomes_float32():
    assert load(Sample("a", IMAGE, ALPHA.astype(np.float64))).alpha.dtype == np.float32


@pytest.mark.parametrize(("part", "word"), [("alpha", "mask"), ("trimap", "trimap")])
def test_missing_file(tmp_path, part, word):
    path = tmp_path / "mask" / "p_015cd10e.png"
    with pytest.raises(DataError, match=re.escape(f"p_015cd10e: no {word}; expected {path}")):
        load(Sample("p_015cd10e", IMAGE, **{part: path}))


def test_no_image():
    with pytest.raises(DataError, match=r"^a: no image$"):
        load(Sample("a", None))


@pytest.mark.parametrize(("part", "array"), [("alpha", ALPHA[:3]), ("trimap", TRIMAP[:3])])
def test_sizes_differ(part, array):
    word = {"alpha": "mask"}.get(part, part)
    with pytest.raises(ShapeError, match=f"^a: the image is 6x4 pixels and the {word} 6x3: give both the same size"):
        load(Sample("a", IMAGE, **{part: array}))


@pytest.mark.parametrize("image", [IMAGE[..., 0], IMAGE.astype(np.float32), np.zeros((4, 6, 4), np.uint8), IMAGE[:0]])
def test_array_that_is_no_image(image):
    with pytest.raises(DataError, match=r"^a: image must be \(H, W, 3\) uint8 RGB, not "):
        load(Sample("a", image))


@pytest.mark.parametrize("alpha", [np.dstack([ALPHA] * 3), ALPHA[..., None], TRIMAP])
def test_array_that_is_no_alpha(alpha):
    """Three channels would be broadcast in a loss without a word (ZHKKKe/MODNet issue 57)."""
    with pytest.raises(DataError, match=r"^a: mask must be \(H, W\) float in \[0, 1\], not "):
        load(Sample("a", IMAGE, alpha))


@pytest.mark.parametrize("value", [-0.1, 255.0, np.nan])
def test_alpha_outside_the_range(value):
    with pytest.raises(DataError, match=r"^a: mask has values from .* outside \[0, 1\]"):
        load(Sample("a", IMAGE, np.where(np.eye(4, 6) > 0, value, 0.5)))


def test_array_that_is_no_trimap():
    with pytest.raises(DataError, match=r"^a: trimap must be \(H, W\) uint8"):
        load(Sample("a", IMAGE, ALPHA, ALPHA))
    with pytest.raises(DataError, match=r"^a: trimap: no trimap, it has the value 127"):
        load(Sample("a", IMAGE, ALPHA, np.full((4, 6), 127, np.uint8)))


def test_array_that_cannot_be_fetched():
    class Archive:
        def __array__(self, *_, **__):
            raise OSError("the archive\nis closed")

    with pytest.raises(DataError, match=r"^a: the image cannot be fetched \(OSError: the archive is closed\)$"):
        load(Sample("a", Archive()))


def test_folder_that_may_not_be_searched(tmp_path, monkeypatch):
    """Asking whether the file is there fails, and so does reading it; root may do both, so they are made to fail."""

    def refused(path, *_, **__):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "exists", refused)
    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(DataError, match=r"i\.png: cannot be read \(Permission denied\)$"):
        load(Sample("a", tmp_path / "i.png"))
