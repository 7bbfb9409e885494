"""Frames of videos and pipes, and where the frames made of them go.

    in    a video file (PyAV; OpenCV where that is not installed), or RGB24 frames on standard input
    out   DIR/000001.png ...            any kind
          FILE.mov                      ProRes 4444, with alpha for cut-outs
          FILE.webm                     VP9, with alpha for cut-outs
          FILE.mp4                      H.264, for what is opaque
          -                             raw frames on standard output: gray, rgb24 or rgba

Straight alpha, as everywhere. Frames keep their times; sound is not carried over.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from registry import DataError, UsageError, ZooError
from zoo.data.opencv import cv2
from zoo.files import write_bytes
from zoo.predict.outputs import Output, encode
from zoo.predict.pictures import turned

_EXTRA = "run: pip install 'matting-zoo[video]'"
_HD = 720
"""Height from which a video that does not say so has the colours of BT.709, else those of BT.601."""
_BT709, _BT601 = 1, 5
"""Numbers of the two in FFmpeg's scaler, libswscale/swscale.h."""


@dataclass(frozen=True)
class Frame:
    """A frame.

    Attributes:
        number: From 1.
        image: (H, W, 3) uint8 RGB.
        seconds: When it is shown; None: not known, at the video's rate.
    """

    number: int
    image: np.ndarray
    seconds: Fraction | None = None


@dataclass
class Slot:
    """A place for a frame, which may turn out to be none.

    Attributes:
        number: From 1.
        frame: The frame, once it is read; None: not yet, or the video has ended.
    """

    number: int
    frame: Frame | None = None


@dataclass
class Source:
    """Frames.

    Attributes:
        name: What messages call it.
        frames: The frames; a DataError where it breaks off.
        rate: Frames per second.
        count: How many, about; None: not known.
        over: The last one was read.
    """

    name: str
    frames: Iterator[Frame]
    rate: Fraction
    count: int | None = None
    over: bool = False

    def slots(self) -> Iterator[Slot]:
        """A slot for each frame, and for a few behind the last: they are given out before frames are read."""
        number = 0
        while not self.over:
            number += 1
            yield Slot(number)

    def fill(self, slot: Slot) -> Frame | None:
        """Read the next frame into a slot; None: there is no more.

        Raises:
            DataError: The video breaks off.
        """
        try:
            slot.frame = None if self.over else next(self.frames, None)
        finally:
            self.over = slot.frame is None
        return slot.frame


class Sink(Protocol):
    """Where frames go."""

    def write(self, frame: Frame, array: np.ndarray) -> None:
        """Take the next one: (H, W), (H, W, 3) or (H, W, 4)."""

    def close(self, done: bool) -> None:
        """No more come. Not done: nothing of a single file may stay."""


# --- In ----------------------------------------------------------------------------------------------


def open_video(path: Path) -> Source:
    """The frames of a file.

    Raises:
        DataError: It holds no video that can be read.
    """
    try:
        import av
    except ImportError:
        return _with_opencv(path)
    try:
        container = av.open(str(path))
    except av.FFmpegError as error:
        raise DataError(f"{path}: no video that can be read ({error.strerror})") from error
    if not container.streams.video:
        container.close()
        raise DataError(f"{path}: no video in it")
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    return Source(str(path), _av_frames(path, container, stream), Fraction(rate), stream.frames or None)


def _av_frames(path: Path, container: Any, stream: Any) -> Iterator[Frame]:
    import av

    number = 0
    try:
        with container:
            for number, frame in enumerate(container.decode(stream), 1):
                image = frame.to_ndarray(format="rgb24", src_colorspace=_colours(frame.colorspace, frame.height))
                # Degrees counter-clockwise by which it is to be turned.
                orientation = {90: 8, 180: 3, -180: 3, -90: 6, 270: 6}.get(round(frame.rotation), 1)
                seconds = None if frame.pts is None else frame.pts * Fraction(frame.time_base)
                yield Frame(number, np.ascontiguousarray(turned(image, orientation)), seconds)
    except av.FFmpegError as error:
        raise DataError(f"{path}: cannot be read behind frame {number} ({error.strerror})") from error
    if number == 0:
        raise DataError(f"{path}: no frame in it")


def _colours(named: int, height: int) -> int:
    return int(named) if int(named) in (_BT709, _BT601, 6, 9) else (_BT709 if height >= _HD else _BT601)


def _with_opencv(path: Path) -> Source:
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise DataError(f"{path}: no video that OpenCV can read; PyAV may: {_EXTRA}")
    rate = Fraction(capture.get(cv2.CAP_PROP_FPS) or 25).limit_denominator(1001)
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))

    def frames() -> Iterator[Frame]:
        number = 0
        while True:
            there, bgr = capture.read()
            if not there:
                break
            number += 1
            yield Frame(number, cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))
        capture.release()
        if number == 0:
            raise DataError(f"{path}: no frame in it")

    return Source(str(path), frames(), rate, count if count > 0 else None)


def raw_frames(stream: BinaryIO, width: int, height: int) -> Source:
    """RGB24 frames of one size, as ``ffmpeg -f rawvideo -pix_fmt rgb24 -`` writes them."""

    def frames() -> Iterator[Frame]:
        size, number = width * height * 3, 0
        while data := stream.read(size):
            if len(data) < size:
                raise DataError(
                    f"standard input: ends within frame {number + 1}, after {len(data)} of {size} bytes; "
                    f"are the frames {width}x{height} of rgb24?"
                )
            number += 1
            yield Frame(number, np.frombuffer(data, np.uint8).reshape(height, width, 3))
        if number == 0:
            raise DataError("standard input: no frame in it")

    return Source("standard input", frames(), Fraction(25))


# --- Out ---------------------------------------------------------------------------------------------


def open_sink(target: str, source: Source, output: Output, stdout: BinaryIO | None) -> Sink:
    """What takes the frames.

    Args:
        target: Value of ``-o``.
        source: Gives the rate.
        output: What is wanted of each.
        stdout: Standard output as bytes, for the target ``-``.

    Raises:
        UsageError: The file's format cannot hold them, or needs an extra.
    """
    if stdout is not None:
        return _Raw(stdout)
    path = Path(target)
    if path.is_dir() or path.suffix.lower() not in _CODECS:
        if path.is_file() or path.suffix.lower() in _OTHERS:
            raise UsageError(f"-o {target}: name a folder for frames, or a file .mov, .webm or .mp4")
        return _Folder(path, output)
    if output.bits == 16:
        raise UsageError(f"--bits 16: a {path.suffix} file has its own depth; take a folder of PNG files")
    if output.kind == "cutout" and path.suffix.lower() == ".mp4":
        raise UsageError(f"-o {target}: .mp4 has no alpha; take .mov, .webm or a folder for cut-outs")
    try:
        import av  # noqa: F401 - is it there?
    except ImportError as error:
        if path.suffix.lower() != ".mp4":
            raise UsageError(f"-o {target}: writing {path.suffix} needs PyAV; {_EXTRA}") from error
        return _OpenCv(path, source.rate)
    return _Av(path, source.rate)


_OTHERS = frozenset((".png", ".webp", ".jpg", ".mkv", ".avi", ".gif", ".m4v"))


@dataclass(frozen=True)
class _Codec:
    container: str
    name: str
    opaque: str
    with_alpha: str
    options: dict[str, str]


_CODECS = {
    ".mov": _Codec("mov", "prores_ks", "yuv444p10le", "yuva444p10le", {"profile": "4444", "vendor": "apl0"}),
    ".webm": _Codec("webm", "libvpx-vp9", "yuv420p", "yuva420p", {"crf": "20", "b": "0", "row-mt": "1"}),
    ".mp4": _Codec("mp4", "libx264", "yuv420p", "", {"crf": "16"}),
}


class _Folder:
    """One file a frame, ``000001.png``."""

    def __init__(self, folder: Path, output: Output) -> None:
        self._folder, self._output = folder, output
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, frame: Frame, array: np.ndarray) -> None:
        path = self._folder / f"{frame.number:06d}.{self._output.format}"
        try:
            write_bytes(path, encode(array, self._output, None, str(path)))
        except OSError as error:
            raise ZooError(f"{path}: cannot be written ({error.strerror or error})") from error

    def close(self, done: bool) -> None:
        """Each file is whole by itself."""


class _Raw:
    """Bytes of one frame behind those of the other."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, frame: Frame, array: np.ndarray) -> None:
        self._stream.write(np.ascontiguousarray(array).tobytes())

    def close(self, done: bool) -> None:
        self._stream.flush()


class _Part:
    """A file beside its place, moved into it when it is whole."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.part = path.parent / f".{secrets.token_hex(8)}.part{path.suffix}"

    def end(self, done: bool) -> None:
        if done and self.part.exists():
            os.replace(self.part, self.path)
        self.part.unlink(missing_ok=True)


class _Av:
    """A container of one video stream."""

    def __init__(self, path: Path, rate: Fraction) -> None:
        self._file, self._rate = _Part(path), rate
        self._codec = _CODECS[path.suffix.lower()]
        self._container: Any = None
        self._size: tuple[int, ...] = ()

    def _open(self, array: np.ndarray) -> None:
        import av

        height, width = array.shape[:2]
        self._size = array.shape
        # Before anything can fail, so that closing takes away what was begun.
        self._container = av.open(str(self._file.part), "w", format=self._codec.container)
        stream = self._container.add_stream(self._codec.name, rate=self._rate, options=dict(self._codec.options))
        stream.width, stream.height = width, height
        stream.pix_fmt = self._codec.with_alpha if array.ndim == 3 and array.shape[2] == 4 else self._codec.opaque
        if self._codec.name == "libx264" and (height % 2 or width % 2):
            stream.pix_fmt = "yuv444p"  # halved colours need even sides
        stream.codec_context.time_base = Fraction(1, 90_000)  # fine enough for the times of any video
        self._colours = _BT709 if height >= _HD else _BT601
        stream.codec_context.colorspace = 1 if height >= _HD else 6
        stream.codec_context.color_range = 1  # 16 to 235
        self._stream = stream

    def write(self, frame: Frame, array: np.ndarray) -> None:
        import av

        try:
            if self._container is None:
                self._open(array)
            if array.shape != self._size:
                raise DataError(f"frame {frame.number}: its size is {array.shape[:2]}, those before {self._size[:2]}")
            if array.ndim == 2:
                array = cv2.cvtColor(array, cv2.COLOR_GRAY2RGB)
            layout = "rgba" if array.shape[2] == 4 else "rgb24"
            new = av.VideoFrame.from_ndarray(np.ascontiguousarray(array), format=layout)
            new = new.reformat(format=self._stream.pix_fmt, dst_colorspace=self._colours)
            seconds = frame.seconds if frame.seconds is not None else (frame.number - 1) / self._rate
            new.pts, new.time_base = round(seconds * 90_000), Fraction(1, 90_000)
            self._container.mux(self._stream.encode(new))
        except av.FFmpegError as error:
            raise ZooError(f"{self._file.path}: cannot be written ({error.strerror})") from error

    def close(self, done: bool) -> None:
        try:
            if self._container is not None:
                if done:
                    self._container.mux(self._stream.encode(None))
                self._container.close()
        finally:
            self._file.end(done)


class _OpenCv:
    """MPEG-4 by OpenCV, where PyAV is not installed."""

    def __init__(self, path: Path, rate: Fraction) -> None:
        self._file, self._rate, self._writer = _Part(path), rate, None

    def write(self, frame: Frame, array: np.ndarray) -> None:
        if array.ndim == 2:
            array = cv2.cvtColor(array, cv2.COLOR_GRAY2RGB)
        if self._writer is None:
            size = array.shape[1::-1]
            code = cv2.VideoWriter.fourcc(*"mp4v")
            self._writer = cv2.VideoWriter(str(self._file.part), code, float(self._rate), size)
            if not self._writer.isOpened():
                raise ZooError(f"{self._file.path}: OpenCV cannot write it; PyAV may: {_EXTRA}")
        self._writer.write(cv2.cvtColor(array, cv2.COLOR_RGB2BGR))

    def close(self, done: bool) -> None:
        if self._writer is not None:
            self._writer.release()
        self._file.end(done)
