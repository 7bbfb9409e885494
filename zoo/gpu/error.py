"""What keeps MindSpore off the card."""

from __future__ import annotations

from registry import ZooError


class GpuError(ZooError):
    """Something is missing or wrong that MindSpore needs on a GPU.

    Args:
        found: What is there, in a clause.
        advice: What to do about it, in a clause.
    """

    def __init__(self, found: str, advice: str) -> None:
        super().__init__(f"{found}: {advice}")
        self.found, self.advice = found, advice
