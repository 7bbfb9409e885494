"""Norms: batch norm by its moving statistics, layer norm, instance norm in the shapes that MindSpore needs for one."""

from __future__ import annotations

import numpy as np

from zoo.export.sheet import Constant, Node, Operand, Tensor
from zoo.export.sizes import Size
from zoo.export.table import writes


@writes("BatchNorm")
def batch_norm(node: Node) -> Operand:
    """BatchNorm(x, scale, bias, mean, variance, is_training, epsilon, momentum, format), five outputs."""
    x, epsilon = node.tensor(0), float(node.constant(6))
    rest = (None,) * (len(node.shape) - 1)
    if not node.constant(5):
        names = [node.name(number) for number in range(5)]
        return (Tensor(node.sheet.add("BatchNormalization", *names, epsilon=epsilon), x.shape), *rest)
    maps = x.before
    # A batch of one whose channels are all channels of all pictures: (N, C, H, W) seen as (1, N C, H, W).
    if maps is None or len(maps.shape) != 4 or x.shape[0].constant != 1 or x.shape[2:] != maps.shape[2:]:
        raise node.refuse("it takes the statistics of the batch, so one picture's answer would depend on the others")
    found = _instance_norm(node, maps, node.inputs[1], node.inputs[2], epsilon)
    return (_as(node, found, x), *rest)


@writes("LayerNorm")
def layer_norm(node: Node) -> Operand:
    """LayerNorm(x, scale, bias, first axis of the mean, first axis of the scale, epsilon), three outputs."""
    x, epsilon = node.tensor(0), float(node.constant(5))
    rank = len(x.shape)
    first, scaled = (int(node.constant(number)) % rank for number in (3, 4))
    rest = (None,) * (len(node.shape) - 1)
    maps = x.before
    # (N, C, H, W) seen as (N C, H W, 1): the mean of a row is that of a channel of a picture.
    rows = maps is not None and len(maps.shape) == 4 and rank == 3 and first == 1 and x.shape[2].constant == 1
    if rows and maps is not None and x.shape[1] == _area(node, maps):
        found = _instance_norm(node, maps, node.inputs[1], node.inputs[2], epsilon)
        return (_as(node, found, x), *rest)
    if first == scaled:
        name = node.sheet.add(
            "LayerNormalization", x.name, node.name(1), node.name(2), axis=first - rank, epsilon=epsilon
        )
        return (Tensor(name, x.shape), *rest)
    axes = list(range(first, rank))
    centred = node.sheet.add("Sub", x.name, node.sheet.add("ReduceMean", x.name, axes=axes, keepdims=1))
    square = node.sheet.add("ReduceMean", node.sheet.add("Mul", centred, centred), axes=axes, keepdims=1)
    deviation = node.sheet.add("Sqrt", node.sheet.add("Add", square, node.sheet.array(epsilon, np.float32)))
    normal = node.sheet.add("Div", centred, deviation)
    name = node.sheet.add("Add", node.sheet.add("Mul", normal, node.name(1)), node.name(2))
    return (Tensor(name, x.shape), *rest)


@writes("GroupNorm")
def group_norm(node: Node) -> Operand:
    """GroupNorm(x, groups, scale, bias, epsilon), three outputs: instance norm of each group laid out as a channel."""
    x, groups, epsilon = node.tensor(0), int(node.constant(1)), float(node.constant(4))
    sheet = node.sheet
    flat = sheet.add("Reshape", x.name, sheet.array([0, groups, -1]))
    vectors = [sheet.array(np.full(groups, value), np.float32) for value in (1.0, 0.0)]
    normal = sheet.add("InstanceNormalization", flat, *vectors, epsilon=epsilon)
    name = sheet.add("Reshape", normal, node.shape_of(x.shape))
    for kind, number in (("Mul", 2), ("Add", 3)):
        wide = np.asarray(node.constant(number)).reshape(-1, *[1] * (len(x.shape) - 2))
        name = sheet.add(kind, name, sheet.array(wide, wide.dtype))
    return (Tensor(name, x.shape), *(None,) * (len(node.shape) - 1))


def _instance_norm(node: Node, maps: Tensor, scale: Operand, bias: Operand, epsilon: float) -> Tensor:
    """Every channel of every picture by its own statistics; scale and bias are the same number everywhere."""
    channels = maps.shape[1].constant
    if channels is None:
        raise node.refuse("the number of channels depends on the size of the input")
    vectors = [node.sheet.array(np.full(channels, _number(node, each)), np.float32) for each in (scale, bias)]
    return Tensor(node.sheet.add("InstanceNormalization", maps.name, *vectors, epsilon=epsilon), maps.shape)


def _number(node: Node, found: Operand) -> float:
    """The only value of a constant whose length may depend on the input."""
    if not isinstance(found, Constant):
        raise node.refuse("scale or bias is computed from the picture")
    values = {float(value) for each in (found.first, found.second) for value in np.unique(each)}
    if len(values) != 1:
        raise node.refuse("scale or bias is not the same for all channels of all pictures")
    return values.pop()


def _as(node: Node, maps: Tensor, x: Tensor) -> Tensor:
    """Maps in the shape of x, a reshape of them."""
    return Tensor(node.sheet.add("Reshape", maps.name, node.shape_of(x.shape)), x.shape, maps)


def _area(node: Node, maps: Tensor) -> Size:
    """Height times width."""
    high, wide = maps.shape[2:]
    return node.size(high.first * wide.first, high.second * wide.second)
