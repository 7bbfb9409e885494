"""Convolutions and matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.export.sheet import Node, Tensor
from zoo.export.table import writes


@writes("Conv2D")
def convolution(node: Node) -> Tensor:
    """Conv2D(x, weight), its settings as attributes."""
    settings = node.attributes
    strides, dilations = _two(node, settings["stride"]), _two(node, settings["dilation"])
    kernel = [size.constant for size in node.shape_in(1)[2:]]
    pads = padding(node, settings, kernel, strides, dilations)
    return node.result(
        node.sheet.add(
            "Conv",
            node.name(0),
            node.name(1),
            group=int(settings["group"]),
            strides=strides,
            dilations=dilations,
            kernel_shape=kernel,
            pads=pads,
        )
    )


@writes("Conv2DTranspose")
def transposed_convolution(node: Node) -> Tensor:
    """Conv2DTranspose(x, weight, shape of the output), its settings as attributes."""
    settings = node.attributes
    strides, dilations = _two(node, settings["stride"]), _two(node, settings["dilation"])
    kernel = [size.constant for size in node.shape_in(1)[2:]]
    begins, ends, beyond = [], [], []
    mode = str(settings["pad_mode"]).lower()
    given = [int(value) for value in settings["pad_list"]]
    for axis in (0, 1):
        old, new = node.shape_in(0)[2 + axis], node.shape[2 + axis]
        # ONNX: new = stride (old - 1) + beyond + reach - begin - end
        reach = (kernel[axis] - 1) * dilations[axis] + 1
        spare = {strides[axis] * (o - 1) + reach - n for o, n in ((old.first, new.first), (old.second, new.second))}
        if len(spare) > 1 or mode not in ("pad", "same", "valid"):
            raise node.refuse(f"pad_mode {mode!r} pads another number of pixels for another size of the input")
        total = spare.pop()
        begin, end = (given[2 * axis], given[2 * axis + 1]) if mode == "pad" else (max(0, total) // 2, None)
        end = max(0, total) - begin if end is None else end
        begins.append(begin)
        ends.append(end)
        beyond.append(begin + end - total)
    name = node.sheet.add(
        "ConvTranspose",
        node.name(0),
        node.name(1),
        group=int(settings["group"]),
        strides=strides,
        dilations=dilations,
        kernel_shape=kernel,
        pads=[*begins, *ends],
        output_padding=beyond,
    )
    return node.result(name)


@writes("BiasAdd")
def bias(node: Node) -> Tensor:
    """BiasAdd(x, bias); the bias of a convolution becomes its third input."""
    x = node.tensor(0)
    maker = next((each for each in reversed(node.sheet.nodes) if x.name in each.output), None)
    # Whoever else takes the bare answer must not see the bias.
    if node.alone and maker is not None and maker.op_type.startswith("Conv") and len(maker.input) == 2:
        maker.input.append(node.name(1))
        return node.result(x.name)
    wide = np.asarray(node.constant(1)).reshape(-1, *[1] * (len(x.shape) - 2))
    return node.result(node.sheet.add("Add", x.name, node.sheet.array(wide, wide.dtype)))


@writes("MatMul", "BatchMatMul", "MatMulExt")
def product(node: Node) -> Tensor:
    """MatMul(a, b, transpose_a, transpose_b): the last two axes; MatMulExt(a, b) has no transposes."""
    turned = [len(node.inputs) > 2 and bool(node.constant(2 + number)) for number in (0, 1)]
    names = [_transposed(node, number, wanted) for number, wanted in enumerate(turned)]
    return node.result(node.sheet.add("MatMul", *names))


@writes("Dense")
def dense(node: Node) -> Tensor:
    """Dense(x, weight, bias or None): x times the transposed weight."""
    result = node.sheet.add("MatMul", node.name(0), _transposed(node, 1, True))
    if len(node.inputs) > 2 and node.inputs[2] is not None and not _is_none(node, 2):
        result = node.sheet.add("Add", result, node.name(2))
    return node.result(result)


def _is_none(node: Node, number: int) -> bool:
    return getattr(node.inputs[number], "first", node) is None


def _transposed(node: Node, number: int, wanted: bool) -> str:
    found = node.inputs[number]
    if not wanted:
        return node.name(number)
    if not isinstance(found, Tensor):
        array = np.swapaxes(np.asarray(node.constant(number)), -1, -2)
        name = f"{found.name}.transposed" if found.name else ""
        array = np.ascontiguousarray(array)
        return node.sheet.weight(name, array) if name else node.sheet.array(array, array.dtype)
    axes = list(range(len(found.shape)))
    axes[-2:] = axes[-1], axes[-2]
    return node.sheet.add("Transpose", found.name, perm=axes)


def padding(node: Node, settings: Any, kernel: list[Any], strides: list[int], dilations: list[int]) -> list[int]:
    """ONNX's ``pads`` (top, left, bottom, right) of a window that slides over the last two axes.

    Args:
        node: The operator; its first input and its output tell the sizes.
        settings: ``pad_mode``, and ``pad_list`` (top, bottom, left, right) where that is ``pad``.
        kernel: Height and width of the window.
        strides: Its steps.
        dilations: Distance of its points.

    Raises:
        ZooError: ``same`` pads another number of pixels for another size of the input.
    """
    mode = settings["pad_mode"]
    mode = {0: "pad", 1: "same", 2: "valid"}.get(mode, mode) if isinstance(mode, int) else str(mode).lower()
    if mode == "valid":
        return [0, 0, 0, 0]
    if mode == "pad":
        top, bottom, left, right = (int(value) for value in settings["pad_list"])
        return [top, left, bottom, right]
    if mode != "same":
        raise node.refuse(f"pad_mode {mode!r}")
    begins, ends = [], []
    for axis in (0, 1):
        source, target = node.shape_in(0)[2 + axis], node.shape[2 + axis]
        reach = (kernel[axis] - 1) * dilations[axis] + 1
        totals = {
            max(0, (new - 1) * strides[axis] + reach - old)
            for old, new in ((source.first, target.first), (source.second, target.second))
        }
        if len(totals) > 1:
            raise node.refuse("'same' pads another number of pixels for another size of the input")
        total = totals.pop()
        begins.append(total // 2)
        ends.append(total - total // 2)
    return [*begins, *ends]


def _two(node: Node, value: Any) -> list[int]:
    """A setting along height and width, written as one number, two, or four with those of batch and channels."""
    if isinstance(value, int):
        return [value, value]
    if len(value) not in (2, 4):
        raise node.refuse(f"a setting with {len(value)} numbers, {value}")
    return [int(part) for part in value[-2:]]
