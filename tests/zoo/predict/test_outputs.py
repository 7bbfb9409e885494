"""What is made of a picture and its matte."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from registry import DataError, NotFoundError, UsageError
from zoo.predict.background import blurred, parse
from zoo.predict.outputs import KINDS, Output, compose, encode, over
from zoo.predict.pictures import Picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (6, 7, 3), np.uint8)


@pytest.fixture
def alpha() -> np.ndarray:
    return np.linspace(0, 1, 42, dtype=np.float32).reshape(6, 7)


def read(data: bytes) -> np.ndarray:
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels.ndim == 2:
        return pixels
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)


@pytest.mark.parametrize("bits", [8, 16])
def test_kinds_and_depths(image, alpha, bits):
    shapes = {"alpha": (6, 7), "trimap": (6, 7), "cutout": (6, 7, 4), "composite": (6, 7, 3), "foreground": (6, 7, 3)}
    assert set(shapes) == set(KINDS)
    for kind, shape in shapes.items():
        output = Output(kind, bits=bits)
        array = compose(Picture(image), alpha, output)
        assert (array.shape, array.dtype) == (shape, np.dtype(f"uint{bits}"))
        assert np.array_equal(read(encode(array, output, None, "x")), array)
    top = 2**bits - 1
    assert np.array_equal(compose(Picture(image), alpha, Output(bits=bits)), np.rint(alpha * np.float32(top)))
    assert set(np.unique(compose(Picture(image), alpha, Output("trimap", bits=bits)))) <= {0, 128 * top // 255, top}


def test_a_16_bit_picture_keeps_its_bits_in_a_16_bit_cut_out(alpha):
    deep = np.random.default_rng(0).integers(0, 65536, (6, 7, 3), np.uint16)
    array = compose(Picture(deep), np.ones_like(alpha), Output("cutout", bits=16))
    assert np.array_equal(array[..., :3], deep)
    assert (array[..., 3] == 65535).all()
    eight = compose(Picture(deep), np.ones_like(alpha), Output("cutout"))
    assert np.abs(eight[..., :3] * 257.0 - deep).max() <= 128.5


def test_cut_outs_are_straight_unless_asked_and_hide_what_is_behind(image, alpha):
    straight = compose(Picture(image), alpha, Output("cutout", foreground="none"))
    levels = np.rint(alpha * 255)
    assert np.array_equal(straight[..., :3][levels > 0], image[levels > 0])
    assert (straight[..., :3][levels == 0] == 0).all()
    multiplied = compose(Picture(image), alpha, Output("cutout", foreground="none", premultiplied=True))
    assert np.array_equal(multiplied[..., :3], np.rint(image * (levels / 255)[..., None]))
    assert np.array_equal(multiplied[..., 3], levels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_over_is_the_formula(dtype):
    rng, top = np.random.default_rng(0), np.iinfo(dtype).max
    front, back = (rng.integers(0, top, (50, 40, 3), dtype, endpoint=True) for _ in range(2))
    alpha = rng.integers(0, top, (50, 40), dtype, endpoint=True)
    a = (alpha / top)[..., None]
    assert np.abs(over(front, alpha, back) - (a * front + (1 - a) * back)).max() <= 0.502 if dtype == np.uint8 else 1
    assert np.array_equal(over(front, np.full_like(alpha, top), back), front)
    assert np.array_equal(over(front, np.zeros_like(alpha), back), back)


def test_webp_without_loss_and_with(image, alpha):
    big = np.kron(image, np.ones((8, 8, 1), np.uint8))
    alpha = np.kron(alpha, np.ones((8, 8), np.float32))
    output = Output("cutout", "webp", foreground="none")
    array = compose(Picture(big), alpha, output)
    exact = encode(array, output, SRGB, "x")
    assert np.array_equal(read(exact), array)
    with Image.open(io.BytesIO(exact)) as opened:
        assert opened.info["icc_profile"] == SRGB
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 4), np.uint8)
    lossy = Output("cutout", "webp", quality=50)
    assert len(encode(noise, lossy, None, "x")) < len(encode(noise, output, None, "x"))
    with pytest.raises(DataError, match=r"^x: WebP takes at most 16383 pixels a side; take --format png$"):
        encode(np.zeros((1, 16384), np.uint8), Output(format="webp"), None, "x")


def test_the_profile_goes_with_colours_only(image, alpha):
    for kind, kept in (("cutout", True), ("composite", True), ("alpha", False), ("trimap", False)):
        data = encode(compose(Picture(image), alpha, Output(kind)), Output(kind), SRGB, "x")
        with Image.open(io.BytesIO(data)) as opened:
            assert ("icc_profile" in opened.info) is kept
            opened.load()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"format": "webp", "bits": 16}, "--bits 16: WebP has 8"),
        ({"quality": 50}, "--quality: PNG is without loss"),
        ({"premultiplied": True}, "--premultiplied: alpha has no"),
    ],
)
def test_what_cannot_be_is_refused(options, says):
    with pytest.raises(UsageError, match=says):
        Output(**options)


def test_backgrounds(image, alpha, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert parse("transparent") is None
    for text in ("#ff8000", "rgb(255, 128, 0)", "#F80"):
        expected = (255, 136 if text == "#F80" else 128, 0)
        assert (parse(text)(image, alpha) == expected).all()
    assert (parse("navy")(image.astype(np.uint16), alpha) == (0, 0, 128 * 257)).all()
    for text, error, says in (
        ("#12", UsageError, "write #rgb or #rrggbb"),
        ("#ff000080", UsageError, "a background is opaque"),
        ("rde", NotFoundError, "Did you mean 'red'"),
        ("gone.png", NotFoundError, "neither a colour nor a file"),
    ):
        with pytest.raises(error, match=says):
            parse(text)


def test_a_picture_covers_and_is_cut_about_its_middle(tmp_path):
    # Left half 10, right half 200, twice as wide as what it goes behind: the middle half is shown.
    wide = np.repeat(np.array([10, 200], np.uint8), 40)[None, :, None].repeat(40, 0).repeat(3, 2)
    cv2.imwrite(str(tmp_path / "w.png"), wide)
    behind = parse(str(tmp_path / "w.png"))
    found = behind(np.zeros((20, 20, 3), np.uint8), np.zeros((20, 20), np.float32))
    assert (found[:, :9] == 10).all()
    assert (found[:, 11:] == 200).all()
    tall = behind(np.zeros((400, 2, 3), np.uint16), np.zeros((400, 2), np.float32))
    assert tall.shape == (400, 2, 3)
    assert tall.dtype == np.uint16


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_blurred_background_has_nothing_of_the_subject(dtype):
    top = np.iinfo(dtype).max
    old = np.zeros((90, 120, 3), dtype)
    old[..., 2] = top  # blue
    alpha = np.zeros((90, 120), np.float32)
    alpha[20:90, 40:80] = 1
    old[alpha == 1] = (top, 0, 0)
    found = blurred(old, alpha)
    assert found.dtype == dtype
    # Shrinking mixes the two at the very edge: nothing of a glow, which would be half of it.
    assert found[..., 0].max() <= 0.02 * top
    assert found[..., 2].min() >= 0.97 * top
    everything = blurred(old, np.ones_like(alpha))
    assert everything.shape == old.shape
    for shape in ((1, 1), (1, 900), (700, 2)):
        assert blurred(np.ones((*shape, 3), dtype), np.zeros(shape, np.float32)).shape == (*shape, 3)
