"""The one entry: let a training calculate natively, or say why not."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from zoo.engine import device
from zoo.native.build import UnavailableError, library
from zoo.native.cells import exchange
from zoo.native.check import require_right
from zoo.native.ops import Operators, operators

SWITCH = "ZOO_NATIVE"
"""Variable of the environment; 0 leaves everything to MindSpore."""


def accelerate(objective: Any, amp: str = "O0") -> str | None:
    """Let the layers of a training calculate natively, in place; names and values of parameters stay.

    Norms that take their statistics over several devices (`zoo.engine.sync_norm`) stay as they are, and so does
    everything in mixed precision.

    Args:
        objective: Cell around the network, or the network; it has not been compiled yet.
        amp: ``train.amp``.

    Returns:
        A line that says what was done or why nothing was; None where there is nothing to say: on other devices than
        the processor.
    """
    if device.start().target != "CPU":
        return None
    if amp != "O0":
        return "native operators: not in mixed precision"
    if os.environ.get(SWITCH) == "0":
        return f"native operators: switched off ({SWITCH}=0)"
    try:
        found = exchange(objective, _operators())
    except UnavailableError as reason:
        return f"native operators: none, MindSpore's own are used, which take longer ({reason})"
    return f"native operators: {found}"


def _operators() -> Operators:
    """The operators of this process; what was found out stays, the reason against them too.

    Raises:
        UnavailableError: There are none.
    """
    found = _once()
    if isinstance(found, UnavailableError):
        raise found
    return found


@cache
def _once() -> Operators | UnavailableError:
    try:
        path = library()
        found = operators(path)
        require_right(found, path)
    except UnavailableError as reason:
        return reason
    return found
