"""Averaged weights: what a training has been like of late, often better than where it stands (Polyak averaging)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from zoo.engine.each import blended


class Average:
    """An exponential moving average of a network's parameters, the moving statistics of its norms among them.

    Args:
        network: The network that is trained, with the weights the training begins with.
        decay: Share of the average that each step keeps. The first steps keep less, ``(1 + step) / (10 + step)``, so
            that a short training is not judged by its random start (as TensorFlow's ``ExponentialMovingAverage``).
    """

    def __init__(self, network: Any, decay: float) -> None:
        import mindspore as ms

        self._decay = decay
        followed = [p for p in network.get_parameters() if p.dtype in (ms.float32, ms.float16)]  # counters have no mean
        # A copy, as what `asnumpy` gives shares the parameter's memory.
        self.parameters = {
            p.name: ms.Parameter(ms.Tensor(p.asnumpy().copy()), name=f"ema.{p.name}", requires_grad=False)
            for p in followed
        }
        averages, weights, blend = ms.ParameterTuple(self.parameters.values()), ms.ParameterTuple(followed), blended()

        def follow(kept: Any) -> Any:
            blend(averages, weights, kept)
            return kept

        self._follow = ms.jit(follow)

    def update(self, step: int) -> None:
        """Take in the weights after a step, counted from 1."""
        import mindspore as ms

        self._follow(ms.Tensor(min(self._decay, (1 + step) / (10 + step)), ms.float32))

    def arrays(self) -> Mapping[str, np.ndarray]:
        """The averaged parameters under the network's names; any that is no float is left out."""
        return {name: average.asnumpy() for name, average in self.parameters.items()}
