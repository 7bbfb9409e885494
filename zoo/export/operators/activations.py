"""Functions of one value, and softmax."""

from __future__ import annotations

import math

import numpy as np

from zoo.export.sheet import Constant, Node, Tensor
from zoo.export.table import writes

_PLAIN = {
    "ReLU": "Relu",
    "Sigmoid": "Sigmoid",
    "Tanh": "Tanh",
    "Softplus": "Softplus",
    "Softsign": "Softsign",
    "Exp": "Exp",
    "Log": "Log",
    "Sqrt": "Sqrt",
    "Neg": "Neg",
    "Abs": "Abs",
    "Erf": "Erf",
    "Floor": "Floor",
    "Ceil": "Ceil",
    "Reciprocal": "Reciprocal",
    "LogicalNot": "Not",
    "Sign": "Sign",
    "HSwish": "HardSwish",
}


@writes(*_PLAIN)
def plain(node: Node) -> Tensor:
    """The same operator under another name."""
    return node.result(node.sheet.add(_PLAIN[node.kind], node.name(0)))


@writes("TensorMove")
def same(node: Node) -> Tensor:
    """A copy, which MindSpore makes before it changes something in place."""
    return node.tensor(0)


@writes("ReLU6")
def relu6(node: Node) -> Tensor:
    """ReLU6(x): x cut to [0, 6]."""
    return node.result(_clip(node, node.name(0), 0.0, 6.0))


@writes("HSigmoid")
def hard_sigmoid(node: Node) -> Tensor:
    """HSigmoid(x): x / 6 + 1/2 cut to [0, 1]."""
    return node.result(node.sheet.add("HardSigmoid", node.name(0), alpha=1.0 / 6.0, beta=0.5))


@writes("Elu")
def elu(node: Node) -> Tensor:
    """Elu(x, alpha)."""
    return node.result(node.sheet.add("Elu", node.name(0), alpha=float(node.constant(1))))


@writes("PReLU")
def prelu(node: Node) -> Tensor:
    """PReLU(x, slope of each channel)."""
    rank = len(node.tensor(0).shape)
    slope = np.asarray(node.constant(1)).reshape(-1, *[1] * (rank - 2))
    return node.result(node.sheet.add("PRelu", node.name(0), node.sheet.array(slope, slope.dtype)))


@writes("SiLU")
def silu(node: Node) -> Tensor:
    """SiLU(x): x times its sigmoid."""
    return node.result(node.sheet.add("Mul", node.name(0), node.sheet.add("Sigmoid", node.name(0))))


@writes("Mish")
def mish(node: Node) -> Tensor:
    """Mish(x): x times the tanh of its softplus."""
    inner = node.sheet.add("Tanh", node.sheet.add("Softplus", node.name(0)))
    return node.result(node.sheet.add("Mul", node.name(0), inner))


@writes("GeLU")
def gelu_tanh(node: Node) -> Tensor:
    """GeLU(x): MindSpore's operator is the approximation by tanh.

    x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3)))
    """
    sheet, x = node.sheet, node.name(0)
    cube = sheet.add("Mul", sheet.add("Mul", x, x), x)
    inner = sheet.add("Add", x, sheet.add("Mul", cube, _number(node, 0.044715)))
    bent = sheet.add("Tanh", sheet.add("Mul", inner, _number(node, math.sqrt(2 / math.pi))))
    half = sheet.add("Mul", x, _number(node, 0.5))
    return node.result(sheet.add("Mul", half, sheet.add("Add", bent, _number(node, 1.0))))


@writes("Softmax", "LogSoftmax")
def softmax(node: Node) -> Tensor:
    """Softmax(x, axis) or axis as an attribute, alone or in a tuple."""
    axis = node.constant(1) if len(node.inputs) > 1 else node.attributes["axis"]
    axes = axis if isinstance(axis, tuple) else (axis,)
    if len(axes) != 1:
        raise node.refuse(f"over several axes, {axes}")
    return node.result(node.sheet.add(node.kind, node.name(0), axis=int(axes[0])))


@writes("ClampScalar")
def clip(node: Node) -> Tensor:
    """ClampScalar(x, low or None, high or None)."""
    low, high = (None if _absent(node, number) else float(node.constant(number)) for number in (1, 2))
    return node.result(_clip(node, node.name(0), low, high))


def _absent(node: Node, number: int) -> bool:
    found = node.inputs[number]
    return isinstance(found, Constant) and found.first is None and found.second is None


def _clip(node: Node, name: str, low: float | None, high: float | None) -> str:
    bounds = ["" if bound is None else _number(node, bound) for bound in (low, high)]
    return node.sheet.add("Clip", name, *bounds)


def _number(node: Node, value: float) -> str:
    return node.sheet.array(value, np.float32)
