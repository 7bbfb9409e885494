"""The CUDA libraries that MindSpore's GPU plugin asks for by name, the wheels that hold them, and where they lie.

Sonames and symbol versions were read from the plugin of MindSpore 2.10; wheels of the 11.8 line have all of them, and
code for every card up to Hopper. Later cuDNN wheels of the same name hold cuDNN 9, which has another soname.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


@dataclass(frozen=True)
class Library:
    """A shared library.

    Attributes:
        soname: As the plugin asks for it.
        folder: Its folder below ``nvidia/`` in site-packages.
        wheel: The distribution that holds it.
        pinned: The version of that, as in the extra ``gpu``.
    """

    soname: str
    folder: str
    wheel: str
    pinned: str

    @property
    def requirement(self) -> str:
        """As pip takes it."""
        return f"{self.wheel}=={self.pinned}"


RUNTIME = Library("libcudart.so.11.0", "cuda_runtime", "nvidia-cuda-runtime-cu11", "11.8.89")

LIBRARIES = (
    RUNTIME,
    Library("libnvrtc.so.11.2", "cuda_nvrtc", "nvidia-cuda-nvrtc-cu11", "11.8.89"),
    Library("libcublasLt.so.11", "cublas", "nvidia-cublas-cu11", "11.11.3.6"),
    Library("libcublas.so.11", "cublas", "nvidia-cublas-cu11", "11.11.3.6"),
    Library("libcurand.so.10", "curand", "nvidia-curand-cu11", "10.3.0.86"),
    Library("libcufft.so.10", "cufft", "nvidia-cufft-cu11", "10.9.0.58"),
    Library("libcusparse.so.11", "cusparse", "nvidia-cusparse-cu11", "11.7.5.86"),
    Library("libcusolver.so.11", "cusolver", "nvidia-cusolver-cu11", "11.4.1.48"),
    Library("libcudnn.so.8", "cudnn", "nvidia-cudnn-cu11", "8.9.6.50"),
)
"""In the order of loading: each finds those that it needs among the ones before it."""

NCCL = Library("libnccl.so.2", "nccl", "nvidia-nccl-cu12", "2.21.5")
"""For several cards, in the place of the one that MindSpore brings, which has code for sm_60 only. That of the CUDA 12
line has code for Hopper and brings its own runtime."""


def site_folders() -> list[str]:
    """The folders that Python looks through, site-packages among them."""
    return list(sys.path)


def find(library: Library, places: Iterable[str] | None = None) -> Path | None:
    """The file of a library in the wheels that are installed; None: the loader may know another.

    Args:
        library: The library.
        places: Folders like site-packages, the first wins; None: those that Python looks through.
    """
    for folder in _folders(library, places):
        if (folder / library.soname).is_file():
            return folder / library.soname
    return None


def others(library: Library, places: Iterable[str] | None = None) -> list[Path]:
    """Files of the same library with another number: ``libcudnn.so.9`` where ``libcudnn.so.8`` is asked for."""
    stem = library.soname.partition(".so")[0]
    found = [path for folder in _folders(library, places) for path in sorted(folder.glob(f"{stem}.so.*"))]
    return [path for path in found if path.name != library.soname]


def installed(library: Library) -> str:
    """Version of its wheel; "" if that is not installed."""
    try:
        return version(library.wheel)
    except PackageNotFoundError:
        return ""


def _folders(library: Library, places: Iterable[str] | None) -> list[Path]:
    # Not by the import system: several site-packages may hold a part of `nvidia`, and it may take the first for all.
    folders = [Path(place, "nvidia", library.folder, "lib") for place in (site_folders() if places is None else places)]
    return [folder for folder in folders if folder.is_dir()]
