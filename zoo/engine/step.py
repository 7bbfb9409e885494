"""One optimizer step, compiled: loss, gradients and update.

Eager steps cost half again as much processor time, so a step is one graph, compiled at its first call for one shape:
batch and crop size must not change. Where gradients are collected before the update, over several batches or because
they may overflow in mixed precision, it is several graphs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from zoo.config import TrainConfig
from zoo.data.loader import Batch
from zoo.engine.dropout import Noise
from zoo.engine.each import added, assigned, euclidean, scaled, zeros
from zoo.engine.optimizer import decoupled_decay
from zoo.engine.precision import LossScale
from zoo.engine.trim import trim
from zoo.engine.waiting import at_the_end

if TYPE_CHECKING:
    from zoo.engine.group import Group

_TINY = 1e-6
"""Added to the norm of the gradients before dividing by it."""


class Step(Protocol):
    """What `compile_step` gives.

    Attributes:
        scale: Factor of the loss while gradients are taken.
        skipped: Steps so far that made no update, because a gradient overflowed in mixed precision.
    """

    scale: LossScale
    skipped: int

    def __call__(self, batches: Sequence[Batch], first: int = 0) -> tuple[float, list[float]]:
        """Do a step.

        Args:
            batches: ``train.accumulate`` of them.
            first: Number of the first of them in the run, from 0.

        Returns:
            Loss and terms, the means over the batches of this process.
        """


def compile_step(objective: Any, optimizer: Any, config: TrainConfig, group: Group, noise: Noise) -> Step:
    """The training step of an objective.

    Args:
        objective: Cell whose ``construct(image, alpha, trimap)`` gives ``(loss, *terms)``.
        optimizer: MindSpore optimizer of the parameters to train.
        config: ``accumulate``, ``clip_norm``, ``weight_decay`` and ``amp`` are read.
        group: The processes whose gradients are averaged.
        noise: The dropouts of the network.
    """
    scale = LossScale(config)
    kind = _Whole if config.accumulate == 1 and not scale.active else _Collected
    return kind(objective, optimizer, config, group, noise, scale)


class _Whole:
    """A step in one graph."""

    def __init__(
        self, objective: Any, optimizer: Any, config: TrainConfig, group: Group, noise: Noise, scale: LossScale
    ) -> None:
        import mindspore as ms
        from mindspore import ops

        self.scale, self.skipped, self._noise, self._compiled = scale, 0, noise, False
        gradients, apply = _gradients(objective, optimizer), _apply(optimizer, config)
        average, most, times, norm = group.average, config.clip_norm, scaled(), euclidean()
        wait = at_the_end()

        def step(scale: Any, image: Any, alpha: Any, trimap: Any) -> Any:
            values, found = gradients(scale, image, alpha, trimap)
            found = average(found)
            if most is not None:
                found = times(found, ops.minimum(most / (norm(found) + _TINY), 1.0))
            return (wait(values[0], apply(found)), *values[1:])

        self._step = ms.jit(step)

    def __call__(self, batches: Sequence[Batch], first: int = 0) -> tuple[float, list[float]]:
        self._noise.at(first)
        found = self._step(*_inputs(batches[0], 1.0))
        if not self._compiled:  # and runs for the first time now, beside this thread
            trim()
            self._compiled = True
        loss, *terms = _numbers(found)
        return loss, terms


class _Collected:
    """A step whose gradients are added up first and looked at before they are used."""

    def __init__(
        self, objective: Any, optimizer: Any, config: TrainConfig, group: Group, noise: Noise, scale: LossScale
    ) -> None:
        import mindspore as ms
        from mindspore import ops

        self.scale, self.skipped, self._noise, self._most = scale, 0, noise, config.clip_norm
        gradients, apply, average = _gradients(objective, optimizer), _apply(optimizer, config), group.average
        times, add, put, norm, nothing = scaled(), added(), assigned(), euclidean(), zeros()
        sums = ms.ParameterTuple(
            ms.Parameter(ops.zeros(p.shape, ms.float32), name=f"gradient.{p.name}", requires_grad=False)
            for p in optimizer.parameters
        )

        def collect(scale: Any, image: Any, alpha: Any, trimap: Any) -> Any:
            values, found = gradients(scale, image, alpha, trimap)
            add(sums, found)
            return values

        def close(share: Any) -> Any:
            means = average(times(sums, share))
            put(sums, means)
            return norm(means)

        def update(factor: Any) -> Any:
            apply(times(sums, factor))
            return factor

        def clear(done: Any) -> Any:
            put(sums, nothing(sums))
            return done

        self._collect, self._close, self._update, self._clear = (ms.jit(f) for f in (collect, close, update, clear))

    def __call__(self, batches: Sequence[Batch], first: int = 0) -> tuple[float, list[float]]:
        found = []
        for number, batch in enumerate(batches, first):
            self._noise.at(number)
            found.append(_numbers(self._collect(*_inputs(batch, self.scale.value))))
        norm = float(self._close(_scalar(1 / (self.scale.value * len(batches)))).asnumpy())
        finite = math.isfinite(norm)
        # Without mixed precision nothing is skipped: what is wrong then is wrong for good, and the loss will show it.
        if finite or not self.scale.active:
            self._update(_scalar(1.0 if self._most is None else min(1.0, self._most / (norm + _TINY))))
        else:
            self.skipped += 1
        self._clear(_scalar(0.0))
        self.scale.count(finite)
        loss, *terms = (sum(values) / len(found) for values in zip(*found, strict=True))
        return loss, terms


def _gradients(objective: Any, optimizer: Any) -> Callable[..., Any]:
    """``gradients(scale, image, alpha, trimap) -> ((loss, *terms), gradients of scale * loss)``, for a graph."""
    import mindspore as ms

    def forward(scale: Any, image: Any, alpha: Any, trimap: Any) -> Any:
        found = objective(image, alpha, trimap)
        return (found[0] * scale, *found)

    taken = ms.value_and_grad(forward, None, optimizer.parameters, has_aux=True)

    def gradients(scale: Any, image: Any, alpha: Any, trimap: Any) -> Any:
        values, found = taken(scale, image, alpha, trimap)
        return values[1:], found

    return gradients


def _apply(optimizer: Any, config: TrainConfig) -> Callable[[Any], Any]:
    """The update, for a graph; what it gives is there when the update is done."""
    decay = decoupled_decay(config, optimizer)

    def apply(found: Any) -> Any:
        if decay is not None:
            decay()
        return optimizer(found)

    return apply


def _inputs(batch: Batch, scale: float) -> tuple[Any, ...]:
    import mindspore as ms

    arrays = (batch.image, batch.alpha, batch.trimap)
    return (_scalar(scale), *(None if array is None else ms.Tensor(array) for array in arrays))


def _scalar(value: float) -> Any:
    import mindspore as ms

    return ms.Tensor(value, ms.float32)


def _numbers(values: Any) -> list[float]:
    if isinstance(values, Sequence) and not hasattr(values, "asnumpy"):
        return [number for value in values for number in _numbers(value)]
    return [float(values.asnumpy())]
