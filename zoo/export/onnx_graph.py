"""From a network to an ONNX graph whose batch, height and width are open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from registry import ZooError
from zoo.export import mindir
from zoo.export.extra import require_onnx
from zoo.export.sheet import IMAGE, Constant, Node, Operand, Sheet, Tensor
from zoo.export.sizes import trace_inputs
from zoo.export.table import functions

ALPHA = "alpha"
"""Name of the output."""

OPSET = 17
"""Version of ONNX's operators: the first with LayerNormalization; ONNX Runtime 1.12 and OpenCV 4.8 read it."""


def to_onnx(
    network: Any, stride: int, name: str, metadata: Mapping[str, str], size: tuple[int, int] | None = None
) -> Any:
    """A network as an ONNX model: ``image`` (N, 3, H, W) float32 normalised -> ``alpha`` (N, 1, H, W) in [0, 1].

    Args:
        network: An ``nn.Cell`` in evaluation mode.
        stride: Both sides of the input are multiples of it.
        name: Of the graph.
        metadata: Texts kept in the file.
        size: Height and width that the file states for its input, with a batch of one; None: all three are open.

    Returns:
        An ``onnx.ModelProto`` that ONNX's checker accepts.

    Raises:
        ZooError: An operator has no counterpart, or a constant does not scale with the input; names the place.
    """
    require_onnx()
    inputs = trace_inputs(stride)
    first, second = (mindir.trace(network, shape) for shape in (inputs.first, inputs.second))
    sheet = Sheet(inputs)
    answer = write(first, second, sheet)
    shape = _image(sheet).shape
    if not isinstance(answer, Tensor) or answer.shape != (shape[0], inputs.size(1, 1), *shape[2:]):
        raise ZooError("the network does not answer an alpha of its input's size, (N, 1, H, W)")
    return to_model(sheet, {ALPHA: answer}, name, metadata, size)


def to_model(
    sheet: Sheet,
    answers: Mapping[str, Tensor],
    name: str,
    metadata: Mapping[str, str],
    size: tuple[int, int] | None = None,
) -> Any:
    """What was written as an ONNX model.

    Args:
        sheet: What was written.
        answers: The model's outputs by the name they get.
        name: Of the graph.
        metadata: Texts kept in the file.
        size: As for `to_onnx`.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes = _needed([*sheet.nodes, *_named(answers)], set(answers))
    taken = {each for node in nodes for each in node.input}
    batch, high, wide = ("batch", "height", "width") if size is None else (1, *size)
    image = _image(sheet).shape
    known = {image[0]: batch, image[2]: high, image[3]: wide}
    outputs = {key: [known.get(each, each.constant) for each in answer.shape] for key, answer in answers.items()}
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info(IMAGE, TensorProto.FLOAT, [batch, 3, high, wide])],
        [helper.make_tensor_value_info(key, TensorProto.FLOAT, shape) for key, shape in outputs.items()],
        [numpy_helper.from_array(np.array(array), key) for key, array in sheet.arrays.items() if key in taken],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="matting-zoo")
    model.ir_version = 8  # what belongs to opset 17; a newer one would shut out older readers for nothing
    helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model, full_check=True)
    return model


def _named(answers: Mapping[str, Tensor]) -> list[Any]:
    """Nodes that give the outputs their names."""
    from onnx import helper

    return [helper.make_node("Identity", [answer.name], [key], name=key) for key, answer in answers.items()]


def _image(sheet: Sheet) -> Tensor:
    """The input."""
    pairs = zip(sheet.inputs.first, sheet.inputs.second, strict=True)
    return Tensor(IMAGE, tuple(sheet.inputs.size(one, two) for one, two in pairs))


def write(first: mindir.Graph, second: mindir.Graph, sheet: Sheet) -> Operand:
    """Write every operator of a network that was traced at both shapes of a sheet; what the network answers.

    Raises:
        ZooError: An operator has no counterpart in ONNX, or the two graphs differ.
    """
    if [o.kind for o in first.operators] != [o.kind for o in second.operators]:
        place = next(
            (a.place for a, b in zip(first.operators, second.operators, strict=False) if a.kind != b.kind), "its end"
        )
        raise ZooError(f"{place}: the network's graph is another one for another size of the input")
    found: dict[int, Operand] = {-1: _image(sheet)}
    table, users = functions(), _users(first)
    for number, (one, two) in enumerate(zip(first.operators, second.operators, strict=True)):
        operands = tuple(_operand(a, b, found, first, one.place) for a, b in zip(one.inputs, two.inputs, strict=True))
        if one.kind not in table:
            raise ZooError(f"{one.place}: operator {one.kind} has no counterpart in zoo's ONNX export")
        sizes = _sizes(sheet, one.shape, two.shape)
        alone = users[next(_refs(one.inputs[:1]), None)] == 1
        found[number] = table[one.kind](Node(sheet, one.kind, one.place, one.attributes, operands, sizes, alone))
    return _operand(first.output, second.output, found, first, "the output")


def _operand(one: Any, two: Any, found: Mapping[int, Operand], graph: mindir.Graph, place: str) -> Operand:
    """What an operator takes, of both traces."""
    if isinstance(one, mindir.Ref) and one == two:
        return found[one.index]
    if isinstance(one, mindir.Weight) and one == two:
        return Constant(graph.weights[one.name], graph.weights[one.name], one.name)
    if isinstance(one, tuple) and isinstance(two, tuple) and len(one) == len(two):
        return tuple(_operand(a, b, found, graph, place) for a, b in zip(one, two, strict=True))
    if any(isinstance(each, (mindir.Ref, mindir.Weight, tuple)) for each in (one, two)):
        raise ZooError(f"{place}: the network's graph is another one for another size of the input")
    return Constant(one, two)


def _sizes(sheet: Sheet, one: Any, two: Any) -> Any:
    """The shape of an output, or a tuple of shapes."""
    if any(isinstance(each, tuple) for each in one):
        return tuple(_sizes(sheet, a, b) for a, b in zip(one, two, strict=True))
    return tuple(sheet.inputs.size(a, b) for a, b in zip(one, two, strict=True))


def _users(graph: mindir.Graph) -> Counter[mindir.Ref | None]:
    """How many times each output is taken."""
    taken = (value for operator in graph.operators for value in operator.inputs)
    return Counter(_refs((*taken, graph.output)))


def _refs(values: Iterable[Any]) -> Iterator[mindir.Ref]:
    for value in values:
        if isinstance(value, mindir.Ref):
            yield value
        elif isinstance(value, tuple):
            yield from _refs(value)


def _needed(nodes: list[Any], outputs: set[str]) -> list[Any]:
    """The nodes that the outputs depend on, in order."""
    wanted = set(outputs)
    kept = []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            kept.append(node)
    return kept[::-1]
