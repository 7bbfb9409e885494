"""The native library: compiled once, kept in the cache folder, opened."""

from __future__ import annotations

import ctypes
import hashlib
import os
import secrets
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from zoo.engine import instruction_set
from zoo.home import home

FLAGS = ("-std=c++17", "-O3", "-ffp-contract=off", "-fPIC", "-shared", "-pthread")
"""No -march and no -ffast-math: one library for every processor of its kind, with the same bits on all of them."""

SOURCES = Path(__file__).with_name("src")
COMPILERS = ("c++", "g++", "clang++")

_NAME = "libzoo_native.so"
_ONEDNN = "libdnnl-copy.so"


class UnavailableError(Exception):
    """There is no native library here; the text says why, without a full stop."""


def library() -> Path:
    """The library, compiled if need be, and opened on oneDNN: operators may be called.

    Raises:
        UnavailableError: No compiler, it failed, the cache folder cannot be written, or oneDNN is another.
    """
    onednn = instruction_set.library()
    if onednn is None:
        raise UnavailableError("MindSpore comes without oneDNN here")
    try:
        folder = _built(onednn)
        # Under the cap that MindSpore's own convolutions need, a copy of oneDNN is what may use the whole processor.
        whole = instruction_set.choose().by_zoo
        _open(folder / _NAME, _copied(onednn, folder / _ONEDNN) if whole else onednn, whole)
    except OSError as error:
        raise UnavailableError(f"{home() / 'native'}: {error.strerror or error}") from error
    return folder / _NAME


def compiler() -> list[str] | None:
    """The command that compiles C++: ``CXX``, else the first of `COMPILERS` that is there; None without any."""
    if chosen := shlex.split(os.environ.get("CXX", "")):
        return chosen if shutil.which(chosen[0]) else None
    found = next((path for name in COMPILERS if (path := shutil.which(name))), None)
    return [found] if found else None


def _built(onednn: Path) -> Path:
    """The folder with the library, named by everything that decides what is in it."""
    command = compiler()
    if command is None:
        named = f"CXX={os.environ['CXX']}" if os.environ.get("CXX") else ", ".join(("CXX", *COMPILERS))
        raise UnavailableError(f"no C++ compiler: looked for {named}")
    folder = home() / "native" / _digest(command, onednn)
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=".", dir=folder.parent))
    try:
        _compile(command, part / _NAME)
        part.chmod(0o755)
        part.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another process was first
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def _copied(onednn: Path, copy: Path) -> Path:
    """A copy of oneDNN: the system loads a file once for each process, under whatever name."""
    if not copy.is_file():
        part = copy.with_name(f".{secrets.token_hex(8)}.part")
        try:
            shutil.copyfile(onednn, part)
            part.replace(copy)
        finally:
            part.unlink(missing_ok=True)
    return copy


def _digest(command: Sequence[str], onednn: Path) -> str:
    digest = hashlib.sha256()
    for source in sorted(SOURCES.iterdir()):
        digest.update(source.read_bytes())
    try:
        told = subprocess.run([*command, "--version"], capture_output=True, check=True).stdout
    except subprocess.CalledProcessError as error:
        raise UnavailableError(f"{shlex.join(command)} --version fails") from error
    state = onednn.stat()
    digest.update(repr((command, FLAGS, told, str(onednn), state.st_size, state.st_mtime_ns)).encode())
    return digest.hexdigest()[:20]


def _compile(command: Sequence[str], target: Path) -> None:
    sources = sorted(str(path) for path in SOURCES.glob("*.cpp"))
    done = subprocess.run([*command, *FLAGS, "-o", str(target), *sources, "-ldl"], capture_output=True, text=True)
    if done.returncode:
        first = next((line for line in done.stderr.splitlines() if "error" in line), "no message")
        raise UnavailableError(f"{shlex.join(command)} fails: {first.strip()}")


def _open(path: Path, onednn: Path, whole: bool) -> None:
    native = ctypes.CDLL(str(path))
    native.zoo_native_error.restype = ctypes.c_char_p
    if native.zoo_native_open(os.fsencode(onednn), int(whole)):
        raise UnavailableError(native.zoo_native_error().decode(errors="replace"))
