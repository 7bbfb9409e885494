"""Mixed precision: which operators calculate in float16, and the factor that keeps small gradients from vanishing.

Weights and optimizer stay in float32 at every level (Micikevicius et al., arXiv 1710.03740, section 3.1).

O0    everything in float32
auto  operator by operator: convolutions and matrix products in float16, sums and losses in float32
O2    all layers of the network but the norms in float16
O3    all layers of the network in float16
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry import ZooError
from zoo.config import TrainConfig

GROWTH_STEPS = 2000
"""Steps without an overflow after which the loss scale is doubled (the paper's section 3.2, as frameworks set it)."""

PATIENCE = 50
"""Overflows in a row after which a training ends: from the first scale, 16 halvings reach 1."""

_FIRST_SCALE = 2.0**16
_LARGEST_SCALE = 2.0**24


def lower_network(network: Any, level: str) -> None:
    """Let the layers of a network calculate in float16, in place; before an objective is made, which may copy them.

    Args:
        network: Cell to train; names and values of its parameters stay.
        level: One of the module docstring; `lower_objective` sees to ``auto``.
    """
    if level in ("O2", "O3"):
        from mindspore import amp

        amp.auto_mixed_precision(network, level)  # changes the layers; the wrapper it returns would hide other methods


def lower_objective(objective: Any, level: str) -> None:
    """Let the operators of a training calculate in float16 one by one, in place, where the level is ``auto``.

    Args:
        objective: Cell around the network that gives the loss.
        level: One of the module docstring.
    """
    if level == "auto":
        from mindspore import amp

        amp.auto_mixed_precision(objective, "auto")


class LossScale:
    """The factor of the loss, constant or found by trial: halved when a gradient overflows, doubled after a while.

    Args:
        config: ``amp`` and ``loss_scale`` are read.

    Attributes:
        value: The factor; 1 without mixed precision.
    """

    def __init__(self, config: TrainConfig) -> None:
        self.active = config.amp != "O0"
        self._fixed = config.loss_scale is not None
        self.value = 1.0 if not self.active else config.loss_scale or _FIRST_SCALE
        self._good = self._bad = 0

    def count(self, finite: bool) -> None:
        """Adapt to a step whose gradients were finite or not.

        Raises:
            ZooError: They have not been for `PATIENCE` steps.
        """
        if not self.active:
            return
        self._bad = 0 if finite else self._bad + 1
        if self._bad >= PATIENCE:
            raise ZooError(
                f"gradients overflowed in {PATIENCE} steps in a row, with the loss scaled by {self.value:g}: lower "
                "train.lr or train.loss_scale, or train in full precision (train.amp O0)"
            )
        if self._fixed:
            return
        if not finite:
            self.value, self._good = max(1.0, self.value / 2), 0
            return
        self._good += 1
        if self._good >= GROWTH_STEPS:
            self.value, self._good = min(_LARGEST_SCALE, self.value * 2), 0

    def state(self) -> dict[str, float]:
        """What a resumed training needs."""
        return {"value": self.value, "good": self._good, "bad": self._bad}

    def restore(self, state: Mapping[str, float]) -> None:
        """Take over what `state` gave."""
        self.value, self._good, self._bad = float(state["value"]), int(state["good"]), int(state["bad"])
