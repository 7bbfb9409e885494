"""The colours of subject and background alone, estimated from a picture and its matte.

A picture is image = alpha * foreground + (1 - alpha) * background; where alpha is soft, both colours are unknown. They
are estimated by the multi-level method of Germer, Uelwer, Conrad and Harmeling (Fast Multi-Level Foreground Estimation,
ICPR 2020), as their library PyMatting has it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from registry import UsageError


def load_estimator() -> Any:
    """PyMatting's function. The first time after its installation Numba compiles it and keeps the result.

    Raises:
        UsageError: PyMatting is not installed.
    """
    try:
        from pymatting.foreground.estimate_foreground_ml import estimate_foreground_ml
    except ImportError as error:
        raise UsageError(
            f"foreground colours need PyMatting ({error}); run: pip install 'matting-zoo[foreground]'"
        ) from error
    return estimate_foreground_ml


def estimate_colours(image: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colours of the foreground and of the background.

    Call it in one thread at a time: Numba's own threads are started by one caller only.

    Args:
        image: (H, W, 3) uint8 RGB.
        alpha: (H, W) float in [0, 1].

    Returns:
        Two (H, W, 3) uint8 RGB pictures, each filled in where the other covers it.

    Raises:
        UsageError: PyMatting is not installed.
    """
    estimate = load_estimator()
    import numba

    # The pictures are what is spread over the cores; and with several threads at one picture its bytes may vary.
    numba.set_num_threads(1)
    parts = estimate(image / 255.0, alpha.astype(np.float64), return_background=True)
    foreground, background = (np.rint(np.clip(part, 0, 1) * 255).astype(np.uint8) for part in parts)
    return foreground, background
