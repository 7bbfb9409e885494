"""One named check of one thing that a plugin registers, and what came of it."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field

OK, FAILED, DECLINED, SKIPPED = "ok", "failed", "declined", "skipped"
"""What may come of a check; ``skipped``: it does not apply here, or what it needs is missing."""


class Unmet(AssertionError):  # noqa: N818 - it is the finding of a check, no error of the program
    """The thing does not do what it must; the message says what was expected and what came."""


class NotApplicable(Exception):  # noqa: N818 - nothing went wrong
    """The check has nothing to look at; the message says why."""


def expect(holds: bool, message: str) -> None:
    """Fail the check that is running unless something holds.

    Raises:
        Unmet: It does not.
    """
    if not holds:
        raise Unmet(message)


@dataclass(frozen=True)
class Outcome:
    """What came of a check.

    Attributes:
        status: ``ok``, ``failed``, ``declined`` or ``skipped``.
        reason: Why, in one line; "" for ``ok``.
        seconds: Wall time.
        error: What was raised, for tracebacks.
    """

    status: str
    reason: str = ""
    seconds: float = 0.0
    error: BaseException | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Check:
    """A check that can be run.

    Attributes:
        name: What is checked, ``batch-independence``.
        kind: Of the subject: ``plugin``, ``model``, ``stage``, ``backbone``, ``dataset`` or ``metric``.
        subject: Name of the thing; of a stage ``MODEL/STAGE``.
        plugin: The plugin as messages name it.
        function: Does the check; raises what is wrong.
        declined: Why the plugin declines it; "": it does not.
    """

    name: str
    kind: str
    subject: str
    plugin: str
    function: Callable[[], None]
    declined: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}: {self.name}"

    def run(self) -> Outcome:
        """Do the check. Whatever the plugin raises is a failed check; what it prints goes to standard error."""
        if self.declined:
            return Outcome(DECLINED, self.declined)
        started = time.perf_counter()
        status, reason, error = self._do()
        return Outcome(status, reason, time.perf_counter() - started, error)

    def _do(self) -> tuple[str, str, BaseException | None]:
        try:
            with contextlib.redirect_stdout(sys.stderr):
                self.function()
        except NotApplicable as missing:
            return SKIPPED, str(missing), None
        except Exception as error:
            return FAILED, explain(error), error
        return OK, "", None

    def blame(self, outcome: Outcome) -> str:
        """One line that names the plugin, the thing and what is wrong with it."""
        return f"plugin {self.plugin}: {self.kind} {self.subject!r}: {self.name}: {outcome.reason}"


def explain(error: BaseException) -> str:
    """An error as one line: the message alone where it was written for people, else with its type."""
    from registry import ZooError

    # The first line: MindSpore puts its own call stack behind the message.
    text = " ".join((str(error).strip().splitlines() or [""])[0].split())
    if isinstance(error, (ZooError, Unmet)) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
