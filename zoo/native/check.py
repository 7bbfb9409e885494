"""Whether native operators say what MindSpore's own say, looked at once for each library."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from zoo.files import write_text
from zoo.native.build import UnavailableError
from zoo.native.ops import Operators, geometry, settings

TOLERANCE = 2e-5
"""Greatest difference, as a part of the greatest value; rounding alone is below 2e-6 at these sizes."""

# Channels in and out, kernel, stride, padding, dilation, groups: every kind of kernel that is chosen separately.
_CONVOLUTIONS = (
    (16, 32, 3, 1, 1, 1, 1),
    (35, 16, 3, 2, 1, 1, 1),
    (3, 8, 5, 2, 2, 1, 1),
    (16, 32, 1, 1, 0, 1, 1),
    (16, 16, 3, 1, 1, 1, 16),
    (16, 16, 3, 2, 1, 1, 16),
    (8, 8, 3, 1, 2, 2, 1),
    (8, 16, 3, 1, 1, 1, 4),
)


def require_right(operators: Operators, library: Path) -> None:
    """Compare the operators with MindSpore's, unless that was done for this library on this processor.

    Args:
        operators: Those of the library.
        library: Its path; the verdict is kept beside it.

    Raises:
        UnavailableError: Something differs or fails; that is what the verdict says from then on.
    """
    verdict = library.with_name("verdict.json")
    key = _processor()
    known = json.loads(verdict.read_text()) if verdict.is_file() else {}
    if key not in known:
        known[key] = first_difference(operators)
        with suppress(OSError):  # a cache folder that may only be read: it is looked at again next time
            write_text(verdict, json.dumps(known, indent=2) + "\n")
    if known[key] is not None:
        raise UnavailableError(f"they do not agree with MindSpore's: {known[key]}; {verdict} keeps that")


def first_difference(operators: Operators) -> str | None:
    """The first thing that native operators say otherwise than MindSpore's; None if there is nothing."""
    try:
        for name, ours, theirs in _comparisons(operators):
            difference = np.abs(ours - theirs).max() / np.abs(theirs).max()
            if not difference <= TOLERANCE:
                return f"{name} by {difference:.1e}"
    except Exception as error:  # whatever a library that does not fit makes of it
        return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no message'}"
    return None


def _processor() -> str:
    from zoo.engine import device

    return f"{device.describe()['processor']}, {device.describe()['threads']} threads"


def _comparisons(operators: Operators) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """What is compared: name, native value, MindSpore's value."""
    import mindspore as ms
    from mindspore import ops

    random = np.random.default_rng(0)

    def drawn(*shape: int) -> Any:
        return ms.Tensor(random.normal(0.3, 1.0, shape).astype(np.float32))

    for inputs, outputs, kernel, stride, padding, dilation, groups in _CONVOLUTIONS:
        shape = geometry((stride,) * 2, (padding,) * 4, (dilation,) * 2)
        plain = ops.Conv2D(outputs, kernel, 1, "pad", padding, stride, dilation, groups)
        given = (drawn(2, inputs, 12, 10), drawn(outputs, inputs // groups, kernel, kernel), drawn(outputs))
        name = f"convolution {kernel}x{kernel} of {inputs} channels, stride {stride}, groups {groups}"
        yield from _both(name, _bound(operators.convolution, shape), plain, given[:2], drawn)
        yield from _both(f"{name}, bias", _bound(operators.convolution_bias, shape), _biased(plain), given, drawn)
    for activation, after in (("none", None), ("relu", ops.ReLU()), ("relu6", ops.ReLU6())):
        yield from _norm(operators, activation, after, drawn)


def _bound(function: Callable[..., Any], geometry: tuple[Any, ...]) -> Callable[..., Any]:
    return lambda *tensors: function(*tensors, *geometry)


def _biased(plain: Callable[..., Any]) -> Callable[..., Any]:
    from mindspore import ops

    add = ops.BiasAdd()
    return lambda x, weight, bias: add(plain(x, weight), bias)


def _norm(
    operators: Operators, activation: str, after: Any, drawn: Callable[..., Any]
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    import mindspore as ms
    from mindspore import nn

    given = (drawn(3, 5, 9, 40), drawn(5), drawn(5))
    theirs = nn.BatchNorm2d(5, eps=1e-3, momentum=0.8).set_train()
    mean, variance = (p.asnumpy().copy() for p in (theirs.moving_mean, theirs.moving_variance))
    told = settings(1e-3, 0.2, activation)

    def ours(x: Any, gamma: Any, beta: Any) -> Any:
        return operators.norm(x, gamma, beta, ms.Tensor(mean), ms.Tensor(variance), told)[0]

    def plain(x: Any, gamma: Any, beta: Any) -> Any:
        y = theirs.bn_train(x, gamma, beta, theirs.moving_mean, theirs.moving_variance)[0]
        return y if after is None else after(y)

    name = f"batch norm, activation {activation}"
    moving = operators.norm(*given, ms.Tensor(mean), ms.Tensor(variance), told)[3:]
    plain(*given)
    yield f"{name}, moving mean", moving[0].asnumpy(), theirs.moving_mean.asnumpy()
    yield f"{name}, moving variance", moving[1].asnumpy(), theirs.moving_variance.asnumpy()
    yield from _both(name, ours, plain, given, drawn)


def _both(
    name: str, ours: Callable[..., Any], theirs: Callable[..., Any], given: tuple[Any, ...], drawn: Callable[..., Any]
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Value and gradients of all inputs, towards a drawn gradient of the output."""
    import mindspore as ms

    weight = drawn(*theirs(*given).shape)

    def values(function: Callable[..., Any]) -> list[np.ndarray]:
        def loss(*tensors: Any) -> Any:
            y = function(*tensors)
            return (y * weight).sum(), y

        (_, y), gradients = ms.value_and_grad(loss, tuple(range(len(given))), has_aux=True)(*given)
        return [y.asnumpy(), *(gradient.asnumpy() for gradient in gradients)]

    parts = ("value", *(f"gradient {index + 1}" for index in range(len(given))))
    for part, one, other in zip(parts, values(ours), values(theirs), strict=True):
        yield f"{name}, {part}", one, other
