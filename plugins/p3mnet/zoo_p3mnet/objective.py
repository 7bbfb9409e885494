"""The supervised objective of P3M-Net: trimap, detail and alpha, with the weights of the authors' code.

g   true alpha            t   true trimap, 0, 1/2 or 1      I   picture in [0, 1]
z   trimap logits         z8, z4, z2   those of the sides   d   detail         a   alpha
u   1 where t is unknown, else 0                            Lap(x, y)   see `laplacian`

semantic    =     [ CE(z8, t) + CE(z4, t) + CE(z2, t) + 3 CE(z, t) ] / 6
detail      = 2 x [ sum(u |d - g|) / (sum(u) + 1) + Lap(u d, u g) ]
fusion      = 3 x [ mean |a - g| + Lap(a, g) ]
composition = 1 x   mean over pixels of the sum over colours of |a I - g I|

|x| is sqrt(x^2 + 1e-12) but for the composition. The authors compose with estimated colours of foreground and
background, which the data set does not come with and an objective is not given; here the picture itself stands for the
foreground, before black.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from mindspore import Tensor, nn, ops

from zoo_p3mnet.laplacian import LaplacianLoss

_CURVE = 1e-12  # under the root of the authors' absolute value, which has a gradient at 0 that way


class SupervisedObjective(nn.Cell):
    """The four losses of a P3M-Net.

    Args:
        network: The network; its ``branches`` is called.
        mean: Of the normalisation of pictures, for each colour.
        std: Likewise.
        semantic_scale: Weight of the trimaps.
        detail_scale: Weight of the detail.
        fusion_scale: Weight of the alpha.
        composition_scale: Weight of the composed pictures.
    """

    def __init__(
        self,
        network: nn.Cell,
        mean: Sequence[float],
        std: Sequence[float],
        semantic_scale: float = 1.0,
        detail_scale: float = 2.0,
        fusion_scale: float = 3.0,
        composition_scale: float = 1.0,
    ) -> None:
        super().__init__(auto_prefix=False)  # the network's parameters keep their names in checkpoints
        self.network = network
        self.mean, self.std = (Tensor(np.array(value, np.float32).reshape(1, 3, 1, 1)) for value in (mean, std))
        self.semantic_scale = semantic_scale
        self.detail_scale = detail_scale
        self.fusion_scale = fusion_scale
        self.composition_scale = composition_scale
        self.laplacian = LaplacianLoss()

    def construct(
        self, image: Tensor, alpha: Tensor | None, trimap: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """The loss and its terms.

        Args:
            image: (N, 3, H, W) float32, normalised.
            alpha: (N, 1, H, W) float32 in [0, 1].
            trimap: (N, 1, H, W) float32 in {0, 0.5, 1}.

        Returns:
            loss, semantic, detail, fusion, composition: five scalars, the first the sum of the others.

        Raises:
            ValueError: There is no alpha or no trimap.
        """
        if alpha is None or trimap is None:
            raise ValueError("p3mnet: the supervised objective needs an alpha and a trimap for every picture")
        logits, detail, fused, sides = self.network.branches(image)
        semantic = self.semantic_scale * self.semantic_loss(logits, sides, trimap)
        detail = self.detail_scale * self.detail_loss(detail, alpha, trimap)
        fusion = self.fusion_scale * self.fusion_loss(fused, alpha)
        composition = self.composition_scale * self.composition_loss(fused, alpha, image)
        return semantic + detail + fusion + composition, semantic, detail, fusion, composition

    def semantic_loss(self, logits: Tensor, sides: tuple[Tensor, ...], trimap: Tensor) -> Tensor:
        """Cross entropy of the trimap, and of the sides at a third of its weight each."""
        loss = 3.0 * cross_entropy(logits, trimap)
        for side in sides:
            loss = loss + cross_entropy(side, trimap)
        return loss / 6.0

    def detail_loss(self, detail: Tensor, alpha: Tensor, trimap: Tensor) -> Tensor:
        """Absolute and Laplacian error in the unknown region."""
        unknown = (trimap == 0.5).astype(detail.dtype)
        error = _absolute(unknown * (detail - alpha)).sum() / (unknown.sum() + 1.0)
        return error + self.laplacian(unknown * detail, unknown * alpha)

    def fusion_loss(self, fused: Tensor, alpha: Tensor) -> Tensor:
        """Absolute and Laplacian error of the alpha."""
        return _absolute(fused - alpha).mean() + self.laplacian(fused, alpha)

    def composition_loss(self, fused: Tensor, alpha: Tensor, image: Tensor) -> Tensor:
        """Absolute error of the picture composed onto black."""
        colours = image * self.std + self.mean
        return (colours.sum(axis=1, keepdims=True) * ops.abs(fused - alpha)).mean()


def cross_entropy(logits: Tensor, trimap: Tensor) -> Tensor:
    """Cross entropy of (N, 3, H, W) logits of background, unknown, foreground against a (N, 1, H, W) trimap; a mean."""
    classes = [(trimap == value).astype(logits.dtype) for value in (0.0, 0.5, 1.0)]
    truth = ops.concat(classes, axis=1)
    shifted = logits - ops.stop_gradient(logits.max(axis=1, keepdims=True))
    logarithm = ops.log(ops.exp(shifted).sum(axis=1, keepdims=True))
    return (truth * (logarithm - shifted)).sum(axis=1).mean()


def _absolute(x: Tensor) -> Tensor:
    return ops.sqrt(ops.square(x) + _CURVE)


def build(network: nn.Cell, config: Any) -> SupervisedObjective:
    """The objective with the weights of the config.

    Args:
        network: A P3M-Net.
        config: The resolved config: ``model.options``, ``model.mean`` and ``model.std``.
    """
    options = config.model.options
    scales = {name: options[name] for name in ("semantic_scale", "detail_scale", "fusion_scale", "composition_scale")}
    return SupervisedObjective(network, config.model.mean, config.model.std, **scales)
