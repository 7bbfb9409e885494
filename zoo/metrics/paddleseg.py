"""The dialect ``paddleseg``: the metrics of PaddlePaddle/PaddleSeg, Matting/ppmatting/metrics/metric.py.

With a trimap the prediction is set to 1 on the foreground and 0 on the background, and everything is summed over U, the
unknown region. Without one all of the image is U:

    SAD = sum |a - g| / 1000      MSE = sum (a - g)^2 / |U|, 0 if U is empty
    GRAD = `steepness_error` / 1000      CONN = `connectedness_error` / 1000

In CONN, levels and mattes are compared in float32; an empty set lacks every pixel; of equally large components the
first in row order wins, as OpenCV numbers them so. The code fails in CONN on an image one pixel high or wide (it
squeezes the array to one dimension), and its GRAD there is a sum over every pair of pixels; here such an image is
treated as any other. Its own evaluation (Matting/ppmatting/core/val.py) rounds the prediction to 8 bits first, which
is ``--rounding rounded``.
"""

from __future__ import annotations

import numpy as np

from zoo.metrics.arrays import as_pair
from zoo.metrics.connectedness import Rules, connectedness_error
from zoo.metrics.region import absolute, forced, squared, unknown
from zoo.metrics.steepness import steepness_error

_RULES = Rules(empty_is_lost=True)


def scores(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> dict[str, float | None]:
    """Every metric of one image.

    Args:
        alpha: Predicted matte, (H, W), float in [0, 1] or uint8.
        target: True matte, same shape and range.
        trimap: (H, W) uint8 in {0, 128, 255}, or None.

    Returns:
        Metric -> value, in the order of a report. Zero is perfect.

    Raises:
        ShapeError: The shapes differ, or one is not (H, W).
        DataError: A matte is neither float nor uint8.
    """
    if trimap is None:
        alpha, target = as_pair(alpha, target)
        region = np.ones(target.shape, np.uint8)
    else:
        alpha, target = forced(alpha, target, trimap)
        region = unknown(trimap, target.shape)
    size = np.count_nonzero(region)
    return {
        "SAD": absolute(alpha, target, region) / 1000,
        "MSE": squared(alpha, target, region) / size if size else 0.0,
        "GRAD": steepness_error(alpha, target, region) / 1000,
        "CONN": connectedness_error(alpha, target, region, _RULES) / 1000,
    }
