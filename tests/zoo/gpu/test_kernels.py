"""Architectures of a library's kernels."""

from __future__ import annotations

import struct

import pytest

from zoo.gpu import cache, kernels
from zoo.gpu.kernels import Code

PTX, MACHINE = 1, 2


def library(modules):
    """A 64-bit ELF file whose ``.nv_fatbin`` holds modules, each a list of (kind, architecture)."""
    fat = b""
    for parts in modules:
        # Header of 64 bytes: kind, version, header size, payload size, two words, minor, major, architecture.
        body = b"".join(
            struct.pack("<HHIQIIHHI", kind, 1, 64, 16, 0, 0, 6, 7, architecture) + bytes(32) + b"code" * 4
            for kind, architecture in parts
        )
        fat += struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(body)) + body + bytes(24)
    names = b"\0.nv_fatbin\0.shstrtab\0"
    rows = [(0, 0, 0), (1, 64, len(fat)), (12, 64 + len(fat), len(names))]  # name, place, size
    table = b"".join(struct.pack("<IIQQQQ", n, 1, 0, 0, place, size) + bytes(24) for n, place, size in rows)
    head = bytearray(64)
    head[:5] = b"\x7fELF\x02"
    struct.pack_into("<Q", head, 40, 64 + len(fat) + len(names))
    struct.pack_into("<HHH", head, 58, 64, 3, 2)
    return bytes(head) + fat + names + table


def test_what_is_in_every_module(tmp_path):
    file = tmp_path / "libops.so"
    file.write_bytes(library([[(MACHINE, 70), (MACHINE, 80), (PTX, 86)], [(MACHINE, 80), (PTX, 60), (PTX, 86)]]))
    assert kernels.read(file) == Code(2, frozenset({80}), frozenset({86}))


@pytest.mark.parametrize("content", [b"", b"MZ" + bytes(100), library([])])
def test_no_such_library(tmp_path, content):
    file = tmp_path / "libops.so"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"no kernels|no 64-bit ELF"):
        kernels.read(file)


# CUDA's rule: machine code runs on the same major and the same or a higher minor; PTX on everything from its own on.
@pytest.mark.parametrize(
    ("capability", "native", "compiles"),
    [
        ((8, 0), True, False),
        ((8, 9), True, True),
        ((7, 5), False, False),
        ((9, 0), False, True),
        ((12, 0), False, True),
    ],
)
def test_which_cards_run_it(capability, native, compiles):
    code = Code(1, frozenset({80}), frozenset({86}))
    assert code.is_native(capability) is native
    assert code.can_compile(capability) is compiles


def test_those_of_the_installed_wheel():
    found = kernels.library()
    if found is None:
        pytest.skip("this MindSpore has no GPU plugin")
    # cuobjdump lists the same for the wheel of 2.10.0.
    assert kernels.read(found) == Code(407, frozenset({60, 61, 70, 75, 80}), frozenset({60, 86}))
    assert [path.name for path in kernels.plugins()] == ["libmindspore_gpu.so.11.1", "libmindspore_gpu.so.11.6"]


def test_the_cache_of_the_driver(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_CACHE_PATH", str(tmp_path / "cache"))
    assert str(cache.look()) == f"{tmp_path / 'cache'} (not there yet)"
    (tmp_path / "cache" / "ab").mkdir(parents=True)
    (tmp_path / "cache" / "ab" / "code").write_bytes(bytes(3 * 2**20))
    assert str(cache.look()) == f"{tmp_path / 'cache'} (3 MiB in it)"
    monkeypatch.setenv("CUDA_CACHE_DISABLE", "1")
    assert cache.look().off
