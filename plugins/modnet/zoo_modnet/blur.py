"""The 3x3 Gaussian that makes a coarse matte of an alpha at 1/16."""

from __future__ import annotations

import numpy as np
from mindspore import Tensor, nn, ops


def gaussian(sigma: float = 0.8, radius: int = 3) -> np.ndarray:
    """The 3x3 kernel of the reference: a Gaussian cut at four sigma, its tails mirrored back into three pixels.

    Returns:
        (1, 1, 3, 3) float32 with sum 1: 0.0626 in the corners, 0.1250 on the sides, 0.2496 in the middle.
    """
    weight = np.exp(-0.5 * (np.arange(radius + 1) / sigma) ** 2)
    weight /= weight[0] + 2 * weight[1:].sum()
    side, middle = weight[1] + weight[2], weight[0] + 2 * weight[3]
    line = np.array([side, middle, side])
    return np.outer(line, line)[None, None].astype(np.float32)


class Blur(nn.Cell):
    """Pictures of one channel under the kernel of `gaussian`."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = Tensor(gaussian())
        self.pad = nn.ReflectionPad2d(1)  # mirrored without the edge pixel, unlike the tails of the kernel

    def construct(self, x: Tensor) -> Tensor:
        """(N, 1, H, W) -> the same shape."""
        return ops.conv2d(self.pad(x), self.kernel)
