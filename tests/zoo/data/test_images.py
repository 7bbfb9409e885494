import os
import subprocess
import sys
import textwrap

import cv2
import numpy as np
import pytest

from registry import DataError, ZooError
from zoo.data.images import alpha_of, picture_size, read_alpha, read_image, read_levels, read_trimap, write_png

IMAGE = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)


def save(path, array):
    """BGR as OpenCV stores it."""
    done, data = cv2.imencode(path.suffix, array)
    assert done
    path.write_bytes(data.tobytes())
    return path


def exif(orientation: int, order: str = "little") -> bytes:
    """A TIFF block with nothing but the orientation tag (EXIF 2.3, section 4.6.4)."""
    mark = b"II" if order == "little" else b"MM"

    def number(value, count):
        return value.to_bytes(count, order)

    entry = number(0x0112, 2) + number(3, 2) + number(1, 4) + number(orientation, 2) + number(0, 2)
    return mark + number(42, 2) + number(8, 4) + number(1, 2) + entry + number(0, 4)


def with_exif(jpeg: bytes, orientation: int, order: str = "little") -> bytes:
    body = b"Exif\0\0" + exif(orientation, order)
    return jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]


# --- Images ---


def test_image_is_rgb(tmp_path):
    path = save(tmp_path / "a.png", IMAGE[..., ::-1])
    read = read_image(path)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, IMAGE)


def test_grey_image_is_repeated_over_channels(tmp_path):
    read = read_image(save(tmp_path / "a.png", IMAGE[..., 0]))
    np.testing.assert_array_equal(read, np.repeat(IMAGE[..., :1], 3, axis=2))


def test_alpha_channel_of_an_image_is_left_out(tmp_path):
    rgba = np.dstack([IMAGE, np.arange(24, dtype=np.uint8).reshape(4, 6)])
    np.testing.assert_array_equal(read_image(save(tmp_path / "a.png", rgba[..., [2, 1, 0, 3]])), IMAGE)


def test_16_bit_image_becomes_8_by_257(tmp_path):
    deep = IMAGE.astype(np.uint16) * 257
    deep[0, 0] = 128  # 128 / 257 = 0.498 -> 0
    deep[0, 1] = 129  # 129 / 257 = 0.502 -> 1
    read = read_image(save(tmp_path / "a.png", deep[..., ::-1]))
    assert read.dtype == np.uint8
    assert read[0, :2, 0].tolist() == [0, 1]
    np.testing.assert_array_equal(read[1:], IMAGE[1:])


# Of the EXIF specification: what to do to the stored picture to show it.
SHOWN = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a),
}


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("orientation", SHOWN)
def test_exif_orientation_is_applied_and_size_agrees(tmp_path, orientation, order):
    stored = np.zeros((16, 32, 3), np.uint8)
    stored[:8, :16] = (0, 0, 255)
    stored[8:, 16:] = (0, 255, 0)
    jpeg = cv2.imencode(".jpg", stored, [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
    path = tmp_path / "a.jpg"
    path.write_bytes(with_exif(jpeg, orientation, order))
    read = read_image(path)
    expected = SHOWN[orientation](stored[..., ::-1])
    assert read.shape == expected.shape
    assert np.abs(read.astype(int) - expected).mean() < 8  # JPEG
    assert picture_size(path) == expected.shape[:2]


def test_png_with_exif_orientation(tmp_path):
    png = cv2.imencode(".png", np.zeros((4, 6, 3), np.uint8))[1].tobytes()
    import zlib

    body = b"eXIf" + exif(6)
    chunk = (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    path = tmp_path / "a.png"
    path.write_bytes(png[:33] + chunk + png[33:])
    assert picture_size(path) == read_image(path).shape[:2]


def test_names_beyond_ascii(tmp_path):
    path = tmp_path / "Ünïcode 人像 🙂.png"
    write_png(path, IMAGE)
    np.testing.assert_array_equal(read_image(path), IMAGE)
    assert picture_size(path) == (4, 6)


# --- Alphas ---


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_alpha_of_8_and_16_bit(tmp_path, dtype):
    top = np.iinfo(dtype).max
    stored = np.array([[0, 1, top // 2, top]], dtype)
    read = read_alpha(save(tmp_path / "a.png", stored))
    assert read.dtype == np.float32
    np.testing.assert_allclose(read, stored / top, rtol=1e-6)
    assert read[0, 0] == 0
    assert read[0, 3] == 1


def test_alpha_of_three_equal_channels(tmp_path):
    """The masks of P3M-10k are saved so."""
    grey = IMAGE[..., 0]
    read = read_alpha(save(tmp_path / "a.png", np.dstack([grey] * 3)))
    np.testing.assert_array_equal(read, grey.astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
def test_levels_are_the_integers_of_the_file(tmp_path, dtype, channels):
    stored = np.random.default_rng(2).integers(0, np.iinfo(dtype).max, (4, 6), dtype, endpoint=True)
    path = save(tmp_path / "a.png", np.dstack([stored] * channels))
    levels = read_levels(path)
    assert levels.dtype == dtype
    np.testing.assert_array_equal(levels, stored)
    for precision in (np.float32, np.float64):
        alpha = alpha_of(levels, precision)
        assert alpha.dtype == precision
        np.testing.assert_array_equal(alpha, read_alpha(path, precision))


def test_alpha_of_slightly_different_channels_is_grey(tmp_path):
    read = read_alpha(save(tmp_path / "a.png", np.full((2, 2, 3), (102, 103, 110), np.uint8)))
    expected = 0.114 * 102 + 0.587 * 103 + 0.299 * 110  # ITU-R BT.601, BGR
    np.testing.assert_allclose(read * 255, np.full((2, 2), round(expected)), atol=1e-4)


@pytest.mark.parametrize(("top", "dtype"), [(255, np.uint8), (65535, np.uint16)])
def test_a_coloured_picture_is_no_alpha(tmp_path, top, dtype):
    file = save(tmp_path / "a.png", np.full((2, 2, 3), (0, 0, top), dtype))
    with pytest.raises(DataError, match=r"a\.png: no alpha, it has colours \(channels differ by up to 255 of 255\)$"):
        read_alpha(file)


def test_alpha_with_opaque_transparency_is_read(tmp_path):
    grey = IMAGE[..., 0]
    read = read_alpha(save(tmp_path / "a.png", np.dstack([grey, grey, grey, np.full_like(grey, 255)])))
    np.testing.assert_allclose(read * 255, grey, atol=1e-4)


def test_cut_out_is_no_alpha(tmp_path):
    path = save(tmp_path / "a.png", np.dstack([IMAGE, IMAGE[..., 0]]))
    with pytest.raises(DataError, match=r"a\.png: a cut-out with transparency, not an alpha; save the matte itself"):
        read_alpha(path)


def test_alpha_of_other_formats(tmp_path):
    for suffix in (".bmp", ".tif", ".pgm"):
        read = read_alpha(save(tmp_path / f"a{suffix}", IMAGE[..., 0]))
        np.testing.assert_allclose(read * 255, IMAGE[..., 0], atol=1e-4)


# --- Trimaps ---

TRIMAP = np.array([[0, 128, 255], [255, 0, 128]], np.uint8)


@pytest.mark.parametrize("stored", [TRIMAP, np.dstack([TRIMAP] * 3), TRIMAP.astype(np.uint16) * 257])
def test_trimap(tmp_path, stored):
    read = read_trimap(save(tmp_path / "a.png", stored))
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, TRIMAP)


@pytest.mark.parametrize("value", [1, 127, 129, 254])
def test_trimap_with_another_value(tmp_path, value):
    stored = TRIMAP.copy()
    stored[1, 1] = value
    with pytest.raises(DataError, match=rf"a\.png: no trimap, it has the value {value}; .* 0, 128 and 255"):
        read_trimap(save(tmp_path / "a.png", stored))


def test_trimap_with_colours(tmp_path):
    with pytest.raises(DataError, match=r"a\.png: no trimap, it has colours"):
        read_trimap(save(tmp_path / "a.png", np.dstack([TRIMAP, TRIMAP[::-1], TRIMAP])))


# --- Sizes ---


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".tif"])
def test_size(tmp_path, suffix):
    assert picture_size(save(tmp_path / f"a{suffix}", IMAGE)) == (4, 6)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_size_comes_from_the_header(tmp_path, suffix):
    path = save(tmp_path / f"a{suffix}", np.zeros((300, 200, 3), np.uint8))
    path.write_bytes(path.read_bytes()[:700])  # pixels are gone
    assert picture_size(path) == (300, 200)


def test_size_of_a_progressive_jpeg(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(cv2.imencode(".jpg", IMAGE, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1])[1].tobytes())
    assert picture_size(path) == (4, 6)
    assert read_image(path).shape == (4, 6, 3)


# --- Files that are not what they should be ---


@pytest.mark.parametrize("read", [read_image, read_alpha, read_trimap, picture_size])
def test_missing_file(tmp_path, read):
    with pytest.raises(DataError, match=r"gone\.png: no such file$"):
        read(tmp_path / "gone.png")


@pytest.mark.parametrize("read", [read_image, read_alpha, read_trimap, picture_size])
def test_folder_is_no_picture(tmp_path, read):
    with pytest.raises(DataError, match=r"cannot be read \(Is a directory\)"):
        read(tmp_path)


@pytest.mark.parametrize("read", [read_image, read_alpha, read_trimap, picture_size])
def test_empty_file(tmp_path, read):
    path = tmp_path / "a.jpg"
    path.touch()
    with pytest.raises(DataError, match=r"a\.jpg: is empty"):
        read(path)


@pytest.mark.parametrize("read", [read_image, read_alpha, read_trimap, picture_size])
def test_text_file(tmp_path, read):
    path = tmp_path / "a.png"
    path.write_text("not a picture at all")
    with pytest.raises(DataError, match=r"a\.png: no picture that can be read"):
        read(path)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_truncated_file(tmp_path, suffix, share, capfd):
    path = save(tmp_path / f"a{suffix}", np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(DataError, match=rf"a\{suffix}: is truncated$"):
        read_image(path)
    assert capfd.readouterr() == ("", "")


def test_truncated_jpeg_with_a_thumbnail_in_its_header(tmp_path):
    """The thumbnail has an end marker of its own, which does not count."""
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
    thumbnail = cv2.imencode(".jpg", picture[:8, :8])[1].tobytes()
    body = b"Exif\0\0" + exif(1) + thumbnail
    whole = jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:]
    path = tmp_path / "a.jpg"
    path.write_bytes(whole)
    assert read_image(path).shape == (64, 64, 3)
    path.write_bytes(whole[:-100])
    with pytest.raises(DataError, match="is truncated"):
        read_image(path)


def test_jpeg_with_bytes_behind_its_end_is_whole(tmp_path):
    path = save(tmp_path / "a.jpg", IMAGE)
    path.write_bytes(path.read_bytes() + b"trailer of a camera")
    assert read_image(path).shape == (4, 6, 3)


def test_damaged_png(tmp_path, capfd):
    path = save(tmp_path / "a.png", IMAGE)
    data = bytearray(path.read_bytes())
    data[50] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"a\.png: is damaged \(a checksum does not match\)"):
        read_image(path)
    assert capfd.readouterr() == ("", "")


def test_float_pixels_are_refused(tmp_path):
    path = save(tmp_path / "a.tif", np.zeros((4, 6), np.float32))
    with pytest.raises(DataError, match=r"a\.tif: has float32 pixels; 8 and 16 bit can be read"):
        read_alpha(path)


# --- Writing ---


@pytest.mark.parametrize("channels", [3, 4])
def test_write_colours(tmp_path, channels):
    array = np.random.default_rng(1).integers(0, 256, (4, 6, channels), dtype=np.uint8)
    write_png(tmp_path / "a.png", array)
    stored = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(stored[..., [2, 1, 0, 3][:channels]], array)


def test_write_alpha_rounds_to_nearest(tmp_path):
    write_png(tmp_path / "a.png", np.array([[0, 0.4 / 255, 0.6 / 255, 254.4 / 255, 254.6 / 255, 1]], np.float32))
    stored = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)
    assert stored.tolist() == [[0, 0, 1, 254, 255, 255]]


def test_write_takes_views(tmp_path):
    write_png(tmp_path / "a.png", IMAGE[:, ::-1])
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), IMAGE[:, ::-1])


@pytest.mark.parametrize("bad", [np.nan, -0.01, 1.01])
def test_write_refuses_values_outside_the_range(tmp_path, bad):
    with pytest.raises(DataError, match=r"a\.png: not written, the alpha has values outside \[0, 1\]"):
        write_png(tmp_path / "a.png", np.array([[0, bad]]))
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    "array", [np.zeros((2, 2, 2), np.uint8), np.zeros((2, 2), np.int32), np.zeros((0, 2), np.uint8)]
)
def test_write_refuses_other_arrays(tmp_path, array):
    with pytest.raises(DataError, match="is neither uint8"):
        write_png(tmp_path / "a.png", array)


def test_write_leaves_the_old_file_and_no_part(tmp_path, monkeypatch):
    write_png(tmp_path / "a.png", IMAGE)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(ZooError, match=r"a\.png: cannot be written \(No space left on device\)"):
        write_png(tmp_path / "a.png", IMAGE[::-1])
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), IMAGE)


def test_write_into_no_folder(tmp_path):
    with pytest.raises(ZooError, match="cannot be written"):
        write_png(tmp_path / "none" / "a.png", IMAGE)


# --- OpenCV that cannot be loaded ---


@pytest.mark.parametrize(
    ("cause", "advice"),
    [
        (
            "libGL.so.1: cannot open shared object file",
            "has no graphics libraries. Run: pip uninstall -y opencv-python",
        ),
        ("No module named 'cv2'", "Run: pip install opencv-python-headless"),
    ],
)
def test_opencv_that_cannot_be_loaded(tmp_path, cause, advice):
    (tmp_path / "cv2.py").write_text(f"raise ImportError({cause!r})")
    code = """
        from registry import ZooError
        try:
            import zoo.data.images
        except ZooError as error:
            print(error)
    """
    path = os.pathsep.join([str(tmp_path), *filter(None, sys.path)])
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert cause in found.stdout
    assert advice in found.stdout
    assert len(found.stdout.splitlines()) == 1
