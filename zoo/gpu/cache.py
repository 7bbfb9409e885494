"""Where the driver keeps what it has compiled for a card."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

NEEDED_MIB = 173
"""Of MindSpore's kernels, compiled for sm_90 (all of them, with ptxas of CUDA 11.8)."""


@dataclass(frozen=True)
class Cache:
    """The driver's cache of compiled code, as its documentation and the environment have it.

    Attributes:
        path: The folder, which need not exist.
        size_mib: What lies in it.
        off: Whether ``CUDA_CACHE_DISABLE`` keeps the driver from using it.
    """

    path: Path
    size_mib: float
    off: bool

    def __str__(self) -> str:
        return f"{self.path} ({self.size_mib:,.0f} MiB in it)" if self.path.is_dir() else f"{self.path} (not there yet)"


def look() -> Cache:
    """The cache of this environment."""
    path = Path(os.environ.get("CUDA_CACHE_PATH") or Path.home() / ".nv" / "ComputeCache")
    total = 0
    for place, _, names in os.walk(path):
        for name in names:
            try:
                total += Path(place, name).lstat().st_size
            except OSError:  # gone meanwhile
                continue
    return Cache(path, total / 2**20, os.environ.get("CUDA_CACHE_DISABLE") == "1")
