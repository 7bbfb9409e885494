"""All metrics of the dialect ``p3m`` at once.

Definitions: `zoo.metrics.pixel`, `zoo.metrics.grad` and `zoo.metrics.conn`, which compute them one by one.
"""

from __future__ import annotations

import numpy as np

from zoo.metrics.arrays import as_mattes
from zoo.metrics.cells import cut
from zoo.metrics.conn import conn_of
from zoo.metrics.grad import grad_of
from zoo.metrics.pixel import errors


def scores(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None) -> dict[str, float | None]:
    """Every metric of one image, the same to the last bit as the functions one by one give it.

    Args:
        alpha: Predicted matte, (H, W), float in [0, 1] or uint8.
        target: True matte, same shape and range.
        trimap: (H, W) in {0, 128, 255}, or None: the metrics that need one are then None.

    Returns:
        Metric -> value, in the order of a report.

    Raises:
        ShapeError: The shapes differ, or one is not (H, W).
        DataError: A matte is neither float nor uint8, or the trimap has other values.
    """
    alpha, target = as_mattes(alpha, target)
    pixel = errors(alpha, target, trimap)
    cells = cut(alpha), cut(target)
    return {
        "SAD": pixel.sad,
        "MSE": pixel.mse,
        "MAD": pixel.mad,
        "GRAD": grad_of(*cells),
        "CONN": conn_of(*cells),
        "SAD-T": pixel.sad_t,
        "MSE-T": pixel.mse_t,
        "MAD-T": pixel.mad_t,
        "SAD-FG": pixel.sad_fg,
        "SAD-BG": pixel.sad_bg,
    }
