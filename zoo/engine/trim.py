"""Memory that a process has freed, handed back to the system."""

from __future__ import annotations

import ctypes


def trim() -> None:
    """Hand back what the C library keeps of freed memory, where it is glibc.

    Compiling a training step frees some hundred MiB in pieces, which the C library keeps and MindSpore's own pool of
    tensors, in large blocks, cannot use.
    """
    release = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if release is not None:
        release(0)
