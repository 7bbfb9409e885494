"""The native operators as MindSpore calls them, with their gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Operators:
    """Functions for a graph; every tensor is float32, pictures are (N, C, H, W).

    Attributes:
        convolution: ``(x, weight, *geometry) -> y``; see `geometry`.
        convolution_bias: ``(x, weight, bias, *geometry) -> y``.
        norm: ``(x, gamma, beta, moving_mean, moving_variance, settings) -> (y, mean, scale, next moving_mean,
            next moving_variance)``: batch norm in training mode, scale being 1 / sqrt(variance + eps); see `settings`.
    """

    convolution: Callable[..., Any]
    convolution_bias: Callable[..., Any]
    norm: Callable[..., Any]


ACTIVATIONS = {"none": 0, "relu": 1, "relu6": 2}
"""What a norm may do to its output, as ``settings`` numbers it."""


def geometry(stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int]) -> tuple[Any, ...]:
    """A convolution's geometry as four small tensors, whose shapes tell it.

    MindSpore asks a function for the shape of a custom operator's output and tells it the shapes of the inputs, no
    values and no attributes.

    Args:
        stride: Along height and width.
        padding: Above, below, left, right.
        dilation: Along height and width; 1 is none.
    """
    import mindspore as ms
    import numpy as np

    above, below, left, right = padding
    shapes = (tuple(stride), (1 + above, 1 + below), (1 + left, 1 + right), tuple(dilation))
    return tuple(ms.Tensor(np.zeros(shape, np.float32)) for shape in shapes)


def settings(eps: float, share: float, activation: str = "none") -> Any:
    """A norm's settings as one tensor.

    Args:
        eps: Added to the variance.
        share: Of the new statistics in the moving ones; 0 leaves them.
        activation: A key of `ACTIVATIONS`.
    """
    import mindspore as ms

    return ms.Tensor([eps, share, ACTIVATIONS[activation]], ms.float32)


def operators(library: Path) -> Operators:
    """The operators of a library that `zoo.native.build` made and opened."""
    from mindspore import ops

    def custom(name: str, shape: Any, dtype: Any, bprop: Any = None) -> Any:
        return ops.Custom(f"{library}:{name}", shape, dtype, "aot", bprop=bprop)

    gradients = custom("zoo_convolution_gradients", _second_and_third, _second_and_third)
    bias_gradients = custom("zoo_convolution_bias_gradients", _second_to_fourth, _second_to_fourth)
    norm_gradients = custom("zoo_norm_gradients", _second_to_fourth, _second_to_fourth)
    zeros = ops.zeros_like

    def convolution(x, weight, stride, rows, columns, dilation, out, dout):  # type: ignore[no-untyped-def]
        dx, dw = gradients(dout, x, weight, stride, rows, columns, dilation)
        return dx, dw, zeros(stride), zeros(rows), zeros(columns), zeros(dilation)

    def convolution_bias(x, weight, bias, stride, rows, columns, dilation, out, dout):  # type: ignore[no-untyped-def]
        dx, dw, db = bias_gradients(dout, x, weight, bias, stride, rows, columns, dilation)
        return dx, dw, db, zeros(stride), zeros(rows), zeros(columns), zeros(dilation)

    def norm(x, gamma, beta, mean, variance, settings, out, dout):  # type: ignore[no-untyped-def]
        dx, dgamma, dbeta = norm_gradients(dout[0], x, gamma, beta, out[1], out[2], settings)
        return dx, dgamma, dbeta, zeros(mean), zeros(variance), zeros(settings)

    return Operators(
        convolution=custom("zoo_convolution", _convolution_shape, _first, convolution),
        convolution_bias=custom("zoo_convolution_bias", _convolution_bias_shape, _first, convolution_bias),
        norm=custom("zoo_norm", _norm_shapes, _norm_shapes, norm),
    )


# Shapes, and dtypes, of outputs from those of the inputs.


def _first(x: Any, *_: Any) -> Any:
    return x


def _second_and_third(_: Any, second: Any, third: Any, *rest: Any) -> Any:
    return second, third


def _second_to_fourth(_: Any, second: Any, third: Any, fourth: Any, *rest: Any) -> Any:
    return second, third, fourth


def _norm_shapes(x: Any, gamma: Any, *_: Any) -> Any:
    return x, gamma, gamma, gamma, gamma


def _convolution_bias_shape(x: Any, weight: Any, bias: Any, *geometry: Any) -> Any:
    return _convolution_shape(x, weight, *geometry)


def _convolution_shape(x: Any, weight: Any, stride: Any, rows: Any, columns: Any, dilation: Any) -> Any:
    height = _outputs(x[2], weight[2], stride[0], rows, dilation[0])
    return [x[0], weight[0], height, _outputs(x[3], weight[3], stride[1], columns, dilation[1])]


def _outputs(size: int, kernel: int, stride: int, padding: Sequence[int], dilation: int) -> int:
    return (size + padding[0] + padding[1] - 2 - dilation * (kernel - 1) - 1) // stride + 1
