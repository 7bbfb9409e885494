"""The dialect ``dim``: the MATLAB code of Deep Image Matting (Xu et al. 2017), on which papers with a trimap report.

Source: ``compute_sad_loss.m``, ``compute_mse_loss.m``, ``compute_gradient_loss.m`` and ``compute_connectivity_error.m``
(Ning Xu, 2018-1-1; of the last two the copies in poppinace/indexnet_matting, evaluation_code), with
``gaussgradient.m`` (Guanglei Xiong). Everything is summed over U, the unknown region, and the prediction is left as it
is in the known ones:

    SAD = sum |a - g| / 1000      MSE = sum (a - g)^2 / |U|
    GRAD = `steepness_error` / 1000      CONN = `connectedness_error` / 1000

The functions for GRAD and CONN return the sums; the scripts that call them (hleval.m there; evaluate.m of GCA-Matting)
divide by 1000, and so do papers. An empty set passes its level over, as in the copy named above; the copy that lacks
the check stops with an error there. Of equally large components the first in column order wins, as ``bwconncomp``
numbers them so.
"""

from __future__ import annotations

import numpy as np

from zoo.metrics.arrays import as_pair
from zoo.metrics.connectedness import Rules, connectedness_error
from zoo.metrics.region import absolute, squared, unknown
from zoo.metrics.steepness import steepness_error

_RULES = Rules(by_columns=True)


def scores(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> dict[str, float | None]:
    """Every metric of one image.

    Args:
        alpha: Predicted matte, (H, W), float in [0, 1] or uint8.
        target: True matte, same shape and range.
        trimap: (H, W) uint8 in {0, 128, 255}, or None.

    Returns:
        Metric -> value, in the order of a report; zero is perfect. None without a trimap; MSE is None without an
        unknown pixel too, where the code has NaN.

    Raises:
        ShapeError: The shapes differ, or one is not (H, W).
        DataError: A matte is neither float nor uint8.
    """
    if trimap is None:
        return dict.fromkeys(("SAD", "MSE", "GRAD", "CONN"))
    alpha, target = as_pair(alpha, target)
    region = unknown(trimap, target.shape)
    size = np.count_nonzero(region)
    return {
        "SAD": absolute(alpha, target, region) / 1000,
        "MSE": squared(alpha, target, region) / size if size else None,
        "GRAD": steepness_error(alpha, target, region) / 1000,
        "CONN": connectedness_error(alpha, target, region, _RULES) / 1000,
    }
