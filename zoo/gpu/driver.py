"""What NVIDIA's driver says of itself and of its cards, asked without MindSpore and without CUDA."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.gpu.error import GpuError

LIBRARY = "libcuda.so.1"
"""Comes with the driver, never with a wheel."""

OLDEST = (11, 0)
"""CUDA version of the oldest driver that runs CUDA 11.8 libraries (NVIDIA: minor version compatibility)."""

_ABOUT = Path("/proc/driver/nvidia/version")

# Numbers of the driver's interface (cuda.h).
_MAJOR, _MINOR = 75, 76
_SPEAKING = {34: "CUDA_ERROR_STUB_LIBRARY", 100: "CUDA_ERROR_NO_DEVICE", 803: "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"}
_REMEDY = {
    34: "the file is a stub for linking; let the loader find the driver's own first (LD_LIBRARY_PATH)",
    100: "CUDA_VISIBLE_DEVICES may hide it; in a container start that with --gpus all",
    803: "the driver was updated while the old one is loaded; restart the machine",
}
_INSTALL = "install NVIDIA's driver (nvidia-smi must list the card; in a container: --gpus all), or use --device CPU"


@dataclass(frozen=True)
class Card:
    """One card.

    Attributes:
        index: Its number, as in ``--device GPU:N``.
        name: As the driver names it.
        memory_mib: Its whole memory.
        capability: Compute capability, (9, 0) for Hopper.
    """

    index: int
    name: str
    memory_mib: int
    capability: tuple[int, int]

    def __str__(self) -> str:
        major, minor = self.capability
        return f"{self.name}, {self.memory_mib:,} MiB, compute capability {major}.{minor}"


@dataclass(frozen=True)
class Driver:
    """The driver.

    Attributes:
        cuda: The newest CUDA that it knows, (13, 0).
        version: Its own version, ``580.65.06``; "" where the system does not tell.
        cards: Those that this process may use.
    """

    cuda: tuple[int, int]
    version: str
    cards: tuple[Card, ...]

    def facts(self, index: int) -> dict[str, Any]:
        """What records keep of a card."""
        card = self.cards[index]
        return {
            "name": card.name,
            "memory_mib": card.memory_mib,
            "capability": ".".join(map(str, card.capability)),
            "driver": self.version,
            "cuda_of_driver": ".".join(map(str, self.cuda)),
        }

    def __str__(self) -> str:
        return f"{self.version or 'version not told'}, knows CUDA up to {self.cuda[0]}.{self.cuda[1]}"


def is_there(load: Callable[[str], Any] = ctypes.CDLL) -> bool:
    """Whether the driver's library can be loaded."""
    try:
        load(LIBRARY)
    except OSError:
        return False
    return True


def look(load: Callable[[str], Any] = ctypes.CDLL) -> Driver:
    """Ask the driver.

    Args:
        load: Opens a shared library by its name.

    Raises:
        GpuError: There is none, it does not work, it is too old, or it has no card.
    """
    try:
        cuda = load(LIBRARY)
    except OSError as error:
        reason = str(error).removeprefix(f"{LIBRARY}: ")
        raise GpuError(f"no NVIDIA driver: {LIBRARY} cannot be loaded ({reason})", _INSTALL) from error
    version = _version()
    _ask(cuda, version, "cuInit", 0)
    known, count = ctypes.c_int(), ctypes.c_int()
    _ask(cuda, version, "cuDriverGetVersion", ctypes.byref(known))
    newest = (known.value // 1000, known.value % 1000 // 10)
    if newest < OLDEST:
        raise GpuError(
            f"the NVIDIA driver {version} knows CUDA up to {newest[0]}.{newest[1]}".replace("  ", " "),
            "MindSpore's plugin needs CUDA 11; install driver 450.80.02 or newer",
        )
    _ask(cuda, version, "cuDeviceGetCount", ctypes.byref(count))
    if count.value < 1:
        raise GpuError(f"the NVIDIA driver {version} has no card for this process".replace("  ", " "), _REMEDY[100])
    return Driver(newest, version, tuple(_card(cuda, version, index) for index in range(count.value)))


def card(driver: Driver, index: int) -> Card:
    """The card of a number.

    Raises:
        GpuError: There is none of that number.
    """
    if index < len(driver.cards):
        return driver.cards[index]
    names = ", ".join(f"GPU:{card.index} ({card.name})" for card in driver.cards)
    raise GpuError(f"no card GPU:{index} for this process", f"take one of {names}")


def _card(cuda: Any, version: str, index: int) -> Card:
    handle, memory, name = ctypes.c_int(), ctypes.c_size_t(), ctypes.create_string_buffer(256)
    major, minor = ctypes.c_int(), ctypes.c_int()
    _ask(cuda, version, "cuDeviceGet", ctypes.byref(handle), index)
    _ask(cuda, version, "cuDeviceGetName", name, len(name), handle)
    _ask(cuda, version, "cuDeviceTotalMem_v2", ctypes.byref(memory), handle)
    _ask(cuda, version, "cuDeviceGetAttribute", ctypes.byref(major), _MAJOR, handle)
    _ask(cuda, version, "cuDeviceGetAttribute", ctypes.byref(minor), _MINOR, handle)
    return Card(index, name.value.decode(errors="replace"), memory.value // 2**20, (major.value, minor.value))


def _ask(cuda: Any, version: str, name: str, *arguments: Any) -> None:
    """
    Raises:
        GpuError: The driver answers with an error.
    """
    code = getattr(cuda, name)(*arguments)
    if code:
        found = f"the NVIDIA driver {version} answers {name} with error {code}".replace("  ", " ")
        meaning = f" ({_SPEAKING[code]})" if code in _SPEAKING else ""
        raise GpuError(found + meaning, _REMEDY.get(code, "nvidia-smi may say more; restart the machine"))


def _version() -> str:
    try:
        found = re.search(r"\s(\d+\.\d+(\.\d+)?)\s", _ABOUT.read_text())
    except OSError:
        return ""
    return found[1] if found else ""
