"""The supervised objective of MODNet: one loss for each branch, with the weights of the authors' code.

g   true alpha               I   normalised image          u   1 where the trimap is unknown (0.5), else 0
s   semantic output, 1/16    d   detail output             a   alpha output
a'  a where unknown, the trimap's 0 or 1 elsewhere

semantic = 10 mean((s - G(g at 1/16))^2)                   G: 3x3 Gaussian
detail   = 10 mean(u |d - g|)                              mean over all pixels, not over the unknown ones
matte    =  1 [ L1(a, g) + 4 L1(a', g) + L1(I a, I g) + 4 L1(I a', I g) ]
"""

from __future__ import annotations

from typing import Any

from mindspore import Tensor, nn, ops

from zoo_modnet.blur import Blur
from zoo_modnet.network import resize


class SupervisedObjective(nn.Cell):
    """Semantic, detail and matte loss of a MODNet.

    Args:
        network: The network; its ``branches`` is called.
        semantic_scale: Weight of the semantic loss.
        detail_scale: Weight of the detail loss.
        matte_scale: Weight of the matte loss.
    """

    def __init__(
        self, network: nn.Cell, semantic_scale: float = 10.0, detail_scale: float = 10.0, matte_scale: float = 1.0
    ) -> None:
        super().__init__(auto_prefix=False)  # the network's parameters keep their names in checkpoints
        self.network = network
        self.semantic_scale = semantic_scale
        self.detail_scale = detail_scale
        self.matte_scale = matte_scale
        self.blur = Blur()

    def construct(
        self, image: Tensor, alpha: Tensor | None, trimap: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The loss and its terms.

        Args:
            image: (N, 3, H, W) float32, normalised.
            alpha: (N, 1, H, W) float32 in [0, 1].
            trimap: (N, 1, H, W) float32 in {0, 0.5, 1}.

        Returns:
            loss, semantic, detail, matte: four scalars, the first the sum of the others.

        Raises:
            ValueError: There is no alpha or no trimap.
        """
        if alpha is None or trimap is None:
            raise ValueError("modnet: the supervised objective needs an alpha and a trimap for every picture")
        semantic, detail, matte = self.network.branches(image)
        semantic = self.semantic_scale * self.semantic_loss(semantic, alpha)
        detail = self.detail_scale * self.detail_loss(detail, alpha, trimap)
        matte = self.matte_scale * self.matte_loss(matte, image, alpha, trimap)
        return semantic + detail + matte, semantic, detail, matte

    def semantic_loss(self, semantic: Tensor, alpha: Tensor) -> Tensor:
        """Squared error of the coarse output (N, 1, H/16, W/16) against the blurred true alpha."""
        small = resize(alpha, *semantic.shape[2:])  # the four middle pixels of 16 x 16, no average of all
        return ops.square(semantic - self.blur(small)).mean()

    def detail_loss(self, detail: Tensor, alpha: Tensor, trimap: Tensor) -> Tensor:
        """Absolute error in the unknown region, as a mean over all pixels."""
        return (_unknown(trimap) * ops.abs(detail - alpha)).mean()

    def matte_loss(self, matte: Tensor, image: Tensor, alpha: Tensor, trimap: Tensor) -> Tensor:
        """Absolute and compositional error of the alpha; the unknown region counts five times.

        Both L1 means are taken at once: |I a - I g| = |I| |a - g|, and |a' - g| is |a - g| where unknown and
        |trimap - g|, which has no gradient, elsewhere.
        """
        unknown = _unknown(trimap)
        weight = 1.0 + ops.abs(image).mean(axis=1, keep_dims=True)
        error = (1.0 + 4.0 * unknown) * ops.abs(matte - alpha)
        mismatch = 4.0 * (1.0 - unknown) * ops.abs(trimap - alpha)
        return (weight * (error + mismatch)).mean()


def _unknown(trimap: Tensor) -> Tensor:
    return (trimap == 0.5).astype(trimap.dtype)


def build(network: nn.Cell, config: Any) -> SupervisedObjective:
    """The objective with the weights of the config.

    Args:
        network: A MODNet.
        config: The resolved config: ``model.options``.
    """
    options = config.model.options
    return SupervisedObjective(network, options["semantic_scale"], options["detail_scale"], options["matte_scale"])
