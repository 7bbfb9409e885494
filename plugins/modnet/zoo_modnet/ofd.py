"""One-frame delay (OFD): flicker taken out of the mattes of a video, after they were made.

Paper: arXiv 2011.11961, in its first two versions. The authors published no code; the delay is as they describe it in
ZHKKKe/MODNet issue 165: frame t is shown once t + 1 is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from zoo import DataError, UsageError

THRESHOLD = 0.1
"""Difference of two alphas up to which they count as alike."""


def one_frame_delay(mattes: Iterable[np.ndarray], threshold: float = THRESHOLD) -> Iterator[np.ndarray]:
    """Replace pixels that differ from the frame before and the frame after, where those two agree.

    Pixel by pixel, with the frame before as it was yielded and the other two as they came:

        |before - after| <= threshold, |frame - before| > threshold, |frame - after| > threshold
            -> (before + after) / 2

    The frame before is the smoothed one because a pixel that flickers at every frame (0 1 0 1 0) comes to rest that way
    (0 0 0 0 0); beside frames that are both raw, frame and neighbours merely change places (0 0 1 0 0). No error builds
    up: a change that lasts two frames passes, and what is replaced is within the threshold of the frame after.

    Args:
        mattes: The video's mattes in order, each (H, W) float32 in [0, 1]; read one by one, one ahead of what is
            yielded. They are copied, so that a reader may use one buffer for all.
        threshold: From 0 (nothing but exact agreement) to 1.

    Yields:
        As many new mattes of the same shape, float32, one frame late; the first and the last with their own values.

    Raises:
        UsageError: The threshold is out of range.
        DataError: A matte is no (H, W) array of floats, or of another size than those before.
    """
    if not 0 <= threshold <= 1:
        raise UsageError(f"one-frame delay: the threshold must be in [0, 1], the range of an alpha, not {threshold}")
    return _delayed(mattes, threshold)


def _delayed(mattes: Iterable[np.ndarray], threshold: float) -> Iterator[np.ndarray]:
    before = frame = None
    for number, matte in enumerate(mattes):
        _check(number, matte, frame)
        after = np.array(matte, np.float32)
        if frame is not None:
            before = frame if before is None else _smoothed(before, frame, after, threshold)
            yield before.copy()  # whoever gets it may change it
        frame = after
    if frame is not None:
        yield frame


def _smoothed(before: np.ndarray, frame: np.ndarray, after: np.ndarray, threshold: float) -> np.ndarray:
    alike = abs(before - after) <= threshold
    apart = (abs(frame - before) > threshold) & (abs(frame - after) > threshold)
    return np.where(alike & apart, (before + after) / 2, frame)


def _check(number: int, matte: np.ndarray, other: np.ndarray | None) -> None:
    if matte.ndim != 2 or matte.dtype.kind != "f":
        raise DataError(
            f"one-frame delay: matte {number} is {matte.dtype} {matte.shape}; it takes floats in [0, 1] of shape "
            "(height, width)"
        )
    if other is not None and matte.shape != other.shape:
        raise DataError(
            f"one-frame delay: matte {number} has shape {matte.shape}, those before it {other.shape}: smooth each "
            "video by itself, at one size"
        )
