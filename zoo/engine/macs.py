"""Parameters and multiply-accumulate operations of a network."""

from __future__ import annotations

from typing import Any

import numpy as np


def count_parameters(network: Any) -> int:
    """Trainable parameters of a network."""
    return sum(int(np.prod(p.shape)) for p in network.trainable_params())


def count_macs(network: Any, planes: np.ndarray) -> int:
    """Multiply-accumulate operations of one eager forward pass, in convolutions and dense layers.

    Other operators (norms, resizing) do not count, as in the published figures of this field. Layers are found
    by class, so a network that calls convolution operators directly is counted short.

    Args:
        network: Cell in evaluation mode.
        planes: (N, 3, h, w) float32 input.
    """
    import mindspore as ms
    from mindspore import nn

    total = 0

    def conv(cell: Any, _: Any, output: Any) -> None:
        nonlocal total
        total += int(np.prod(output.shape)) * int(np.prod(cell.weight.shape[1:]))

    def dense(cell: Any, _: Any, output: Any) -> None:
        nonlocal total
        total += int(np.prod(output.shape)) * cell.in_channels

    hooks = []
    for _, cell in network.cells_and_names():
        if isinstance(cell, nn.Conv2d):
            hooks.append(cell.register_forward_hook(conv))
        elif isinstance(cell, nn.Dense):
            hooks.append(cell.register_forward_hook(dense))
    try:
        network(ms.Tensor(planes))
    finally:
        for hook in hooks:
            hook.remove()
    return total
