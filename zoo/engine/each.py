"""One operation on each tensor of a long tuple, for use inside a compiled graph.

A Python loop over the hundreds of gradients of a network takes a minute to compile, MindSpore's HyperMap less than a
second: it compiles the operation once and applies it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any


def _on_each(function: Callable[..., Any], tensors: int) -> Any:
    """The operation as a graph knows it, of so many tensors."""
    from mindspore import ops

    graph = ops.MultitypeFuncGraph(f"zoo_{function.__name__}")
    graph.register(*["Tensor"] * tensors)(function)
    return graph


@cache
def scaled() -> Callable[[Any, Any], Any]:
    """``scaled()(tensors, factor)``: each tensor times a factor, a tuple of tensors."""
    from mindspore import ops

    def scale(factor, tensor):  # type: ignore[no-untyped-def]
        return tensor * factor

    each, run = _on_each(scale, 2), ops.HyperMap()

    def apply(tensors: Any, factor: Any) -> Any:
        return run(ops.partial(each, factor), tensors)

    return apply


@cache
def added() -> Callable[[Any, Any], Any]:
    """``added()(totals, tensors)``: adds each tensor to the parameter in its place."""
    from mindspore import ops

    def add(total, tensor):  # type: ignore[no-untyped-def]
        return ops.assign_add(total, tensor.astype(total.dtype))

    each, run = _on_each(add, 2), ops.HyperMap()

    def apply(totals: Any, tensors: Any) -> Any:
        return run(each, totals, tensors)

    return apply


@cache
def assigned() -> Callable[[Any, Any], Any]:
    """``assigned()(parameters, tensors)``: puts each tensor into the parameter in its place."""
    from mindspore import ops

    def put(parameter, tensor):  # type: ignore[no-untyped-def]
        return ops.assign(parameter, tensor)

    each, run = _on_each(put, 2), ops.HyperMap()

    def apply(parameters: Any, tensors: Any) -> Any:
        return run(each, parameters, tensors)

    return apply


@cache
def zeros() -> Callable[[Any], Any]:
    """``zeros()(tensors)``: as many tensors of the same shapes, all 0, whatever was in them."""
    from mindspore import ops

    def zero(tensor):  # type: ignore[no-untyped-def]
        return ops.zeros_like(tensor)

    each, run = _on_each(zero, 1), ops.HyperMap()

    def apply(tensors: Any) -> Any:
        return run(each, tensors)

    return apply


@cache
def blended() -> Callable[[Any, Any, Any], Any]:
    """``blended()(averages, tensors, kept)``: each average becomes ``average * kept + tensor * (1 - kept)``."""
    from mindspore import ops

    def blend(kept, average, tensor):  # type: ignore[no-untyped-def]
        return ops.assign(average, average * kept + tensor * (1 - kept))

    each, run = _on_each(blend, 3), ops.HyperMap()

    def apply(averages: Any, tensors: Any, kept: Any) -> Any:
        return run(ops.partial(each, kept), averages, tensors)

    return apply


@cache
def euclidean() -> Callable[[Any], Any]:
    """``euclidean()(tensors)``: the norm of all tensors together, a scalar."""
    from mindspore import ops

    def squared(tensor):  # type: ignore[no-untyped-def]
        return ops.square(tensor).sum()

    each, run = _on_each(squared, 1), ops.HyperMap()

    def apply(tensors: Any) -> Any:
        return ops.sqrt(ops.addn(run(each, tensors)))

    return apply
