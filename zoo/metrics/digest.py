"""A digest of a matte, by which a stranger's copy is known to be the one that was scored."""

from __future__ import annotations

import hashlib

import numpy as np


def to_8_bit(matte: np.ndarray) -> np.ndarray:
    """A matte as the pixels of a grey PNG.

    Args:
        matte: (H, W) float in [0, 1], or uint8.

    Returns:
        (H, W) uint8: the nearest of 256 steps, a half to the even one.
    """
    if matte.dtype == np.uint8:
        return matte
    # In the matte's own precision, as `zoo.data.images.write_png` rounds it.
    return np.rint(matte * 255).astype(np.uint8)


def digest(matte: np.ndarray) -> str:
    """SHA-256 of a matte's 8-bit pixels and size, not of a file: any lossless copy has the same.

    Args:
        matte: (H, W) float in [0, 1], or uint8.

    Returns:
        64 hex digits, those of ``HEIGHT WIDTH`` in ASCII, a line break and the pixels in row order.
    """
    pixels = np.ascontiguousarray(to_8_bit(matte))
    found = hashlib.sha256(f"{pixels.shape[0]} {pixels.shape[1]}\n".encode())
    found.update(pixels)
    return found.hexdigest()
