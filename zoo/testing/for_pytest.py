"""The checks as tests of a plugin's own suite."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from registry import Registry, ZooError, load_from_environment
from zoo.testing.check import DECLINED, FAILED, SKIPPED, Check
from zoo.testing.everything import checks


def plugin_checks(
    name: str,
    only: str = "*",
    settings: Sequence[str] = (),
    data_root: str | Path | None = None,
    registry: Registry | None = None,
) -> Callable[[Any], None]:
    """A pytest function that is run once for each check of an installed plugin.

    Assign it to a name that pytest collects: ``test_conformance = plugin_checks("NAME")``. Declined and skipped checks
    are skipped tests with their reason.

    Args:
        name: Entry-point name of the plugin.
        only: As for `wanted`.
        settings: As for `zoo.testing.checks`.
        data_root: As for `zoo.testing.checks`.
        registry: Where the plugin is; None: as the command line finds it.

    Raises:
        NotFoundError: No such plugin is installed.
        ZooError: The pattern fits no check.
    """
    import pytest

    found = load_from_environment() if registry is None else registry
    chosen = wanted(checks(found, name, settings, data_root), only)

    @pytest.mark.parametrize("check", chosen, ids=[f"{c.kind}-{c.subject}-{c.name}" for c in chosen])
    def test(check: Check) -> None:
        outcome = check.run()
        if outcome.status in (DECLINED, SKIPPED):
            pytest.skip(f"{outcome.status}: {outcome.reason}")
        if outcome.status == FAILED:
            pytest.fail(check.blame(outcome), pytrace=False)

    return test


def wanted(every: Any, pattern: str) -> list[Check]:
    """The checks that a shell pattern fits: their name, what they are about, or both as ``SUBJECT:CHECK``.

    Raises:
        ZooError: It fits none.
    """
    listed = list(every)
    chosen = [c for c in listed if any(fnmatch.fnmatchcase(text, pattern) for text in _forms(c))]
    if not chosen:
        names = ", ".join(dict.fromkeys(check.name for check in listed))
        raise ZooError(f"no check fits {pattern!r}; checks: {names}")
    return chosen


def _forms(check: Check) -> tuple[str, ...]:
    return check.name, check.subject, f"{check.subject}:{check.name}"
