"""The Laplacian loss of mattes (Hou and Liu, ICCV 2019): what two pyramids of details differ by.

The authors' pyramid (JizhiziLi/P3M, core/evaluate.py, after a gist of Marco Forte) differs from the textbook's: its
kernel is the sum of a bell along the rows and one along the columns, not their product; every level weighs the same;
the next level is the mean of 2x2 pixels.
"""

from __future__ import annotations

import numpy as np
from mindspore import Tensor, nn, ops

LEVELS = 5
"""Levels of detail; what is left after them is compared too. Sides must be multiples of 2 to this power."""


def kernel() -> np.ndarray:
    """(1, 1, 5, 5) float32 with sum 1: exp(-x^2) + exp(-y^2) for x and y from -2 to 2, divided by its sum."""
    bell = np.exp(-(np.arange(-2.0, 3.0) ** 2))
    weight = bell[:, None] + bell[None, :]
    return (weight / weight.sum())[None, None].astype(np.float32)


class LaplacianLoss(nn.Cell):
    """Mean absolute differences, one for each level of the pyramids, added up."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = Tensor(kernel())
        self.pad = nn.ReplicationPad2d(2)

    def construct(self, alpha: Tensor, target: Tensor) -> Tensor:
        """Two (N, 1, H, W) -> a scalar."""
        rest = alpha - target  # every step is linear: the pyramid of the difference is the difference of the pyramids
        loss = ops.zeros((), rest.dtype)
        for _ in range(LEVELS):
            smooth = ops.conv2d(self.pad(rest), self.kernel)
            loss = loss + ops.abs(rest - smooth).mean()
            rest = ops.avg_pool2d(smooth, 2, 2)
        return loss + ops.abs(rest).mean()
