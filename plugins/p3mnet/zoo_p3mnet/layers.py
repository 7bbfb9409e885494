"""Layers that the encoder and both decoders are made of, as PyTorch defines them."""

from __future__ import annotations

from mindspore import Tensor, nn, ops

# MindSpore's defaults differ: no bias, weights drawn at once. Here they are drawn by `zoo_p3mnet.initialisation`.


def convolution(inputs: int, outputs: int, kernel: int, bias: bool) -> nn.Conv2d:
    """A convolution that keeps the size of its map.

    Args:
        inputs: Channels of the input.
        outputs: Channels of the output.
        kernel: Side of the kernel, odd.
        bias: Whether there is one.
    """
    return nn.Conv2d(
        inputs,
        outputs,
        kernel,
        pad_mode="pad",
        padding=kernel // 2,
        has_bias=bias,
        weight_init="zeros",
        bias_init="zeros" if bias else None,
    )


def norm(channels: int) -> nn.BatchNorm2d:
    """A batch norm with PyTorch's numbers: its momentum 0.1 is the share of the new, 0.9 that of what is kept."""
    return nn.BatchNorm2d(channels, eps=1e-5, momentum=0.9)


def conv_norm_relu(inputs: int, outputs: int) -> list[nn.Cell]:
    """3x3 convolution with bias, batch norm, ReLU: three layers of a decoder's stage."""
    return [convolution(inputs, outputs, 3, bias=True), norm(outputs), nn.ReLU()]


def enlarge(x: Tensor, factor: int) -> Tensor:
    """Bilinear with half-pixel centres: (N, C, H, W) -> (N, C, factor H, factor W)."""
    size = (factor * x.shape[2], factor * x.shape[3])
    return ops.interpolate(x, size=size, mode="bilinear", align_corners=False)
