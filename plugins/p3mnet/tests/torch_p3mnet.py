"""P3M-Net in PyTorch, restated from the authors' released code: the peer that the parity tests compare with.

Source of every figure: JizhiziLi/P3M (MIT), commits 1e6d687 (core/network/P3mNet.py, core/network/resnet_mp.py,
core/evaluate.py, core/util.py) and 2618b39 (core/train.py). Nothing here was made from the MindSpore network, so that
the two can disagree. Modules carry the names of the authors' checkpoints: ``state_dict`` has the entries of such a
file, and loads one.

Left as PyTorch has it, because the authors leave it so: BatchNorm2d, biases, max pooling with indices and its inverse,
bilinear enlarging without aligned corners.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812, the name that everybody knows it by
from torch import Tensor, nn

# --- The encoder -----------------------------------------------------------------------------------


def plain(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    """Convolution without bias that keeps the size."""
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)


class Block(nn.Module):
    """ResNet's basic block; every stride is 1."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = plain(inputs, outputs, 3), nn.BatchNorm2d(outputs)
        self.conv2, self.bn2 = plain(outputs, outputs, 3), nn.BatchNorm2d(outputs)
        self.downsample = None
        if inputs != outputs:
            self.downsample = nn.Sequential(plain(inputs, outputs, 1), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class Encoder(nn.Module):
    """ResNet-34 with a pooling where others have a stride; its classifier is in every file."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = plain(3, width, 7), nn.BatchNorm2d(width)
        inputs = width
        for number, (outputs, count) in enumerate(((width, 3), (2 * width, 4), (4 * width, 6), (8 * width, 3)), 1):
            blocks = [Block(inputs if k == 0 else outputs, outputs) for k in range(count)]
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
            inputs = outputs
        self.fc = nn.Linear(inputs, 1000)


# --- Integration -----------------------------------------------------------------------------------


class Refine(nn.Module):
    """TFI."""

    def __init__(self, planes: int) -> None:
        super().__init__()
        self.transform = plain(planes, planes // 2, 1)
        self.conv1, self.bn1 = plain(planes // 2 * 3, planes, 3), nn.BatchNorm2d(planes)

    def forward(self, *inputs: Tensor) -> Tensor:
        return F.relu(self.bn1(self.conv1(torch.cat([self.transform(x) for x in inputs], 1))))


class Shallow(nn.Module):
    """sBFI."""

    def __init__(self, planes: int, first: int, stride: int) -> None:
        super().__init__()
        self.transform1, self.transform2 = plain(planes, planes // 2, 1), plain(first, planes // 2, 1)
        self.conv1, self.bn1 = plain(planes, planes, 3), nn.BatchNorm2d(planes)
        self.stride = stride

    def forward(self, x: Tensor, e0: Tensor) -> Tensor:
        small = F.max_pool2d(e0, 2, stride=self.stride)
        y = torch.cat([self.transform1(x), self.transform2(small)], 1)
        return F.relu(self.bn1(self.conv1(y))) + x


class Deep(nn.Module):
    """dBFI."""

    def __init__(self, planes: int, last: int, stride: int) -> None:
        super().__init__()
        self.transform1, self.transform2 = plain(planes, planes // 2, 1), plain(last, planes // 2, 1)
        self.conv1, self.bn1 = plain(planes, planes, 3), nn.BatchNorm2d(planes)
        self.conv2 = plain(planes, 3, 3)
        self.stride = stride

    def forward(self, x: Tensor, e4: Tensor) -> tuple[Tensor, Tensor]:
        y = torch.cat([self.transform1(x), up(self.transform2(e4), self.stride)], 1)
        out = F.relu(self.bn1(self.conv1(y))) + x
        return out, up(self.conv2(out), 32 // self.stride)


def up(x: Tensor, factor: int) -> Tensor:
    """Bilinear, pixel centres at half."""
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


# --- The network -----------------------------------------------------------------------------------


def stage(*channels: int, last: bool = False) -> nn.Sequential:
    """Convolution with bias, norm, ReLU for each step; with ``last`` the last one is a convolution alone."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(channels):
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*(layers[:-2] if last else layers))


class Outputs(NamedTuple):
    """What the authors' network returns, in their order."""

    trimap: Tensor
    detail: Tensor
    alpha: Tensor
    side2: Tensor
    side1: Tensor
    side0: Tensor


class P3mNet(nn.Module):
    """The network; 64 channels wide as published."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        w = width
        self.resnet = Encoder(w)
        # The authors hold the encoder's parts once more under these names, and so do their files.
        self.encoder0 = nn.Sequential(self.resnet.conv1, self.resnet.bn1, nn.ReLU())
        self.encoder1 = nn.Sequential(self.resnet.layer1)
        self.encoder2, self.encoder3, self.encoder4 = (getattr(self.resnet, f"layer{n}") for n in (2, 3, 4))
        for side in "gl":
            self.add_module(f"decoder4_{side}", stage(8 * w, 8 * w, 8 * w, 4 * w))
            self.add_module(f"decoder3_{side}", stage(4 * w, 4 * w, 4 * w, 2 * w))
            self.add_module(f"decoder2_{side}", stage(2 * w, 2 * w, 2 * w, w))
            self.add_module(f"decoder1_{side}", stage(w, w, w, w))
        self.decoder0_g = stage(w, w, w, 3, last=True)
        self.decoder0_l = stage(w, w, w)
        self.decoder_final_l = nn.Conv2d(w, 1, 3, padding=1)
        for number, planes in ((3, 4 * w), (2, 2 * w), (1, w), (0, w)):
            self.add_module(f"refinemodule{number}", Refine(planes))
        for number, planes in ((2, 2 * w), (1, w), (0, w)):
            self.add_module(f"residualmodule{number}", Shallow(planes, w, 2 ** (number + 1)))
            self.add_module(f"residualmodule{number}_s", Deep(planes, 8 * w, 2 ** (4 - number)))

    def forward(self, image: Tensor, places: Sequence[Tensor | None] = (None,) * 5) -> Outputs:
        """The outputs; with ``places`` each pooling takes those pixels for its maxima, see `pool`."""
        e0 = self.encoder0(image)
        e0p, id0 = pool(e0, places[0])
        e1p, id1 = pool(e0p, places[1])
        e1 = self.encoder1(e1p)
        e2p, id2 = pool(e1, places[2])
        e2 = self.encoder2(e2p)
        e3p, id3 = pool(e2, places[3])
        e3 = self.encoder3(e3p)
        e4p, id4 = pool(e3, places[4])
        e4 = self.encoder4(e4p)

        d4_g = up(self.decoder4_g(e4), 2)
        d3_g = up(self.decoder3_g(d4_g), 2)
        deep, side2 = self.residualmodule2_s(d3_g, e4)
        d2_g = up(self.decoder2_g(deep), 2)
        deep, side1 = self.residualmodule1_s(d2_g, e4)
        d1_g = up(self.decoder1_g(deep), 2)
        deep, side0 = self.residualmodule0_s(d1_g, e4)
        trimap = up(self.decoder0_g(deep), 2)

        x = F.max_unpool2d(self.decoder4_l(e4), id4, 2, 2)
        x = self.refinemodule3(d4_g, x, e3)
        x = F.max_unpool2d(self.decoder3_l(x), id3, 2, 2)
        x = self.residualmodule2(self.refinemodule2(d3_g, x, e2), e0)
        x = F.max_unpool2d(self.decoder2_l(x), id2, 2, 2)
        x = self.residualmodule1(self.refinemodule1(d2_g, x, e1), e0)
        x = F.max_unpool2d(self.decoder1_l(x), id1, 2, 2)
        x = self.residualmodule0(self.refinemodule0(d1_g, x, e0p), e0)
        x = F.max_unpool2d(self.decoder0_l(x), id0, 2, 2)
        detail = torch.sigmoid(self.decoder_final_l(x))

        index = trimap.max(1, keepdim=True).indices
        alpha = detail * (index == 1) + (index == 2)
        return Outputs(trimap, detail, alpha, side2, side1, side0)


def pool(x: Tensor, places: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Max pooling and where it found its maxima.

    Two pixels of a window may differ by less than another precision's rounding. So that networks of different precision
    can be compared, the pixels may be given; they must be maxima but for rounding.
    """
    values, indices = F.max_pool2d(x, 3, stride=2, padding=1, return_indices=True)
    if places is None:
        return values, indices
    given = x.flatten(2).gather(2, places.flatten(2)).view_as(values)
    assert (values - given).max() <= 1e-4 * values.abs().max(), "not the largest of its window"
    return given, places


# --- The objective ---------------------------------------------------------------------------------


class Losses(NamedTuple):
    """The weighted terms."""

    semantic: Tensor
    detail: Tensor
    fusion: Tensor
    composition: Tensor


def objective(network: P3mNet, image: Tensor, alpha: Tensor, trimap: Tensor, mean: Tensor, std: Tensor) -> Losses:
    """The four terms; their sum is the loss.

    The composition is zoo's: the authors' needs estimated colours of foreground and background.
    """
    out = network(image)
    classes = (2 * trimap[:, 0]).long()
    entropy = [F.cross_entropy(z, classes) for z in (out.trimap, out.side2, out.side1, out.side0)]
    unknown = (trimap == 0.5).to(alpha.dtype)
    detail = smooth_abs((out.detail - alpha) * unknown).sum() / (unknown.sum() + 1)
    fusion = smooth_abs(out.alpha - alpha).mean()
    composed = ((image * std + mean) * (out.alpha - alpha)).abs().sum(1).mean()
    return Losses(
        (3 * entropy[0] + sum(entropy[1:])) / 6,
        2 * (detail + laplacian(out.detail * unknown, alpha * unknown)),
        3 * (fusion + laplacian(out.alpha, alpha)),
        composed,
    )


def smooth_abs(x: Tensor) -> Tensor:
    return torch.sqrt(x**2 + 1e-12)


def laplacian(a: Tensor, b: Tensor) -> Tensor:
    """Sum over the levels of both pyramids of their mean absolute difference."""
    return sum(F.l1_loss(one, other) for one, other in zip(pyramid(a), pyramid(b), strict=True))


def pyramid(x: Tensor) -> list[Tensor]:
    """Five levels of details and what is left."""
    place = torch.arange(5, dtype=x.dtype) - 2
    bell = torch.exp(place**2 / -2) ** 2
    kernel = bell[:, None] + bell[None]
    kernel = (kernel / kernel.sum())[None, None]
    levels = []
    for _ in range(5):
        blurred = F.conv2d(F.pad(x, (2, 2, 2, 2), mode="replicate"), kernel)
        levels.append(x - blurred)
        x = F.avg_pool2d(blurred, 2)
    return [*levels, x]


def lively(network: P3mNet, image: Tensor, seed: int = 0) -> P3mNet:
    """Give a network weights, biases, scales, shifts and running statistics, and outputs that say something.

    The statistics are those of a batch that has passed; the last layers are such that its logits have mean 0 and
    standard deviation 1, so that each class is somewhere.

    Args:
        network: Changed in place, and left in evaluation mode.
        image: (N, 3, H, W), the batch.
        seed: Of the numbers drawn.
    """
    generator = torch.Generator().manual_seed(seed)

    def draw(value: Tensor, low: float, high: float) -> None:
        value.copy_(low + (high - low) * torch.rand(value.shape, generator=generator, dtype=value.dtype))

    def level(last: nn.Conv2d, logits: Tensor) -> None:
        factor = 1 / logits.std((0, 2, 3))
        last.weight *= factor[:, None, None, None]
        if last.bias is not None:
            last.bias.copy_((last.bias - logits.mean((0, 2, 3))) * factor)

    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d)]
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, nn.Conv2d):
                bound = (3 / part.weight[0].numel()) ** 0.5
                draw(part.weight, -bound, bound)
                if part.bias is not None:
                    draw(part.bias, -0.3, 0.3)
        for norm in norms:
            draw(norm.weight, 0.6, 1.4)
            draw(norm.bias, -0.3, 0.3)
            norm.momentum = 1.0
        network.train()
        network(image)
        network.eval()
        out = network(image)
        level(network.decoder_final_l, torch.logit(out.detail))
        level(network.decoder0_g[6], out.trimap)
        for number, side in enumerate((out.side0, out.side1, out.side2)):
            level(getattr(network, f"residualmodule{number}_s").conv2, side)
    for norm in norms:
        norm.momentum = 0.1
    return network
