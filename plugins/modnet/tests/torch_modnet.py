"""MODNet in PyTorch, restated from the authors' released code: the peer that the parity tests compare with.

Source of every figure: ZHKKKe/MODNet, commits ffe3842 (src/models/modnet.py), 5da2bb6 (src/models/backbones/
mobilenetv2.py), 26cae0f (src/models/backbones/wrapper.py), 3850cf6 (src/trainer.py); code and weights Apache-2.0.
Nothing here was made from the MindSpore network, so that the two can disagree. Modules carry the names of the
authors' checkpoints: ``state_dict`` has the entries of such a file, and loads one.

Left as PyTorch has it, because the authors leave it so: BatchNorm2d (eps 1e-5, momentum 0.1, unbiased running
variance), biases of Conv2d, bilinear resizing without aligned corners and without anti-aliasing.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812, the name that everybody knows it by
from scipy.ndimage import grey_dilation, grey_erosion
from torch import Tensor, nn

# --- The encoder -----------------------------------------------------------------------------------

# One line per block of ``features``: expansion (0: a plain convolution), kernel or stride, channels.
_BLOCKS = """
    0 3/2 32
    1 3/1 16
    6 3/2 24    6 3/1 24
    6 3/2 32    6 3/1 32    6 3/1 32
    6 3/2 64    6 3/1 64    6 3/1 64    6 3/1 64
    6 3/1 96    6 3/1 96    6 3/1 96
    6 3/2 160   6 3/1 160   6 3/1 160
    6 3/1 320
    0 1/1 1280
"""


def normed(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> tuple[nn.Module, nn.Module]:
    """Convolution without bias, batch norm: the two modules of which the encoder is made."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, (kernel - 1) // 2, groups=groups, bias=False)
    return convolution, nn.BatchNorm2d(outputs)


class Residual(nn.Module):
    """Widen, filter, narrow; added to its input where the shape allows."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = inputs * expansion
        widen = () if expansion == 1 else (*normed(inputs, wide, 1), nn.ReLU6())
        self.conv = nn.Sequential(
            *widen, *normed(wide, wide, 3, stride, groups=wide), nn.ReLU6(), *normed(wide, outputs, 1)
        )
        self.adds = (inputs, 1) == (outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) + (x if self.adds else 0)


def encoder_blocks() -> nn.Sequential:
    """The nineteen blocks of MobileNetV2 at width 1.0."""
    words = _BLOCKS.split()
    blocks: list[nn.Module] = []
    inputs = 3
    for expansion, shape, channels in zip(words[::3], words[1::3], words[2::3], strict=True):
        kernel, stride = map(int, shape.split("/"))
        outputs = int(channels)
        if int(expansion):
            blocks.append(Residual(inputs, outputs, stride, int(expansion)))
        else:
            blocks.append(nn.Sequential(*normed(inputs, outputs, kernel, stride), nn.ReLU6()))
        inputs = outputs
    return nn.Sequential(*blocks)


class Encoder(nn.Module):
    """``model.features`` of the checkpoint, and what of it is used."""

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.ModuleDict({"features": encoder_blocks()})

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The maps at 1/2 (16 channels), 1/4 (24) and 1/32 (1280)."""
        features = self.model["features"]
        half = features[:2](image)
        quarter = features[2:4](half)
        return half, quarter, features[4:](quarter)


# --- The branches ----------------------------------------------------------------------------------


class IBNorm(nn.Module):
    """Batch norm for the first ``channels // 2`` channels, instance norm without parameters for the others.

    Instance norm keeps no statistics, so ``eval()`` changes nothing about it.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.bnorm = nn.BatchNorm2d(int(channels / 2))

    def forward(self, x: Tensor) -> Tensor:
        k = self.bnorm.num_features
        return torch.cat([self.bnorm(x[:, :k]), F.instance_norm(x[:, k:])], dim=1)


class Unit(nn.Module):
    """Convolution with bias that keeps the size, IBNorm, ReLU; the last two are absent at the end of a head."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, last: bool = False) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2))
        if not last:
            self.layers.extend([IBNorm(outputs), nn.ReLU()])

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)


class Excitation(nn.Module):
    """Channels weighted by two linear layers without bias on their means."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Sequential(
            nn.Linear(channels, channels // 4, bias=False),
            nn.ReLU(),
            nn.Linear(channels // 4, channels, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x * self.fc(x.mean((2, 3)))[..., None, None]


def scaled(x: Tensor, factor: float) -> Tensor:
    """Bilinear, pixel centres at half; shrinking looks at two by two pixels only."""
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


class LowResolution(nn.Module):
    """Semantics: 1/32 up to 1/8. The authors register the encoder here as well as in the network itself."""

    def __init__(self, backbone: Encoder) -> None:
        super().__init__()
        self.backbone = backbone
        self.se_block = Excitation(1280)
        self.conv_lr16x = Unit(1280, 96, 5)
        self.conv_lr8x = Unit(96, 32, 5)
        self.conv_lr = Unit(32, 1, 3, stride=2, last=True)

    def forward(self, enc32x: Tensor) -> tuple[Tensor, Tensor]:
        """Map at 1/32 -> semantic (N, 1, H/16, W/16), features (N, 32, H/8, W/8)."""
        x = self.conv_lr16x(scaled(self.se_block(enc32x), 2))
        x = self.conv_lr8x(scaled(x, 2))
        return torch.sigmoid(self.conv_lr(x)), x


class HighResolution(nn.Module):
    """Details: from the image and the two finest maps, told by the semantics where to look."""

    def __init__(self) -> None:
        super().__init__()
        self.tohr_enc2x = Unit(16, 32, 1)
        self.conv_enc2x = Unit(35, 32, 3, stride=2)
        self.tohr_enc4x = Unit(24, 32, 1)
        self.conv_enc4x = Unit(64, 64, 3)
        self.conv_hr4x = nn.Sequential(Unit(99, 64, 3), Unit(64, 64, 3), Unit(64, 32, 3))
        self.conv_hr2x = nn.Sequential(Unit(64, 64, 3), Unit(64, 32, 3), Unit(32, 32, 3), Unit(32, 32, 3))
        self.conv_hr = nn.Sequential(Unit(35, 32, 3), Unit(32, 1, 1, last=True))

    def forward(self, image: Tensor, half: Tensor, quarter: Tensor, lr8x: Tensor) -> tuple[Tensor, Tensor]:
        """-> detail (N, 1, H, W), features (N, 32, H/2, W/2)."""
        half = self.tohr_enc2x(half)
        x = self.conv_enc2x(torch.cat([scaled(image, 1 / 2), half], dim=1))
        x = self.conv_enc4x(torch.cat([x, self.tohr_enc4x(quarter)], dim=1))
        x = self.conv_hr4x(torch.cat([x, scaled(lr8x, 2), scaled(image, 1 / 4)], dim=1))
        x = self.conv_hr2x(torch.cat([scaled(x, 2), half], dim=1))
        return torch.sigmoid(self.conv_hr(torch.cat([scaled(x, 2), image], dim=1))), x


class Fusion(nn.Module):
    """The alpha, from both branches and the image."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_lr4x = Unit(32, 32, 5)
        self.conv_f2x = Unit(64, 32, 3)
        self.conv_f = nn.Sequential(Unit(35, 16, 3), Unit(16, 1, 1, last=True))

    def forward(self, image: Tensor, lr8x: Tensor, hr2x: Tensor) -> Tensor:
        """-> alpha (N, 1, H, W)."""
        x = scaled(self.conv_lr4x(scaled(lr8x, 2)), 2)
        x = scaled(self.conv_f2x(torch.cat([x, hr2x], dim=1)), 2)
        return torch.sigmoid(self.conv_f(torch.cat([x, image], dim=1)))


class Outputs(NamedTuple):
    """What the network says about a batch, each in [0, 1]."""

    semantic: Tensor
    detail: Tensor
    alpha: Tensor


class MODNet(nn.Module):
    """The whole network, with the two outputs that only training needs."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Encoder()
        self.lr_branch = LowResolution(self.backbone)
        self.hr_branch = HighResolution()
        self.f_branch = Fusion()

    def forward(self, image: Tensor) -> Outputs:
        """Normalised image (N, 3, H, W), sides multiples of 32 -> semantic, detail, alpha."""
        half, quarter, coarse = self.backbone(image)
        semantic, lr8x = self.lr_branch(coarse)
        detail, hr2x = self.hr_branch(image, half, quarter, lr8x)
        return Outputs(semantic, detail, self.f_branch(image, lr8x, hr2x))


# --- The losses ------------------------------------------------------------------------------------


def gaussian() -> np.ndarray:
    """The 3x3 kernel: SciPy's Gaussian filter (sigma 0.8) applied to a single one amid a 3x3 picture.

    SciPy cuts the Gaussian after four sigma, here three pixels, and continues a picture by its mirror image, edge
    pixel included; so what falls off the three pixels comes back into them.
    """
    offsets = np.arange(-3, 4)
    weights = np.exp(-(offsets**2) / (2 * 0.8**2))
    line = np.convolve(np.pad([0.0, 1.0, 0.0], 3, mode="symmetric"), weights / weights.sum(), mode="valid")
    return line[:, None] * line[None, :]


def blurred(x: Tensor) -> Tensor:
    """Pictures of one channel under the 3x3 kernel; the border is mirrored without its edge pixel."""
    kernel = torch.as_tensor(gaussian(), dtype=x.dtype)[None, None]
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), kernel)


def semantic_loss(semantic: Tensor, alpha: Tensor) -> Tensor:
    """Ten times the squared error against the blurred alpha at 1/16."""
    return 10 * F.mse_loss(semantic, blurred(scaled(alpha, 1 / 16)))


def detail_loss(detail: Tensor, alpha: Tensor, trimap: Tensor) -> Tensor:
    """Ten times the absolute error, both sides showing the trimap where it is certain."""
    certain = (trimap < 0.5) | (trimap > 0.5)
    return 10 * F.l1_loss(torch.where(certain, trimap, detail), torch.where(certain, trimap, alpha))


def matte_loss(matte: Tensor, image: Tensor, alpha: Tensor, trimap: Tensor) -> Tensor:
    """Absolute error of the alpha and of the image times the alpha; each once everywhere and four times at the edge."""
    edge = torch.where((trimap < 0.5) | (trimap > 0.5), trimap, matte)
    plain = F.l1_loss(matte, alpha) + 4 * F.l1_loss(edge, alpha)
    return plain + F.l1_loss(image * matte, image * alpha) + 4 * F.l1_loss(image * edge, image * alpha)


def losses(outputs: Outputs, image: Tensor, alpha: Tensor, trimap: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Semantic, detail and matte loss with the scales of the authors' code (10, 10, 1); training adds them up."""
    return (
        semantic_loss(outputs.semantic, alpha),
        detail_loss(outputs.detail, alpha, trimap),
        matte_loss(outputs.alpha, image, alpha, trimap),
    )


# --- The losses of the second stage ----------------------------------------------------------------


def training_with_frozen_norms(network: nn.Module) -> nn.Module:
    """Training mode but for the norms, whose scales and shifts are trained all the same."""
    network.train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()
    return network


def soc_boundary(semantic: Tensor, alpha: Tensor) -> Tensor:
    """Where both outputs together change between a person and none, within a square of a twentieth of the side."""
    person = scaled((semantic > 0.1).to(alpha), 16) * (alpha > 0.1)
    side = int(sum(alpha.shape[2:]) / 2 * 0.05)
    found = []
    for picture in person.detach().numpy()[:, 0]:
        widest, narrowest = (change(picture, size=(side, side)) for change in (grey_dilation, grey_erosion))
        found.append(widest - narrowest != 0)
    return torch.tensor(np.array(found)[:, None]).to(alpha)


def soc_losses(outputs: Outputs, old: Outputs) -> tuple[Tensor, Tensor, Tensor]:
    """Semantic, detail and matte loss with the scales of the authors' code (100, 1, 1); training adds them up.

    Args:
        outputs: Of the network.
        old: Of its copy from the beginning of the epoch.
    """

    def lesson(x: Tensor) -> Tensor:
        return torch.where(x > 0.01, x, 0).detach()

    def average(x: Tensor) -> Tensor:
        """Over the boundary of each picture."""
        return ((x * where).flatten(1).sum(1) / where.flatten(1).sum(1)).mean()

    where = soc_boundary(outputs.semantic, outputs.alpha)
    coarse = blurred(scaled(outputs.alpha, 1 / 16))
    semantic = F.mse_loss(outputs.semantic, lesson(coarse)) + F.mse_loss(coarse, lesson(outputs.semantic))
    detail = average((outputs.detail - old.detail.detach()).abs())
    return 100 * semantic, detail, average((outputs.alpha - old.alpha.detach()).abs())


# --- Weights ---------------------------------------------------------------------------------------


def lively(network: nn.Module, image: Tensor | None = None, seed: int = 0) -> nn.Module:
    """Give a module weights as training might leave them: nothing 0 or 1, every layer still awake.

    Convolutions and linear layers are drawn uniformly after He et al.; scales, shifts and biases vary. With an image,
    running statistics are those of the activations it causes, then disturbed: drawn blindly they would let a network of
    fifty norms fade or saturate.

    Args:
        network: Changed in place; float64. What it holds afterwards are float32 numbers, so that a copy in float32
            has the same weights.
        image: Input of the module; None: running statistics are drawn.
        seed: Of every draw.

    Returns:
        The module, in evaluation mode.
    """
    random = torch.Generator().manual_seed(seed)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for parameter in network.parameters():
        bound = math.sqrt(6 / parameter[0].numel()) if parameter.ndim > 1 else 0.3
        nn.init.uniform_(parameter, -bound, bound, generator=random)
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.6, 1.4, generator=random)
        norm.momentum = 1.0  # running statistics become the batch's
    if image is not None:
        with torch.no_grad():
            network.train()(image)
    for norm in norms:
        norm.momentum = 0.1
        norm.running_mean += norm.running_var.sqrt() * _uniform(norm.running_mean, -0.3, 0.3, random)
        norm.running_var *= _uniform(norm.running_var, 0.6, 1.6, random)
    for value in network.state_dict().values():
        if value.is_floating_point():
            value.copy_(value.float())
    return network.eval()


def _uniform(like: Tensor, low: float, high: float, random: torch.Generator) -> Tensor:
    return torch.empty_like(like).uniform_(low, high, generator=random)
