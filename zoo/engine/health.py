"""What a training is watched for, and what its user is told: what was seen, the likely cause, the key to change.

A warning comes once, not at every step. docs/watching.md says what each means.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from registry import ZooError
from zoo.config import Config
from zoo.data.loader import Batch
from zoo.engine.norm_gap import Gap, measure_gap

_MASKS = 64
"""Masks to look at before saying that they are binary."""

_BINARY_SHARE = 0.95

_FEW_STEPS = 20
"""Steps after which a gap between the statistics of batch norms means something."""

_LOSSES = 50
"""Losses remembered, to see whether they grew before they were no numbers any more."""

_GROWTH = 10.0
"""Times the usual loss at which the last one before a failure counts as diverging."""


class Health:
    """Watches one training.

    Args:
        config: Whole resolved config.
        steps_per_epoch: Optimizer steps in an epoch.
        tell: Called with the step and a text, once for each kind of warning.
    """

    def __init__(self, config: Config, steps_per_epoch: int, tell: Callable[[int, str], None]) -> None:
        self._config, self._tell = config, tell
        train = config.train
        self._enough = min(_MASKS, steps_per_epoch * train.batch_size * train.accumulate)
        self._masks = self._binary = 0
        self._total = train.epochs * steps_per_epoch
        self._told_gap = False
        self._losses: deque[tuple[int, float]] = deque(maxlen=_LOSSES)

    def step(self, number: int, loss: float, batches: Sequence[Batch]) -> None:
        """Take note of a step.

        Args:
            number: The step, from 1.
            loss: Its loss.
            batches: What it learnt from.
        """
        if math.isfinite(loss):
            self._losses.append((number, loss))
        if self._masks < self._enough:
            self._count_binary(number, batches)

    def _count_binary(self, number: int, batches: Sequence[Batch]) -> None:
        labelled = [batch for batch in batches if batch.alpha is not None]
        self._masks += sum(len(batch.names) for batch in labelled)
        self._binary += sum(batch.binary for batch in labelled)
        if self._masks >= self._enough and self._binary >= _BINARY_SHARE * self._masks:
            self._tell(
                number,
                f"{self._binary} of the first {self._masks} masks are binary, with nothing between 0 and 1: "
                "a model learns hard edges from them, no hair; point data.root or data.options to alpha mattes",
            )

    # --- Batch norms ---

    def norms(self, number: int, judge: Any, network: Any, image: np.ndarray, alpha: np.ndarray | None) -> None:
        """Compare what a network answers with the statistics of a batch and with its moving ones.

        Args:
            number: Steps done.
            judge: A network in evaluation mode with the weights to look at; it is left as it was.
            network: The network that is trained, which tells which batch norms take a batch's statistics.
            image: (N, 3, c, c) float32, the last training batch.
            alpha: (N, 1, c, c) float32, its alphas; None for unlabelled pictures.
        """
        if self._told_gap or number < _FEW_STEPS:
            return
        gap = measure_gap(judge, network, image, alpha)
        if gap is None or not gap.is_wide:
            return
        settled = gap.is_settled(number)
        if settled or number >= self._total / 2:  # at the beginning it is no wonder
            self._told_gap = True
            self._tell(number, self._gap_text(gap, number, settled))

    def _gap_text(self, gap: Gap, number: int, settled: bool) -> str:
        if gap.training is None or gap.evaluation is None:
            seen = f"alphas of the last training batch differ by {gap.difference:.3f} on average"
        else:
            seen = f"the last training batch has an error of {gap.evaluation:.3f} instead of {gap.training:.3f}"
        cause = (
            f"batches of {self._config.train.batch_size} differ too much from one another, or the pictures from those "
            "that the weights come from"
            if settled
            else f"{number} steps are too few for these statistics to settle"
        )
        keys = (
            "train longer, " * (not settled)
            + "raise train.batch_size, set train.sync_norm (several devices) or train.freeze_norms (fine-tuning)"
        )
        return f"{seen} once the batch norms use their moving statistics, as validation does: {cause}; {keys}"

    # --- No numbers ---

    def weights(self, number: int, weights: Mapping[str, Any]) -> None:
        """Refuse weights that are no numbers, which a step with a finite loss can leave.

        Args:
            number: Steps done.
            weights: Arrays by parameter name.

        Raises:
            ZooError: A weight is NaN or infinite.
        """
        broken = _not_finite(weights)
        if broken:
            loss = f" though its loss was {self._losses[-1][1]:.4g}" if self._losses else ""
            names = [name for name, array in weights.items() if not np.isfinite(array).all()]
            if all(name.endswith("moving_variance") for name in names):
                # Their unbiased form divides by the number of values less one.
                why = "a batch norm saw a single value for each channel; raise train.batch_size or data.crop_size"
            else:
                why = f"a gradient overflowed; {self._remedy()}"
            raise ZooError(f"step {number} left {broken}{loss}: {why}")

    def explain(
        self,
        number: int,
        loss: float,
        values: Sequence[float],
        terms: Sequence[str],
        batches: Sequence[Batch],
        network: Any,
        rate: float,
    ) -> str:
        """Why a loss is no number, as far as it can be seen, in one line.

        Args:
            number: The step, from 1.
            loss: Its loss.
            values: Its terms.
            terms: Their names.
            batches: What it learnt from.
            network: The network, after the step.
            rate: The learning rate of the step.
        """
        shown = ", ".join(f"{name} {value:.4g}" for name, value in zip(terms, values, strict=True))
        pictures = ", ".join(name for batch in batches for name in batch.names)
        spoilt = _spoilt_pictures(batches)
        broken = _not_finite({p.name: p.asnumpy() for p in network.get_parameters()})
        seen = [
            f"the loss is {loss:g} at step {number}{f' ({shown})' if shown else ''}",
            f"the step took pictures {pictures}",
            f"of which {spoilt} hold values that are no numbers" if spoilt else "whose values are all finite",
            f"it left {broken}" if broken else "the weights are finite",
        ]
        return f"{'; '.join(seen)}; {self._cause(number, bool(spoilt), rate)}"

    def _cause(self, number: int, spoilt: bool, rate: float) -> str:
        if spoilt:
            return "leave those pictures out, or mend them"
        before = [(step, loss) for step, loss in self._losses if step < number]
        train = self._config.train
        if before and before[-1][1] > _GROWTH * float(np.median([loss for _, loss in before])):
            step, last = before[-1]
            first, begun = before[0]
            return f"the loss grew from {begun:.4g} at step {first} to {last:.4g} at step {step}: {self._remedy(rate)}"
        if train.amp != "O0":
            return f"float16 holds nothing above 65504: set train.amp to O0, or lower train.lr ({rate:g})"
        return (
            f"it came at once: {self._remedy(rate)}, or look at the pictures: an objective may divide by zero on them"
        )

    def _remedy(self, rate: float | None = None) -> str:
        train = self._config.train
        rate = train.lr if rate is None else rate
        ways = [f"lower train.lr ({rate:g})"]
        if not train.warmup_steps:
            ways.append("set train.warmup_steps")
        if train.clip_norm is None:
            ways.append("set train.clip_norm")
        return " or ".join(ways)


def _spoilt_pictures(batches: Sequence[Batch]) -> str:
    """Names of the pictures with values that are no numbers."""
    return ", ".join(
        name
        for batch in batches
        for slot, name in enumerate(batch.names)
        if not all(np.isfinite(array[slot]).all() for array in (batch.image, batch.alpha) if array is not None)
    )


def _not_finite(weights: Mapping[str, Any]) -> str:
    """``3 of 8 parameters with values that are no numbers (the first is head.weight)``, or an empty text."""
    broken = [name for name, array in weights.items() if not np.isfinite(array).all()]
    if not broken:
        return ""
    return f"{len(broken)} of {len(weights)} parameters with values that are no numbers (the first is {broken[0]})"
