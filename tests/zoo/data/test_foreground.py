from __future__ import annotations

import sys

import numpy as np
import pytest
from disc_set import disc

from registry import UsageError
from zoo.data.foreground import estimate_colours


def test_the_colours_give_the_picture_again_and_are_those_it_was_made_of():
    pytest.importorskip("pymatting")
    # Made by hand: one colour over another, so the truth is known.
    alpha = disc(0, 64, 80)[1]
    subject, ground = np.array([200, 40, 90]), np.array([20, 150, 60])
    image = np.rint(alpha[..., None] * subject + (1 - alpha[..., None]) * ground).astype(np.uint8)
    foreground, background = estimate_colours(image, alpha)
    assert foreground.shape == background.shape == image.shape
    assert foreground.dtype == background.dtype == np.uint8
    again = alpha[..., None] * foreground + (1 - alpha[..., None]) * background
    assert np.abs(again - image).max() <= 3
    assert np.abs(foreground[alpha > 0.1] - subject).max() <= 12
    assert np.abs(background[alpha < 0.9] - ground).max() <= 12
    again = estimate_colours(image, alpha)
    assert np.array_equal(again[0], foreground)
    assert np.array_equal(again[1], background)


def test_without_pymatting_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pymatting.foreground.estimate_foreground_ml", None)
    with pytest.raises(
        UsageError, match=r"^foreground colours need PyMatting .*: pip install 'matting-zoo\[foreground\]'$"
    ):
        estimate_colours(np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2)))
