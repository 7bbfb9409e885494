"""MODNet's second stage: adaptation to pictures without alphas by consistency of its own outputs (SOC).

Paper: arXiv 2011.11961, section on sub-objectives consistency. The formulas are those of the authors' code
(ZHKKKe/MODNet, src/trainer.py), which compares the alpha with the copy's where the paper has the detail output in its
place; they call the results similar (issue 111).

s, d, a   semantic (1/16), detail and alpha output of the network
d', a'    detail and alpha of a copy: the network as it was when the epoch began
c         G(a at 1/16), the alpha made coarse; G: 3x3 Gaussian
T(x)      x where x > 0.01, else 0; no gradient passes, as for everything the outputs are held against
m         boundary: 1 where a square of 5 % of the picture's side sees both inside and outside of a person

semantic = 100 [ mean((s - T(c))^2) + mean((c - T(s))^2) ]     each learns from the other
detail   =   1 mean of |d - d'| over m                         the alpha must not become as coarse as s
matte    =   1 mean of |a - a'| over m

The norms keep their statistics and normalise by them, as the authors' do; their scales and shifts are trained.
"""

from __future__ import annotations

import copy
from typing import Any

import mindspore as ms
from mindspore import Tensor, nn, ops

from zoo import UsageError
from zoo_modnet.blur import Blur
from zoo_modnet.network import InstanceNorm, resize

COPY = "copy."
"""Prefix of the copy's parameters; the rest of each name is that of the network's parameter."""

_PERSON = 0.1  # an output above it says person (the authors' code)
_NOISE = 0.01  # what is not above it counts as 0 where outputs are learnt from (the authors' code)
_BOUNDARY = 0.05  # side of the square that widens the boundary, as a share of the mean side of the picture


class SocObjective(nn.Cell):
    """Consistency of a trained MODNet's outputs with each other and with those of its copy.

    Its own parameters, ``copy.NAME``, are the copy's; they are not trained.

    Args:
        network: The network with the weights to begin with; its ``branches`` is called.
        semantic_scale: Weight of the semantic term.
        detail_scale: Weight of each of the other two.
    """

    def __init__(self, network: nn.Cell, semantic_scale: float = 100.0, detail_scale: float = 1.0) -> None:
        super().__init__(auto_prefix=False)  # the network's parameters keep their names in checkpoints
        self.network = network
        self.copy = _copy_of(network)
        self.semantic_scale = semantic_scale
        self.detail_scale = detail_scale
        self.blur = Blur()

    def set_train(self, mode: bool = True) -> SocObjective:
        """Set the mode of everything but the norms with statistics, which stay in evaluation mode, and the copy."""
        super().set_train(mode)
        self.copy.set_train(False)
        for _, cell in self.cells_and_names():
            if hasattr(cell, "moving_mean"):
                cell.set_train(False)
        # An instance norm has no statistics and two ways to calculate. The copy's must be the network's way: what they
        # differ by in rounding would become a gradient, of which L1 looks at the sign alone.
        for _, cell in self.copy.cells_and_names():
            if isinstance(cell, InstanceNorm):
                cell.set_train(mode)
        return self

    def epoch_end(self) -> None:
        """Let the copy become the network as it is now."""
        # assign, not set_data: the step is a compiled graph, which would keep the old weights.
        for old, new in zip(self.copy.get_parameters(), self.network.get_parameters(), strict=True):
            ops.assign(old, new)

    def construct(
        self, image: Tensor, alpha: Tensor | None, trimap: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The loss and its terms.

        Args:
            image: (N, 3, H, W) float32, normalised.
            alpha: Not used.
            trimap: Not used.

        Returns:
            loss, semantic, detail, matte: four scalars, the first the sum of the others. Of a picture without a person,
            detail and matte are 0.
        """
        # In mixed precision the outputs come in float16, which cannot count the pixels of a mask.
        semantic, detail, matte = [output.astype(ms.float32) for output in self.network.branches(image)]
        old = self.copy.branches(image)
        mask = boundary(semantic, matte)
        agreement = self.semantic_scale * self.disagreement(semantic, matte)
        detail = self.detail_scale * _mean_where(mask, ops.abs(detail - ops.stop_gradient(old[1])))
        matte = self.detail_scale * _mean_where(mask, ops.abs(matte - ops.stop_gradient(old[2])))
        return agreement + detail + matte, agreement, detail, matte

    def disagreement(self, semantic: Tensor, matte: Tensor) -> Tensor:
        """Squared difference of the semantic output (N, 1, H/16, W/16) and the alpha (N, 1, H, W) made coarse.

        Twice the same number, except for values near 0: once with a gradient to the one, once to the other.
        """
        coarse = self.blur(resize(matte, *semantic.shape[2:]))
        return ops.square(semantic - _target(coarse)).mean() + ops.square(coarse - _target(semantic)).mean()


def boundary(semantic: Tensor, matte: Tensor) -> Tensor:
    """Where the outputs put the boundary of a person, without gradient.

    What both outputs take for a person, dilated and eroded by a square; the difference of the two.

    Args:
        semantic: (N, 1, H/16, W/16) in [0, 1].
        matte: (N, 1, H, W) in [0, 1].

    Returns:
        (N, 1, H, W), 1 at the boundary, 0 elsewhere; 0 everywhere without a person.
    """
    height, width = matte.shape[2:]
    # A square of one pixel, below 40 pixels, would leave no boundary at all.
    side = max(2, int((height + width) / 2 * _BOUNDARY))
    person = resize(_above(semantic, _PERSON), height, width) * _above(matte, _PERSON)
    # Enlarging leaves steps between 0 and 1; all of them belong to the boundary.
    widest, narrowest = _largest(person, side, (side - 1) // 2), -_largest(-person, side, side // 2)
    return ops.stop_gradient((widest != narrowest).astype(matte.dtype))


def _largest(x: Tensor, side: int, before: int) -> Tensor:
    """The largest value in a square about each pixel, which reaches ``before`` pixels to the left and up.

    Rows, then columns: two small windows in place of one large. With an even side a dilation reaches one pixel further
    on the one side, an erosion on the other, as in SciPy. What lies outside of the picture does not count.
    """
    after = side - 1 - before
    x = ops.pad(x, (before, after, before, after), value=-1.0)  # no larger than anything in the picture
    x = ops.MaxPool(kernel_size=(side, 1), strides=1, pad_mode="valid")(x)
    return ops.MaxPool(kernel_size=(1, side), strides=1, pad_mode="valid")(x)


def _above(x: Tensor, threshold: float) -> Tensor:
    return (x > threshold).astype(x.dtype)


def _target(x: Tensor) -> Tensor:
    return ops.stop_gradient(x * _above(x, _NOISE))


def _mean_where(mask: Tensor, x: Tensor) -> Tensor:
    """Mean over the mask of each picture, then over the pictures; a picture whose mask is empty has 0.

    The authors divide by the mask's sum as it is and get no number from a picture without a person (issues 68, 143).
    """
    count = ops.maximum(mask.sum(axis=(1, 2, 3)), 1.0)
    return ((mask * x).sum(axis=(1, 2, 3)) / count).mean()


def _copy_of(network: nn.Cell) -> nn.Cell:
    """The network once more, with parameters of its own that are not trained."""
    other = copy.deepcopy(network)
    for parameter in other.get_parameters():
        parameter.name = COPY + parameter.name
        parameter.requires_grad = False
    return other


def build(network: nn.Cell, config: Any) -> SocObjective:
    """The objective with the weights of the config.

    Args:
        network: A trained MODNet.
        config: The resolved config: ``model.options`` and ``train.start_from``.

    Raises:
        UsageError: There are no weights to begin with.
    """
    if config.train.start_from is None:
        raise UsageError(
            "modnet: stage soc adapts a trained network, and none is given: add --checkpoint with a run or checkpoint "
            "of the stage supervised"
        )
    options = config.model.options
    return SocObjective(network, options["soc_semantic_scale"], options["soc_detail_scale"])
