"""Gates: how much B may differ from A before a command fails, for use in continuous integration.

    METRIC            B is worse, and its interval leaves no doubt
    METRIC+NUMBER     B is higher by more than NUMBER, in the metric's own unit
    METRIC-NUMBER     B is lower by more than NUMBER
    METRIC>NUMBER     B is worse by more than NUMBER, whichever direction that is
    METRIC+NUMBER%    ... by more than so many hundredths of A; with - and > too

A difference fails a gate only if it is beyond the number *and* its interval leaves zero out: noise fails none. The one
exception is METRIC>NUMBER on reports, whose figures repeat to the last digit: there the number alone decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from registry import UsageError
from registry.errors import did_you_mean

_NUMBER = r"(?P<number>\d+\.?\d*(e-?\d+)?)\s*(?P<unit>%?)"

_FORM = re.compile(rf"\s*(?P<metric>[^\s+>%]*?[^\s+>%-])\s*((?P<sign>[-+>])\s*{_NUMBER})?\s*")
"""The metric is as short as may be: ``MAD-0.1`` has a sign, ``MAD-T`` has none."""

WORSE, HIGHER, LOWER = ">", "+", "-"


@dataclass(frozen=True)
class Gate:
    """A gate as the user wrote it.

    Attributes:
        text: What was written.
        metric: Name of the metric.
        sign: The direction that fails: `WORSE`, `HIGHER` or `LOWER`.
        number: Largest difference in that direction that passes; 0 where none was written.
        percent: The number is hundredths of A.
    """

    text: str
    metric: str
    sign: str = WORSE
    number: float = 0.0
    percent: bool = False

    @property
    def is_plain(self) -> bool:
        """Whether it was written ``METRIC>NUMBER``."""
        return WORSE in self.text

    def limit(self, a: float) -> float:
        """The number in the metric's own unit, where A is ``a``."""
        return self.number * abs(a) / 100 if self.percent else self.number


@dataclass(frozen=True)
class Change:
    """B - A in the metric's own unit, with its interval; both ends None: there is too little to tell one."""

    mean: float
    low: float | None
    high: float | None

    def towards(self, sign: str, lower_is_better: bool) -> Change:
        """Positive where B went in the direction of a gate's sign."""
        if sign == HIGHER or (sign == WORSE and lower_is_better):
            return self
        return Change(-self.mean, None if self.high is None else -self.high, None if self.low is None else -self.low)

    def exceeds(self, limit: float) -> bool:
        """Whether it is beyond a limit, and its interval leaves zero out."""
        return self.mean > limit and (self.low is None or self.low > 0)


def parse_gate(text: str) -> Gate:
    """The gate that a text means.

    Raises:
        UsageError: It has another form.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise UsageError(
            f"--fail-on {text!r}: write METRIC, METRIC+NUMBER (fails if B is higher by more), METRIC-NUMBER (lower) or "
            "METRIC>NUMBER (worse), with % for hundredths of A: 'MAD+0.0005', 'forward_p50+10%'"
        )
    sign = match["sign"]
    return Gate(text, match["metric"], sign or WORSE, float(match["number"] or 0), match["unit"] == "%")


def check_gate(gate: Gate, part: Mapping[str, Any]) -> dict[str, Any]:
    """Whether one part of a comparison passes a gate.

    Args:
        gate: The gate.
        part: A part of `zoo.report.compare.compare`.

    Returns:
        ``gate``, ``split``, ``metric``, ``towards`` (``worse``, ``higher`` or ``lower``), ``worse_by`` (how far B went
        that way, in the metric's unit; negative: the other way; None: no image has the metric on both sides), its
        interval ``low`` and ``high``, and ``passed``. A gate that nothing can be held against does not pass.
    """
    entry = part["metrics"].get(gate.metric)
    name = part["split_b"] if part["split_a"] == part["split_b"] else f"{part['split_a']} to {part['split_b']}"
    found = {"gate": gate.text, "split": name, "metric": gate.metric, "towards": TOWARDS[gate.sign]}
    if entry is None or entry["difference"]["mean"] is None:
        return {**found, "worse_by": None, "low": None, "high": None, "passed": False}
    difference = entry["difference"]
    change = Change(difference["mean"], difference["low"], difference["high"])
    change = change.towards(gate.sign, entry["lower_is_better"])
    limit = gate.limit(entry["a"])
    passed = not (change.mean > limit if gate.is_plain else change.exceeds(limit))
    return {**found, "worse_by": change.mean, "low": change.low, "high": change.high, "passed": passed}


TOWARDS: Mapping[str, str] = {WORSE: "worse", HIGHER: "higher", LOWER: "lower"}
"""What a gate's sign is called."""


def check_gates(gates: Sequence[Gate], comparison: Mapping[str, Any]) -> list[dict[str, Any]]:
    """`check_gate` of every gate on every part.

    Raises:
        UsageError: A gate is on a metric that the two sides cannot be compared by, or do not have.
    """
    for gate in gates:
        reason = comparison["left_out"].get(gate.metric)
        if reason:
            raise UsageError(f"--fail-on {gate.text!r}: {gate.metric} is not compared: {reason}")
        if gate.metric not in comparison["metrics"]:
            known = comparison["metrics"]
            raise UsageError(
                f"--fail-on {gate.text!r}: no metric {gate.metric!r} is compared; compared: {', '.join(known)}."
                f"{did_you_mean(gate.metric, known)}"
            )
    return [check_gate(gate, part) for part in comparison["parts"] for gate in gates]
