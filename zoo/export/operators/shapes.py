"""What moves values without changing them: reshape, transpose, slices, concatenation, padding, broadcasting."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zoo.export.sheet import Constant, Node, Operand, Sizes, Tensor
from zoo.export.sizes import Size
from zoo.export.table import writes

_END = 2**63 - 1
"""As the end of a slice: to the end of the axis (ONNX, Slice)."""


@writes("Reshape")
def reshape(node: Node) -> Operand:
    """Reshape(x, shape); -1 takes what is left."""
    found = node.inputs[0]
    if isinstance(found, Constant):
        return _reshaped_constant(node, found)
    x = node.tensor(0)
    return reshaped(node, x, node.shape)


@writes("ExpandDims", "ExpandDimsView", "Squeeze", "Flatten", "FlattenExt")
def other_axes(node: Node) -> Operand:
    """Operators that only add or drop axes of length one, or join axes: reshapes to the shape of their output."""
    found = node.inputs[0]
    if isinstance(found, Constant):
        return _reshaped_constant(node, found)
    return reshaped(node, node.tensor(0), node.shape)


def reshaped(node: Node, x: Tensor, shape: Sizes) -> Tensor:
    """A tensor in another shape; reshaping back gives the tensor itself."""
    if shape == x.shape:
        return x
    source = x.before or x
    if shape == source.shape:
        return source
    return Tensor(node.sheet.add("Reshape", x.name, _target(node, x, shape)), shape, source)


def _target(node: Node, x: Tensor, shape: Sizes) -> str:
    """The target of ONNX's Reshape: 0 copies the input's axis of the same number, -1 takes what is left."""
    numbers: list[int | None] = []
    for axis, size in enumerate(shape):
        if size.constant is not None:
            numbers.append(size.constant)
        else:
            numbers.append(0 if axis < len(x.shape) and size == x.shape[axis] else None)
    if numbers.count(None) == 1:
        numbers = [-1 if number is None else number for number in numbers]
    if None in numbers:
        return node.shape_of(shape)
    return node.sheet.array(numbers)


def _reshaped_constant(node: Node, found: Constant) -> Constant:
    first = np.reshape(found.first, [size.first for size in node.shape])
    second = np.reshape(found.second, [size.second for size in node.shape])
    return Constant(first, second)


@writes("Transpose")
def transpose(node: Node) -> Tensor:
    """Transpose(x, order)."""
    return node.result(node.sheet.add("Transpose", node.name(0), perm=[int(axis) for axis in node.constant(1)]))


@writes("TupleGetItem")
def item(node: Node) -> Operand:
    """TupleGetItem(outputs, number)."""
    found = node.inputs[0]
    number = int(node.constant(1))
    if not isinstance(found, tuple) or found[number] is None:
        raise node.refuse(f"output {number} of the operator before it has no counterpart")
    return found[number]


@writes("Concat")
def concat(node: Node) -> Tensor:
    """Concat((a, b, ...), axis)."""
    *parts, axis = (*node.inputs[0], node.inputs[1]) if isinstance(node.inputs[0], tuple) else node.inputs
    return node.result(node.sheet.add("Concat", *(node.named(part) for part in parts), axis=int(node.fixed(axis))))


@writes("Stack")
def stack(node: Node) -> Tensor:
    """Stack((a, b, ...)): concatenated along a new axis."""
    axis = int(node.attributes.get("axis", 0)) % len(node.shape)
    numbers = node.sheet.array([axis])
    parts = [node.sheet.add("Unsqueeze", node.named(part), numbers) for part in node.inputs[0]]
    return node.result(node.sheet.add("Concat", *parts, axis=axis))


@writes("Split")
def split(node: Node) -> Operand:
    """Split(x, axis, number of parts): equal parts; the parts' sizes are those of the outputs."""
    x = node.tensor(0)
    axis = next(number for number, sizes in enumerate(zip(x.shape, *node.shape, strict=True)) if len(set(sizes)) > 1)
    sizes = node.shape_of([part[axis] for part in node.shape])
    names = node.sheet.add_several("Split", len(node.shape), x.name, sizes, axis=axis)
    return tuple(Tensor(name, part) for name, part in zip(names, node.shape, strict=True))


@writes("StridedSlice")
def strided_slice(node: Node) -> Operand:
    """StridedSlice(x, begin, end, steps, five masks): Python's slices, axis by axis."""
    begins, ends, steps = (node.sizes(number) for number in (1, 2, 3))
    names = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")
    masks = {
        name: int(node.constant(4 + number) if len(node.inputs) > 4 + number else node.attributes.get(name, 0))
        for number, name in enumerate(names)
    }
    if masks["ellipsis_mask"] or masks["new_axis_mask"]:
        raise node.refuse("an ellipsis or a new axis inside of it")
    cuts: list[tuple[int, Size, Size, int]] = []
    lengths = node.shape_in(0)
    for axis, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True)):
        stride = step.constant
        if stride is None or stride < 1:
            raise node.refuse(f"steps of {step.first}")
        if masks["shrink_axis_mask"] >> axis & 1:
            # One index: [b:b+1], and to the end of the axis for -1.
            cuts.append((axis, begin, node.size(_after(begin.first), _after(begin.second)), 1))
            continue
        begin = node.size(0, 0) if masks["begin_mask"] >> axis & 1 else begin
        whole = bool(masks["end_mask"] >> axis & 1) or _reaches(end, lengths[axis])
        if whole and begin.constant == 0 and stride == 1:
            continue
        cuts.append((axis, begin, node.size(_END, _END) if whole else end, stride))
    if isinstance(node.inputs[0], Constant):
        return _cut_constant(node, node.inputs[0], cuts)
    if not cuts:
        return node.tensor(0)
    name = cut(node, node.name(0), cuts)
    dropped = [axis for axis in range(len(lengths)) if masks["shrink_axis_mask"] >> axis & 1]
    return node.result(node.sheet.add("Squeeze", name, node.sheet.array(dropped)) if dropped else name)


def cut(node: Node, name: str, cuts: Sequence[tuple[int, Size, Size, int]]) -> str:
    """Slices of a tensor, each (axis, begin, end, step)."""
    axes, begins, ends, steps = zip(*cuts, strict=True)
    numbers = [node.sheet.array(axes), node.sheet.array(steps)]
    return node.sheet.add("Slice", name, node.shape_of(begins), node.shape_of(ends), *numbers)


def _after(index: int) -> int:
    return _END if index == -1 else index + 1


def _reaches(end: Size, length: Size) -> bool:
    """Whether an end lies at or behind the axis's end in both traces."""
    return end.first >= length.first and end.second >= length.second


def _cut_constant(node: Node, found: Constant, cuts: Sequence[tuple[int, Size, Size, int]]) -> Constant:
    first, second = (np.asarray(each) for each in (found.first, found.second))
    for axis, begin, end, step in cuts:
        first = first.take(range(*slice(begin.first, end.first, step).indices(first.shape[axis])), axis)
        second = second.take(range(*slice(begin.second, end.second, step).indices(second.shape[axis])), axis)
    return _reshaped_constant(node, Constant(first, second))


@writes("Slice")
def plain_slice(node: Node) -> Operand:
    """Slice(x, begin, size)."""
    begins, lengths = node.sizes(1), node.shape
    cuts = [
        (axis, begin, node.size(begin.first + length.first, begin.second + length.second), 1)
        for axis, (begin, length) in enumerate(zip(begins, lengths, strict=True))
        if length != node.shape_in(0)[axis]
    ]
    x = node.tensor(0)
    return node.result(cut(node, x.name, cuts)) if cuts else x


@writes("BroadcastTo")
def broadcast(node: Node) -> Operand:
    """BroadcastTo(x, shape)."""
    if isinstance(node.inputs[0], Constant):
        first = np.broadcast_to(node.inputs[0].first, [size.first for size in node.shape])
        return Constant(first, np.broadcast_to(node.inputs[0].second, [size.second for size in node.shape]))
    return node.result(node.sheet.add("Expand", node.name(0), node.shape_of(node.shape)))


@writes("Tile")
def tile(node: Node) -> Tensor:
    """Tile(x, times); missing leading axes of x are put before it."""
    x, times = node.tensor(0), node.sizes(1)
    missing = len(times) - len(x.shape)
    name = x.name
    if missing > 0:
        name = node.sheet.add("Unsqueeze", name, node.sheet.array(list(range(missing))))
    return node.result(node.sheet.add("Tile", name, node.shape_of(times)))


@writes("Pad", "PadV3", "MirrorPad")
def pad(node: Node) -> Tensor:
    """Pad(x) with ``paddings`` of every axis, or PadV3(x, paddings of the last axes first, value) with ``mode``."""
    rank = len(node.shape)
    if node.kind == "Pad":
        pairs = [tuple(int(part) for part in pair) for pair in node.attributes["paddings"]]
        mode, value = "constant", 0.0
    elif node.kind == "MirrorPad":
        pairs = [(int(a), int(b)) for a, b in np.asarray(node.constant(1)).reshape(-1, 2)]
        if node.attributes["mode"] != "REFLECT":
            raise node.refuse(f"mode {node.attributes['mode']}")
        mode, value = "reflect", 0.0
    else:
        flat = [int(part) for part in np.asarray(node.constant(1)).ravel()]
        last_first = [(flat[number], flat[number + 1]) for number in range(0, len(flat), 2)]
        pairs = [(0, 0)] * (rank - len(last_first)) + last_first[::-1]
        mode = str(node.attributes.get("mode", "constant"))
        held = node.inputs[2] if len(node.inputs) > 2 else None
        value = float(node.fixed(held)) if isinstance(held, Constant) and held.first is not None else 0.0
    if mode not in ("constant", "reflect", "edge"):
        raise node.refuse(f"mode {mode}")
    numbers = node.sheet.array([pair[0] for pair in pairs] + [pair[1] for pair in pairs])
    filling = [node.sheet.array(value, np.float32)] if mode == "constant" else []
    return node.result(node.sheet.add("Pad", node.name(0), numbers, *filling, mode=mode))


@writes("Ones", "Zeros")
def filled(node: Node) -> Constant:
    """Ones(shape): only the shape may depend on the input."""
    value = np.float32(node.kind == "Ones")
    first, second = ([getattr(size, trace) for size in node.shape] for trace in ("first", "second"))
    return Constant(np.full(first, value), np.full(second, value))


@writes("Gather")
def gather(node: Node) -> Tensor:
    """Gather(x, indices, axis, batch axes)."""
    if len(node.inputs) > 3 and int(node.constant(3)):
        raise node.refuse("with batch axes")
    indices = np.asarray(node.constant(1)).astype(np.int64)
    x = node.name(0)
    return node.result(node.sheet.add("Gather", x, node.sheet.array(indices), axis=int(node.constant(2))))
