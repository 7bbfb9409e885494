"""Load the CUDA libraries into this process, so that MindSpore's plugin finds them there by their names.

The dynamic loader answers a request for ``libcudnn.so.8`` with the library of that soname that is in the process
already, wherever it came from. So nothing needs to be set before Python starts.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.gpu.error import GpuError
from zoo.gpu.libraries import LIBRARIES, NCCL, Library, find, installed, others


@dataclass(frozen=True)
class Loaded:
    """A library in this process.

    Attributes:
        library: Which.
        path: Its file in a wheel; None: one of the system.
        handle: Where its functions are.
    """

    library: Library
    path: Path | None
    handle: Any

    def __str__(self) -> str:
        if self.path is None:
            return "found by the system's loader"
        wheel = f"{self.library.wheel} {found}" if (found := installed(self.library)) else "of no known wheel"
        return f"{wheel}, {self.path}"


def preload_all(several: bool = False) -> list[Loaded]:
    """Load every library that the plugin needs.

    Args:
        several: NCCL too, if a wheel with it is installed: processes will exchange gradients.

    Raises:
        GpuError: One is missing or cannot be loaded.
    """
    loaded = [preload(library) for library in LIBRARIES]
    if several and find(NCCL) is not None:
        loaded.append(preload(NCCL))
    return loaded


def preload(library: Library, places: Iterable[str] | None = None, load: Callable[..., Any] = ctypes.CDLL) -> Loaded:
    """Load one library, from its wheel or else from where the system's loader finds it.

    Args:
        library: Which.
        places: As for `zoo.gpu.libraries.find`.
        load: Opens a shared library by path or name, its symbols for everybody.

    Raises:
        GpuError: It is missing or cannot be loaded.
    """
    path = find(library, places)
    try:
        return Loaded(library, path, load(str(path or library.soname), mode=ctypes.RTLD_GLOBAL))
    except OSError as error:
        install = f'pip install "{library.requirement}", or all of them with pip install "matting-zoo[gpu]"'
        if path is not None:
            again = install.replace("install", "install --force-reinstall --no-deps", 1)
            raise GpuError(f"{path} cannot be loaded ({error})", again) from error
        rest = others(library, places)
        instead = f", but {rest[0]}, which is of another version" if rest else ""
        raise GpuError(f"{library.soname} is not there{instead}", install) from error
