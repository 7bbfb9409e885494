"""Sides that take turns."""

from __future__ import annotations

import subprocess
import sys

import pytest
from turns import Ratio, command, in_turn, ratio


def test_every_side_has_its_turn_in_every_round():
    order = []

    def side(name):
        def once():
            order.append(name)
            return float(len(order)), 0.5

        return once

    found = in_turn({"a": side("a"), "b": side("b")}, 3)
    assert order == ["a", "b", "b", "a", "a", "b"]  # to and fro: neither always comes after the other
    assert found["a"].wall == [1.0, 4.0, 5.0]
    assert found["b"].cpu == [0.5] * 3


def test_the_ratio_is_that_within_a_round():
    # Rounds get slower by a hundred times, ours takes half in each.
    assert ratio([1.0, 10.0, 100.0], [2.0, 20.0, 200.0]) == Ratio(0.5, 0.5, 0.5)
    found = ratio([1.0, 1.1, 0.9, 1.0, 1.2], [1.0] * 5)
    assert found.median == 1.0
    assert 0.9 <= found.low < 1.0 < found.high <= 1.2
    assert str(Ratio(1.234, 1.0, 1.5)) == "1.23 [1.00, 1.50]"


def test_a_command_is_timed_from_start_to_end():
    wall, cpu = command([sys.executable, "-c", "import time; time.sleep(0.2)"])()
    assert wall >= 0.2
    assert 0 < cpu < wall
    with pytest.raises(subprocess.CalledProcessError):
        command([sys.executable, "-c", "raise SystemExit(3)"])()
