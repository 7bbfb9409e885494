"""Whether an ONNX file answers as the network it was made of does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from registry import ZooError

TOLERANCE = 1e-3
"""Largest difference of an alpha: a quarter of a grey level of eight bits.

Two frameworks sum in another order; on fresh and on trained networks they differed by less than 2e-4.
"""

CASES = ((1, 4, 3), (2, 3, 5))
"""What is compared: (batch, height, width), sides in multiples of the network's stride. None was traced."""


def compare(
    network: Any,
    answer: Callable[[np.ndarray], np.ndarray],
    stride: int,
    cases: Sequence[tuple[int, int, int]] = CASES,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """Both answers to pictures of noise, at several sizes and batches.

    Noise, because a flat picture hides differences: every norm and every kernel then sees the same value all over.

    Args:
        network: An ``nn.Cell`` in evaluation mode.
        answer: The other program: (N, 3, H, W) float32 -> (N, 1, H, W).
        stride: Both sides of the input are multiples of it.
        cases: What is compared, (batch, height, width) with sides in multiples of the stride.
        seed: Of the noise.

    Returns:
        For each case {batch, height, width, max, mean}, the differences of the alphas.
    """
    rng = np.random.default_rng(seed)
    found = []
    for batch, high, wide in cases:
        image = rng.standard_normal((batch, 3, high * stride, wide * stride), np.float32)
        truth, other = _answer(network, image), answer(image)
        if truth.shape != other.shape:
            raise ZooError(f"the exported file answers {other.shape} where the network answers {truth.shape}")
        difference = np.abs(truth.astype(np.float64) - other)
        found.append(
            {
                "batch": batch,
                "height": high * stride,
                "width": wide * stride,
                "max": float(difference.max()),
                "mean": float(difference.mean()),
            }
        )
    return found


def _answer(network: Any, image: np.ndarray) -> np.ndarray:
    import mindspore as ms

    answer: np.ndarray = network(ms.Tensor(image)).asnumpy()
    return answer


def own_noise(network: Any, stride: int, seed: int = 0) -> float:
    """How far a network's alphas move where the last bit of every input value is another one.

    Fresh weights of some encoders multiply so much that float32 decides nothing, in any program.

    Args:
        network: An ``nn.Cell`` in evaluation mode.
        stride: Both sides of the input are multiples of it.
        seed: Of the noise.
    """
    batch, high, wide = CASES[0]
    image = np.random.default_rng(seed).standard_normal((batch, 3, high * stride, wide * stride), np.float32)
    moved = np.nextafter(image, np.float32(np.inf))
    return float(np.abs(_answer(network, image).astype(np.float64) - _answer(network, moved)).max())


def require_agreement(network: Any, found: list[dict[str, Any]], stride: int) -> float:
    """The largest difference that `compare` found.

    Args:
        network: The network, asked for its `own_noise` if it differs.
        found: What `compare` found.
        stride: Both sides of the input are multiples of it.

    Raises:
        ZooError: It exceeds the tolerance (or is no number).
    """
    worst = max(found, key=lambda case: case["max"] if case["max"] == case["max"] else float("inf"))
    if not worst["max"] <= TOLERANCE:
        size = f"batch {worst['batch']} at {worst['height']} x {worst['width']}"
        raise ZooError(
            f"the exported file differs from the network by {worst['max']:.2g} ({size}); allowed is {TOLERANCE:g}. By "
            f"another last bit of the input the network's own alphas move by {own_noise(network, stride):.2g}"
        )
    return float(worst["max"])
