"""What libjpeg says on standard error about a file that it decodes all the same."""

from __future__ import annotations

import multiprocessing
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

_SERIOUS = re.compile(r"premature end|bad Huffman code|found marker \S+ instead of", re.IGNORECASE)
"""Part of the picture is made up."""

_STRAY = re.compile(r"extraneous bytes before marker", re.IGNORECASE)
"""Often padding of the program that saved the file, and often all that is said of a hole filled with zeros. Other
remarks, on colour profiles for example, are harmless."""


@contextmanager
def complaints() -> Iterator[list[str]]:
    """Listen while pictures are decoded.

    Standard error belongs to the whole process, so this listens only in one that does nothing else: one that was
    started to do a share of the work. In the main process nothing is heard.

    Yields:
        A list which holds, after the block, the remarks that matter; see `is_damage`.
    """
    heard: list[str] = []
    if multiprocessing.parent_process() is None:
        yield heard
        return
    ear, before = os.memfd_create("complaints"), os.dup(2)
    os.dup2(ear, 2)
    try:
        yield heard
    finally:
        os.dup2(before, 2)
        said = os.pread(ear, 65536, 0).decode(errors="replace")
        os.close(before)
        os.close(ear)
        heard += [line for line in said.splitlines() if _SERIOUS.search(line) or _STRAY.search(line)]


def is_damage(remark: str) -> bool:
    """Whether a remark means a damaged picture; one on stray bytes may mean nothing."""
    return _SERIOUS.search(remark) is not None
