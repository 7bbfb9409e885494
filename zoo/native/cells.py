"""Layers of a network that calculate natively, with the parameters they have.

A layer stays the object it is and only changes its class: whatever holds it (attributes, lists, tuples of lists) goes
on to hold it, and its parameters keep names and values, so that checkpoints fit either way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from zoo.native.ops import Operators, geometry, settings


@dataclass(frozen=True)
class Exchanged:
    """How many layers of a network calculate natively.

    Attributes:
        convolutions: ``nn.Conv2d``.
        norms: ``nn.BatchNorm2d``.
        activations: ReLU and ReLU6 that became part of the norm before them.
        columns: ``ops.BatchNorm`` with momentum 0, which networks normalise single pictures with.
    """

    convolutions: int = 0
    norms: int = 0
    activations: int = 0
    columns: int = 0

    def __str__(self) -> str:
        kinds = {"convolutions": self.convolutions, "batch norms": self.norms, "instance norms": self.columns}
        text = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count) or "no layer that has one"
        return f"{text}, {self.activations} activations within norms" if self.activations else text


def exchange(network: Any, operators: Operators) -> Exchanged:
    """Let the layers of a network calculate natively where the operators do what the layer does.

    These are ``nn.Conv2d`` of any stride, padding, dilation and groups, but for padding "same" with strides, which
    depends on the picture; ``nn.BatchNorm2d`` in training mode; both in float32 and NCHW. In an ``nn.SequentialCell``
    a ReLU or ReLU6 right behind a norm becomes part of it. Subclasses have ideas of their own and stay as they are.

    Args:
        network: Cell; it has not been compiled yet.
        operators: What `zoo.native.ops.operators` gave.
    """
    from mindspore import nn

    cells = [cell for _, cell in network.cells_and_names()]
    convolutions = sum(_convolve(cell, operators) for cell in cells if type(cell) is nn.Conv2d)
    norms = sum(_normalise(cell, operators) for cell in cells if type(cell) is nn.BatchNorm2d)
    columns = sum(_columns(cell, operators) for cell in cells)
    activations = sum(_fuse(cell) for cell in cells if type(cell) is nn.SequentialCell)
    return Exchanged(convolutions, norms, activations, columns)


def _convolve(cell: Any, operators: Operators) -> bool:
    import mindspore as ms

    padding = _padding(cell)
    if padding is None or cell.data_format != "NCHW" or cell.weight.dtype != ms.float32:
        return False
    cell.geometry = geometry(cell.stride, padding, cell.dilation)
    cell.native = operators.convolution_bias if cell.has_bias else operators.convolution
    cell.__class__ = _convolution_class()
    return True


def _padding(cell: Any) -> tuple[int, ...] | None:
    """Padding above, below, left, right; None where it depends on the picture."""
    if cell.pad_mode == "valid":
        return 0, 0, 0, 0
    if cell.pad_mode == "pad":
        return (cell.padding,) * 4 if isinstance(cell.padding, int) else tuple(cell.padding)
    if tuple(cell.stride) != (1, 1):
        return None
    # As much as the kernel takes away, the odd pixel below and right.
    rows, columns = (d * (k - 1) for k, d in zip(cell.kernel_size, cell.dilation, strict=True))
    return rows // 2, rows - rows // 2, columns // 2, columns - columns // 2


def _normalise(cell: Any, operators: Operators) -> bool:
    import mindspore as ms

    if cell.format != "NCHW" or cell.gamma.dtype != ms.float32:
        return False
    # `momentum` is the share of the new value here: `nn.BatchNorm2d` keeps 1 minus what it was given.
    cell.settings = settings(cell.eps, cell.momentum)
    cell.native = operators.norm
    cell.__class__ = _norm_class()
    return True


def _columns(cell: Any, operators: Operators) -> int:
    """Exchange the operators that take each channel of each picture for a channel of one picture.

    With momentum 0 nobody reads the statistics that such a norm leaves, so that it is a function and nothing else.
    """
    from mindspore import ops

    found = {name: held for name, held in vars(cell).items() if type(held) is ops.BatchNorm}
    found = {name: held for name, held in found.items() if held.is_training and held.momentum == 0.0}
    for name, held in found.items():
        delattr(cell, name)  # a cell of the same name would be hidden by it
        setattr(cell, name, _column_cell(operators, float(held.epsilon)))
    return len(found)


def _fuse(sequence: Any) -> int:
    """Join norms and the activations behind them, for the calls of the whole sequence only.

    What a sequence runs is a list of its own; picked out one by one, its cells are what they were.
    """
    from mindspore import nn

    kinds = {nn.ReLU: "relu", nn.ReLU6: "relu6"}
    joined: list[Any] = []
    for cell in sequence.cell_list:
        if joined and type(joined[-1]) is _norm_class() and type(cell) in kinds:
            joined[-1] = _fused_class()(joined[-1], cell, kinds[type(cell)])
        else:
            joined.append(cell)
    count = len(sequence.cell_list) - len(joined)
    if count:
        sequence.cell_list = joined
    return count


@cache
def _convolution_class() -> type:
    from mindspore import nn

    class NativeConv2d(nn.Conv2d):
        def construct(self, x):  # type: ignore[no-untyped-def]
            if self.has_bias:
                return self.native(x, self.weight, self.bias, *self.geometry)
            return self.native(x, self.weight, *self.geometry)

    return NativeConv2d


@cache
def _norm_class() -> type:
    from mindspore import nn, ops

    class NativeBatchNorm2d(nn.BatchNorm2d):
        def construct(self, x):  # type: ignore[no-untyped-def]
            if not self.uses_batch():
                return self.bn_infer(x, self.gamma, self.beta, self.moving_mean, self.moving_variance)[0]
            return self.normalised(x, self.settings)

        def uses_batch(self):  # type: ignore[no-untyped-def]
            return self.training if self.use_batch_statistics is None else self.use_batch_statistics

        def normalised(self, x, settings):  # type: ignore[no-untyped-def]
            found = self.native(x, self.gamma, self.beta, self.moving_mean, self.moving_variance, settings)
            ops.assign(self.moving_mean, found[3])
            ops.assign(self.moving_variance, found[4])
            return found[0]

    return NativeBatchNorm2d


@cache
def _fused_class() -> Callable[[Any, Any, str], Any]:
    from mindspore import nn

    class NormAndActivation(nn.Cell):
        def __init__(self, norm: Any, activation: Any, kind: str) -> None:
            super().__init__(auto_prefix=False)  # the norm's parameters keep their names
            self.norm, self.activation = norm, activation
            self.settings = settings(norm.eps, norm.momentum, kind)

        def construct(self, x):  # type: ignore[no-untyped-def]
            if not self.norm.uses_batch():
                return self.activation(self.norm(x))
            return self.norm.normalised(x, self.settings)

    return NormAndActivation


def _column_cell(operators: Operators, eps: float) -> Any:
    from mindspore import nn

    class Columns(nn.Cell):
        """Stands for ``ops.BatchNorm(is_training=True, momentum=0.0)``."""

        def __init__(self) -> None:
            super().__init__(auto_prefix=False)
            self.native, self.settings = operators.norm, settings(eps, 0.0)

        def construct(self, x, gamma, beta, mean, variance):  # type: ignore[no-untyped-def]
            return self.native(x, gamma, beta, mean, variance, self.settings)

    return Columns()
