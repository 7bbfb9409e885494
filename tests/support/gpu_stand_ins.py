"""Stand-ins for a driver and for libraries, handed in where the real ones would be opened."""

from __future__ import annotations

from types import SimpleNamespace


def fake_cuda(cards=(("NVIDIA H200", 143771, (9, 0)),), cuda=12080, fails=None):
    """A ``libcuda.so.1`` as `ctypes` would open it.

    Args:
        cards: (name, MiB, capability) of each.
        cuda: The number that it gives as its CUDA version.
        fails: Function -> error code.
    """
    codes = fails or {}

    def get_count(count):
        count._obj.value = len(cards)

    def get_version(version):
        version._obj.value = cuda

    def get(handle, index):
        handle._obj.value = index

    def get_name(name, size, handle):
        name.value = cards[handle.value][0].encode()

    def get_memory(size, handle):
        size._obj.value = cards[handle.value][1] * 2**20

    def get_attribute(value, what, handle):
        value._obj.value = cards[handle.value][2][{75: 0, 76: 1}[what]]  # cuda.h: compute capability major, minor

    answers = {
        "cuInit": lambda flags: None,
        "cuDriverGetVersion": get_version,
        "cuDeviceGetCount": get_count,
        "cuDeviceGet": get,
        "cuDeviceGetName": get_name,
        "cuDeviceTotalMem_v2": get_memory,
        "cuDeviceGetAttribute": get_attribute,
    }

    def coded(name, answer):
        def call(*arguments):
            if name in codes:
                return codes[name]
            answer(*arguments)
            return 0

        return call

    return SimpleNamespace(**{name: coded(name, answer) for name, answer in answers.items()})


def no_library(name, mode=None):
    """As `ctypes.CDLL` where the loader finds nothing."""
    raise OSError(f"{name}: cannot open shared object file: No such file or directory")


def fake_runtime(number=11080, code=0):
    """A CUDA runtime library that tells a version."""

    def get(version):
        version._obj.value = number
        return code

    return SimpleNamespace(cudaRuntimeGetVersion=get)
