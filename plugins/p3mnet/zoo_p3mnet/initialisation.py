"""First values of the weights, the same on every device and in every process.

The authors draw the encoder's convolutions from Kaiming's normal distribution by the number of outputs and leave the
decoders as PyTorch makes them. Here each tensor has a random generator of its own, seeded by the seed and the tensor's
name: neither MindSpore's global seed nor the order of construction matters.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable

import numpy as np
from mindspore import Parameter, Tensor, nn

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def kaiming_normal(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Normal with variance 2 / (outputs x kernel pixels), He et al. 2015: the gradient keeps its size behind a ReLU."""
    return random.normal(0.0, math.sqrt(2.0 / (shape[0] * math.prod(shape[2:]))), shape)


def uniform(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform up to 1 / sqrt(inputs x kernel pixels), PyTorch's own for a convolution."""
    bound = 1.0 / math.sqrt(math.prod(shape[1:]))
    return random.uniform(-bound, bound, shape)


def initialise(cell: nn.Cell, seed: int, draw: Draw, skip: str | None = None) -> None:
    """Draw the weights of every convolution anew; norms keep 1 and 0.

    A bias is drawn as uniformly as PyTorch does, whatever the weights are drawn from.

    Args:
        cell: Changed in place; not yet compiled.
        seed: ``train.seed`` of the config.
        draw: Of the weights.
        skip: Name of a child that keeps its weights.
    """
    for name, part in cell.cells_and_names():
        if isinstance(part, nn.Conv2d) and name.split(".")[0] != skip:
            random = np.random.default_rng([seed, zlib.crc32(name.encode())])
            shape = tuple(part.weight.shape)
            _set(part.weight, draw(random, shape))
            if part.bias is not None:
                _set(part.bias, uniform(random, shape)[:, 0, 0, 0])


def _set(parameter: Parameter, value: np.ndarray) -> None:
    parameter.set_data(Tensor(value.astype(np.float32)))
