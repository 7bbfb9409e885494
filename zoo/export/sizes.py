"""Integers of a graph as functions of the input's batch, height and width.

A traced graph knows its sizes as plain numbers: a map of a (2, 3, 64, 64) input is resized to (32, 32), and nothing
says whether 32 means half of the height or always 32. Tracing at a second input tells: batch, height and width grow by
ratios whose products all differ, so the growth of a number between the two traces names what it depends on.

    first trace   N, H, W = (2, 2s, 2s)
    second trace          = (3, 5s, 7s)        growth 3/2, 5/2, 7/2

    32 -> 32      growth 1             always 32
    32 -> 80      growth 5/2           H/2 (with s = 32)
    1024 -> 8960  growth 5/2 * 7/2     H*W/4
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product

AXES = ("batch", "height", "width")
"""Names of the input's dynamic axes, in the order of `Size.powers`."""

_POWERS = (0, 1, 2, -1)
"""Exponents that are tried; every product of growths is another number, so the order decides nothing."""


@dataclass(frozen=True)
class Size:
    """An integer of the graph.

    Attributes:
        first: What it was in the first trace.
        second: What it was in the second trace.
        factor: With ``powers``: it is ``factor * N**i * H**j * W**k`` for any input (N, 3, H, W).
        powers: Exponents (i, j, k); None: it is no such product, as after a padding.
    """

    first: int
    second: int
    factor: Fraction = field(default=Fraction(0), compare=False)
    powers: tuple[int, int, int] | None = field(default=None, compare=False)

    @property
    def constant(self) -> int | None:
        """The number, where it does not depend on the input; else None."""
        return self.first if self.first == self.second else None

    def over(self, other: Size) -> Fraction | None:
        """The ratio to another size, where it does not depend on the input; else None."""
        if not other.first or not other.second:
            return None
        ratio = Fraction(self.first, other.first)
        return ratio if ratio == Fraction(self.second, other.second) else None


@dataclass(frozen=True)
class Inputs:
    """The shapes of the two traces.

    Attributes:
        first: (N, 3, H, W).
        second: The same, each of N, H and W grown by another prime factor.
    """

    first: tuple[int, int, int, int]
    second: tuple[int, int, int, int]

    def size(self, first: int, second: int) -> Size:
        """What a number is that was ``first`` in one trace and ``second`` in the other."""
        if first == second:
            return Size(first, second, Fraction(first), (0, 0, 0))
        if first <= 0 or second <= 0:
            return Size(first, second)
        growth = Fraction(second, first)
        bases = [(self.first[axis], self.second[axis]) for axis in (0, 2, 3)]
        for powers in product(_POWERS, repeat=3):
            grown = factor = Fraction(1)
            for (one, two), power in zip(bases, powers, strict=True):
                grown *= Fraction(two, one) ** power
                factor /= Fraction(one) ** power
            if grown == growth:
                return Size(first, second, first * factor, powers)
        return Size(first, second)


def trace_inputs(stride: int) -> Inputs:
    """The shapes to trace a network at whose input sides are multiples of ``stride``."""
    return Inputs((2, 3, 2 * stride, 2 * stride), (3, 3, 5 * stride, 7 * stride))
