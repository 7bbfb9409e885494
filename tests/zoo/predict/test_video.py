"""Videos and pipes: frames in, frames with alpha out."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from registry import DataError, UsageError
from zoo.predict.outputs import Output
from zoo.predict.video import Frame, open_sink, open_video

HEIGHT, WIDTH, FRAMES = 48, 64, 7


def frame(number: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A reddish disc on black that moves to the right."""
    y, x = np.mgrid[:height, :width]
    inside = np.clip(12 - np.hypot(y - height / 2, x - 12 - 5 * number) + 0.5, 0, 1)
    return np.rint(inside[..., None] * (250, 120, 60)).astype(np.uint8)


def write_video(path: Path, codec: str = "ffv1", size=(HEIGHT, WIDTH), rotation: int = 0) -> Path:
    """Frames at odd times: the fourth is shown late."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = size
        stream.pix_fmt = "bgr0" if codec == "ffv1" else "yuv420p"
        for number in range(FRAMES):
            new = av.VideoFrame.from_ndarray(frame(number, *size), format="rgb24")
            new.pts, new.time_base = number + (number > 2), Fraction(1, 25)
            container.mux(stream.encode(new))
        container.mux(stream.encode(None))
    return path


def decoded(path: Path, layout: str) -> tuple[list[np.ndarray], list[float], object]:
    av = pytest.importorskip("av")
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        name = {"prores": "prores", "vp9": "libvpx-vp9", "h264": "h264"}[stream.codec_context.name]
        # FFmpeg's own VP9 decoder leaves the alpha out.
        decoder = av.CodecContext.create(name, "r")
        decoder.extradata = stream.codec_context.extradata
        frames = [f for packet in container.demux(stream) for f in decoder.decode(packet if packet.size else None)]
        arrays = [f.to_ndarray(format=layout, src_colorspace=5) for f in frames]
        times = [float(f.pts * stream.time_base) for f in frames]
        return arrays, times, frames[0].format.name


@pytest.mark.parametrize(("suffix", "close"), [(".mov", 6), (".webm", 14)])
def test_cut_outs_keep_size_alpha_and_times(predict, suffix, close):
    write_video(Path("in.mkv"), size=(HEIGHT, WIDTH))
    done = predict("bright", "in.mkv", "-o", f"out{suffix}", "--as", "cutout", "--foreground", "none")
    assert done.code == 0, done.err
    assert done.err == f"7 frames to out{suffix}\n"
    arrays, times, layout = decoded(Path(f"out{suffix}"), "rgba")
    assert "a" in layout.removeprefix("yuv")
    assert np.allclose(times, [0, 0.04, 0.08, 0.16, 0.20, 0.24, 0.28], atol=0.002)
    assert len(arrays) == FRAMES
    for number, array in enumerate(arrays):
        assert array.shape == (HEIGHT, WIDTH, 4)
        expected = frame(number)
        assert np.abs(array[..., 3].astype(int) - expected.max(axis=2)).mean() < 2
        body = expected.max(axis=2) == 250
        assert np.abs(array[body][:, :3].mean(axis=0) - (250, 120, 60)).max() < close


def test_composites_as_mp4_of_odd_size(predict):
    write_video(Path("in.mkv"), size=(47, 63))
    assert predict("bright", "in.mkv", "-o", "out.mp4", "--background", "lime").code == 0
    arrays, _, _ = decoded(Path("out.mp4"), "rgb24")
    assert [a.shape for a in arrays] == [(47, 63, 3)] * FRAMES
    assert np.abs(arrays[0][:5, -5:].mean(axis=(0, 1)) - (0, 255, 0)).max() < 6
    assert predict("bright", "in.mkv", "-o", "out.mp4", "--as", "cutout").code == 2


def test_a_folder_of_frames_and_smoothing(predict):
    write_video(Path("in.mkv"))
    done = predict("bright", "in.mkv", "-o", "out", "--smooth")
    assert done.code == 0
    assert "flicker: " in done.err
    assert sorted(p.name for p in Path("out").iterdir()) == [f"{n:06d}.png" for n in range(1, FRAMES + 1)]
    first = cv2.imread("out/000001.png", cv2.IMREAD_UNCHANGED)
    assert np.array_equal(first, frame(0).max(axis=2))


def test_true_mattes_by_number(predict):
    write_video(Path("in.mkv"))
    Path("true").mkdir()
    for number in range(FRAMES):
        cv2.imwrite(f"true/{number + 1:06d}.png", frame(number).max(axis=2))
    done = predict("bright", "in.mkv", "-o", "out", "--target", "true")
    assert "dtSSD: 0.000\n" in done.err
    Path("true/000003.png").unlink()
    done = predict("bright", "in.mkv", "-o", "out", "--target", "true")
    assert done.code == 1
    assert "no true matte of frame 3, 000003.png" in done.err


def test_a_video_that_breaks_off_leaves_no_file(predict):
    data = write_video(Path("in.mkv"), "mpeg4").read_bytes()
    Path("none.mkv").write_bytes(data[:40])
    Path("text.mp4").write_text("no video")
    Path("half.mp4").write_bytes(b"")
    for name in ("none.mkv", "text.mp4", "half.mp4"):
        done = predict("bright", name, "-o", "out.mov")
        assert done.code == 1
        assert done.err.startswith(f"zoo: {name}: ")
        assert len(done.err.splitlines()) == 1
    assert not list(Path().glob("*.mov"))
    assert not list(Path().glob(".*.part*"))
    for words, says in (
        (["in.mkv"], "-o: name a folder for the frames"),
        (["in.mkv", "-o", "out.mkv"], "name a folder for frames, or a file .mov, .webm or .mp4"),
        (["in.mkv", "in.mkv", "-o", "out"], "stands alone"),
        (["in.mkv", "-o", "out.mov", "--bits", "16"], "has its own depth"),
    ):
        done = predict("bright", *words)
        assert (done.code, len(done.err.splitlines())) == (2, 1)
        assert says in done.err
    assert predict("given", "in.mkv", "-o", "out").code == 2


def test_a_phone_video_is_turned(tmp_path, monkeypatch):
    av = pytest.importorskip("av")
    path = write_video(tmp_path / "in.mkv")
    assert [f.number for f in open_video(path).frames] == list(range(1, FRAMES + 1))
    monkeypatch.setattr(av.VideoFrame, "rotation", property(lambda frame: -90), raising=False)
    try:
        turned = next(open_video(path).frames).image
    except (AttributeError, TypeError):
        pytest.skip("this PyAV keeps its class from being changed")
    assert np.array_equal(turned, np.rot90(frame(0), -1))


def test_without_pyav_opencv_reads_and_writes(predict, monkeypatch):
    write_video(Path("in.avi"), "mpeg4")
    monkeypatch.setitem(sys.modules, "av", None)
    assert predict("bright", "in.avi", "-o", "out").code == 0
    assert len(list(Path("out").iterdir())) == FRAMES
    done = predict("bright", "in.avi", "-o", "out.mp4")
    assert done.code == 0, done.err
    assert sum(1 for _ in open_video(Path("out.mp4")).frames) == FRAMES
    done = predict("bright", "in.avi", "-o", "out.mov")
    assert done.code == 2
    assert "writing .mov needs PyAV; run: pip install 'matting-zoo[video]'" in done.err
    Path("text.avi").write_text("no video")
    with pytest.raises(DataError, match="no video that OpenCV can read"):
        open_video(Path("text.avi"))


def test_frames_of_another_size_are_refused(tmp_path):
    pytest.importorskip("av")
    sink = open_sink(str(tmp_path / "x.mov"), open_video(write_video(tmp_path / "in.mkv")), Output(), None)
    sink.write(Frame(1, frame(0)), frame(0))
    with pytest.raises(DataError, match="frame 2: its size is"):
        sink.write(Frame(2, frame(1)), frame(1, 32, 32))
    sink.close(False)
    assert [p.name for p in tmp_path.iterdir()] == ["in.mkv"]
    with pytest.raises(UsageError, match="name a folder"):
        open_sink(str(tmp_path / "x.gif"), open_video(tmp_path / "in.mkv"), Output(), None)


def test_raw_frames_by_pipe(piped):
    data = b"".join(frame(number).tobytes() for number in range(3))
    words = ["bright", "-", "--raw", f"{WIDTH}x{HEIGHT}", "--as", "cutout", "--foreground", "none"]
    code, out, err = piped(*words, data=data)
    assert code == 0, err
    found = np.frombuffer(out, np.uint8).reshape(3, HEIGHT, WIDTH, 4)
    for number in range(3):
        assert np.array_equal(found[number, ..., :3], frame(number))
        assert np.array_equal(found[number, ..., 3], frame(number).max(axis=2))
    code, out, err = piped(*words, data=data[:-5])
    assert (code, len(out)) == (1, 2 * HEIGHT * WIDTH * 4)
    assert b"ends within frame 3, after 9211 of 9216 bytes" in err  # 64 x 48 x 3 - 5
