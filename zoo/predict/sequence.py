"""Mattes of a video or of numbered frames: flicker taken out, and how much of it there is."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from registry import ShapeError, UsageError

THRESHOLD = 0.1
"""Difference of two alphas up to which they count as alike (arXiv 2011.11961, its first two versions)."""


def steadied(before: np.ndarray, frame: np.ndarray, after: np.ndarray, threshold: float = THRESHOLD) -> np.ndarray:
    """A matte without the pixels that only it has: one-frame delay, as arXiv 2011.11961v2 describes it.

    Where the frames before and after agree and this one differs from both, their mean takes its place:

        |before - after| <= threshold, |frame - before| > threshold, |frame - after| > threshold
            -> (before + after) / 2

    Args:
        before: The matte shown before it, which was steadied itself, (H, W) float32 in [0, 1].
        frame: The matte.
        after: The next one, as the model answered it.
        threshold: From 0 to 1.
    """
    alike = np.abs(before - after) <= threshold
    apart = (np.abs(frame - before) > threshold) & (np.abs(frame - after) > threshold)
    return np.where(alike & apart, (before + after) * np.float32(0.5), frame)


class Steady:
    """Frames one behind another, each handed on when the next is known.

    Args:
        hand_on: Called with what was given for a frame and its matte, in order.
        threshold: See `steadied`.
    """

    def __init__(self, hand_on: Callable[[object, np.ndarray], None], threshold: float = THRESHOLD) -> None:
        if not 0 <= threshold <= 1:
            raise UsageError(f"--smooth {threshold}: a difference of two alphas, from 0 to 1")
        self._hand_on, self._threshold = hand_on, threshold
        self._shown: np.ndarray | None = None
        self._waiting: tuple[object, np.ndarray] | None = None

    def __call__(self, what: object, alpha: np.ndarray) -> None:
        """Take a frame; the one before it is handed on. A frame of another size begins a new sequence."""
        if self._waiting is not None and self._waiting[1].shape != alpha.shape:
            self.end()
        waiting, self._waiting = self._waiting, (what, alpha)
        if waiting is not None:
            before, frame = self._shown, waiting[1]
            # A first frame has none before it, and stays as it is.
            self._shown = frame if before is None else steadied(before, frame, alpha, self._threshold)
            self._hand_on(waiting[0], self._shown)

    def end(self) -> None:
        """Hand on the last frame, as it is."""
        waiting, self._waiting, self._shown = self._waiting, None, None
        if waiting is not None:
            self._hand_on(*waiting)


class Flicker:
    """How restless mattes are, and how wrongly they move, frame by frame.

    flicker    100 times the root mean square of a_t - (a_(t-1) + a_(t+1)) / 2. A steady motion leaves little of it, a
               pixel that jumps and comes back all.
    dtSSD      100 times the root mean square of (a_t - a_(t-1)) - (g_t - g_(t-1)), g the true mattes: Erofeev et al.,
               Perceptually Motivated Benchmark for Video Matting, BMVC 2015, scaled as PeterL1n/RobustVideoMatting
               (evaluation/evaluate_hr.py) has it. Mean over the frames.
    """

    def __init__(self) -> None:
        self._last: list[np.ndarray] = []
        self._last_target: np.ndarray | None = None
        self._flicker: list[float] = []
        self._dtssd: list[float] = []

    def __call__(self, alpha: np.ndarray, target: np.ndarray | None = None) -> None:
        """Take the next matte, and the true one if there is one.

        Args:
            alpha: (H, W) float32 in [0, 1].
            target: The same.

        Raises:
            ShapeError: The two have different sizes.
        """
        if target is not None and target.shape != alpha.shape:
            raise ShapeError(f"the true matte has size {target.shape}, the matte {alpha.shape}")
        if self._last and self._last[-1].shape != alpha.shape:
            self.cut()
        if len(self._last) == 2:
            self._flicker.append(100 * rms(self._last[1] - (self._last[0] + alpha) * np.float32(0.5)))
        if self._last and target is not None and self._last_target is not None:
            self._dtssd.append(100 * rms((alpha - self._last[-1]) - (target - self._last_target)))
        self._last = [*self._last[-1:], alpha]
        self._last_target = target

    def cut(self) -> None:
        """The next frame is the first of another sequence."""
        self._last, self._last_target = [], None

    @property
    def flicker(self) -> float | None:
        """None: fewer than three frames."""
        return _mean(self._flicker)

    @property
    def dtssd(self) -> float | None:
        """None: fewer than two frames with truth."""
        return _mean(self._dtssd)


def rms(array: np.ndarray) -> float:
    """Root mean square."""
    return math.sqrt(float(np.square(array, dtype=np.float64).mean()))


def _mean(values: list[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None
