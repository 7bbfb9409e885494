"""How much of a matte is background, subject and the soft part between."""

from __future__ import annotations

import numpy as np

LOSSY = 8
"""Levels of 255 by which a file saved with loss may be off (`zoo.data.images`)."""

BINS = 10
"""Bins of the histogram between 0 and 1."""


def levels(alpha: np.ndarray) -> np.ndarray:
    """Pixels at each of 256 levels, (256,) int64.

    Args:
        alpha: (H, W) float in [0, 1].
    """
    return np.bincount(np.rint(alpha * 255).astype(np.uint8).ravel(), minlength=256)


def flat(counts: np.ndarray) -> str | None:
    """``"empty"`` for a matte that is 0 everywhere, ``"full"`` for one that is 1, None for others.

    Args:
        counts: Of `levels`.
    """
    if not counts[LOSSY + 1 :].any():
        return "empty"
    return None if counts[: 255 - LOSSY].any() else "full"


def shares(counts: np.ndarray) -> np.ndarray:
    """Shares of the pixels at 0, in `BINS` equal bins of the levels between, and at 1; (BINS + 2,), sum 1.

    Args:
        counts: Of `levels`.
    """
    between = [part.sum() for part in np.array_split(counts[1:255], BINS)]
    return np.array([counts[0], *between, counts[255]]) / counts.sum()
