"""Exchanging cells inside a built network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def swap(network: Any, replace: Callable[[Any], Any | None]) -> int:
    """Put other cells in the places of some, at any depth; parameters keep their names.

    Args:
        network: An ``nn.Cell``; it stays itself, only cells inside it are exchanged.
        replace: Gives the cell to put in the place of the one it is given, or None to leave it.

    Returns:
        How many places were exchanged.
    """
    from mindspore import nn

    count = 0
    for name, cell in list(network.name_cells().items()):
        new = replace(cell)
        if new is None:
            count += swap(cell, replace)
            continue
        network._cells[name] = new  # what an attribute of a cell is looked up in
        count += 1
    if isinstance(network, nn.SequentialCell):
        network.cell_list = list(network.cells())  # what it runs
    return count
