"""Numbers of two traces recognised as functions of the input. Expected values by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

from zoo.export.sizes import Size, trace_inputs

INPUTS = trace_inputs(32)  # (2, 3, 64, 64) and (3, 3, 160, 224)


@pytest.mark.parametrize(
    ("first", "second", "factor", "powers"),
    [
        (7, 7, 7, (0, 0, 0)),
        (2, 3, 1, (1, 0, 0)),
        (64, 160, 1, (0, 1, 0)),
        (64, 224, 1, (0, 0, 1)),
        (16, 40, Fraction(1, 4), (0, 1, 0)),
        (1024, 8960, Fraction(1, 4), (0, 1, 1)),  # H W / 4
        (2 * 32, 3 * 32, 32, (1, 0, 0)),  # N times 32 channels, not 64
    ],
)
def test_a_number_is_recognised_by_its_growth(first, second, factor, powers):
    size = INPUTS.size(first, second)
    assert (size.factor, size.powers) == (factor, powers)


@pytest.mark.parametrize(("first", "second"), [(66, 162), (64, 161), (-1, 3)])
def test_a_sum_is_no_product(first, second):
    assert INPUTS.size(first, second).powers is None


def test_what_does_not_change_is_a_constant():
    assert INPUTS.size(64, 64).constant == 64
    assert INPUTS.size(64, 160).constant is None


def test_a_ratio_holds_in_both_traces_or_is_none():
    half, whole, odd = INPUTS.size(32, 80), INPUTS.size(64, 160), INPUTS.size(66, 162)
    assert half.over(whole) == Fraction(1, 2)
    assert odd.over(whole) is None
    assert Size(132, 324).over(odd) == 2  # of a size that is no product, the double is still the double
