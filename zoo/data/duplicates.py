"""Pictures that are the same but for size, compression, brightness or a mirror.

A picture is reduced to 64 x 64 grey pixels. Of their discrete cosine transform the 16 x 16 lowest frequencies are kept
but for the mean, and of each only whether it is above their median: 255 bits, which a brighter, smaller or recompressed
copy hardly changes (the idea is known as pHash: Zauner, Implementation and Benchmarking of Perceptual Image Hash
Functions, 2010, with 64 bits). Two pictures are copies if at most `MOST_BITS` differ.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from zoo.data.opencv import cv2

MOST_BITS = 48
"""Bits of 255 in which copies may differ. Measured on 13 real portraits and 170 drawn ones (``docs/data.md``): up to 28
for copies by compression, size, brightness, contrast, noise or a blurred square, up to 50 for a cut of 2 % on each
side; from 92 on for different pictures, mirrored or not."""

_GREY, _KEPT = 64, 16
_BITS = _KEPT * _KEPT - 1
_ROWS = 1024
"""Pictures compared with all others at a time: 42 MB for 10,421."""


def picture_hash(image: np.ndarray) -> np.ndarray:
    """The hash of a picture and that of its mirror image.

    Args:
        image: (H, W, 3) uint8 RGB.

    Returns:
        (2, 32) uint8: 255 bits each, packed.
    """
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (_GREY, _GREY), interpolation=cv2.INTER_AREA)
    low = cv2.dct(grey.astype(np.float32))[:_KEPT, :_KEPT]
    # Mirroring left and right changes the sign of the odd horizontal frequencies, and nothing else.
    both = np.stack([low, low * (-1.0) ** np.arange(_KEPT)]).reshape(2, -1)[:, 1:]
    return np.packbits(both > np.median(both, axis=1, keepdims=True), axis=1)


def copies(hashes: np.ndarray) -> list[list[int]]:
    """Groups of pictures that are copies of each other, mirrored or not.

    Args:
        hashes: (N, 2, 32) uint8 of `picture_hash`.

    Returns:
        The groups of two and more; indices in order, groups by their first.
    """
    if not len(hashes):
        return []
    # Equal hashes are one and the same here: a set of a single picture many times over has few pairs to look at.
    distinct, member = np.unique(hashes.reshape(len(hashes), -1), axis=0, return_inverse=True)
    rows, columns = map(np.concatenate, zip(*_near(distinct.reshape(-1, *hashes.shape[1:])), strict=True))
    graph = coo_array((np.ones(len(rows), bool), (rows, columns)), shape=(len(distinct),) * 2)
    label = connected_components(graph, directed=False)[1][member.ravel()]
    order = np.argsort(label, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(label[order])) + 1)
    return sorted(group.tolist() for group in groups if len(group) > 1)


def distance(first: np.ndarray, second: np.ndarray) -> tuple[int, bool]:
    """Bits in which two pictures differ, and whether they do so as mirror images.

    Args:
        first: (2, 32) uint8 of `picture_hash`.
        second: Likewise.
    """
    straight, mirrored = (int(np.unpackbits(first[0] ^ other).sum()) for other in second)
    return min(straight, mirrored), mirrored < straight


def _near(hashes: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of indices of copies, block by block.

    With bits as -1 and 1, the product of two hashes is 255 less twice the number of bits in which they differ: one
    matrix product compares a block with all.
    """
    signs = np.unpackbits(hashes, axis=2, count=_BITS).astype(np.float32) * 2 - 1
    least = _BITS - 2 * MOST_BITS
    for start in range(0, len(hashes), _ROWS):
        block = signs[start : start + _ROWS, 0]
        for side in range(2):
            rows, columns = np.nonzero(block @ signs[start:, side].T >= least)
            yield rows + start, columns + start
