"""Pooling: the largest value or the mean of a window, and putting values back where a window found them."""

from __future__ import annotations

from typing import Any

import numpy as np

from zoo.export.operators.convolution import padding
from zoo.export.sheet import Node, Operand, Tensor
from zoo.export.sizes import Size
from zoo.export.table import writes


@writes("MaxPool")
def max_pool(node: Node) -> Tensor:
    """MaxPool(x) with ``kernel_size``, ``strides``, ``pad_mode``."""
    return node.result(node.sheet.add("MaxPool", node.name(0), **_window(node)))


@writes("AvgPool")
def mean_pool(node: Node) -> Tensor:
    """AvgPool(x, kernel_size, strides, pad_mode); what lies outside does not count."""
    return node.result(node.sheet.add("AveragePool", node.name(0), count_include_pad=0, **_window(node)))


@writes("MaxPool3DWithArgmax")
def max_pool_flat(node: Node) -> Operand:
    """A window of depth one, which is how the layer pools with padding on every side: (N, C, 1, H, W)."""
    settings = node.attributes
    kernel, strides, dilations, pads = (_three(settings[key]) for key in ("ksize", "strides", "dilation", "pads"))
    if (kernel[0], strides[0], pads[0]) != (1, 1, 0):
        raise node.refuse(f"a window of depth {kernel[0]}")
    window = {"kernel_shape": kernel, "strides": strides, "dilations": dilations, "pads": [*pads, *pads]}
    name = node.sheet.add("MaxPool", node.name(0), ceil_mode=int(bool(settings["ceil_mode"])), **window)
    return (Tensor(name, node.shape[0]), None)


@writes("AvgPool3D")
def mean_pool_flat(node: Node) -> Tensor:
    """The same of the mean."""
    settings = node.attributes
    kernel, strides = (_three(settings[key]) for key in ("kernel_size", "strides"))
    front, back, top, bottom, left, right = (int(part) for part in settings["pad_list"])
    if (kernel[0], strides[0], front, back) != (1, 1, 0, 0):
        raise node.refuse(f"a window of depth {kernel[0]}")
    if int(settings.get("divisor_override", 0)):
        raise node.refuse("another divisor than the window's size")
    name = node.sheet.add(
        "AveragePool",
        node.name(0),
        kernel_shape=kernel,
        strides=strides,
        pads=[0, top, left, 0, bottom, right],
        ceil_mode=int(bool(settings.get("ceil_mode", False))),
        count_include_pad=int(bool(settings.get("count_include_pad", True))),
    )
    return node.result(name)


@writes("AdaptiveAvgPool2D")
def adaptive_mean(node: Node) -> Tensor:
    """AdaptiveAvgPool2D(x) to ``output_size``: to one value, or windows of equal size."""
    return _adaptive(node, "AveragePool", "GlobalAveragePool")


@writes("AdaptiveMaxPool2D")
def adaptive_max(node: Node) -> Operand:
    """AdaptiveMaxPool2D(x), likewise; the places of the maxima have no counterpart."""
    first = node.shape[0] if isinstance(node.shape[0], tuple) else node.shape
    found = _adaptive(node, "MaxPool", "GlobalMaxPool", first)
    return (found, None) if isinstance(node.shape[0], tuple) else found


def _adaptive(node: Node, kind: str, whole: str, shape: tuple[Size, ...] | None = None) -> Tensor:
    x, shape = node.tensor(0), shape or node.shape
    if all(size.constant == 1 for size in shape[2:]):
        return Tensor(node.sheet.add(whole, x.name), shape)
    factors = [old.over(new) for old, new in zip(x.shape[2:], shape[2:], strict=True)]
    if any(factor is None or factor.denominator != 1 for factor in factors):
        raise node.refuse("its windows have another size for another size of the input")
    window = [int(factor) for factor in factors if factor is not None]
    return Tensor(node.sheet.add(kind, x.name, kernel_shape=window, strides=window), shape)


@writes("MaxPoolWithArgmaxV2")
def max_and_place(node: Node) -> Operand:
    """MaxPoolWithArgmaxV2(x): the maxima and the number row * W + column of each in its map."""
    settings = node.attributes
    kernel, strides = (_pair(settings[key]) for key in ("kernel_size", "strides"))
    high, wide = _pair(settings["pads"])
    values, places = node.sheet.add_several(
        "MaxPool",
        2,
        node.name(0),
        kernel_shape=kernel,
        strides=strides,
        dilations=_pair(settings["dilation"]),
        pads=[high, wide, high, wide],
        ceil_mode=int(bool(settings["ceil_mode"])),
    )
    # ONNX counts through the whole tensor, MindSpore within each map.
    area = node.shape_of([_area(node, node.tensor(0).shape)])
    within = node.sheet.add("Mod", places, area)
    return (Tensor(values, node.shape[0]), Tensor(within, node.shape[1]))


@writes("MaxUnpool2D")
def unpool(node: Node) -> Tensor:
    """MaxUnpool2D(x, places): zeros, and each value at its place; of several for one the last in reading order."""
    x, places = node.tensor(0), node.tensor(1)
    area = _area(node, node.shape)
    flat = node.shape_of([*x.shape[:2], _area(node, x.shape)])
    empty = node.shape_of([*x.shape[:2], area])
    zeros = node.sheet.add("Expand", node.sheet.array(0.0, np.float32), empty)
    put = node.sheet.add(
        "ScatterElements",
        zeros,
        node.sheet.add("Reshape", places.name, flat),
        node.sheet.add("Reshape", x.name, flat),
        axis=2,
    )
    return node.result(node.sheet.add("Reshape", put, node.shape_of(node.shape)))


def _area(node: Node, shape: tuple[Size, ...]) -> Size:
    high, wide = shape[2:]
    return node.size(high.first * wide.first, high.second * wide.second)


def _window(node: Node) -> dict[str, Any]:
    settings = dict(node.attributes)
    if "kernel_size" not in settings:
        settings |= {key: node.constant(1 + n) for n, key in enumerate(("kernel_size", "strides", "pad_mode"))}
    kernel, strides = (_pair(settings[key]) for key in ("kernel_size", "strides"))
    pads = padding(node, settings, kernel, strides, [1, 1])
    return {"kernel_shape": kernel, "strides": strides, "pads": pads}


def _pair(value: Any) -> list[int]:
    """A setting along height and width, written as one number or with those of batch and channels before them."""
    return [value, value] if isinstance(value, int) else [int(part) for part in value[-2:]]


def _three(value: Any) -> list[int]:
    """A setting along depth, height and width."""
    return [value] * 3 if isinstance(value, int) else [int(part) for part in value[-3:]]
