"""Flicker, taken out and measured."""

from __future__ import annotations

import math

import numpy as np
import pytest

from registry import ShapeError
from zoo.predict.sequence import Flicker, Steady, steadied


def frames(*values: float) -> list[np.ndarray]:
    return [np.full((2, 3), value, np.float32) for value in values]


def smoothed(*values: float) -> list[float]:
    found: list[tuple[object, float]] = []
    steady = Steady(lambda what, alpha: found.append((what, float(alpha[0, 0]))))
    for number, frame in enumerate(frames(*values)):
        steady(number, frame)
        assert len(found) == number  # one frame late
    steady.end()
    assert [what for what, _ in found] == list(range(len(values)))
    return [round(value, 6) for _, value in found]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0, 1, 0, 0), [0, 0, 0, 0]),
        ((0, 1, 0, 1, 0), [0, 0, 0, 0, 0]),  # the frame before is the smoothed one
        ((0, 1, 1, 0, 0), [0, 1, 1, 0, 0]),  # what lasts two frames is a movement
        ((0.5, 0.9, 0.58), [0.5, 0.54, 0.58]),  # their mean
        ((0.5, 0.9, 0.65), [0.5, 0.9, 0.65]),  # 0.15 apart: they do not agree
        ((0.5, 0.59, 0.5), [0.5, 0.59, 0.5]),  # within the threshold
        ((0, 0.2, 0.4, 0.6), [0, 0.2, 0.4, 0.6]),
        ((1,), [1]),
        ((), []),
    ],
)
def test_one_frame_delay(values, expected):
    assert smoothed(*values) == expected


def test_pixels_are_apart_and_another_size_begins_anew():
    before, frame, after = (np.array([row], np.float32) for row in ([0, 0], [1, 0.05], [0, 0]))
    assert np.array_equal(steadied(before, frame, after), np.array([[0, 0.05]], np.float32))
    found = []
    steady = Steady(lambda what, alpha: found.append((what, alpha.shape)))
    steady("a", np.zeros((2, 2), np.float32))
    steady("b", np.zeros((3, 3), np.float32))
    steady.end()
    assert found == [("a", (2, 2)), ("b", (3, 3))]


def measured(alphas, targets=None) -> Flicker:
    flicker = Flicker()
    for alpha, target in zip(alphas, targets or [None] * len(alphas), strict=True):
        flicker(alpha, target)
    return flicker


def test_figures_by_hand():
    # a_1 - (a_0 + a_2) / 2 = 1 and then 0 - (1 + 0) / 2 = -0.5: 100 and 50.
    assert measured(frames(0, 1, 0, 0)).flicker == pytest.approx(75)
    assert measured(frames(0, 0.25, 0.5, 0.75)).flicker == 0
    # Steps of the matte 0.5, -0.5; of the truth 0.25, 0.25: differences 0.25 and -0.75.
    found = measured(frames(0, 0.5, 0), frames(0.5, 0.75, 1))
    assert found.dtssd == pytest.approx(50)
    assert measured(frames(0.3, 0.8), frames(0, 0.5)).dtssd == pytest.approx(0)  # wrong, but moving rightly
    half = [np.array([[0, value]], np.float32) for value in (0.0, 1.0)]
    assert measured(half, frames_of(half, 0)).dtssd == pytest.approx(100 * math.sqrt(0.5))


def frames_of(like, value):
    return [np.full_like(frame, value) for frame in like]


def test_too_few_frames_and_cuts():
    assert (measured(frames(1, 0)).flicker, measured(frames(1, 0)).dtssd) == (None, None)
    flicker = measured(frames(0, 0))
    flicker.cut()
    flicker(frames(1)[0])
    flicker(frames(0)[0])
    assert flicker.flicker is None
    with pytest.raises(ShapeError, match="the true matte has size"):
        flicker(frames(0)[0], np.zeros((5, 5), np.float32))
