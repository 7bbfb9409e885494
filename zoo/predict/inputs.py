"""Which pictures a command line names, and where what is made of each goes."""

from __future__ import annotations

import glob
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from registry import DataError, NotFoundError, UsageError
from zoo.data.files import SUFFIXES

STREAM = "-"
"""The input that is read from standard input."""

_PICTURES = SUFFIXES | {".heic", ".heif", ".avif", ".gif"}
"""Extensions of what is taken from a folder, in lower case; a file that is named itself may have any."""

VIDEOS = frozenset((".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts"))
"""Extensions of videos, in lower case."""


@dataclass(frozen=True)
class Found:
    """A picture.

    Attributes:
        path: Its file.
        name: Where it lies below the folder that was named, without its extension; for a file, its stem.
    """

    path: Path
    name: Path


@dataclass(frozen=True)
class Job:
    """One picture to be done.

    Attributes:
        path: Its file.
        name: See `Found.name`.
        target: The file to be written.
    """

    path: Path
    name: Path
    target: Path


def find_pictures(
    inputs: Sequence[str], recursive: bool = False, without: Path | None = None
) -> tuple[list[Found], list[str]]:
    """The pictures that files, folders, patterns and ``@lists`` name, each once, in order.

    Args:
        inputs: Words of the command line.
        recursive: Folders with their sub-folders.
        without: A folder that is passed over: that of the outputs, which may lie among the inputs.

    Returns:
        The pictures, and a line for each input that names none.

    Raises:
        NotFoundError: No input names a picture.
        DataError: A list or folder cannot be read.
    """
    found: dict[Path, Found] = {}
    absent: list[str] = []
    for text in _listed(inputs):
        path = Path(text)
        if path.is_dir():
            pictures = [Found(p, p.relative_to(path).with_suffix("")) for p in _walk(path, recursive, without)]
            problem = f"{text}: no picture in that folder" + ("" if recursive else " (--recursive looks below it)")
        elif path.is_file():
            pictures = [Found(path, Path(path.stem))]
            problem = ""
        else:
            names = sorted(glob.glob(text, recursive=True)) if glob.has_magic(text) else []
            pictures = [Found(Path(name), Path(Path(name).stem)) for name in names if Path(name).is_file()]
            problem = f"{text}: no such picture"
        if not pictures:
            absent.append(problem)
        for each in pictures:
            found.setdefault(each.path, each)
    if not found:
        raise NotFoundError("; ".join(absent[:3]) + ("; ..." if len(absent) > 3 else ""))
    return list(found.values()), absent


def _listed(inputs: Sequence[str]) -> Iterator[str]:
    """The inputs, with the lines of a list (``@FILE``, ``@-`` for standard input) in its place."""
    for text in inputs:
        if not text.startswith("@"):
            yield text
            continue
        try:
            data = sys.stdin.buffer.read() if text == "@-" else Path(text[1:]).read_bytes()
        except FileNotFoundError as error:
            raise NotFoundError(f"{text}: no list of that name; for a file with an @ write ./{text}") from error
        except OSError as error:
            raise DataError(f"{text}: the list cannot be read ({error.strerror or error})") from error
        lines = [os.fsdecode(line) for line in data.replace(b"\r\n", b"\n").split(b"\n") if line.strip()]
        if not lines:
            raise DataError(f"{text}: the list is empty")
        yield from lines


def _walk(folder: Path, recursive: bool, without: Path | None) -> list[Path]:
    """Pictures of a folder by name, hidden files and folders left out; links to folders are not followed."""

    def refuse(error: OSError) -> None:
        raise DataError(f"{error.filename}: cannot be listed ({error.strerror or error})") from error

    found: list[Path] = []
    for place, folders, names in os.walk(folder, onerror=refuse):
        here = Path(place)
        found += [here / n for n in sorted(names) if Path(n).suffix.lower() in _PICTURES and not n.startswith(".")]
        below = sorted(f for f in folders if not f.startswith(".")) if recursive else []
        folders[:] = [f for f in below if without is None or (here / f).resolve() != without.resolve()]
    return [path for path in found if path.is_file()]


def plan(pictures: Sequence[Found], folder: Path, suffix: str) -> list[Job]:
    """Where what is made of each picture goes: ``FOLDER/NAME.SUFFIX``.

    If two would go to one file, all keep their folders, from the deepest one that they share; and two files of one
    folder with one stem keep their extension, ``IMG.heic.png``. So which file is whose does not depend on the order.

    Args:
        pictures: From `find_pictures`.
        folder: Of the outputs.
        suffix: Extension of the outputs, with its dot.

    Raises:
        UsageError: An output would replace an input, or two pictures would be written to one file all the same.
    """
    pairs = [(each, each.name) for each in pictures]
    if _repeated(pairs):
        above = Path(os.path.commonpath([each.path.absolute().parent for each in pictures]))
        pairs = [(each, each.path.absolute().relative_to(above).with_suffix("")) for each in pictures]
    twice = _repeated(pairs)
    pairs = [(each, name.with_name(each.path.name) if name in twice else name) for each, name in pairs]
    twice = _repeated(pairs)
    if twice:
        first, second = [each.path for each, name in pairs if name in twice][:2]
        raise UsageError(f"{first} and {second} would both become {min(twice)}{suffix}; predict them apart")
    jobs = [Job(each.path, name, folder / name.parent / f"{name.name}{suffix}") for each, name in pairs]
    refuse_overwriting(jobs)
    return jobs


def _repeated(pairs: Sequence[tuple[Found, Path]]) -> set[Path]:
    return {name for name, count in Counter(name for _, name in pairs).items() if count > 1}


def refuse_overwriting(jobs: Sequence[Job]) -> None:
    """Refuse to write what would replace an input.

    Raises:
        UsageError: A target is one.
    """
    inputs = {job.path.resolve() for job in jobs}
    for job in jobs:
        if job.target.resolve() in inputs:
            raise UsageError(f"-o {job.target}: that would replace an input; name another folder")


def partners(option: str, text: str | None, count: int) -> Callable[[Job], Path] | None:
    """Where what belongs to a picture is, its trimap for example.

    Args:
        option: Of the command line, for messages.
        text: Its value: a folder; or a file, for one picture.
        count: Pictures.

    Returns:
        From a job to its partner's file, by its name below the folder or by its stem; None: the option is not given.

    Raises:
        UsageError: One file for several pictures.
        NotFoundError: No such folder.
    """
    if text is None:
        return None
    place = Path(text)
    if place.is_file():
        if count > 1:
            raise UsageError(f"{option} {text}: one file for {count} pictures; name a folder of them")
        return lambda job: place
    if not place.is_dir():
        raise NotFoundError(f"{option} {text}: no such folder")
    from zoo.data.files import pictures_by_stem

    folders: dict[Path, dict[str, Path]] = {}

    def of(job: Job) -> Path:
        for parent in (job.name.parent, Path()):
            if parent not in folders:
                folders[parent] = pictures_by_stem(place / parent) if (place / parent).is_dir() else {}
            if job.path.stem in folders[parent]:
                return folders[parent][job.path.stem]
        raise DataError(f"{job.path}: no {option.strip('-')} of that stem")

    return of
