"""The checkpoints of a run that can be resumed from: the last one and some before it.

checkpoints/last.ckpt            the newest
checkpoints/step-00001500.ckpt   those before it, ``train.keep`` in all
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from registry import ZooError
from zoo.engine import checkpoint
from zoo.engine.run import CHECKPOINTS, LAST

_FORM = "step-{:08d}.ckpt"


def save_last(run: Path, write: Callable[[Path], None], keep: int, before: int | None) -> None:
    """Write the newest checkpoint and keep some of those before.

    Args:
        run: The run folder.
        write: Writes a checkpoint to a path, whole or not at all.
        keep: How many to keep, the newest among them.
        before: Step of the ``last.ckpt`` that is there; None: there is none.

    Raises:
        ZooError: It cannot be written; those that are there stay.
    """
    last = run / CHECKPOINTS / LAST
    if keep > 1 and before is not None and last.is_file():
        # A second name first, then the new file in its place: there is a last.ckpt at any moment.
        _second_name(last, last.with_name(_FORM.format(before)))
    write(last)
    older = sorted(last.parent.glob("step-*.ckpt"))
    for file in older[: len(older) - (keep - 1)]:
        file.unlink(missing_ok=True)


def candidates(run: Path) -> list[Path]:
    """The checkpoints to resume from, newest first."""
    folder = run / CHECKPOINTS
    last = [folder / LAST] if (folder / LAST).is_file() else []
    return last + sorted(folder.glob("step-*.ckpt"), reverse=True)


def newest_good(run: Path, say: Callable[[str], None]) -> checkpoint.Checkpoint | None:
    """The newest checkpoint that can be read; None if there is none at all.

    Args:
        run: The run folder.
        say: Told of each that cannot.

    Raises:
        ZooError: There are some, and none can be read.
    """
    for unfinished in (run / CHECKPOINTS).glob(".*.tmp.*"):
        unfinished.unlink(missing_ok=True)  # left by a process that was killed while it wrote
    files = candidates(run)
    for index, file in enumerate(files):
        try:
            return checkpoint.read(file)
        except ZooError as error:
            if index + 1 == len(files):
                raise ZooError(
                    f"{error}; no other checkpoint of this run is left to resume from (train.keep keeps more than one)"
                ) from error
            say(f"{error}: going back to {files[index + 1].name}")
    return None


def _second_name(file: Path, other: Path) -> None:
    other.unlink(missing_ok=True)
    try:
        os.link(file, other)
    except OSError:  # a file system without hard links
        part = other.with_name(f".{other.stem}.{os.getpid()}.tmp.ckpt")
        try:
            shutil.copyfile(file, part)
            os.replace(part, other)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise ZooError(f"cannot keep {file} as {other.name}: {error.strerror}; it is untouched") from error
