"""Where max pooling found its maxima, and unpooling, which puts values back there.

The encoder's windows are 3x3 with stride 2, so neighbours overlap and may name the same pixel. Of several values for
one pixel the last in reading order is kept, and the gradient of the pixel goes to each of them: as in PyTorch.
"""

from __future__ import annotations

import mindspore as ms
from mindspore import Tensor, nn, ops


class MaxPool(nn.Cell):
    """The largest value of each 3x3 window, every second pixel; what lies outside of the map does not count."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(3, 2, pad_mode="pad", padding=1)

    def construct(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H/2, W/2)."""
        return self.pool(x)


class Places(nn.Cell):
    """Where `MaxPool` takes its values from; of equal ones (zeros behind a ReLU, mostly) the first in reading order."""

    def __init__(self) -> None:
        super().__init__()
        self.pool = ops.MaxPoolWithArgmaxV2(kernel_size=3, strides=2, pads=1, argmax_type=ms.int64)

    def construct(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H/2, W/2) int64, each the number row * W + column of a pixel; without gradient."""
        return self.pool(ops.stop_gradient(x))[1]


class Unpool(nn.Cell):
    """A map twice as large that holds the values of a small one at given places and zeros elsewhere."""

    def construct(self, x: Tensor, places: Tensor) -> Tensor:
        """(N, C, H, W), places as from `Places` of a (N, C, 2H, 2W) map -> (N, C, 2H, 2W)."""
        return ops.max_unpool2d(x, places, kernel_size=2, stride=2)
