"""``zoo predict`` of a video, or of raw frames on standard input."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from registry import DataError, ModelSpec, NotFoundError, Registry, UsageError, ZooError
from zoo.cli import options
from zoo.cli.predict import Wish, do_all, prepare, to_stdout, wanted

if TYPE_CHECKING:
    import numpy as np

    from zoo.predict.pictures import Picture
    from zoo.predict.video import Slot
    from zoo.predict.work import Given


def predict_frames(found: Registry, spec: ModelSpec, text: str, wish: Wish) -> None:
    """Predict every frame.

    Args:
        found: The registry.
        spec: The model.
        text: A video's path; with ``wish.raw``, standard input is read.
        wish: The options.

    Raises:
        ZooError: It broke off.
    """
    from zoo.predict.outputs import compose
    from zoo.predict.pictures import Picture
    from zoo.predict.video import open_sink, open_video, raw_frames
    from zoo.predict.work import Given

    target = _target(spec, wish)
    output = wanted(wish, None)
    source = open_video(Path(text)) if wish.raw is None else raw_frames(sys.stdin.buffer, *_size(wish.raw))
    target_of = _targets(wish.target)
    written: list[int] = []

    def load(slot: Slot) -> Given | None:
        frame = source.fill(slot)
        if frame is None:
            return None
        return Given(f"{source.name}, frame {frame.number}", Picture(frame.image), None, target_of(frame.number))

    def save(slot: Slot, picture: Picture, alpha: np.ndarray) -> None:
        assert slot.frame is not None
        sink.write(slot.frame, compose(picture, alpha, output))
        written.append(slot.number)

    with to_stdout(target == "-") as stdout:
        sink = open_sink(target, source, output, stdout)
        problems = ["it was given up"]
        try:
            work = prepare(found, spec, wish, load, save)
            problems = do_all(work, source.slots(), lambda: max(source.count or 0, len(written)))
        finally:
            sink.close(not problems)
    if problems:
        raise ZooError(f"{source.name}: failed, after {len(written)} frames")
    options.say(f"{len(written)} frames to {'standard output' if target == '-' else target}")


def _target(spec: ModelSpec, wish: Wish) -> str:
    if spec.needs_trimap or wish.trimap is not None:
        raise UsageError("--trimap: a video has none; predict its frames as pictures, with a folder of trimaps")
    target = wish.output or ("-" if wish.raw is not None else None)
    if target is None:
        raise UsageError("-o: name a folder for the frames, a file .mov, .webm or .mp4, or - for raw frames")
    return target


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", text)
    if match is None:
        raise UsageError(f"--raw {text}: write WIDTHxHEIGHT, for example 1920x1080")
    return int(match[1]), int(match[2])


def _targets(folder: str | None) -> Callable[[int], np.ndarray | None]:
    """The true matte of a frame, whose number is its stem."""
    if folder is None:
        return lambda number: None
    from zoo.data.files import pictures_by_stem
    from zoo.data.images import read_alpha

    if not Path(folder).is_dir():
        raise NotFoundError(f"--target {folder}: no such folder")
    files = {int(stem): path for stem, path in pictures_by_stem(Path(folder)).items() if stem.isdecimal()}

    def of(number: int) -> np.ndarray:
        if number not in files:
            raise DataError(f"--target {folder}: no true matte of frame {number}, {number:06d}.png")
        return read_alpha(files[number])

    return of
