"""Files that are whole or not there: written beside their place, then moved into it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file in one step: a reader sees the old content or the new, never a part.

    Args:
        path: File to write; its folder exists.
        data: The whole content.

    Raises:
        OSError: It cannot be written; an older file of that name is as it was.
    """
    path = Path(path)
    # Not derived from the name: a name of the greatest length allowed has no room for a suffix.
    part = path.parent / f".{secrets.token_hex(8)}.part"
    try:
        # Unlike `tempfile`, a plain exclusive open leaves the permissions to the user's umask.
        with open(part, "xb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, path)
        flush_folder(path.parent)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """`write_bytes` of a text, as UTF-8 with the line ends it has.

    A file name that is no valid Unicode reaches Python as lone surrogates. They are written as
    ``\\udcXX``, which inside a JSON text is the very escape that reads back as the same character.
    """
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))


def flush_folder(folder: Path) -> None:
    """Make the names in a folder last through a power cut, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # a folder that may be written but not listed, or a system that opens no folders
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
