"""The ONNX graph that is being written, and what an operator's function sees while it writes its part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from registry import ZooError
from zoo.export.sizes import AXES, Inputs, Size

IMAGE = "image"
"""Name of the input in the ONNX graph."""

Sizes = tuple[Size, ...]


@dataclass(frozen=True)
class Tensor:
    """Something computed from the picture.

    Attributes:
        name: In the ONNX graph.
        shape: One size for each axis.
        before: What this is a mere reshape of, so that reshaping back can be left out.
    """

    name: str
    shape: Sizes
    before: Tensor | None = None


@dataclass(frozen=True)
class Constant:
    """Something that does not depend on the picture's values, as each of the two traces has it.

    Attributes:
        first: A number, text, array or tuple of these.
        second: The same in the other trace; other than ``first`` if it depends on the picture's size.
        name: Of the parameter that it is, "" for none.
    """

    first: Any
    second: Any
    name: str = ""


Operand = Any
"""`Tensor`, `Constant`, or a tuple of both."""


@dataclass
class Sheet:
    """Collects nodes and constants of the ONNX graph.

    Attributes:
        inputs: Shapes of the two traces.
        nodes: ONNX nodes so far.
        arrays: Constants of the graph by name.
    """

    inputs: Inputs
    nodes: list[Any] = field(default_factory=list)
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    _count: int = 0
    _axes: dict[str, str] = field(default_factory=dict)

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Append a node with one output; the output's name."""
        return self.add_several(kind, 1, *inputs, **attributes)[0]

    def add_several(self, kind: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        """Append a node with several outputs; their names."""
        from onnx import helper

        names = [self._fresh(kind.lower()) for _ in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=names[0], **attributes))
        return names

    def array(self, values: Any, dtype: Any = np.int64) -> str:
        """A constant of the graph; its name. Small ones with equal values are shared."""
        array = np.asarray(values, dtype)
        if array.size <= 16:
            text = "_".join(f"{value}" for value in array.ravel())
            name = f"{array.dtype}{list(array.shape)}_{text}".replace(" ", "")
        else:
            name = self._fresh("constant")
        self.arrays.setdefault(name, array)
        return name

    def weight(self, name: str, array: np.ndarray) -> str:
        """A parameter of the network as a constant of the graph; its name."""
        self.arrays.setdefault(name, array)
        return name

    def shape_of(self, sizes: Sequence[Size]) -> str:
        """A shape as a tensor of int64: a constant where it can be, else computed from the input's.

        Every size has ``powers``; see `Node.shape_of`.
        """
        if all(size.constant is not None for size in sizes):
            return self.array([size.constant for size in sizes])
        parts = [self._one(size) for size in sizes]
        return self.add("Concat", *parts, axis=0)

    def _one(self, size: Size) -> str:
        if size.constant is not None:
            return self.array([size.constant])
        assert size.powers is not None, size
        names = [self._axis(axis) for axis, power in zip(AXES, size.powers, strict=True) for _ in range(max(0, power))]
        below = [self._axis(axis) for axis, power in zip(AXES, size.powers, strict=True) if power < 0]
        product = names[0] if names else self.array([1])
        for name in names[1:]:
            product = self.add("Mul", product, name)
        if size.factor.numerator != 1:
            product = self.add("Mul", product, self.array([size.factor.numerator]))
        for name in below:
            product = self.add("Div", product, name)
        if size.factor.denominator != 1:
            product = self.add("Div", product, self.array([size.factor.denominator]))
        return product

    def _axis(self, axis: str) -> str:
        """The length of an axis of the input, (1,) int64."""
        if axis not in self._axes:
            shape = self._axes.setdefault("shape", "") or self.add("Shape", IMAGE)
            self._axes["shape"] = shape
            number = (0, 2, 3)[AXES.index(axis)]
            self._axes[axis] = self.add("Gather", shape, self.array([number]))
        return self._axes[axis]

    def _fresh(self, word: str) -> str:
        self._count += 1
        return f"{word}_{self._count}"


@dataclass(frozen=True)
class Node:
    """One operator of the network, as the function that writes it in ONNX sees it.

    Attributes:
        sheet: Where to write.
        kind: MindSpore's name of the operator.
        place: Where in the network.
        attributes: What it was built with.
        inputs: What goes in.
        shape: Of its output, one size for each axis; for several outputs a tuple of shapes.
        alone: Whether nobody else takes its first input.
    """

    sheet: Sheet
    kind: str
    place: str
    attributes: Any
    inputs: tuple[Operand, ...]
    shape: tuple[Any, ...]
    alone: bool = False

    def refuse(self, why: str) -> ZooError:
        """The error that says why this operator has no counterpart in ONNX."""
        return ZooError(f"{self.place} cannot be exported: {why}")

    def tensor(self, number: int) -> Tensor:
        """An input that depends on the picture.

        Raises:
            ZooError: It is a constant.
        """
        found = self.inputs[number]
        if not isinstance(found, Tensor):
            raise self.refuse(f"input {number} is not computed from the picture")
        return found

    def name(self, number: int) -> str:
        """The ONNX name of an input, a constant being put down as one.

        Raises:
            ZooError: It is a constant that depends on the picture's size.
        """
        return self.named(self.inputs[number])

    def named(self, found: Operand) -> str:
        """`name` of an operand at hand."""
        if isinstance(found, Tensor):
            return found.name
        if isinstance(found, tuple):
            raise self.refuse("a tuple where an array is expected")
        spread = self._spread(found)
        if spread is not None:
            return spread
        array = np.asarray(self.fixed(found))
        if array.dtype == np.float64:
            array = array.astype(np.float32)  # Python's floats: MindSpore computes with float32
        return self.sheet.weight(found.name, array) if found.name else self.sheet.array(array, array.dtype)

    def _spread(self, found: Constant) -> str | None:
        """A constant of one value whose shape depends on the input, or one number that does; None: another one."""
        first, second = (np.asarray(each) for each in (found.first, found.second))
        if (
            first.shape != second.shape
            and first.ndim == second.ndim
            and len(np.unique((*first.flat, *second.flat))) == 1
        ):
            shape = [self.size(one, two) for one, two in zip(first.shape, second.shape, strict=True)]
            return self.sheet.add("Expand", self.sheet.array(first.flat[0], first.dtype), self.shape_of(shape))
        whole = [
            first.size == second.size == 1,
            first.dtype.kind in "if",
            first == np.rint(first),
            second == np.rint(second),
        ]
        if not all(np.all(each) for each in whole) or np.array_equal(first, second):
            return None
        size = self.size(int(first), int(second))
        if size.powers is None:
            return None
        from onnx import helper

        number = self.sheet.add("Squeeze", self.shape_of([size]))
        kind = np.float32 if first.dtype.kind == "f" else first.dtype
        return self.sheet.add("Cast", number, to=helper.np_dtype_to_tensor_dtype(np.dtype(kind)))

    def shape_in(self, number: int) -> Sizes:
        """The shape of an input."""
        found = self.inputs[number]
        if isinstance(found, Tensor):
            return found.shape
        return tuple(self.size(length, length) for length in np.shape(self.fixed(found)))

    def constant(self, number: int) -> Any:
        """An input that is the same whatever the picture.

        Raises:
            ZooError: It depends on the picture or on its size.
        """
        return self.fixed(self.inputs[number])

    def fixed(self, found: Operand) -> Any:
        """`constant` of an operand at hand."""
        if isinstance(found, tuple):
            return tuple(self.fixed(item) for item in found)
        if not isinstance(found, Constant):
            raise self.refuse("one of its settings is computed from the picture")
        if not _same(found.first, found.second):
            one, two = _show(found.first), _show(found.second)
            raise self.refuse(f"a constant depends on the size of the input ({one} in one trace, {two} in another)")
        return found.first

    def sizes(self, number: int) -> Sizes:
        """A tuple of integers that may depend on the picture's size.

        Raises:
            ZooError: They are computed from the picture's values.
        """
        found = self.inputs[number]
        parts = found if isinstance(found, tuple) else _parts(found)
        if parts is None:
            raise self.refuse("its sizes are computed from the picture's values")
        return tuple(self.size(int(part.first), int(part.second)) for part in parts)

    def size(self, first: int, second: int) -> Size:
        """What a number of the two traces is, as a function of the input."""
        return self.sheet.inputs.size(first, second)

    def shape_of(self, sizes: Sequence[Size]) -> str:
        """A shape as an ONNX tensor, for any input.

        Raises:
            ZooError: A size does not scale with the input.
        """
        for size in sizes:
            if size.powers is None:
                one, two = self.sheet.inputs.first, self.sheet.inputs.second
                raise self.refuse(
                    f"the size {size.first} for an input {_times(one)}, {size.second} for {_times(two)}, does not "
                    "scale with the input"
                )
        return self.sheet.shape_of(sizes)

    def result(self, name: str, before: Tensor | None = None) -> Tensor:
        """The operator's only output."""
        return Tensor(name, self.shape, before)


def _parts(found: Operand) -> tuple[Constant, ...] | None:
    """A constant tuple as a tuple of constants."""
    if not isinstance(found, Constant):
        return None
    first, second = np.atleast_1d(found.first), np.atleast_1d(found.second)
    if first.shape != second.shape or first.dtype.kind not in "iu":
        return None
    return tuple(Constant(one, two) for one, two in zip(first.ravel(), second.ravel(), strict=True))


def _times(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, np.ndarray) or isinstance(second, np.ndarray):
        return np.shape(first) == np.shape(second) and bool(np.array_equal(first, second))
    return bool(first == second)


def _show(value: Any) -> str:
    return f"an array of shape {value.shape}" if isinstance(value, np.ndarray) and value.size > 4 else f"{value}"
