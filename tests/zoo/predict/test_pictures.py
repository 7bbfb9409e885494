"""Files of every kind become what they show."""

from __future__ import annotations

import io
import sys

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from registry import DataError
from zoo.predict.pictures import decode, read_picture, turned
from zoo.predict.profile import embedded_profile, png_with_profile

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """Blocks of 8 x 8 pixels, which JPEG keeps nearly as they are; no two of its turns are alike."""
    return np.kron(np.random.default_rng(0).integers(0, 256, (3, 4, 3), np.uint8), np.ones((16, 16, 1), np.uint8))


def saved(image: Image.Image, format: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def of_opencv(suffix: str, array: np.ndarray) -> bytes:
    return cv2.imencode(suffix, array)[1].tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_every_orientation_is_shown_upright(pixels, format, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 100, "subsampling": 0}}.get(format, {})
    data = saved(Image.fromarray(pixels), format, exif=exif, **options)
    # As Pillow's own function turns it.
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    image = decode(data, "x").image
    assert image.shape == expected.shape
    assert np.abs(image.astype(int) - expected).max() <= (3 if format == "JPEG" else 0)
    assert np.array_equal(turned(pixels, orientation), expected) or format == "JPEG"


def test_16_bit_is_kept_and_shown_to_models_in_8(pixels):
    deep = pixels.astype(np.uint16) * 257 - (pixels > 0)
    for suffix in (".png", ".tiff"):
        picture = decode(of_opencv(suffix, deep[..., ::-1]), "x")
        assert np.array_equal(picture.image, deep)
        assert np.array_equal(picture.image8, pixels)  # one step of 65535 is far from half of 257


def test_16_bit_grey_and_transparency(pixels):
    deep = np.dstack([pixels, pixels[..., 0]]).astype(np.uint16) * 257
    picture = decode(of_opencv(".png", cv2.cvtColor(deep, cv2.COLOR_RGBA2BGRA)), "x")
    assert np.array_equal(picture.image, deep[..., :3])
    assert np.array_equal(picture.alpha, deep[..., 3])
    grey = decode(of_opencv(".png", deep[..., 1]), "x")
    assert np.array_equal(grey.image, np.dstack([deep[..., 1]] * 3))
    assert grey.alpha is None


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF"])
def test_transparency_is_handed_on_and_leaves_the_colours_alone(pixels, format):
    rgba = np.dstack([pixels, pixels[..., 1]])
    options = {"lossless": True, "exact": True} if format == "WEBP" else {}
    picture = decode(saved(Image.fromarray(rgba), format, **options), "x")
    assert np.array_equal(picture.image, pixels)
    assert np.array_equal(picture.alpha, pixels[..., 1])
    opaque = decode(saved(Image.fromarray(np.dstack([pixels, np.full_like(pixels[..., 0], 255)])), format), "x")
    assert opaque.alpha is None


def test_palettes_grey_and_single_bits(pixels):
    colours = Image.fromarray(pixels).quantize(12)  # twelve blocks, so nothing is lost
    plain = decode(saved(colours, "PNG"), "x")
    assert (np.array_equal(plain.image, pixels), plain.alpha) == (True, None)
    clear = decode(saved(colours, "PNG", transparency=0), "x")
    assert np.array_equal(clear.alpha == 0, np.asarray(colours) == 0)
    assert np.array_equal(decode(saved(colours, "GIF"), "x").image, pixels)
    grey = Image.fromarray(pixels[..., 0])
    assert np.array_equal(decode(saved(grey, "PNG"), "x").image, np.dstack([pixels[..., 0]] * 3))
    with_alpha = grey.convert("LA")
    with_alpha.putalpha(Image.fromarray(pixels[..., 1]))
    assert np.array_equal(decode(saved(with_alpha, "PNG"), "x").alpha, pixels[..., 1])
    bits = pixels[..., 0] > 127
    assert np.array_equal(decode(saved(Image.fromarray(bits), "PNG"), "x").image[..., 0], bits * 255)


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk_without_a_profile_by_the_plain_formula(pixels, format):
    options = {"quality": 100} if format == "JPEG" else {}
    image = decode(saved(Image.fromarray(pixels).convert("CMYK"), format, **options), "x").image
    assert np.abs(image.astype(int) - pixels).max() <= 6  # JPEG is lossy; inverted colours would be 255 off


def test_a_damaged_cmyk_profile_is_passed_over(pixels):
    broken = bytearray(bytes(200))
    broken[16:20] = b"CMYK"
    data = saved(Image.fromarray(pixels).convert("CMYK"), "JPEG", quality=100, icc_profile=bytes(broken))
    picture = decode(data, "x")
    assert np.abs(picture.image.astype(int) - pixels).max() <= 6
    assert picture.profile is None


@pytest.mark.parametrize("format", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_the_profile_of_colours_is_kept_and_that_of_grey_is_not(pixels, format):
    assert decode(saved(Image.fromarray(pixels), format, icc_profile=SRGB), "x").profile == SRGB
    assert decode(saved(Image.fromarray(pixels), format), "x").profile is None
    grey = SRGB[:16] + b"GRAY" + SRGB[20:]
    if format != "WEBP":  # which has no grey
        assert decode(saved(Image.fromarray(pixels[..., 0]), format, icc_profile=grey), "x").profile is None


def test_a_profile_in_many_segments_is_put_together(pixels):
    long = SRGB + bytes(100_000)  # a JPEG segment holds 65,519 bytes of it
    data = saved(Image.fromarray(pixels), "JPEG", icc_profile=long)
    assert embedded_profile(data, b"RGB ") == long
    assert embedded_profile(data[:60_000], b"CMYK") is None


def test_pillow_finds_the_profile_that_is_put_in(pixels):
    png = png_with_profile(saved(Image.fromarray(pixels), "PNG"), SRGB)
    with Image.open(io.BytesIO(png)) as opened:
        assert opened.info["icc_profile"] == SRGB
        assert np.array_equal(np.asarray(opened), pixels)
    assert embedded_profile(png, b"RGB ") == SRGB


def test_avif_and_heic(pixels, monkeypatch):
    image = Image.fromarray(pixels)
    assert np.abs(decode(saved(image, "AVIF", quality=100), "x").image.astype(int) - pixels).mean() < 4
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    data = saved(image, "HEIF", quality=100)
    assert np.abs(decode(data, "x").image.astype(int) - pixels).mean() < 4
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as if it were not installed
    with pytest.raises(DataError, match=r"^x: HEIC files need pillow-heif; run: pip install 'matting-zoo\[heic\]'$"):
        decode(data, "x")


@pytest.mark.parametrize("size", [(1, 1), (1, 37), (41, 1), (3, 5)])
def test_small_and_thin_pictures(size):
    array = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    assert np.array_equal(decode(of_opencv(".png", array[..., ::-1]), "x").image, array)


def test_what_is_no_picture_is_named_in_one_line(pixels, tmp_path):
    png = of_opencv(".png", pixels)
    jpeg = of_opencv(".jpg", pixels)
    tiff = saved(Image.fromarray(pixels), "TIFF")
    webp = saved(Image.fromarray(pixels), "WEBP")
    for data, says in (
        (b"", "is empty"),
        (b"text", "no picture that can be read"),
        (png[:-20], "is truncated"),
        (png[:80] + b"xx" + png[82:], "is damaged"),
        (jpeg[: len(jpeg) // 2], "is truncated"),
        (tiff[: len(tiff) // 2], "cannot be decoded|no picture"),
        (webp[: len(webp) // 2], "cannot be decoded|no picture"),
        (of_opencv(".tiff", pixels.astype(np.float32)), "has float32 pixels|cannot be decoded|no picture"),
        (b"\x00\x00\x00\x18ftypheic" + bytes(40), "cannot be decoded|no picture"),
        (b"II*\0" + bytes(3), "cannot be decoded|no picture"),
    ):
        with pytest.raises(DataError, match=rf"^a b\.png: .*({says})") as caught:
            decode(data, "a b.png")
        assert "\n" not in str(caught.value)
        assert "BytesIO" not in str(caught.value)
    with pytest.raises(DataError, match=r"gone\.png: no such file"):
        read_picture(tmp_path / "gone.png")
    with pytest.raises(DataError, match="cannot be read"):
        read_picture(tmp_path)


def test_a_picture_too_large_to_be_true_is_refused(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DataError, match=r"x: cannot be decoded \(Image size .* exceeds limit"):
        decode(saved(Image.new("RGB", (50, 50)), "GIF"), "x")
