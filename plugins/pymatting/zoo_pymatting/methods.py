"""The methods as PyMatting has them: picture and trimap in [0, 1] to alpha, all at one size.

Each builds a sparse matrix whose quadratic form says how ill an alpha fits the picture, and finds the least by
conjugate gradients. Closed-form matting keeps the known pixels exactly; the other two hold them by a weight of 100.
"""

from __future__ import annotations

import contextlib
import io
from typing import Any

import numpy as np
from pymatting.alpha.estimate_alpha_cf import estimate_alpha_cf
from pymatting.alpha.estimate_alpha_knn import estimate_alpha_knn
from pymatting.alpha.estimate_alpha_lbdm import estimate_alpha_lbdm
from pymatting.preconditioner.ichol import ichol

ITERATIONS = 2000
"""Most steps of the solver. Pictures with trimaps as test sets have them needed 2 to 80, at 256 to 1620 pixels;
closed-form matting of one wide band, a fifth of 1620 x 1080 pixels, 364."""

NEIGHBOURS = (20, 10)
"""Neighbours of a pixel in KNN matting: with the place in the picture weighing little, and much (PyMatting's own)."""


def closed_form(image: np.ndarray, trimap: np.ndarray) -> np.ndarray:
    """Closed-form matting.

    Args:
        image: (H, W, 3) float64 in [0, 1], both sides at least 3.
        trimap: (H, W) float64 in {0, 0.5, 1}, with both 0 and 1.

    Returns:
        (H, W) float64 in [0, 1].

    Raises:
        ValueError: The solver did not converge.
    """
    return estimate_alpha_cf(image, trimap, preconditioner=_preconditioner, cg_kwargs=_stop())


def knn(image: np.ndarray, trimap: np.ndarray) -> np.ndarray:
    """KNN matting; arguments and result as for `closed_form`."""
    neighbours = [min(count, trimap.size) for count in NEIGHBOURS]
    return estimate_alpha_knn(image, trimap, laplacian_kwargs={"n_neighbors": neighbours}, cg_kwargs=_stop())


def learning_based(image: np.ndarray, trimap: np.ndarray) -> np.ndarray:
    """Learning-based matting; arguments and result as for `closed_form`."""
    return estimate_alpha_lbdm(image, trimap, preconditioner=_preconditioner, cg_kwargs=_stop())


def _stop() -> dict[str, Any]:
    # Where the unknown touches no foreground the right-hand side is 0 and so is the answer: PyMatting's relative
    # tolerance alone, `0 < 0`, would go on and divide by 0. No right-hand side of a real picture is as small.
    return {"maxiter": ITERATIONS, "atol": 1e-12}


def _preconditioner(matrix: Any) -> Any:
    """PyMatting's incomplete Cholesky factors, which it prints about on standard output, where results go."""
    with contextlib.redirect_stdout(io.StringIO()):
        return ichol(matrix)
