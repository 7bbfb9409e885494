"""First values of the weights, the same on every device and in every process.

The reference code draws every convolution, the encoder's too, from Kaiming's uniform distribution and leaves the two
linear layers of the SE block as PyTorch makes them. Here each tensor has a random generator of its own, seeded by
the seed and the tensor's name: neither MindSpore's global seed nor the order of construction matters.
"""

from __future__ import annotations

import math
import zlib

import numpy as np
from mindspore import Tensor, nn


def initialise(cell: nn.Cell, seed: int, skip: str | None = None) -> None:
    """Draw the weights of every convolution and linear layer anew; biases become 0, norms keep 1 and 0.

    Args:
        cell: Changed in place; not yet compiled.
        seed: ``train.seed`` of the config.
        skip: Name of a child that keeps its weights (the backbone is initialised by its builder).
    """
    for name, part in cell.cells_and_names():
        if skip is not None and name.split(".")[0] == skip:
            continue
        if isinstance(part, (nn.Conv2d, nn.Dense)):
            # An output sees shape[1:] inputs: (C_in / groups, kh, kw) of a convolution, (C_in,) of a linear layer.
            fan_in = math.prod(part.weight.shape[1:])
            gain = 6.0 if isinstance(part, nn.Conv2d) else 1.0  # He et al. 2015 for ReLU; PyTorch's nn.Linear
            bound = math.sqrt(gain / fan_in)
            random = np.random.default_rng([seed, zlib.crc32(name.encode())])
            weight = random.uniform(-bound, bound, part.weight.shape).astype(np.float32)
            part.weight.set_data(Tensor(weight))
            if part.bias is not None:
                part.bias.set_data(Tensor(np.zeros(part.bias.shape, np.float32)))
