"""How far a network's answers with the moving statistics of its batch norms are from those with a batch's own.

Training sees a batch's own statistics, validation and use the moving ones. Where they part, the training loss is fine
and the validation is not, which is hard to see from outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

_WORSE = 0.05
"""Error by which the moving statistics must be worse, on alphas in [0, 1].

Trainings from random weights, looked at every ten or so steps from step 20 on: MODNet's demo recipe at 64 pixels (150
steps, batch 8) was worse by 0.009 at most, the tests' network (192 steps, batch 2) by 0.002. The latter with norms of
momentum 0.9999, whose statistics cannot follow, was worse by 0.10 after 44 steps."""

_TIMES_WORSE = 2.0
"""Times as large an error: a network that has learnt little is wrong by about as much either way."""

_UNLABELLED = 0.15
"""Difference that counts where no alphas tell which answer is worse; MODNet's, as above, was 0.078 at most."""

_LEFT_OVER = 0.01
"""Share that the first moving statistics may still have in those of now."""


@dataclass(frozen=True)
class Gap:
    """What was found on one batch; alphas lie in [0, 1].

    Attributes:
        difference: Mean absolute difference between the two answers.
        training: Mean absolute error with the batch's own statistics; None without alphas.
        evaluation: Mean absolute error with the moving statistics; None without alphas.
        rate: Share of a batch's statistics that a step takes over into the moving ones, of the slowest batch norm.
    """

    difference: float
    training: float | None
    evaluation: float | None
    rate: float

    @property
    def is_wide(self) -> bool:
        """Whether validation sees something else than training does.

        An answer that is another but no worse, as often in the first steps, does not count.
        """
        if self.training is None or self.evaluation is None:
            return self.difference > _UNLABELLED
        return self.evaluation > max(self.training + _WORSE, self.training * _TIMES_WORSE)

    def is_settled(self, steps: int) -> bool:
        """Whether the moving statistics have had the steps to forget what they began with."""
        return (1 - self.rate) ** steps <= _LEFT_OVER


def measure_gap(judge: Any, network: Any, image: np.ndarray, alpha: np.ndarray | None) -> Gap | None:
    """Ask a network twice about a training batch; None if no batch norm of the training takes a batch's statistics.

    Args:
        judge: Network in evaluation mode with the weights to look at; it is left as it was.
        network: The same network as it is trained; its batch norms in training mode are those to look at.
        image: (N, 3, c, c) float32, the batch.
        alpha: (N, 1, c, c) float32, its alphas; None for unlabelled pictures.
    """
    import mindspore as ms

    live = {norm.moving_mean.name for norm in _norms(network) if norm.training}
    norms = [norm for norm in _norms(judge) if norm.moving_mean.name in live]
    if not norms:
        return None
    planes = ms.Tensor(image)
    evaluated = judge(planes).asnumpy()
    with _batch_statistics(norms):
        trained = judge(planes).asnumpy()
    errors = (None, None) if alpha is None else (_apart(trained, alpha), _apart(evaluated, alpha))
    # MindSpore keeps one minus the momentum that a batch norm is made with, under that name.
    rate = min(float(getattr(norm, "momentum", 1.0)) for norm in norms)
    return Gap(_apart(trained, evaluated), *errors, rate)


def _norms(network: Any) -> list[Any]:
    return [cell for _, cell in network.cells_and_names() if hasattr(cell, "moving_mean")]


@contextmanager
def _batch_statistics(norms: list[Any]) -> Iterator[None]:
    """Let batch norms use a batch's statistics for a while; the moving ones, which that changes, are put back.

    Only the norms change: what else differs in training, dropout for one, is no matter of statistics.
    """
    from mindspore import ops

    moving = [parameter for norm in norms for parameter in (norm.moving_mean, norm.moving_variance)]
    kept = [parameter.asnumpy().copy() for parameter in moving]
    for norm in norms:
        norm.set_train(True)
    try:
        yield
    finally:
        for norm in norms:
            norm.set_train(False)
        for parameter, array in zip(moving, kept, strict=True):
            ops.assign(parameter, _tensor(array))


def _tensor(array: np.ndarray) -> Any:
    import mindspore as ms

    return ms.Tensor(array)


def _apart(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).mean())
