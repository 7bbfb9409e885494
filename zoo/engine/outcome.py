"""What came of a process of a group, told to its launcher before MindSpore is taken down.

MindSpore's threads and its cluster are taken down after the last line of Python, where a process whose work is done and
saved dies of SIGSEGV now and then. What came of the work is therefore not left to the exit code alone.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

OUTCOME = "ZOO_OUTCOME"
"""Variable with the file for the exit code, in a process that `zoo.engine.launch` started."""


def tell(code: int) -> None:
    """Tell the launcher, if there is one, that this process has done its work, and ends with this exit code."""
    if OUTCOME in os.environ:
        sys.stdout.flush()
        sys.stderr.flush()
        Path(os.environ[OUTCOME]).write_text(str(code))


def told(file: Path) -> int | None:
    """The exit code that a process told; None: it did not come so far."""
    try:
        return int(file.read_text())
    except (FileNotFoundError, ValueError):  # not there, or cut off by what ended the process
        return None
