"""The three modules by which encoder and decoders of P3M-Net tell each other what they see.

The paper's names: tripartite-feature integration (TFI), shallow and deep bipartite-feature integration (sBFI, dBFI).
Each brings its inputs to fewer channels by 1x1 convolutions, joins them, and ends in 3x3 convolution, norm, ReLU.
"""

from __future__ import annotations

from mindspore import Tensor, nn, ops

from zoo_p3mnet.layers import convolution, enlarge, norm


class TripartiteIntegration(nn.Cell):
    """TFI: semantic decoder, matting decoder and encoder at one resolution become the matting decoder's next input.

    Args:
        channels: Channels of each of the three and of the result.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.transform = convolution(channels, channels // 2, 1, bias=False)  # one, for all three
        self.conv1 = convolution(3 * (channels // 2), channels, 3, bias=False)
        self.bn1 = norm(channels)
        self.relu = nn.ReLU()

    def construct(self, semantic: Tensor, matting: Tensor, encoder: Tensor) -> Tensor:
        """Three times (N, channels, H, W) -> the same shape."""
        x = ops.concat((self.transform(semantic), self.transform(matting), self.transform(encoder)), axis=1)
        return self.relu(self.bn1(self.conv1(x)))


class ShallowIntegration(nn.Cell):
    """SBFI: the matting decoder is shown the encoder's finest map, where details are.

    Args:
        channels: Channels of the decoder's map and of the result.
        shallow: Channels of the encoder's map.
        stride: Stride of the decoder's map with respect to the encoder's.
    """

    def __init__(self, channels: int, shallow: int, stride: int) -> None:
        super().__init__()
        self.transform1 = convolution(channels, channels // 2, 1, bias=False)
        self.transform2 = convolution(shallow, channels // 2, 1, bias=False)
        # 2x2 windows at every stride: of an 8x8 block only the upper left corner is looked at.
        self.maxpool = nn.MaxPool2d(2, stride)
        self.conv1 = convolution(channels, channels, 3, bias=False)
        self.bn1 = norm(channels)
        self.relu = nn.ReLU()

    def construct(self, matting: Tensor, full: Tensor) -> Tensor:
        """(N, channels, H, W) and (N, shallow, stride H, stride W) -> (N, channels, H, W)."""
        x = ops.concat((self.transform1(matting), self.transform2(self.maxpool(full))), axis=1)
        return self.relu(self.bn1(self.conv1(x))) + matting


class DeepIntegration(nn.Cell):
    """DBFI: the semantic decoder is shown the encoder's coarsest map, which knows the whole, and is asked for a trimap.

    Args:
        channels: Channels of the decoder's map and of the result.
        deep: Channels of the encoder's map.
        factor: How much finer the decoder's map is than the encoder's.
        rest: Stride of the decoder's map with respect to the picture.
    """

    def __init__(self, channels: int, deep: int, factor: int, rest: int) -> None:
        super().__init__()
        self.factor, self.rest = factor, rest
        self.transform1 = convolution(channels, channels // 2, 1, bias=False)
        self.transform2 = convolution(deep, channels // 2, 1, bias=False)
        self.conv1 = convolution(channels, channels, 3, bias=False)
        self.bn1 = norm(channels)
        self.relu = nn.ReLU()
        self.conv2 = convolution(channels, 3, 3, bias=False)

    def construct(self, semantic: Tensor, coarse: Tensor) -> Tensor:
        """(N, channels, H, W) and (N, deep, H / factor, W / factor) -> (N, channels, H, W)."""
        deep = enlarge(self.transform2(coarse), self.factor)
        x = ops.concat((self.transform1(semantic), deep), axis=1)
        return self.relu(self.bn1(self.conv1(x))) + semantic

    def side(self, x: Tensor) -> Tensor:
        """The result of `construct` -> logits of a trimap, (N, 3, rest H, rest W), for training."""
        return enlarge(self.conv2(x), self.rest)
