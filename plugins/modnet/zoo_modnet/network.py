"""MODNet (Ke et al., arXiv 2011.11961), in the form of the authors' released code.

The paper's last version has an e-ASPP module in the semantic branch; the code and the weights its authors published
have a squeeze-and-excitation block there and go with the first two versions of the paper. This is the published code's
network, restated.

    image (N,3,H,W) --> backbone --> 1/2, 1/4, 1/32
                          1/32 --> low resolution: what is the person   --> semantic 1/16 (training only)
               1/2, 1/4, image --> high resolution: where is the edge   --> detail 1/1    (training only)
                        both, image --> fusion                          --> alpha 1/1
"""

from __future__ import annotations

from typing import Any

from mindspore import Tensor, nn, ops

from zoo import UsageError
from zoo_modnet.initialisation import initialise

_EPSILON = 1e-5  # PyTorch's default in every norm, written out because frameworks differ


def resize(x: Tensor, height: int, width: int) -> Tensor:
    """Bilinear with half-pixel centres: (N, C, H, W) -> (N, C, height, width).

    Pixel i of the result looks at (i + 0.5) * H / height - 0.5, as in PyTorch; aligned corners, or centres at whole
    numbers, shift every map by a part of a pixel. Shrinking does not smooth: two by two pixels are looked at, at any
    factor.
    """
    return ops.interpolate(x, size=(height, width), mode="bilinear", align_corners=False)


def double(x: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, 2H, 2W)."""
    return resize(x, 2 * x.shape[2], 2 * x.shape[3])


class InstanceNorm(nn.Cell):
    """Every channel of every image to mean 0 and variance 1; no parameters, no running statistics.

    MindSpore has no instance norm on the CPU, so other norms are given a shape in which they are one. Which one depends
    on the mode, what is computed does not: PyTorch's InstanceNorm2d takes the image's own statistics in evaluation too.

    * Training: a batch norm that takes each channel of each image for a channel of one image; the quickest there
      forward and backward. It sums in float32 one value after the other, which is fine where there is noise, but on a
      flat area every addition rounds the same way: half a percent off at 512 x 512, more on larger pictures.
    * Evaluation: a layer norm of rows, precise for any picture. Its gradient would cost several times as much.
    """

    def __init__(self) -> None:
        super().__init__()
        # Momentum 0: the kernel writes its moving statistics in place, and constants are shared in a compiled graph.
        # Any other momentum changes them under the gradient's feet (30 % error); this one writes back what was there.
        self.columns = ops.BatchNorm(is_training=True, epsilon=_EPSILON, momentum=0.0)
        self.rows = ops.LayerNorm(begin_norm_axis=1, begin_params_axis=2, epsilon=_EPSILON)

    def construct(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> the same shape."""
        n, c, h, w = x.shape
        if self.training:
            ones, zeros = ops.ones((n * c,), x.dtype), ops.zeros((n * c,), x.dtype)
            y = self.columns(x.reshape((1, n * c, h, w)), ones, zeros, zeros, ones)[0]
        else:
            one, zero = ops.ones((1,), x.dtype), ops.zeros((1,), x.dtype)
            y = self.rows(x.reshape((n * c, h * w, 1)), one, zero)[0]
        return y.reshape((n, c, h, w))


class IBNorm(nn.Cell):
    """Batch norm of the first half of the channels, instance norm of the rest.

    Args:
        channels: Channels of the input.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        # The floor goes to the batch norm. (The authors' first commit took the instance norm's channels from another
        # place where their number is odd, ZHKKKe/MODNet issue 43; the published widths are all even.)
        self.sizes = (channels // 2, channels - channels // 2)
        # Momentum is the share that is kept, so 0.9 is PyTorch's 0.1. Both normalise with the biased variance of the
        # batch and keep the unbiased one.
        self.bnorm = nn.BatchNorm2d(channels // 2, eps=_EPSILON, momentum=0.9)
        self.inorm = InstanceNorm()

    def construct(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> the same shape."""
        batch, instance = ops.split(x, self.sizes, axis=1)
        return ops.concat((self.bnorm(batch), self.inorm(instance)), axis=1)


class ConvUnit(nn.Cell):
    """Convolution with bias, IBNorm, ReLU.

    Args:
        inputs: Channels of the input.
        outputs: Channels of the output.
        kernel: Side of the kernel; padded by half of it.
        stride: Stride.
        plain: The convolution alone, for the last layer of a head.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, plain: bool = False) -> None:
        super().__init__()
        # MindSpore's defaults are pad_mode "same", which with stride 2 pads an even side on the far end only, and no
        # bias. Here as in PyTorch: the same padding on every side, and a bias even where the norm takes it back.
        layers: list[nn.Cell] = [
            nn.Conv2d(
                inputs,
                outputs,
                kernel,
                stride,
                pad_mode="pad",
                padding=kernel // 2,
                has_bias=True,
                weight_init="zeros",
                bias_init="zeros",
            )
        ]
        if not plain:
            layers += [IBNorm(outputs), nn.ReLU()]
            self.cancelled = ("layers.0.bias",)  # both halves of the norm take the mean away
        self.layers = nn.SequentialCell(layers)

    def construct(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""
        return self.layers(x)


class SEBlock(nn.Cell):
    """Squeeze and excitation (Hu et al. 2018): each channel weighted by a glance at the whole image.

    Args:
        channels: Channels of input and output.
        reduction: Divisor of the hidden width.
    """

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        hidden = channels // reduction
        self.fc = nn.SequentialCell(
            [
                nn.Dense(channels, hidden, weight_init="zeros", has_bias=False),
                nn.ReLU(),
                nn.Dense(hidden, channels, weight_init="zeros", has_bias=False),
                nn.Sigmoid(),
            ]
        )

    def construct(self, x: Tensor) -> Tensor:
        """(N, channels, H, W) -> the same shape."""
        weight = self.fc(x.mean(axis=(2, 3)))
        return x * weight.reshape((x.shape[0], x.shape[1], 1, 1))


class LowResolutionBranch(nn.Cell):
    """The paper's semantic estimation: where a person is, coarsely.

    Args:
        channels: Channels of the encoder's map at 1/32, and of this branch at 1/16 and 1/8.
    """

    def __init__(self, channels: tuple[int, int, int]) -> None:
        super().__init__()
        coarse, middle, fine = channels
        self.se_block = SEBlock(coarse)
        self.conv_lr16x = ConvUnit(coarse, middle, 5)
        self.conv_lr8x = ConvUnit(middle, fine, 5)
        self.conv_lr = ConvUnit(fine, 1, 3, stride=2, plain=True)

    def construct(self, enc32x: Tensor) -> Tensor:
        """(N, coarse, H/32, W/32) -> (N, fine, H/8, W/8)."""
        x = self.conv_lr16x(double(self.se_block(enc32x)))
        return self.conv_lr8x(double(x))

    def head(self, lr8x: Tensor) -> Tensor:
        """(N, fine, H/8, W/8) -> semantic (N, 1, H/16, W/16) in [0, 1]."""
        return ops.sigmoid(self.conv_lr(lr8x))


class HighResolutionBranch(nn.Cell):
    """The paper's detail prediction: the boundary, guided by the low resolution.

    Args:
        width: Channels of this branch.
        enc2x: Channels of the encoder's map at 1/2.
        enc4x: Channels of the encoder's map at 1/4.
        lr: Channels of the low-resolution branch.
    """

    def __init__(self, width: int, enc2x: int, enc4x: int, lr: int) -> None:
        super().__init__()
        self.tohr_enc2x = ConvUnit(enc2x, width, 1)
        self.conv_enc2x = ConvUnit(width + 3, width, 3, stride=2)
        self.tohr_enc4x = ConvUnit(enc4x, width, 1)
        self.conv_enc4x = ConvUnit(2 * width, 2 * width, 3)
        self.conv_hr4x = nn.SequentialCell(
            [
                ConvUnit(2 * width + lr + 3, 2 * width, 3),
                ConvUnit(2 * width, 2 * width, 3),
                ConvUnit(2 * width, width, 3),
            ]
        )
        self.conv_hr2x = nn.SequentialCell(
            [
                ConvUnit(2 * width, 2 * width, 3),
                ConvUnit(2 * width, width, 3),
                ConvUnit(width, width, 3),
                ConvUnit(width, width, 3),
            ]
        )
        self.conv_hr = nn.SequentialCell([ConvUnit(width + 3, width, 3), ConvUnit(width, 1, 1, plain=True)])

    def construct(self, image: Tensor, enc2x: Tensor, enc4x: Tensor, lr4x: Tensor) -> Tensor:
        """Features of the boundary.

        Args:
            image: (N, 3, H, W).
            enc2x: (N, C, H/2, W/2).
            enc4x: (N, C, H/4, W/4).
            lr4x: Low-resolution branch, enlarged to (N, lr, H/4, W/4).

        Returns:
            (N, width, H/2, W/2).
        """
        height, width = image.shape[2:]
        image2x = resize(image, height // 2, width // 2)
        image4x = resize(image, height // 4, width // 4)
        enc2x = self.tohr_enc2x(enc2x)
        x = self.conv_enc2x(ops.concat((image2x, enc2x), axis=1))  # 1/4 from here
        x = self.conv_enc4x(ops.concat((x, self.tohr_enc4x(enc4x)), axis=1))
        x = self.conv_hr4x(ops.concat((x, lr4x, image4x), axis=1))
        return self.conv_hr2x(ops.concat((double(x), enc2x), axis=1))  # 1/2

    def head(self, image: Tensor, hr2x: Tensor) -> Tensor:
        """Features (N, width, H/2, W/2) -> detail (N, 1, H, W) in [0, 1]."""
        return ops.sigmoid(self.conv_hr(ops.concat((double(hr2x), image), axis=1)))


class FusionBranch(nn.Cell):
    """The paper's semantic-detail fusion: both branches and the image become the alpha.

    Args:
        width: Channels of the high-resolution branch.
        lr: Channels of the low-resolution branch.
    """

    def __init__(self, width: int, lr: int) -> None:
        super().__init__()
        self.conv_lr4x = ConvUnit(lr, width, 5)
        self.conv_f2x = ConvUnit(2 * width, width, 3)
        self.conv_f = nn.SequentialCell([ConvUnit(width + 3, width // 2, 3), ConvUnit(width // 2, 1, 1, plain=True)])

    def construct(self, image: Tensor, lr4x: Tensor, hr2x: Tensor) -> Tensor:
        """The alpha.

        Args:
            image: (N, 3, H, W).
            lr4x: Low-resolution branch, enlarged to (N, lr, H/4, W/4).
            hr2x: High-resolution branch, (N, width, H/2, W/2).

        Returns:
            (N, 1, H, W) in [0, 1].
        """
        x = double(self.conv_lr4x(lr4x))  # 1/2
        x = self.conv_f2x(ops.concat((x, hr2x), axis=1))
        return ops.sigmoid(self.conv_f(ops.concat((double(x), image), axis=1)))  # 1/1


class MODNet(nn.Cell):
    """The network: an image becomes an alpha.

    Args:
        backbone: Encoder cell with ``channels`` and ``strides``, among them 2, 4 and 32.
        hr_channels: Width of the high-resolution and fusion branches.
        lr_channels: Width of the low-resolution branch at 1/16 and at 1/8.

    Raises:
        UsageError: The encoder lacks a map that is used, or a width is no number or too small.
    """

    def __init__(self, backbone: nn.Cell, hr_channels: int = 32, lr_channels: tuple[int, int] = (96, 32)) -> None:
        super().__init__()
        maps = {stride: index for index, stride in enumerate(backbone.strides)}
        missing = [f"1/{stride}" for stride in (2, 4, 32) if stride not in maps]
        if missing:
            has = ", ".join(f"1/{stride}" for stride in backbone.strides)
            raise UsageError(f"modnet needs a backbone with maps at 1/2, 1/4 and 1/32; this one has {has}")
        widths = (hr_channels, *lr_channels)
        if len(widths) != 3 or not all(isinstance(w, int) for w in widths) or hr_channels < 4 or min(lr_channels) < 2:
            raise UsageError(
                "model.options: hr_channels must be a whole number of at least 4 and lr_channels two whole numbers "
                f"of at least 2, not {hr_channels!r} and {list(lr_channels)}"
            )
        self.index2, self.index4, self.index32 = maps[2], maps[4], maps[32]
        # The encoder is here alone. In the authors' files it stands twice, under their low-resolution branch too; those
        # are one set of weights.
        enc2x, enc4x, enc32x = (backbone.channels[maps[stride]] for stride in (2, 4, 32))
        self.backbone = backbone
        self.lr_branch = LowResolutionBranch((enc32x, *lr_channels))
        self.hr_branch = HighResolutionBranch(hr_channels, enc2x, enc4x, lr_channels[-1])
        self.f_branch = FusionBranch(hr_channels, lr_channels[-1])

    def construct(self, image: Tensor) -> Tensor:
        """Normalised image (N, 3, H, W) -> alpha (N, 1, H, W) in [0, 1], in training mode too.

        Raises:
            ValueError: H or W is no multiple of 32.
        """
        return self._features(image)[2]

    def branches(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What training compares with the truth; the first two heads exist for this alone.

        Args:
            image: As for `construct`.

        Returns:
            semantic (N, 1, H/16, W/16), detail (N, 1, H, W), alpha (N, 1, H, W), each in [0, 1].
        """
        lr8x, hr2x, alpha = self._features(image)
        return self.lr_branch.head(lr8x), self.hr_branch.head(image, hr2x), alpha

    def _features(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        height, width = image.shape[2], image.shape[3]
        if height % 32 != 0 or width % 32 != 0:
            raise ValueError(f"modnet: height and width must be multiples of 32, not {height} and {width}")
        maps = self.backbone(image)
        lr8x = self.lr_branch(maps[self.index32])
        lr4x = double(lr8x)
        hr2x = self.hr_branch(image, maps[self.index2], maps[self.index4], lr4x)
        return lr8x, hr2x, self.f_branch(image, lr4x, hr2x)


def build(config: Any, backbone: nn.Cell) -> MODNet:
    """A freshly initialised MODNet; the backbone keeps the weights it comes with.

    Args:
        config: The resolved config: ``model.options`` and ``train.seed``.
        backbone: A built encoder.

    Raises:
        UsageError: There is no backbone, it does not fit, or an option is out of range.
    """
    if backbone is None:
        raise UsageError("modnet needs a backbone: set model.backbone, for example to modnet/mobilenetv2")
    options = config.model.options
    if not isinstance(options["lr_channels"], (list, tuple)):
        raise UsageError(f"model.options.lr_channels must be a list of two numbers, not {options['lr_channels']!r}")
    network = MODNet(backbone, options["hr_channels"], tuple(options["lr_channels"]))
    initialise(network, config.train.seed, skip="backbone")
    return network
