"""Which function writes which operator of MindSpore in ONNX.

A function takes a `zoo.export.sheet.Node`, appends ONNX nodes to its sheet and returns what the operator answers, a
`Tensor` or a tuple of them. One that meets a setting it does not know refuses, it never guesses.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from types import ModuleType

from zoo.export.sheet import Node, Operand

Function = Callable[[Node], Operand]


class Table(dict[str, Function]):
    """Functions by the name that the operator has in MindSpore."""

    def __call__(self, *kinds: str) -> Callable[[Function], Function]:
        """Decorator of a function that writes operators of these names."""

        def enter(function: Function) -> Function:
            for kind in kinds:
                assert kind not in self, f"{kind} has two functions"
                self[kind] = function
            return function

        return enter


writes = Table()
"""The table; filled by the modules in ``zoo.export.operators``."""


@cache
def functions() -> Table:
    """The whole table."""
    from zoo.export import operators

    for module in _modules(operators):
        importlib.import_module(module)
    return writes


def _modules(package: ModuleType) -> list[str]:
    return [f"{package.__name__}.{module.name}" for module in pkgutil.iter_modules(package.__path__)]
