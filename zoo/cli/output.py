"""``--output`` of commands that write a few files of their own names, which a later call may write again."""

from __future__ import annotations

from pathlib import Path

from registry import UsageError


def output_folder(output: str) -> Path:
    """The folder, made if absent; other files in it stay.

    Raises:
        UsageError: It is a file, or cannot be made.
    """
    path = Path(output).expanduser()
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "that is a file, name a folder" if path.is_file() else f"cannot make the folder ({error.strerror})"
        raise UsageError(f"--output {path}: {reason}") from error
    return path
