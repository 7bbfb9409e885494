"""Checks that others build upon, each done once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zoo.testing.check import NotApplicable


class Once:
    """What came of the checks of one thing so far.

    Args:
        subject: The thing, which each check is given.
    """

    def __init__(self, subject: Any) -> None:
        self._subject = subject
        self._found: dict[Callable[[Any], None], Exception | None] = {}

    def run(self, check: Callable[[Any], None]) -> None:
        """Do a check, unless it was done; what it raised is raised again."""
        if check not in self._found:
            try:
                check(self._subject)
                self._found[check] = None
            except Exception as error:
                self._found[check] = error
        error = self._found[check]
        if error is not None:
            raise error

    def need(self, check: Callable[[Any], None]) -> None:
        """Skip the check that is running where another one, without which it means nothing, fails.

        Raises:
            NotApplicable: That one fails.
        """
        try:
            self.run(check)
        except Exception as error:  # the other check tells why
            name = check.__name__.removeprefix("check_").replace("_", "-")
            raise NotApplicable(f"it needs what check {name!r} looks at") from error
