"""Dropout whose masks are a function of seed, device, batch and layer, so that a resumed run draws the same.

MindSpore's own keeps its random stream inside the compiled graph, where it can be neither saved nor set; on the CPU it
is not even seeded: two runs with one seed differ.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from zoo.engine.swap import swap

_MIX = 73244475
"""Odd factor of the integer hash by Thomas Mueller (0x45d9f3b), whose three rounds mix every bit of the input."""

_GOLDEN = -1640531527
"""2**32 / golden ratio as int32: neighbours lie far apart (Knuth, TAOCP 6.4)."""


class Noise:
    """The dropouts of a network, repeatable.

    Args:
        network: Its ``nn.Dropout`` cells are replaced, in place.
        seed: ``train.seed``.
        rank: Number of this process: each device drops something else.

    Attributes:
        layers: How many dropouts there are.
    """

    def __init__(self, network: Any, seed: int, rank: int) -> None:
        import mindspore as ms
        from mindspore import nn

        self._counter = ms.Parameter(ms.Tensor(0, ms.int32), name="noise.batch", requires_grad=False)
        seeds = count(seed + rank * 1_000_003)

        def steady(cell: Any) -> Any | None:
            if not isinstance(cell, nn.Dropout):
                return None
            p = cell.p if cell.p is not None else 1 - cell.keep_prob
            return _cell(float(p), _wrap(next(seeds) * _GOLDEN), self._counter)

        self.layers = swap(network, steady)

    def at(self, batch: int) -> None:
        """Take the masks of a batch, by its number in the run."""
        import mindspore as ms
        from mindspore import ops

        if self.layers:
            ops.assign(self._counter, ms.Tensor(_wrap(batch), ms.int32))


def _wrap(number: int) -> int:
    return (number + 2**31) % 2**32 - 2**31


def _cell(p: float, seed: int, counter: Any) -> Any:
    import mindspore as ms
    from mindspore import nn, ops

    class Dropout(nn.Cell):
        """Zeroes values with probability p in training and scales up the rest, as ``nn.Dropout``."""

        def __init__(self) -> None:
            super().__init__(auto_prefix=False)
            self.p, self.seed = p, seed

        def construct(self, x: Any) -> Any:
            if not self.training or self.p == 0:
                return x
            # The counter is no attribute: it would become a parameter of the network.
            h = ops.arange(x.size, dtype=ms.int32) * _GOLDEN + counter * 668265263 + self.seed
            h = self.shifted(h) * _MIX
            h = self.shifted(h) * _MIX
            h = self.shifted(h)
            drawn = ops.bitwise_and(h, 0xFFFFFF).astype(ms.float32) * (1 / 2**24)
            return x * (drawn >= self.p).astype(x.dtype).reshape(x.shape) * (1 / (1 - self.p))

        def shifted(self, h: Any) -> Any:
            """h ^ (h >> 16), with zeros shifted in."""
            return ops.bitwise_xor(h, ops.bitwise_and(ops.bitwise_right_shift(h, 16), 0xFFFF))

    return Dropout()
