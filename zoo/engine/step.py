"""One compiled training step: loss, gradients and update in a single graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any


def compile_step(
    objective: Any, optimizer: Any, labelled: bool, has_terms: bool = True
) -> Callable[..., tuple[float, list[float]]]:
    """The training step of an objective.

    Eager steps cost half again as much processor time, so the whole step is one graph. It is compiled at its
    first call, for one shape: batch and crop size must not change.

    Args:
        objective: Cell whose ``construct(image, alpha, trimap)`` gives ``(loss, *terms)``.
        optimizer: MindSpore optimizer of the parameters to train.
        labelled: Whether batches carry alphas; without, the objective is given None for alpha and trimap.
        has_terms: Whether the objective gives terms behind its loss.

    Returns:
        ``step(image, alpha, trimap) -> (loss, [terms])`` on NumPy arrays.
    """
    import mindspore as ms

    def loss_alone(image: Any, alpha: Any, trimap: Any) -> Any:
        return objective(image, alpha, trimap)[0]

    forward = objective if has_terms else loss_alone
    gradients = ms.value_and_grad(forward, None, optimizer.parameters, has_aux=has_terms)

    def with_alpha(image: Any, alpha: Any, trimap: Any) -> Any:
        values, grads = gradients(image, alpha, trimap)
        optimizer(grads)
        return values

    def without_alpha(image: Any) -> Any:
        values, grads = gradients(image, None, None)
        optimizer(grads)
        return values

    graph = ms.jit(with_alpha if labelled else without_alpha)

    def step(image: Any, alpha: Any = None, trimap: Any = None) -> tuple[float, list[float]]:
        arrays = (image, alpha, trimap) if labelled else (image,)
        loss, *terms = _flat(graph(*(ms.Tensor(a) for a in arrays)))
        return loss, terms

    return step


def _flat(values: Any) -> list[float]:
    if isinstance(values, Sequence) and not hasattr(values, "asnumpy"):
        return [number for value in values for number in _flat(value)]
    return [float(values.asnumpy())]
