"""Glob patterns that pick parameters by name, as ``train.freeze`` and its like hold them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TypeVar

from registry import UsageError
from registry.errors import did_you_mean

_V = TypeVar("_V")


def matching(patterns: Sequence[str], names: Sequence[str], key: str) -> set[str]:
    """The names that a pattern fits.

    Args:
        patterns: ``backbone.*``, ``*.gamma``; ``*`` stands for any text, dots too.
        names: Parameter names.
        key: Config key that holds the patterns, named in an error.

    Raises:
        UsageError: A pattern fits none.
    """
    found: set[str] = set()
    for pattern in patterns:
        fitting = {name for name in names if fnmatchcase(name, pattern)}
        if not fitting:
            near = did_you_mean(pattern, names)
            some = f"{', '.join(names[:3])}, ... ({len(names)} in all)" if names else "none"
            raise UsageError(f"{key}: no parameter fits {pattern!r}; parameters: {some}.{near}")
        found |= fitting
    return found


def first_match(values: Mapping[str, _V], name: str, default: _V) -> _V:
    """The value of the first pattern that fits a name."""
    return next((value for pattern, value in values.items() if fnmatchcase(name, pattern)), default)
