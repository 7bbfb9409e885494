"""The dialect ``mmagic``: the metrics of open-mmlab/mmagic, formerly MMEditing.

Source: mmagic/evaluation/metrics (sad.py, matting_mse.py, gradient_error.py, connectivity_error.py, metrics_utils.py)
and the classes of open-mmlab/mmeval that they call (mmeval/metrics/sad.py, gradient_error.py, connectivity_error.py).
The code refuses a prediction that is not 1 on the foreground and 0 on the background of the trimap, and its own models
(mmagic/models/base_models/base_mattor.py) are set so before they are scored. Here every prediction is:

    SAD = sum |a - g| / 1000         over the whole image, so that an error of the trimap itself counts
    MSE = sum (a - g)^2 / |U|        likewise; 0 if there is no unknown region U
    GRAD = `steepness_error` / 1000, CONN = `connectedness_error` / 1000, over U

In CONN, levels come from ``numpy.arange`` and are compared in float64; an empty set lacks every pixel; of equally large
components the first in row order wins, as OpenCV numbers them so.
"""

from __future__ import annotations

import numpy as np

from zoo.metrics.connectedness import ARANGE, Rules, connectedness_error
from zoo.metrics.region import absolute, forced, squared, unknown
from zoo.metrics.steepness import steepness_error

_RULES = Rules(levels=ARANGE, empty_is_lost=True)


def scores(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> dict[str, float | None]:
    """Every metric of one image.

    Args:
        alpha: Predicted matte, (H, W), float in [0, 1] or uint8.
        target: True matte, same shape and range.
        trimap: (H, W) uint8 in {0, 128, 255}, or None.

    Returns:
        Metric -> value, in the order of a report; None without a trimap. Zero is perfect.

    Raises:
        ShapeError: The shapes differ, or one is not (H, W).
        DataError: A matte is neither float nor uint8.
    """
    if trimap is None:
        return dict.fromkeys(("SAD", "MSE", "GRAD", "CONN"))
    alpha, target = forced(alpha, target, trimap)
    region = unknown(trimap, target.shape)
    size = np.count_nonzero(region)
    return {
        "SAD": absolute(alpha, target) / 1000,
        "MSE": squared(alpha, target) / size if size else 0.0,
        "GRAD": steepness_error(alpha, target, region) / 1000,
        "CONN": connectedness_error(alpha, target, region, _RULES) / 1000,
    }
