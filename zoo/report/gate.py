"""Gates: how much worse B may be than A before a command fails, for use in continuous integration."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from registry import UsageError
from registry.errors import did_you_mean


@dataclass(frozen=True)
class Gate:
    """A gate as the user wrote it.

    Attributes:
        text: ``METRIC`` or ``METRIC>THRESHOLD``.
        metric: Name of the metric.
        threshold: Largest worsening that passes, in the metric's unit; None: any worsening whose interval does not
            hold zero fails.
    """

    text: str
    metric: str
    threshold: float | None = None


def parse_gate(text: str) -> Gate:
    """The gate that a text means.

    Raises:
        UsageError: It is neither ``METRIC`` nor ``METRIC>NUMBER`` with a number from 0 on.
    """
    metric, sign, number = (part.strip() for part in text.partition(">"))
    try:
        threshold = float(number) if sign else None
    except ValueError:
        threshold = math.nan
    if not metric or (threshold is not None and not 0 <= threshold < math.inf):
        raise UsageError(f"--fail-on {text!r}: write METRIC or 'METRIC>NUMBER', as 'MAD>0.0005'")
    return Gate(text, metric, threshold)


def check_gate(gate: Gate, part: Mapping[str, Any]) -> dict[str, Any]:
    """Whether one part of a comparison passes a gate.

    Args:
        gate: The gate.
        part: A part of `zoo.report.compare.compare`.

    Returns:
        ``gate``, ``split``, ``worse_by`` (how much worse B is, in the metric's unit; negative: better; None: no image
        has the metric on both sides), its interval ``low`` and ``high``, and ``passed``. A gate that nothing can be
        held against does not pass.
    """
    entry = part["metrics"].get(gate.metric)
    difference = entry["difference"] if entry else {"mean": None, "low": None, "high": None}
    worse, low, high = difference["mean"], difference["low"], difference["high"]
    if entry and not entry["lower_is_better"] and worse is not None:
        worse, low, high = -worse, None if high is None else -high, None if low is None else -low
    if worse is None:
        passed = False
    elif gate.threshold is not None:
        passed = worse <= gate.threshold
    else:
        passed = (worse if low is None else low) <= 0
    name = part["split_b"] if part["split_a"] == part["split_b"] else f"{part['split_a']} to {part['split_b']}"
    return {"gate": gate.text, "split": name, "worse_by": worse, "low": low, "high": high, "passed": passed}


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
