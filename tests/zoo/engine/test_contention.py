"""The share of the processors that others leave."""

from __future__ import annotations

import time

import pytest

from zoo.engine.contention import Contention


def counting(monkeypatch, *moments):
    """A count whose readings are (total, busy, own) seconds."""
    readings = iter(moments)
    monkeypatch.setattr(Contention, "_now", staticmethod(lambda: next(readings)))
    return Contention()


def test_by_hand(monkeypatch):
    # Ten seconds of processors: 7 busy, 4 of them our own, so others took 3 and left 7; then none but our own.
    count = counting(monkeypatch, (100.0, 50.0, 5.0), (110.0, 57.0, 9.0), (120.0, 61.0, 13.0))
    assert count.free() == pytest.approx(0.7)
    assert count.free() == 1.0


def test_own_time_counted_finer_than_the_system_s_is_no_gain(monkeypatch):
    assert counting(monkeypatch, (0.0, 0.0, 0.0), (1.0, 0.50, 0.504)).free() == 1.0


def test_what_cannot_be_told(monkeypatch):
    assert counting(monkeypatch, None, (1.0, 1.0, 1.0)).free() is None
    assert counting(monkeypatch, (1.0, 1.0, 1.0), (1.0, 1.0, 1.0)).free() is None


def test_on_this_machine():
    count = Contention()
    until = time.perf_counter() + 0.15
    while time.perf_counter() < until:
        pass
    free = count.free()
    assert free is None or 0 < free <= 1
