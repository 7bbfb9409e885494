"""Mattes on which the dialects are held against their plain implementations; small, as those are slow."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

Pictures = tuple[np.ndarray, np.ndarray, np.ndarray]

SIZES = [(1, 1), (1, 2), (2, 1), (1, 9), (11, 1), (4, 1), (2, 2), (2, 7), (5, 5), (9, 8), (17, 23), (31, 20), (40, 61)]

_TRIMAP = np.array([0, 128, 255], np.uint8)


def cases(seeds: int = 3) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Name, prediction, truth (float64, or uint8 where the name says so) and trimap; the same ones every time."""
    for seed, size in itertools.product(range(seeds), SIZES):
        rng = np.random.default_rng((seed, *size))
        yield f"noise {size}", rng.random(size), rng.random(size), rng.choice(_TRIMAP, size)
        yield f"blobs {size}", *blobs(rng, size)
        yield f"8 bit {size}", *eight_bit(*blobs(rng, size))
        yield f"8 bit, 153 {size}", *often_153(rng, *eight_bit(*blobs(rng, size)))
        for levels in (2, 3, 11, 21):
            mattes = rng.integers(0, levels, (2, *size)) / (levels - 1)
            yield f"{levels} levels {size}", *mattes, rng.choice(_TRIMAP, size)
        alpha, target, trimap = blobs(rng, size)
        yield f"no unknown {size}", alpha, target, np.where(trimap == 255, 255, 0).astype(np.uint8)
        yield f"all unknown {size}", alpha, target, np.full(size, 128, np.uint8)
        yield f"one unknown {size}", alpha, target, one_unknown(rng, size)
        yield f"low contrast {size}", 0.2 + 0.5 * alpha, 0.7 * target, trimap
    for a in (0.0, 0.1, 0.15, 0.5, 0.6, 0.95, 1.0):
        for g in (0.0, 0.3, 1.0):
            size = (7, 12)
            yield f"constant {a} {g}", np.full(size, a), np.full(size, g), np.tile(_TRIMAP, (7, 4))
    for name, mask in ties():
        trimap = np.full(mask.shape, 128, np.uint8)
        yield f"tie {name}", mask * np.linspace(0.3, 1, mask.size).reshape(mask.shape), mask * 1.0, trimap


def blobs(rng: np.random.Generator, size: tuple[int, int]) -> Pictures:
    """Two related soft mattes with flat insides, and a trimap of the truth that is wrong here and there."""
    y, x = np.mgrid[: size[0], : size[1]]
    target = np.zeros(size)
    for _ in range(3):
        centre, radius = rng.random(2) * size, 1 + rng.random() * max(size) / 3
        target = np.maximum(target, np.clip((radius - np.hypot(y - centre[0], x - centre[1])) / 4, 0, 1))
    alpha = np.clip(target + (target > 0.1) * rng.normal(0, 0.15, size), 0, 1)
    trimap = np.where(target == 1, 255, np.where(target == 0, 0, 128)).astype(np.uint8)
    wrong = rng.random(size) < 0.1
    trimap[wrong] = rng.choice(_TRIMAP, np.count_nonzero(wrong))
    return alpha, target, trimap


def eight_bit(alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray) -> Pictures:
    return np.rint(alpha * 255).astype(np.uint8), np.rint(target * 255).astype(np.uint8), trimap


def often_153(rng: np.random.Generator, alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray) -> Pictures:
    for matte in (alpha, target):
        matte[rng.random(matte.shape) < 0.2] = 153
    return alpha, target, trimap


def one_unknown(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    trimap = np.zeros(size, np.uint8)
    trimap[rng.integers(size[0]), rng.integers(size[1])] = 128
    return trimap


def ties() -> Iterator[tuple[str, np.ndarray]]:
    """Masks with several components of the same size, whose order in rows is not their order in columns."""
    yield "bars", np.array([[0, 0, 0, 1], [1, 0, 0, 1], [1, 0, 0, 1], [1, 0, 0, 0]])
    yield "dots", np.indices((6, 7)).sum(axis=0) % 2
    yield "steps", np.array([[0, 0, 0, 0, 1, 1], [0, 0, 1, 0, 0, 0], [0, 0, 1, 0, 0, 0], [1, 1, 0, 0, 0, 0]])
    yield "spiral", np.array([[0, 0, 1, 1, 1], [1, 0, 0, 0, 1], [1, 0, 1, 0, 1], [1, 0, 0, 0, 0], [1, 1, 1, 0, 0]])
