"""For which cards MindSpore's own kernels hold machine code, read from its library.

NVIDIA's compiler packs the code of each module for several architectures into one section of the library: machine code
("cubins"), which runs on that architecture and on later ones of the same major number, and PTX, which the driver
compiles for any later one when the module is loaded. Headers only are read: the library has 800 MB.
"""

from __future__ import annotations

import importlib.util
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_CONTAINER = 0xBA55ED50
_PTX, _MACHINE = 1, 2
_SECTIONS = (".nv_fatbin", "__nv_relfatbin")


@dataclass(frozen=True)
class Code:
    """The architectures in a library, 90 for compute capability 9.0.

    Attributes:
        modules: How many modules there are.
        machine: With machine code in every module.
        ptx: With PTX in every module.
    """

    modules: int
    machine: frozenset[int]
    ptx: frozenset[int]

    def is_native(self, capability: tuple[int, int]) -> bool:
        """Whether a card runs the machine code as it is."""
        wanted = capability[0] * 10 + capability[1]
        return any(have // 10 == capability[0] and have <= wanted for have in self.machine)

    def can_compile(self, capability: tuple[int, int]) -> bool:
        """Whether the driver can make machine code for a card."""
        return any(have <= capability[0] * 10 + capability[1] for have in self.ptx)


def plugins() -> list[Path]:
    """The GPU plugins in MindSpore's wheel, for one CUDA release each; MindSpore is not imported."""
    return sorted(_folder().glob("libmindspore_gpu.so.*"))


def library() -> Path | None:
    """The library with MindSpore's own kernels, which the plugins share."""
    return next(iter(sorted(_folder().glob("gpu/libcuda_ops.so.*"))), None)


def read(path: Path) -> Code:
    """The architectures of a library's kernels.

    Raises:
        ValueError: It is no 64-bit ELF file with such kernels.
    """
    with open(path, "rb") as file:
        modules = [module for place, size in _sections(file) for module in _modules(file, place, size)]
    if not modules:
        raise ValueError(f"{path} has no kernels")
    kinds = [frozenset.intersection(*(frozenset(a for k, a in m if k == kind) for m in modules)) for kind in (2, 1)]
    return Code(len(modules), *kinds)


def _folder() -> Path:
    spec = importlib.util.find_spec("mindspore")
    return Path(spec.origin).parent / "lib" / "plugin" if spec is not None and spec.origin else Path("no MindSpore")


def _sections(file: BinaryIO) -> list[tuple[int, int]]:
    """Place and size of the sections with kernels."""
    head = file.read(64)
    if head[:5] != b"\x7fELF\x02":
        raise ValueError("no 64-bit ELF file")
    (table,) = struct.unpack_from("<Q", head, 40)
    size, count, names = struct.unpack_from("<HHH", head, 58)
    rows = []
    for number in range(count):
        file.seek(table + number * size)
        rows.append(struct.unpack_from("<IIQQQQ", file.read(size)))
    file.seek(rows[names][4])
    words = file.read(rows[names][5])
    found = [(words[row[0] : words.index(b"\0", row[0])].decode(), row[4], row[5]) for row in rows]
    return [(place, size) for name, place, size in found if name in _SECTIONS]


def _modules(file: BinaryIO, place: int, size: int) -> list[set[tuple[int, int]]]:
    """Of each module of a section: (kind, architecture) of its parts."""
    modules, end = [], place + size
    while place + 16 <= end:
        file.seek(place)
        magic, _, head, length = struct.unpack("<IHHQ", file.read(16))
        if magic != _CONTAINER:
            place += 8  # modules begin at multiples of eight, with zeros between them
            continue
        modules.append(_parts(file, place + head, place + head + length))
        place = (place + head + length + 7) // 8 * 8
    return modules


def _parts(file: BinaryIO, place: int, end: int) -> set[tuple[int, int]]:
    parts = set()
    while place < end:
        file.seek(place)
        kind, _, head, length, _, _, _, _, architecture = struct.unpack("<HHIQIIHHI", file.read(32))
        if kind in (_PTX, _MACHINE):
            parts.add((kind, architecture))
        if head == 0:
            raise ValueError("its kernels cannot be read")
        place += head + length
    return parts
