from __future__ import annotations

import numpy as np
import pytest

from zoo.data.histogram import BINS, flat, levels, shares


def alpha(*values: float) -> np.ndarray:
    return np.array([values], np.float32) / 255


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0, 0, 0), "empty"),
        ((0, 8, 0), "empty"),  # what a lossy file makes of 0
        ((0, 9, 0), None),
        ((255, 255), "full"),
        ((247, 255), "full"),
        ((246, 255), None),
        ((0, 255), None),
        ((128,), None),
    ],
)
def test_flat(values, expected):
    assert flat(levels(alpha(*values))) == expected


def test_shares():
    found = shares(levels(alpha(0, 0, 0.4, 1, 127, 254, 255, 255, 255, 254.6)))
    assert found.shape == (BINS + 2,)
    # Three of ten round to 0, four to 255; 1 is in the first bin between, 127 in the fifth, 254 in the last.
    assert found.tolist() == pytest.approx([0.3, 0.1, 0, 0, 0, 0.1, 0, 0, 0, 0, 0.1, 0.4])
