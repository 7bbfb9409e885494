"""ResNet-34 (He et al. 2016, arXiv 1512.03385) that shrinks by max pooling alone, as an encoder without classifier.

The first convolution keeps the size of the picture, and a pooling stands before every stage in place of its stride:

map        0        1        2         3         4         5
stride     1        2        4         8         16        32
channels   64       64       64        128       256       512
made by    7x7      pool     pool,     pool,     pool,     pool,
                             3 blocks  4 blocks  6 blocks  3 blocks
"""

from __future__ import annotations

from typing import Any

from mindspore import Tensor, nn

from zoo import UsageError
from zoo_p3mnet.initialisation import initialise, kaiming_normal
from zoo_p3mnet.layers import convolution, norm
from zoo_p3mnet.pooling import MaxPool

WIDTH = 64
"""Channels of the first map as published."""

_STAGES = ((1, 3), (2, 4), (4, 6), (8, 3))
"""Channels as multiples of the first map's, and number of blocks (table 1 of the paper)."""


class BasicBlock(nn.Cell):
    """Two 3x3 convolutions whose result is added to the input.

    Args:
        inputs: Channels of the input.
        outputs: Channels of the output; where they differ, a 1x1 convolution takes the input there.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1 = convolution(inputs, outputs, 3, bias=False)
        self.bn1 = norm(outputs)
        self.relu = nn.ReLU()
        self.conv2 = convolution(outputs, outputs, 3, bias=False)
        self.bn2 = norm(outputs)
        self.widens = inputs != outputs
        if self.widens:
            self.downsample = nn.SequentialCell([convolution(inputs, outputs, 1, bias=False), norm(outputs)])

    def construct(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H, W)."""
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.widens:
            x = self.downsample(x)
        return self.relu(x + y)


class ResNet34(nn.Cell):
    """The encoder: six maps, the finest first; the first has the picture's own size.

    Args:
        width: Channels of the first map.

    Attributes:
        channels: Channels of each map.
        strides: Stride of each map with respect to the picture.
    """

    strides = (1, 2, 4, 8, 16, 32)

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.channels = (width, width, *(width * factor for factor, _ in _STAGES))
        self.conv1 = convolution(3, width, 7, bias=False)
        self.bn1 = norm(width)
        self.relu = nn.ReLU()
        self.pool = MaxPool()
        inputs, stages = width, []
        for factor, count in _STAGES:
            outputs = width * factor
            blocks = [BasicBlock(inputs if index == 0 else outputs, outputs) for index in range(count)]
            stages.append(nn.SequentialCell(blocks))
            inputs = outputs
        self.layer1, self.layer2, self.layer3, self.layer4 = stages

    def construct(self, image: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, H, W) -> one map (N, channels, H / stride, W / stride) per stride."""
        full = self.relu(self.bn1(self.conv1(image)))
        half = self.pool(full)
        quarter = self.layer1(self.pool(half))
        eighth = self.layer2(self.pool(quarter))
        sixteenth = self.layer3(self.pool(eighth))
        return full, half, quarter, eighth, sixteenth, self.layer4(self.pool(sixteenth))


def build(config: Any) -> ResNet34:
    """A freshly initialised encoder.

    Args:
        config: The resolved config: ``train.seed`` decides the weights, ``model.options.encoder_width`` (64 where a
            model has no such option) the number of channels.

    Raises:
        UsageError: The width is no even number of at least 2.
    """
    width = config.model.options.get("encoder_width", WIDTH)
    if type(width) is not int or width < 2 or width % 2:
        raise UsageError(f"model.options.encoder_width must be an even number of at least 2, not {width!r}")
    encoder = ResNet34(width)
    initialise(encoder, config.train.seed, kaiming_normal)
    return encoder
