import itertools

import pytest

from zoo.metrics.summary import summarise


def test_means_leave_out_undefined_values():
    rows = [
        {"image": "a", "height": 2, "width": 3, "SAD": 1.0, "MSE-T": None, "SAD-T": None},
        {"image": "b", "height": 2, "width": 3, "SAD": 2.0, "MSE-T": 0.5, "SAD-T": None},
        {"image": "c", "height": 2, "width": 3, "SAD": 6.0, "MSE-T": 0.25, "SAD-T": None, "acme": 4.0},
    ]
    means, undefined = summarise(rows)
    assert means == {"SAD": 3.0, "MSE-T": 0.375, "SAD-T": None, "acme": 4.0}
    assert undefined == {"MSE-T": 1, "SAD-T": 3, "acme": 2}


def test_the_order_of_rows_does_not_matter():
    # Added up one by one, 1e16 + 1 - 1e16 is 0 or 1 depending on the order.
    rows = [{"SAD": value} for value in (1e16, 1.0, -1e16, 0.1)]
    (found,) = {summarise(order)[0]["SAD"] for order in itertools.permutations(rows)}
    assert found == pytest.approx(1.1 / 4)


def test_no_rows():
    assert summarise([]) == ({}, {})
