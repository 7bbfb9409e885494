"""P3M-Net (Li, Ma, Zhang, Tao, ACM MM 2021, arXiv 2104.14222), in the form of the authors' released code.

    image (N,3,H,W) --> encoder --> 1/1, 1/2, 1/4, 1/8, 1/16, 1/32
                    1/32 --> semantic decoder, by bilinear enlarging --> trimap logits (N,3,H,W)
                    1/32 --> matting decoder, by unpooling           --> detail        (N,1,H,W)
                    both --> alpha: 0 and 1 where the trimap says so, the detail where it says unknown

On its way up the matting decoder takes in the semantic decoder and the encoder at the same resolution (TFI) and the
encoder's finest map (sBFI); the semantic decoder takes in the encoder's coarsest map (dBFI). Parameters carry the names
of the authors' modules.
"""

from __future__ import annotations

from typing import Any

from mindspore import Tensor, nn, ops

from zoo import UsageError
from zoo_p3mnet.initialisation import initialise, uniform
from zoo_p3mnet.integration import DeepIntegration, ShallowIntegration, TripartiteIntegration
from zoo_p3mnet.layers import conv_norm_relu, convolution, enlarge
from zoo_p3mnet.pooling import Places, Unpool

STRIDES = (1, 2, 4, 8, 16, 32)
"""Strides of the maps that the encoder must have."""


def _stage(inputs: int, outputs: int) -> nn.SequentialCell:
    """Three units; the last one changes the number of channels."""
    units = [*conv_norm_relu(inputs, inputs), *conv_norm_relu(inputs, inputs), *conv_norm_relu(inputs, outputs)]
    return nn.SequentialCell(units)


class P3MNet(nn.Cell):
    """The network: a picture becomes an alpha.

    Args:
        backbone: Encoder cell with ``channels`` and ``strides``, among them 1, 2, 4, 8, 16 and 32. Its channels decide
            the decoders'.

    Attributes:
        cancelled: Patterns of the parameters that a norm behind them takes back: biases of the decoders' convolutions,
            which the authors leave in.

    Raises:
        UsageError: The encoder lacks a map, or has one with an odd number of channels.
    """

    cancelled = ("decoder[1-4]_[gl].[036].bias", "decoder0_[gl].[03].bias")

    def __init__(self, backbone: nn.Cell) -> None:
        super().__init__()
        maps = {stride: index for index, stride in enumerate(backbone.strides)}
        if not set(STRIDES) <= set(maps):
            wants, has = (", ".join(f"1/{stride}" for stride in strides) for strides in (STRIDES, backbone.strides))
            raise UsageError(f"p3mnet needs a backbone with maps at {wants}; this one has {has}")
        self.order = tuple(maps[stride] for stride in STRIDES)
        channels = [backbone.channels[index] for index in self.order]
        if any(count % 2 for count in channels):
            raise UsageError(f"p3mnet halves the channels of its backbone's maps; this one has {channels}")
        # Numbers in names are the authors': 0 is the stage at 1/2, 4 that at 1/32.
        full, half, quarter, eighth, sixteenth, coarse = channels
        self.backbone = backbone
        self.places, self.unpool = Places(), Unpool()

        self.decoder4_g = _stage(coarse, sixteenth)
        self.decoder3_g = _stage(sixteenth, eighth)
        self.decoder2_g = _stage(eighth, quarter)
        self.decoder1_g = _stage(quarter, half)
        self.decoder0_g = nn.SequentialCell(
            [*conv_norm_relu(half, half), *conv_norm_relu(half, half), convolution(half, 3, 3, bias=True)]
        )
        self.residualmodule2_s = DeepIntegration(eighth, coarse, factor=4, rest=8)
        self.residualmodule1_s = DeepIntegration(quarter, coarse, factor=8, rest=4)
        self.residualmodule0_s = DeepIntegration(half, coarse, factor=16, rest=2)

        self.decoder4_l = _stage(coarse, sixteenth)
        self.decoder3_l = _stage(sixteenth, eighth)
        self.decoder2_l = _stage(eighth, quarter)
        self.decoder1_l = _stage(quarter, half)
        self.decoder0_l = nn.SequentialCell([*conv_norm_relu(half, half), *conv_norm_relu(half, full)])
        self.decoder_final_l = convolution(full, 1, 3, bias=True)
        self.refinemodule3 = TripartiteIntegration(sixteenth)
        self.refinemodule2 = TripartiteIntegration(eighth)
        self.refinemodule1 = TripartiteIntegration(quarter)
        self.refinemodule0 = TripartiteIntegration(half)
        self.residualmodule2 = ShallowIntegration(eighth, full, stride=8)
        self.residualmodule1 = ShallowIntegration(quarter, full, stride=4)
        self.residualmodule0 = ShallowIntegration(half, full, stride=2)

    def construct(self, image: Tensor) -> Tensor:
        """Normalised image (N, 3, H, W) -> alpha (N, 1, H, W) in [0, 1], in training mode too.

        Raises:
            ValueError: H or W is no multiple of 32.
        """
        maps = self._maps(image)
        guides, deep = self._semantic(maps[5])
        return fuse(self._trimap(deep), self._detail(maps, guides))

    def branches(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, tuple[Tensor, Tensor, Tensor]]:
        """What training compares with the truth.

        Args:
            image: As for `construct`.

        Returns:
            trimap (N, 3, H, W), logits of background, unknown and foreground; detail (N, 1, H, W) in [0, 1]; alpha
            (N, 1, H, W) in [0, 1]; and three more trimaps, from the semantic decoder at 1/8, 1/4 and 1/2, which exist
            for training alone.
        """
        maps = self._maps(image)
        guides, deep = self._semantic(maps[5])
        trimap, detail = self._trimap(deep), self._detail(maps, guides)
        eighth, quarter, half = deep
        sides = (
            self.residualmodule2_s.side(eighth),
            self.residualmodule1_s.side(quarter),
            self.residualmodule0_s.side(half),
        )
        return trimap, detail, fuse(trimap, detail), sides

    def parts(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The two decoders' answers apart, for the protocol that takes them from two sizes of the picture.

        Args:
            image: As for `construct`.

        Returns:
            trimap (N, 1, H, W) in {0, 0.5, 1}, and detail (N, 1, H, W) in [0, 1].
        """
        maps = self._maps(image)
        guides, deep = self._semantic(maps[5])
        is_foreground, is_unknown = _regions(self._trimap(deep))
        return is_foreground + 0.5 * is_unknown, self._detail(maps, guides)

    def _maps(self, image: Tensor) -> tuple[Tensor, ...]:
        height, width = image.shape[2], image.shape[3]
        if height % 32 != 0 or width % 32 != 0:
            raise ValueError(f"p3mnet: height and width must be multiples of 32, not {height} and {width}")
        maps = self.backbone(image)
        full, half, quarter, eighth, sixteenth, coarse = self.order
        return maps[full], maps[half], maps[quarter], maps[eighth], maps[sixteenth], maps[coarse]

    def _semantic(self, coarse: Tensor) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """The semantic decoder up to 1/2.

        Args:
            coarse: The encoder's map at 1/32.

        Returns:
            Its maps at 1/16, 1/8, 1/4 and 1/2, which guide the matting decoder, and those at 1/8, 1/4 and 1/2 with the
            encoder's coarsest map integrated.
        """
        sixteenth = enlarge(self.decoder4_g(coarse), 2)
        eighth = enlarge(self.decoder3_g(sixteenth), 2)
        deep8 = self.residualmodule2_s(eighth, coarse)
        quarter = enlarge(self.decoder2_g(deep8), 2)
        deep4 = self.residualmodule1_s(quarter, coarse)
        half = enlarge(self.decoder1_g(deep4), 2)
        deep2 = self.residualmodule0_s(half, coarse)
        return (sixteenth, eighth, quarter, half), (deep8, deep4, deep2)

    def _trimap(self, deep: tuple[Tensor, ...]) -> Tensor:
        return enlarge(self.decoder0_g(deep[2]), 2)

    def _detail(self, maps: tuple[Tensor, ...], guides: tuple[Tensor, ...]) -> Tensor:
        """The matting decoder: (N, 1, H, W) in [0, 1], of use where the trimap is unknown."""
        full, half, quarter, eighth, sixteenth, coarse = maps
        x = self.unpool(self.decoder4_l(coarse), self.places(sixteenth))  # 1/16
        x = self.refinemodule3(guides[0], x, sixteenth)
        x = self.unpool(self.decoder3_l(x), self.places(eighth))  # 1/8
        x = self.residualmodule2(self.refinemodule2(guides[1], x, eighth), full)
        x = self.unpool(self.decoder2_l(x), self.places(quarter))  # 1/4
        x = self.residualmodule1(self.refinemodule1(guides[2], x, quarter), full)
        x = self.unpool(self.decoder1_l(x), self.places(half))  # 1/2
        x = self.residualmodule0(self.refinemodule0(guides[3], x, half), full)
        x = self.unpool(self.decoder0_l(x), self.places(full))  # 1/1
        return ops.sigmoid(self.decoder_final_l(x))


def fuse(trimap: Tensor, detail: Tensor) -> Tensor:
    """The alpha: what the trimap knows, and the detail where it does not.

    Args:
        trimap: (N, 3, H, W), logits of background, unknown and foreground. Of equal ones the first counts. No gradient
            passes: which one is the largest does not change with a small step.
        detail: (N, 1, H, W) in [0, 1].

    Returns:
        (N, 1, H, W) in [0, 1].
    """
    is_foreground, is_unknown = _regions(trimap)
    return detail * is_unknown + is_foreground


def _regions(trimap: Tensor) -> tuple[Tensor, Tensor]:
    """Where the logits say foreground and where they say unknown, each (N, 1, H, W) in {0, 1}."""
    background, unknown, foreground = trimap[:, 0:1], trimap[:, 1:2], trimap[:, 2:3]
    is_unknown = ops.logical_and(unknown > background, unknown >= foreground).astype(trimap.dtype)
    is_foreground = ops.logical_and(foreground > background, foreground > unknown).astype(trimap.dtype)
    return is_foreground, is_unknown


def build(config: Any, backbone: nn.Cell) -> P3MNet:
    """A freshly initialised P3M-Net; the backbone keeps the weights it comes with.

    Args:
        config: The resolved config: ``train.seed``.
        backbone: A built encoder.

    Raises:
        UsageError: There is no backbone, or it does not fit.
    """
    if backbone is None:
        raise UsageError("p3mnet needs a backbone: set model.backbone, for example to p3mnet/resnet34")
    network = P3MNet(backbone)
    initialise(network, config.train.seed, uniform, skip="backbone")
    return network
