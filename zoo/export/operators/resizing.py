"""Enlarging and shrinking maps."""

from __future__ import annotations

import numpy as np

from zoo.export.sheet import Node, Tensor
from zoo.export.table import writes


@writes("ResizeBilinearV2")
def bilinear(node: Node) -> Tensor:
    """ResizeBilinearV2(x, (height, width), corners aligned, half-pixel centres)."""
    aligned, half = (bool(node.constant(number)) for number in (2, 3))
    return _resized(node, "linear", _grid(node, aligned, half))


@writes("ResizeNearestNeighborV2", "ResizeNearestNeighbor", "UpsampleNearest2D")
def nearest(node: Node) -> Tensor:
    """ResizeNearestNeighborV2(x, (height, width), corners aligned, half-pixel centres); rounds down."""
    settings = node.attributes
    if node.kind == "ResizeNearestNeighborV2":
        aligned, half = (bool(node.constant(number)) for number in (2, 3))
    else:
        aligned, half = bool(settings.get("align_corners", False)), bool(settings.get("half_pixel_centers", False))
    if aligned or half:
        raise node.refuse("with aligned corners or half-pixel centres")
    return _resized(node, "nearest", "asymmetric", nearest_mode="floor")


def _grid(node: Node, aligned: bool, half: bool) -> str:
    """ONNX's name of how places of the output are looked up in the input."""
    if aligned and half:
        raise node.refuse("corners aligned and half-pixel centres at once")
    return "align_corners" if aligned else "half_pixel" if half else "asymmetric"


def _resized(node: Node, mode: str, grid: str, **attributes: str) -> Tensor:
    """Resize to the size of the output: by a factor where the input's size does not change it, else to a shape."""
    x = node.tensor(0)
    factors = [new.over(old) for new, old in zip(node.shape[2:], x.shape[2:], strict=True)]
    # Halves and doubles are exact in float32; of a third, rounding might lose the last row.
    if all(factor is not None and factor.denominator & (factor.denominator - 1) == 0 for factor in factors):
        scales = node.sheet.array([1.0, 1.0, *(float(factor) for factor in factors if factor is not None)], np.float32)
        target = ["", scales]
    else:
        target = ["", "", node.shape_of(node.shape)]
    settings = {"mode": mode, "coordinate_transformation_mode": grid, **attributes}
    return node.result(node.sheet.add("Resize", x.name, *target, **settings))
