"""How fast a training goes, as its lines tell it. Every number here is worked out by hand."""

from __future__ import annotations

import pytest

from zoo.engine.pace import Pace, line

RECORD = {"step": 12, "epoch": 2, "loss": 0.51234, "one": 0.4, "two": 0.11234, "lr": 0.0021, "wait": 0.9}


def test_the_step_that_compiles_is_left_out():
    pace = Pace(total=152, done=0)
    pace.count(30.0, 0.0, 8)
    assert pace.since_last() is None
    assert pace.left == "?"
    assert pace.opening(2150.0) is None
    pace.count(1.9, 0.0, 8)
    # 150 steps of 1.9 s are 285 s.
    assert pace.opening(2150.0) == ("a step takes about 1.9 s: 150 more steps, about 4:45, peak memory so far 2.1 GiB")
    pace.count(1.9, 0.0, 8)
    assert pace.opening(2150.0) is None


def test_a_resumed_training_says_so():
    pace = Pace(total=100, done=40)
    pace.count(9.0, 0.0, 8)
    pace.count(0.25, 0.0, 8)
    assert pace.opening(512.4) == (
        "resumed after step 40: a step takes about 250 ms: 58 steps left of 100, about 0:15, peak memory so far 512 MiB"
    )


def test_speed_and_wait_are_averages_since_the_last_line():
    pace = Pace(total=100, done=0)
    pace.count(30.0, 25.0, 8)
    pace.count(1.0, 0.0, 8)
    pace.count(3.0, 1.0, 8)
    assert pace.since_last() == (pytest.approx(16 / 4), pytest.approx(1 / 4))
    assert pace.since_last() is None
    pace.count(2.0, 0.5, 8)
    assert pace.since_last() == (pytest.approx(4.0), pytest.approx(0.25))


def test_time_left_follows_the_median_of_the_last_twenty():
    pace = Pace(total=122, done=0)
    for _ in range(2):
        pace.count(50.0, 0.0, 8)
    for seconds in [1.0] * 11 + [100.0] * 9:  # the 50 s are out: 20 newer ones, whose median is 1
        pace.count(seconds, 0.0, 8)
    assert pace.left == "1:40"  # 100 steps of 1 s


def test_a_line():
    pace = Pace(total=100, done=0)
    pace.count(30.0, 0.0, 8)
    assert line(RECORD, ("one", "two"), 100, 9, pace) == (
        "step 12/100  epoch 2/9  loss 0.512 (one 0.400 two 0.112)  lr 0.0021  ? left"
    )
    pace.count(2.0, 0.5, 8)
    assert line(RECORD, (), 100, 9, pace) == (
        "step 12/100  epoch 2/9  loss 0.512  lr 0.0021  4.00 images/s  wait 25%  3:16 left"
    )


def test_lines_come_after_some_seconds_and_at_the_end(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("zoo.engine.pace.time.monotonic", lambda: now[0])
    pace = Pace(total=5, done=0)
    due = []
    for number, now[0] in enumerate([0.0, 9.0, 11.0, 12.0, 13.0], 1):
        due.append(pace.is_due(number))
    assert due == [True, False, True, False, True]
