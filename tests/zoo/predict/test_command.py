"""``zoo predict``, from files to files."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[3]
PLUGIN = ROOT / "tests" / "support" / "fixed_mattes.py"


def picture(seed: int = 0, size: tuple[int, int] = (20, 30)) -> np.ndarray:
    """(H, W, 3) uint8 RGB: a bright disc with a soft edge on black."""
    y, x = np.mgrid[: size[0], : size[1]]
    inside = np.clip(min(size) / 3 - np.hypot(y - size[0] / 2, x - size[1] / 2) + 0.5, 0, 1)
    colour = np.random.default_rng(seed).integers(0, 256, 3)
    colour[0] = 255
    return np.rint(inside[..., None] * colour).astype(np.uint8)


def write(path: str | Path, image: np.ndarray) -> Path:
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return path


def read(path: str | Path) -> np.ndarray:
    pixels = cv2.imdecode(np.frombuffer(Path(path).read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels.ndim == 2:
        return pixels
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)


def files(folder: str) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in Path(folder).rglob("*") if p.is_file())


def test_a_folder_recursively_with_odd_names(predict):
    write("in/my photo.png", picture(0))
    write("in/ä/日本 1.jpg", picture(1, (1, 9)))
    write("in/ä/b c/x.png", picture(2, (31, 7)))
    done = predict("bright", "in", "-o", "out", "--recursive")
    assert done.code == 0, done.err
    assert files("out") == ["my photo.png", "ä/b c/x.png", "ä/日本 1.png"]
    assert np.array_equal(read("out/my photo.png"), picture(0).max(axis=2))
    assert read("out/ä/日本 1.png").shape == (1, 9)
    assert done.err == "3 alphas in out\n"
    again = predict("bright", "in", "-o", "in/out", "--recursive")
    assert again.code == 0
    assert predict("bright", "in", "-o", "in/out", "--recursive").err == "3 alphas in in/out\n"  # not six


def test_one_picture_to_one_file_and_its_format(predict):
    write("x.png", picture())
    assert predict("bright", "x.png", "-o", "new/cut.webp", "--as", "cutout", "--foreground", "none").code == 0
    image = picture()
    found = read("new/cut.webp")
    assert np.array_equal(found[..., 3], image.max(axis=2))
    assert np.array_equal(found[..., :3], image)  # black where nothing is seen, as the picture is
    assert predict("bright", "x.png", "-o", "a.webp", "--format", "png").code == 2
    assert predict("bright", "x.png", "-o", "x.png").code == 2
    assert np.array_equal(read("x.png"), image)


def test_composites_on_colours_and_pictures(predict):
    write("in/x.png", picture())
    write("behind.png", np.full((5, 5, 3), (10, 20, 30), np.uint8))
    for background, colour in (("#0a141e", (10, 20, 30)), ("behind.png", (10, 20, 30)), (None, (255, 255, 255))):
        words = ["--background", background] if background else ["--as", "composite"]
        assert predict("bright", "in", "-o", "out", *words).code == 0
        found = read("out/x.png")
        assert (found[picture().max(axis=2) == 0] == colour).all()
        assert (found[10, 15] == picture()[10, 15]).all()
    assert predict("bright", "in", "-o", "out", "--background", "transparent").code == 0
    assert read("out/x.png").shape == (20, 30, 4)
    assert predict("bright", "in", "-o", "out", "--background", "blur").code == 0


def test_transparency_is_multiplied_or_ignored_and_said(predict):
    image = picture()
    write("x.png", np.dstack([image, np.full(image.shape[:2], 51, np.uint8)]))
    done = predict("bright", "x.png", "-o", "out.png")
    assert "1 with a transparency of their own: multiplied into the matte (--input-alpha ignore" in done.err
    assert np.array_equal(read("out.png"), np.rint(image.max(axis=2) * (51 / 255)))
    done = predict("bright", "x.png", "-o", "out.png", "--input-alpha", "ignore")
    assert "1 with a transparency of their own: ignored" in done.err
    assert np.array_equal(read("out.png"), image.max(axis=2))


def test_a_turned_phone_photo_with_a_profile(predict):
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(picture()).save("x.jpg", exif=exif, icc_profile=profile, quality=100, subsampling=0)
    assert predict("bright", "x.jpg", "-o", "out.png", "--as", "cutout").code == 0
    with Image.open("out.png") as opened:
        assert opened.size == (20, 30)  # was 30 wide and 20 high
        assert opened.info["icc_profile"] == profile
        assert not opened.getexif().get(0x0112)


def test_bad_files_are_named_at_the_end_and_the_rest_is_done(predict):
    for number in range(5):
        write(f"in/{number}.png", picture(number))
    Path("in/1.png").write_bytes(Path("in/1.png").read_bytes()[:-30])
    write("in/3.png", np.full((4, 4, 3), (1, 2, 3), np.uint8))
    done = predict("bright", "in", "-o", "out")
    assert done.code == 1
    assert done.err.splitlines() == [
        "zoo: in/1.png: is truncated",
        "zoo: in/3.png: a picture of one colour, 1 2 3",  # said by the model, which does not know the file
        "zoo: 2 of 5 inputs failed; the others are in out",
    ]
    assert files("out") == ["0.png", "2.png", "4.png"]


def test_what_exists_is_skipped_and_no_model_is_loaded_for_nothing(predict):
    for number in range(3):
        write(f"in/{number}.png", picture(number))
    Path("out").mkdir()
    Path("out/1.png").write_bytes(b"kept")
    done = predict("bright", "in", "-o", "out", "--skip-existing")
    assert done.err == "1 of 3 are there already, skipped\n2 alphas in out\n"
    assert Path("out/1.png").read_bytes() == b"kept"
    assert predict("bright", "in", "-o", "out", "--skip-existing").err == "3 of 3 are there already, skipped\n"


def test_an_output_is_whole_or_not_there(predict, monkeypatch):
    write("in/x.png", picture())
    Path("out").mkdir()
    Path("out/x.png").write_bytes(b"old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    done = predict("bright", "in", "-o", "out")
    assert done.code == 1
    assert done.err == "zoo: out/x.png: cannot be written (No space left on device)\n"
    assert files("out") == ["x.png"]
    assert Path("out/x.png").read_bytes() == b"old"


def test_trimaps_by_folder_and_by_file(predict):
    write("in/a/x.png", picture())
    trimap = np.zeros((20, 30), np.uint8)
    trimap[5:, :] = 255
    write("tri/a/x.png", trimap)
    assert predict("given", "in", "--recursive", "-o", "out", "--trimap", "tri").code == 0
    assert np.array_equal(read("out/a/x.png"), trimap)
    assert predict("given", "in/a/x.png", "-o", "one.png", "--trimap", "tri/a/x.png").code == 0
    write("tri/a/x.png", trimap[:7])
    done = predict("given", "in", "--recursive", "-o", "out", "--trimap", "tri")
    assert done.code == 1
    assert "in/a/x.png: the trimap has size (7, 30), the picture (20, 30)" in done.err


def test_a_sequence_is_smoothed_and_measured(predict):
    light, dark = np.full((6, 8, 3), 255, np.uint8), np.zeros((6, 8, 3), np.uint8)
    for number, image in enumerate((dark, light, dark, dark)):
        write(f"in/{number}.png", image)
        write(f"true/{number}.png", dark[..., 0])
    done = predict("bright", "in", "-o", "out", "--smooth", "--target", "true")
    assert done.code == 0
    # Second differences 1 and 0.5; steps of the matte against a truth at rest: 1, 1 and 0.
    assert done.err.splitlines() == [
        "flicker: 75.000, after smoothing 0.000",
        "dtSSD: 66.667, after smoothing 0.000",
        "4 alphas in out",
    ]
    assert all((read(f"out/{number}.png") == 0).all() for number in range(4))
    plain = predict("bright", "in", "-o", "out", "--target", "true")
    assert plain.err.splitlines() == ["flicker: 75.000", "dtSSD: 66.667", "4 alphas in out"]


def test_folders_are_sequences_of_their_own(predict):
    light, dark = np.full((6, 8, 3), 255, np.uint8), np.zeros((6, 8, 3), np.uint8)
    for name, image in (("a/0", dark), ("a/1", light), ("b/0", dark), ("b/1", dark)):
        write(f"in/{name}.png", image)
    assert predict("bright", "in", "--recursive", "-o", "out", "--smooth").code == 0
    assert [int(read(f"out/{name}.png")[0, 0]) for name in ("a/0", "a/1", "b/0", "b/1")] == [0, 255, 0, 0]


def test_large_pictures_shrunk_tiled_and_refined(predict):
    write("x.png", picture(0, (300, 400)))
    expected = picture(0, (300, 400)).max(axis=2).astype(int)
    for words in (["--max-side", 200], ["--tile", 128], ["--max-side", 200, "--refine", "guided"]):
        assert predict("bright", "x.png", "-o", "out.png", *words).code == 0
        found = read("out.png").astype(int)
        assert found.shape == (300, 400)
        assert np.abs(found - expected).mean() < 1
    assert predict("bright", "x.png", "-o", "out.png", "--tile", 128, "--max-side", 200).code == 2


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["x.png"], 2, "-o: name a folder"),
        (["x.png", "-o", "-"], 2, "standard output is for one picture from standard input"),
        (["x.png", "-", "-o", "out"], 2, "-: a video or standard input stands alone"),
        (["x.png", "-o", "x.png/out"], 1, "Not a directory"),
        (["gone.png", "-o", "out"], 4, "gone.png: no such picture"),
        (["@gone", "-o", "out"], 4, "no list of that name"),
        (["x.png", "-o", "out", "--background", "rde"], 4, "Did you mean 'red'?"),
        (["x.png", "-o", "out", "--background", "red", "--as", "alpha"], 2, "it is for --as composite"),
        (["x.png", "-o", "out", "--bits", "16", "--format", "webp"], 2, "WebP has 8"),
        (["x.png", "-o", "out", "--quality", "50"], 2, "PNG is without loss"),
        (["x.png", "-o", "out", "--premultiplied"], 2, "it is for --as cutout"),
        (["x.png", "-o", "out", "--trimap", "gone"], 4, "--trimap gone: no such folder"),
        (["x.png", "-o", "out", "--target", "gone"], 4, "--target gone: no such folder"),
        (["x.png", "-o", "out", "--raw", "4x4"], 2, "the only input is -"),
        (["-", "--raw", "4"], 2, "write WIDTHxHEIGHT"),
        (["-", "--raw", "0x4"], 2, "write WIDTHxHEIGHT"),
        (["x.png", "-o", "out", "--max-side", "0"], 2, "--max-side"),
        (["x.png", "-o", "out", "--as", "mask"], 2, "'mask' is not one of"),
    ],
)
def test_bad_wishes_are_one_line(predict, words, code, says):
    write("x.png", picture())
    done = predict("bright", *words)
    assert (done.code, done.out) == (code, "")
    assert done.err.startswith("zoo: ")
    assert len(done.err.splitlines()) == 1
    assert says in done.err
    assert sorted(p.name for p in Path().iterdir() if p.name != "home") == ["x.png"]


def test_several_pictures_do_not_go_into_one_file(predict):
    write("in/x.png", picture())
    write("in/y.png", picture())
    for words in (["in"], ["in/x.png", "in/y.png"]):
        done = predict("bright", *words, "-o", "out.png")
        assert (done.code, done.err) == (
            2,
            "zoo: -o out.png: that is a file, for one picture that is named; name a folder\n",
        )


@pytest.fixture
def png() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture()).save(stream, "PNG")
    return stream.getvalue()


def test_bytes_in_bytes_out(tmp_path, png):
    """In a process of its own, whose standard output is nothing but the picture: the model prints."""
    line = [sys.executable, "-m", "zoo.cli", "predict", "loud", "-", "--as", "cutout", "--plugin", str(PLUGIN)]
    env = {**os.environ, "ZOO_LOAD_PLUGINS": ""}
    done = subprocess.run(line, input=png, capture_output=True, check=False, cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    with Image.open(io.BytesIO(done.stdout)) as opened:
        assert (opened.format, opened.mode, opened.size) == ("PNG", "RGBA", (30, 20))
    assert b"a word on standard output" in done.stderr


def test_bytes_that_are_no_picture_and_bytes_to_a_folder(piped, png):
    assert piped("bright", "-", data=b"text") == (1, b"", b"zoo: standard input: no picture that can be read\n")
    assert piped("bright", "-", "-o", "out", data=png) == (0, b"", b"")
    assert np.array_equal(read("out/stdin.png"), picture().max(axis=2))
    code, out, _ = piped("bright", "-", "-o", "-", "--format", "webp", data=png)
    assert (code, out[:4], out[8:12]) == (0, b"RIFF", b"WEBP")
