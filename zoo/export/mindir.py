"""MindSpore's graph file (MINDIR) as plain data: a list of operators, in the order in which they run.

The file is a protocol buffer whose definition comes with MindSpore (``mindspore.train.mind_ir_pb2``). What only orders
side effects (monads, Load, Depend, UpdateState) is left out, values are resolved, everything unknown is refused.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from registry import ZooError


@dataclass(frozen=True)
class Ref:
    """The output of an operator.

    Attributes:
        index: Number of the operator in `Graph.operators`; -1 is the graph's input.
    """

    index: int


@dataclass(frozen=True)
class Weight:
    """A parameter of the network.

    Attributes:
        name: Its name in the network.
    """

    name: str


Value = Any
"""Ref, Weight, a tuple of them, or a constant: int, float, bool, str, None, np.ndarray, tuples of these."""


@dataclass(frozen=True)
class Operator:
    """One operator of a graph.

    Attributes:
        kind: ``Conv2D``, ``Reshape``, ...
        place: Where in the network, ``backbone/conv/Conv2D``.
        attributes: What the operator was built with.
        inputs: What goes in.
        shape: Of the output; for several outputs a tuple of shapes.
    """

    kind: str
    place: str
    attributes: Mapping[str, Any]
    inputs: tuple[Value, ...]
    shape: tuple[Any, ...]


@dataclass(frozen=True)
class Graph:
    """A traced network.

    Attributes:
        operators: In the order in which they run.
        weights: Parameters by name.
        output: What the network answers.
    """

    operators: tuple[Operator, ...]
    weights: Mapping[str, np.ndarray]
    output: Value


def trace(network: Any, shape: Sequence[int]) -> Graph:
    """The graph of a network in evaluation mode for one shape of its input.

    Args:
        network: An ``nn.Cell`` in evaluation mode.
        shape: (N, 3, H, W) of its input.

    Raises:
        ZooError: It cannot be traced.
    """
    return read(export(network, shape))


def export(network: Any, shape: Sequence[int]) -> bytes:
    """A network as a MINDIR file.

    Args:
        network: An ``nn.Cell`` in evaluation mode.
        shape: (N, 3, H, W) of its input.

    Raises:
        ZooError: MindSpore cannot turn the network into a graph.
    """
    import mindspore as ms

    given = ms.Tensor(np.zeros(shape, np.float32))
    with tempfile.TemporaryDirectory(prefix="zoo-") as folder:
        try:
            ms.export(network, given, file_name=str(Path(folder, "network")), file_format="MINDIR")
        except Exception as error:
            reason = next((line.strip() for line in str(error).splitlines() if line.strip(" -")), type(error).__name__)
            raise ZooError(f"MindSpore cannot make a graph of this network: {reason}") from error
        files = sorted(Path(folder).rglob("*.mindir"))
        if len(files) != 1:
            raise ZooError("MindSpore wrote the network as several files (more than 2 GB); this is not supported")
        return files[0].read_bytes()


def described(data: bytes, texts: Mapping[str, str]) -> bytes:
    """A MINDIR file with texts by name kept in it, as its ``user_info``."""
    from mindspore.train import mind_ir_pb2

    file = mind_ir_pb2.ModelProto()
    file.ParseFromString(data)
    for key, text in texts.items():
        file.user_info[key] = text
    return bytes(file.SerializeToString(deterministic=True))


def loaded(data: bytes) -> Callable[[np.ndarray], np.ndarray]:
    """What a MINDIR file answers, as MindSpore loads it."""
    import mindspore as ms
    from mindspore import nn

    with tempfile.TemporaryDirectory(prefix="zoo-") as folder:
        path = Path(folder, "network.mindir")
        path.write_bytes(data)
        cell = nn.GraphCell(ms.load(str(path)))
    return lambda image: np.asarray(cell(ms.Tensor(image)).asnumpy())


def read(data: bytes) -> Graph:
    """The graph in a MINDIR file.

    Raises:
        ZooError: It has parts that this reader does not know: sub-graphs, other types of constants.
    """
    from mindspore.train import mind_ir_pb2

    file = mind_ir_pb2.ModelProto()
    file.ParseFromString(data)
    return _Reader(file).graph()


@dataclass
class _Reader:
    """Resolves the names of a file to values; see `read`."""

    file: Any
    values: dict[str, Value] = field(default_factory=dict)
    operators: list[Operator] = field(default_factory=list)

    def graph(self) -> Graph:
        graph = self.file.graph
        kinds = {p.name: (p.op_type, {a.name: _attribute(a) for a in p.attribute}) for p in self.file.primitives}
        weights = {}
        for parameter in graph.parameter:
            name = parameter.name.rpartition(":")[2]
            self.values[parameter.name] = Weight(name)
            weights[name] = _array(parameter)
        if len(graph.input) != 1 or len(graph.output) != 1:
            raise ZooError("the network's graph must have one input and one output")
        self.values[graph.input[0].name] = Ref(-1)
        for node in graph.node:
            if node.op_type == "Constant":
                self.values[node.output[0]] = _attribute(node.attribute[0])
                continue
            if not node.op_type.startswith("REF::") or node.op_type[5:] not in kinds:
                raise ZooError(f"{_place(node, node.op_type)}: a branch or loop that depends on values of the picture")
            self._take(node, *kinds[node.op_type[5:]])
        return Graph(tuple(self.operators), weights, self.values[graph.output[0].name])

    def _take(self, node: Any, kind: str, attributes: dict[str, Any]) -> None:
        inputs = tuple(self.values.get(name, name) for name in node.input)
        for given, name in zip(inputs, node.input, strict=True):
            if isinstance(given, str) and given is name:
                raise ZooError(f"{_place(node, kind)}: its input {name!r} is not in the graph")
        if kind in ("Load", "Depend", "StopGradient"):
            self.values[node.output[0]] = inputs[0]
        elif kind == "UpdateState":
            self.values[node.output[0]] = None
        elif kind in ("MakeTuple", "MakeList"):
            self.values[node.output[0]] = inputs
        elif kind == "TupleGetItem" and isinstance(inputs[0], tuple):
            self.values[node.output[0]] = inputs[0][inputs[1]]
        else:
            shape = next((_shape(a) for a in node.attribute if a.name == "shape"), ())
            self.values[node.output[0]] = Ref(len(self.operators))
            self.operators.append(Operator(kind, _place(node, kind), attributes, inputs, shape))


def _place(node: Any, kind: str) -> str:
    """``Default/head-Head/conv-Conv2d/Conv2D-op0`` as ``head/conv/Conv2D``."""
    parts = [part.rpartition("-")[0] or part for part in node.domain.split("/")[1:-1]]
    return "/".join([*parts, kind])


def _attribute(attribute: Any) -> Any:
    kinds = type(attribute)
    if attribute.type in (kinds.TUPLE, kinds.LIST):
        return tuple(_attribute(value) for value in attribute.values)
    if attribute.type == kinds.STRING:
        text = attribute.strings[0] if attribute.strings else attribute.s
        return text.decode() if isinstance(text, bytes) else text
    if attribute.type == kinds.BOOL:
        return bool(attribute.ints[0] if attribute.ints else attribute.i)
    if attribute.type in (kinds.FLOAT, kinds.DOUBLE):
        both = (*attribute.floats, *attribute.doubles)
        return float(both[0] if both else attribute.f or attribute.d)
    if attribute.type in (kinds.TENSOR, kinds.TENSORS) and attribute.tensors:
        return _array(attribute.tensors[0])
    if attribute.type == kinds.TENSOR:
        return _array(attribute.t)
    if attribute.type in (kinds.UMONAD, kinds.IOMONAD, kinds.NONE):
        return None
    if attribute.ints or attribute.type in (kinds.INT8, kinds.INT16, kinds.INT32, kinds.INT64, kinds.UINT64):
        return int(attribute.ints[0] if attribute.ints else attribute.i)
    return f"<{kinds.AttributeType.Name(attribute.type)}>"  # a data type, a graph, ...: no operator here reads it


_TYPES = {1: "<f4", 2: "u1", 3: "i1", 4: "<u2", 5: "<i2", 6: "<i4", 7: "<i8", 9: "?", 10: "<f2", 11: "<f8"}
"""numpy's name of each element type of a tensor, by its number in the file."""


def _array(tensor: Any) -> np.ndarray:
    if tensor.data_type not in _TYPES:
        raise ZooError(f"{tensor.name or 'a constant'}: element type {tensor.data_type} is not known here")
    if not tensor.raw_data:
        raise ZooError(f"{tensor.name or 'a constant'}: the graph file does not hold its values")
    return np.frombuffer(tensor.raw_data, _TYPES[tensor.data_type]).reshape(list(tensor.dims))


def _shape(attribute: Any) -> tuple[Any, ...]:
    if attribute.values:
        return tuple(_shape(value) for value in attribute.values)
    return tuple(attribute.tensors[0].dims) if attribute.tensors else ()
