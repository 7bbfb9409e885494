"""MindCV's networks as encoders: an image becomes one map per stride, under the names of MindCV's own weight files.

MindCV cuts a classifier open with ``features_only``: its outermost layers run one after the other, and what some of
them give is kept. That renames parameters (``features.4.layers.0.weight`` becomes ``net.features_4.layers.0.weight``),
so that the published weights of the classifier fit no longer. Here the layers stand again where they stood in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import mindspore as ms
from mindcv.models import create_model, pit
from mindspore import Tensor, nn

# Two annotations there say nn.cell, the module, where the class is meant. A module held like that is emptied too early
# when the program ends, and every cell that is still alive then complains on stderr: a thousand lines after a training.
for _part in (pit.Block, pit.Mlp):
    _part.__init__.__annotations__.clear()

_INNER = re.compile(r"(\w+)_(\d+)")
"""How ``features_only`` calls a layer that it took out of a sequence: features_4 is number 4 of ``features``."""


class Encoder(nn.Cell):
    """Layers one after the other; what some of them give is a map.

    Args:
        layers: The layers in order, each by its place in the classifier (``conv1``, ``features.4``).
        taps: Numbers of the layers that give a map, ascending.
        channels: Channels of each map.
        strides: Stride of each map with respect to the image.
    """

    def __init__(
        self, layers: Mapping[str, nn.Cell], taps: Sequence[int], channels: Sequence[int], strides: Sequence[int]
    ) -> None:
        super().__init__()
        self.taps, self.channels, self.strides = tuple(taps), tuple(channels), tuple(strides)
        self.layers = list(layers.values())
        for place, layer in layers.items():
            sequence, _, name = place.rpartition(".")
            if sequence and sequence not in self.name_cells():
                self.insert_child_to_cell(sequence, nn.Cell())
            (self.name_cells()[sequence] if sequence else self).insert_child_to_cell(name, layer)

    def construct(self, image: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, H, W) -> one map (N, channels, H / stride, W / stride) per stride."""
        maps = ()
        x = image
        for number, layer in enumerate(self.layers):
            x = layer(x)
            if number in self.taps:
                maps = (*maps, x)
        return maps


def cut(name: str, indices: Sequence[int]) -> Any:
    """A network of MindCV, freshly initialised, that gives some of its maps.

    Args:
        name: MindCV's name of the network.
        indices: Numbers of the maps; those that it does not have are passed over.

    Returns:
        MindCV's wrapper: ``net``, the network; ``return_index``, the layers of it that give a map; ``is_rewritten``,
        whether the network has a forward pass of its own for this.
    """
    return create_model(name, features_only=True, out_indices=indices)


def assemble(net: nn.Cell, taps: Sequence[int] | None, row: Mapping[str, Any]) -> nn.Cell:
    """The encoder of a cut network.

    Args:
        net: What MindCV's wrapper holds.
        taps: Numbers of its layers that give a map; None for a network that answers with all its maps itself.
        row: ``channels``, ``strides`` and ``unused`` of the table.
    """
    if taps is not None:
        encoder: nn.Cell = Encoder(
            {_place(inner): layer for inner, layer in net.name_cells().items()}, taps, row["channels"], row["strides"]
        )
    else:
        encoder = net
        for part in row["unused"]:
            delattr(encoder, part)
        encoder.channels, encoder.strides = tuple(row["channels"]), tuple(row["strides"])
    encoder.update_parameters_name()
    return encoder


def build(name: str, row: Mapping[str, Any], seed: int) -> nn.Cell:
    """A freshly initialised encoder.

    Args:
        name: MindCV's name of the network.
        row: Its row of the table.
        seed: Decides the weights, which MindCV draws from MindSpore's global generator.
    """
    ms.set_seed(seed)
    found = cut(name, row["indices"])
    return assemble(found.net, None if found.is_rewritten else found.return_index, row)


def _place(inner: str) -> str:
    """``features_4`` -> ``features.4``; every other name as it is."""
    match = _INNER.fullmatch(inner)
    return f"{match[1]}.{match[2]}" if match else inner
