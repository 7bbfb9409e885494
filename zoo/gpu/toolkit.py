"""MindSpore's question for the version of CUDA, and the answer to it.

At import MindSpore 2.10 runs ``$CUDA_HOME/bin/nvcc --version``, NVIDIA's compiler, takes "release 11.N" from what it
says, and loads the plugin for that release or the one before. Without CUDA_HOME it does not even try. It never
compiles anything with it: the compiler stands for the libraries, which it supposes in the same folder. The wheels have
libraries and no compiler. So where the user has no CUDA 11 toolkit, a script answers in its place, with the version of
the CUDA runtime that is loaded and in use, which is what MindSpore wants to know. It says that it is no compiler, and
anything else than that question it refuses.
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zoo.gpu.error import GpuError
from zoo.gpu.libraries import RUNTIME, installed
from zoo.gpu.preload import Loaded
from zoo.home import home

VARIABLE = "CUDA_HOME"

MAJOR = 11
"""Of the CUDA that the plugins in MindSpore's wheel are built for."""

_SCRIPT = """#!/bin/sh
# Written by matting-zoo (zoo/gpu/toolkit.py): no compiler. It answers for the CUDA runtime of the installed wheels.
if [ "$#" -ne 1 ] || [ "$1" != "--version" ]; then
    echo "this stands in for nvcc and only tells the version of the CUDA runtime that zoo loads" >&2
    exit 1
fi
echo "matting-zoo's answer for the CUDA runtime library that it loaded; no compiler is here"
echo "Cuda compilation tools, release {major}.{minor}, V{major}.{minor}.0"
"""


def runtime_version(runtime: Loaded) -> tuple[int, int]:
    """The version of a loaded CUDA runtime, (11, 8): as it says itself, or else its wheel.

    It says nothing where the driver is older than it.

    Raises:
        GpuError: Neither knows.
    """
    number = ctypes.c_int()
    if runtime.handle.cudaRuntimeGetVersion(ctypes.byref(number)) == 0:
        return number.value // 1000, number.value % 1000 // 10
    words = installed(runtime.library).split(".") if runtime.path is not None else []
    if len(words) < 2:
        raise GpuError(f"{runtime.library.soname} does not tell its version", f'pip install "{RUNTIME.requirement}"')
    return int(words[0]), int(words[1])


def release(folder: str | Path) -> tuple[int, int] | None:
    """The release that the ``nvcc`` of a toolkit tells; None: there is none, or it tells nothing."""
    try:
        said = subprocess.run(
            [str(Path(folder, "bin", "nvcc")), "--version"], capture_output=True, text=True, timeout=30, check=False
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"release (\d+)\.(\d+),", said)
    return (int(found[1]), int(found[2])) if found else None


@contextmanager
def answered(runtime: Loaded) -> Iterator[None]:
    """Let MindSpore, imported inside the block, find a CUDA 11; the environment is the user's again after it.

    A toolkit of the user's that is CUDA 11 is left to answer.

    Args:
        runtime: The CUDA runtime, loaded.

    Raises:
        GpuError: Its version is not known, or the script can be neither written nor run.
    """
    before = os.environ.get(VARIABLE)
    if before and (release(before) or (0, 0))[0] == MAJOR:
        yield
        return
    os.environ[VARIABLE] = str(stand_in(runtime_version(runtime)))
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


def stand_in(version: tuple[int, int]) -> Path:
    """A folder below zoo's own whose ``bin/nvcc`` answers for a CUDA runtime; written where it is not there yet.

    Raises:
        GpuError: It can be neither written nor run.
    """
    folder = home() / "cuda" / f"{version[0]}.{version[1]}"
    script, text = folder / "bin" / "nvcc", _SCRIPT.format(major=version[0], minor=version[1])
    try:
        if not script.is_file() or script.read_text() != text:
            script.parent.mkdir(parents=True, exist_ok=True)
            fresh = script.with_name(f"nvcc.{os.getpid()}")  # another process may be running the old one
            fresh.write_text(text)
            fresh.chmod(0o755)
            fresh.replace(script)
    except OSError as error:
        raise GpuError(f"{script} cannot be written ({error.strerror})", "set ZOO_HOME to another folder") from error
    if release(folder) != version:
        raise GpuError(f"{script} cannot be run", "set ZOO_HOME to a folder that may hold programs (no noexec)")
    return folder
