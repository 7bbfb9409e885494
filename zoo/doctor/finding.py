"""One thing that the doctor looked at."""

from __future__ import annotations

from dataclasses import asdict, dataclass

OK, NOTE, FAILED = "ok", "note", "failed"


@dataclass(frozen=True)
class Finding:
    """What was found.

    Attributes:
        area: What it belongs to: ``software``, ``machine``, ``gpu``, ``device``, ``plugins``, ``data`` or ``model``.
        name: What was looked at.
        status: ``ok``; ``note``: zoo works, but something is missing or slower than it could be; ``failed``.
        text: What is there, on one line.
        advice: What to do about it, on one line; "" where there is nothing to do.
    """

    area: str
    name: str
    status: str
    text: str
    advice: str = ""

    def facts(self) -> dict[str, str]:
        """As in ``--json``."""
        return asdict(self)
