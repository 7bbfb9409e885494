"""MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381) at width 1.0, as an encoder without classifier.

block      0      1      2-3    4-6    7-10   11-13  14-16  17     18
channels   32     16     24     32     64     96     160    320    1280
stride     2      2      4      8      16     16     32     32     32
tap               x      x      x             x                    x
"""

from __future__ import annotations

from typing import Any

from mindspore import Tensor, nn

from zoo_modnet.initialisation import initialise

# Table 2 of the paper: expansion, output channels, repeats, stride of the first repeat.
_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))

_TAPS = (1, 3, 6, 13, 18)


def _conv_norm(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Cell]:
    """Convolution without bias and batch norm, as PyTorch defines both.

    Padding is the same on every side ("same", MindSpore's default, is not under stride 2). Momentum is the share that
    is kept: 0.9 is PyTorch's 0.1. The norm uses the biased variance of the batch and keeps the unbiased one.
    """
    convolution = nn.Conv2d(
        inputs, outputs, kernel, stride, pad_mode="pad", padding=kernel // 2, group=groups, weight_init="zeros"
    )
    return [convolution, nn.BatchNorm2d(outputs, eps=1e-5, momentum=0.9)]


class InvertedResidual(nn.Cell):
    """Expand by 1x1, filter each channel by 3x3, project by 1x1 without activation (section 3.3).

    Args:
        inputs: Channels of the input.
        outputs: Channels of the output.
        stride: Stride of the 3x3 convolution, 1 or 2.
        expansion: Factor of the hidden width; with 1 there is no first 1x1 convolution.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        expand = [*_conv_norm(inputs, hidden), nn.ReLU6()] if expansion != 1 else []
        filtering = [*_conv_norm(hidden, hidden, 3, stride, groups=hidden), nn.ReLU6()]
        self.conv = nn.SequentialCell([*expand, *filtering, *_conv_norm(hidden, outputs)])
        self.residual = stride == 1 and inputs == outputs
        # Whatever follows begins with a convolution of 1x1 and a batch norm, which takes a constant back.
        self.cancelled = (f"conv.{len(self.conv) - 1}.beta",)

    def construct(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""
        y = self.conv(x)
        return x + y if self.residual else y


class MobileNetV2(nn.Cell):
    """The encoder: five maps, the finest first.

    Attributes:
        channels: Channels of each map.
        strides: Stride of each map with respect to the image.
    """

    channels = (16, 24, 32, 96, 1280)
    strides = (2, 4, 8, 16, 32)

    def __init__(self) -> None:
        super().__init__()
        blocks: list[nn.Cell] = [nn.SequentialCell([*_conv_norm(3, 32, 3, 2), nn.ReLU6()])]
        width = 32
        for expansion, outputs, repeats, first_stride in _STAGES:
            for repeat in range(repeats):
                blocks.append(InvertedResidual(width, outputs, first_stride if repeat == 0 else 1, expansion))
                width = outputs
        blocks.append(nn.SequentialCell([*_conv_norm(width, 1280), nn.ReLU6()]))
        self.features = nn.CellList(blocks)

    def construct(self, image: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, H, W) -> one map (N, channels, H / stride, W / stride) per stride."""
        maps = ()
        x = image
        for index, block in enumerate(self.features):
            x = block(x)
            if index in _TAPS:
                maps = (*maps, x)
        return maps


def build(config: Any) -> MobileNetV2:
    """A freshly initialised encoder.

    Args:
        config: The resolved config; ``train.seed`` decides the weights.
    """
    encoder = MobileNetV2()
    initialise(encoder, config.train.seed)
    return encoder
