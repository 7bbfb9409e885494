"""Means, sums and extremes along axes."""

from __future__ import annotations

from zoo.export.sheet import Node, Tensor
from zoo.export.table import writes

_KINDS = {
    "ReduceMean": "ReduceMean",
    "MeanExt": "ReduceMean",
    "ReduceSum": "ReduceSum",
    "SumExt": "ReduceSum",
    "ReduceMax": "ReduceMax",
    "ReduceMin": "ReduceMin",
}


@writes(*_KINDS)
def reduction(node: Node) -> Tensor:
    """ReduceMean(x, axes, keep them); no axes: all."""
    axes = node.constant(1)
    keep = bool(node.constant(2)) if len(node.inputs) > 2 else bool(node.attributes.get("keep_dims", False))
    rank = len(node.tensor(0).shape)
    numbers = [axes] if isinstance(axes, int) else list(axes) if axes is not None else []
    wanted = [int(axis) % rank for axis in numbers] or list(range(rank))
    if _KINDS[node.kind] == "ReduceSum":  # the only one of them whose axes are an input in this version of ONNX
        axes_name = node.sheet.array(wanted)
        return node.result(node.sheet.add("ReduceSum", node.name(0), axes_name, keepdims=int(keep)))
    return node.result(node.sheet.add(_KINDS[node.kind], node.name(0), axes=wanted, keepdims=int(keep)))


@writes("Argmax", "ArgMaxWithValue")
def largest(node: Node) -> object:
    """Argmax(x) along ``axis``; ArgMaxWithValue gives the place and the value."""
    attributes = node.attributes
    axis = int(attributes["axis"]) if "axis" in attributes else int(node.constant(1))
    if node.kind == "Argmax":
        from onnx import TensorProto

        found = node.sheet.add("ArgMax", node.name(0), axis=axis, keepdims=0)
        return node.result(node.sheet.add("Cast", found, to=TensorProto.INT32))
    keep = int(attributes["keep_dims"]) if "keep_dims" in attributes else int(node.constant(2))
    values = node.sheet.add("ReduceMax", node.name(0), axes=[axis], keepdims=keep)
    places = node.sheet.add("ArgMax", node.name(0), axis=axis, keepdims=keep)
    return (Tensor(places, node.shape[0]), Tensor(values, node.shape[1]))
