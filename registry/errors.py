"""The errors zoo raises on purpose, each with the exit code of the command line.

    ZooError            1   an operation failed
    ├── DataError       1   an image, alpha or trimap is unreadable, missing its partner or of the wrong shape
    │   └── ShapeError  1   two arrays that must agree in size do not
    ├── UsageError      2   wrong usage or configuration
    ├── PluginError     3   a plugin broke its side of the contract
    └── NotFoundError   4   no such model, split, data, input, checkpoint or weights

The message is one line: what was asked, what exists, what to do. Anything else that reaches
the command line is a bug (exit code 3).
"""

from __future__ import annotations

from collections.abc import Iterable


class ZooError(Exception):
    """An operation failed for a reason the user can act on."""

    exit_code = 1


class DataError(ZooError):
    """A picture, alpha or trimap cannot be used; the message names the file."""


class ShapeError(DataError):
    """Two arrays that must have the same height and width do not."""


class UsageError(ZooError):
    """A command, option or configuration value is wrong."""

    exit_code = 2


class PluginError(ZooError):
    """A plugin does not keep its side of the contract."""

    exit_code = 3


class NotFoundError(ZooError):
    """Something asked for by name or path does not exist."""

    exit_code = 4


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A closing sentence that names the nearest known word, or an empty string.

    Args:
        name: What was asked for.
        known: What exists.

    Returns:
        ``" Did you mean 'train'?"`` or ``""``.
    """
    import difflib  # 2 ms that no command needs whose words are all right

    by_lower = {word.lower(): word for word in known}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return f" Did you mean {by_lower[near[0]]!r}?" if near else ""
