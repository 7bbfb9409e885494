"""Functions of two values, comparisons, choices and changes of type."""

from __future__ import annotations

import numpy as np

from zoo.export.sheet import Constant, Node, Operand, Tensor
from zoo.export.table import writes

_PLAIN = {
    "Add": "Add",
    "Sub": "Sub",
    "Mul": "Mul",
    "Div": "Div",
    "RealDiv": "Div",
    "Muls": "Mul",
    "Divs": "Div",
    "Pow": "Pow",
    "Maximum": "Max",
    "Minimum": "Min",
    "Greater": "Greater",
    "GreaterEqual": "GreaterOrEqual",
    "Less": "Less",
    "LessEqual": "LessOrEqual",
    "Equal": "Equal",
    "LessScalar": "Less",
    "EqScalar": "Equal",
    "LogicalAnd": "And",
    "LogicalOr": "Or",
}


@writes(*_PLAIN)
def plain(node: Node) -> Tensor:
    """The same operator under another name; both broadcast alike."""
    return node.result(node.sheet.add(_PLAIN[node.kind], *_both(node)))


@writes("AddExt", "SubExt")
def scaled(node: Node) -> Tensor:
    """AddExt(x, y, factor): x + factor y, of which only the factor 1 occurs."""
    if len(node.inputs) > 2 and float(node.constant(2)) != 1.0:
        raise node.refuse(f"with the factor {node.constant(2)}")
    return node.result(node.sheet.add(node.kind.removesuffix("Ext"), *_both(node)))


@writes("InplaceAddExt")
def add_in_place(node: Node) -> Tensor:
    """InplaceAddExt(x, y, factor): x += y. Nobody else may hold x, who would then see the sum."""
    if not node.alone:
        raise node.refuse("what it changes in place is used elsewhere too")
    if len(node.inputs) > 2 and float(node.constant(2)) != 1.0:
        raise node.refuse(f"with the factor {node.constant(2)}")
    return node.result(node.sheet.add("Add", *_both(node)))


@writes("NotEqual")
def not_equal(node: Node) -> Tensor:
    """NotEqual(a, b)."""
    return node.result(node.sheet.add("Not", node.sheet.add("Equal", *_both(node))))


@writes("Square")
def square(node: Node) -> Tensor:
    """Square(x)."""
    return node.result(node.sheet.add("Mul", node.name(0), node.name(0)))


@writes("Rsqrt")
def inverse_root(node: Node) -> Tensor:
    """Rsqrt(x): 1 / sqrt(x)."""
    return node.result(node.sheet.add("Reciprocal", node.sheet.add("Sqrt", node.name(0))))


@writes("SquaredDifference")
def squared_difference(node: Node) -> Tensor:
    """SquaredDifference(a, b): (a - b)^2."""
    difference = node.sheet.add("Sub", *_both(node))
    return node.result(node.sheet.add("Mul", difference, difference))


@writes("AddN")
def several(node: Node) -> Tensor:
    """AddN((a, b, ...)): their sum."""
    return node.result(node.sheet.add("Sum", *(node.named(each) for each in node.inputs[0])))


@writes("Select")
def choice(node: Node) -> Tensor:
    """Select(condition, a, b)."""
    return node.result(node.sheet.add("Where", *(node.name(number) for number in range(3))))


_TYPES = {
    **{30: 9, 32: 3, 33: 5, 34: 6, 35: 7, 37: 2, 42: 10, 43: 1, 44: 11},
    **{
        "Bool": 9,
        "Int8": 3,
        "Int16": 5,
        "Int32": 6,
        "Int64": 7,
        "UInt8": 2,
        "Float16": 10,
        "Float32": 1,
        "Float64": 11,
    },
}
"""ONNX's number of an element type by MindSpore's number (mindspore/core, ir/dtype/type_id.h) or name."""


@writes("Cast")
def cast(node: Node) -> Operand:
    """Cast(x, type)."""
    wanted = node.constant(1)
    if wanted not in _TYPES:
        raise node.refuse(f"to the type {wanted}")
    found = node.inputs[0]
    if isinstance(found, Constant):
        from onnx import helper

        kind = helper.tensor_dtype_to_np_dtype(_TYPES[wanted])
        return Constant(np.asarray(found.first, kind), np.asarray(found.second, kind))
    return node.result(node.sheet.add("Cast", node.name(0), to=_TYPES[wanted]))


def _both(node: Node) -> list[str]:
    """Both operands; a number of Python takes the type of the tensor beside it, as MindSpore has it."""
    names = []
    for found in node.inputs[:2]:
        if isinstance(found, Constant) and not found.name and np.ndim(found.first) == 0:
            found = Constant(np.float32(found.first), np.float32(found.second))
        names.append(node.named(found))
    return names
