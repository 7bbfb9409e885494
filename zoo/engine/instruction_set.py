"""Which instructions oneDNN may use, chosen before its first kernel, and whether the choice keeps it off slow ones.

The oneDNN inside MindSpore answers convolutions larger than 1x1 in MindSpore's plain layout with a reference kernel,
a hundred times slower, on processors with AVX-512; held to AVX2 it takes im2col and a matrix product. The choice is a
variable of the environment, so that every process that this one starts has it too.
"""

from __future__ import annotations

import ctypes
import importlib.util
import logging
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

VARIABLE = "ONEDNN_MAX_CPU_ISA"
CAP = "AVX2"

_OURS = "ZOO_CHOSE_ISA"
"""Variable that tells a child process that the cap was zoo's idea, not the user's."""


@dataclass(frozen=True)
class Choice:
    """What oneDNN is held to.

    Attributes:
        cap: Name of the instruction set it may use at most; None: whatever the processor has.
        by_zoo: Whether zoo set that, and not the user.
        reason: Why, in one line.
        kernel: The kernel that a 3x3 convolution gets as MindSpore asks for it; None where that cannot be asked.
    """

    cap: str | None
    by_zoo: bool
    reason: str
    kernel: str | None = None

    @property
    def is_slow(self) -> bool:
        """Whether convolutions run on reference kernels, a hundred times slower."""
        return self.kernel is not None and "ref" in self.kernel


def choose() -> Choice:
    """Hold oneDNN to AVX2 on processors with AVX-512, unless the user has set the variable; before any operator."""
    given = os.environ.get(VARIABLE)
    if given is None and "avx512" in cpu_flags():
        os.environ[VARIABLE] = os.environ[_OURS] = CAP
        given = CAP
    if given is None:
        return Choice(None, False, "the processor has no AVX-512, so that nothing needs to be held back")
    if given == os.environ.get(_OURS):
        return Choice(given, True, "under AVX-512 plain layouts get reference kernels")
    return Choice(given, False, f"{VARIABLE} says so")


def chosen() -> Choice:
    """The choice, with the kernel that a convolution gets by it; MindSpore is imported, no kernel is run."""
    choice = choose()
    return Choice(choice.cap, choice.by_zoo, choice.reason, _kernel(choice.cap))


def warn_if_slow() -> None:
    """Say in one line if convolutions will run on reference kernels."""
    choice = chosen()
    if choice.is_slow:
        remedy = f"unset {VARIABLE}" if choice.cap and not choice.by_zoo else f"set {VARIABLE}={CAP}"
        logging.getLogger("zoo").warning(
            "convolutions run on oneDNN's reference kernels (%s), up to a hundred times slower: %s",
            choice.kernel,
            remedy,
        )


def library() -> Path | None:
    """The oneDNN that lies in MindSpore; None if there is none."""
    spec = importlib.util.find_spec("mindspore")
    if spec is None or spec.origin is None:
        return None
    return next(iter(sorted(Path(spec.origin).parent.glob("lib/libdnnl.so*"))), None)


def cpu_flags() -> str:
    """What the system says about the processor, all of it; empty where it says nothing."""
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


# Numbers of oneDNN's C interface, version 3.
_FLOAT32, _ABCD, _FORWARD, _DIRECT, _IMPLEMENTATION = 3, 5, 96, 1, 8


@cache
def _kernel(cap: str | None) -> str | None:
    """Name of the kernel of a 3x3 convolution in plain layouts: oneDNN is asked, nothing is run.

    Args:
        cap: What is in force; a key for the cache only, as oneDNN reads the variable once.
    """
    path = library()
    if path is None:
        return None
    import mindspore  # noqa: F401 - loads what the library needs

    try:
        onednn = ctypes.CDLL(str(path))
        return _ask(onednn)
    except (OSError, AttributeError):
        return None


def _ask(onednn: ctypes.CDLL) -> str | None:
    """The implementation that oneDNN names; None if it refuses the question."""
    pointer, four, two = ctypes.c_void_p, ctypes.c_int64 * 4, ctypes.c_int64 * 2

    def layout(*dims: int) -> ctypes.c_void_p:
        made = pointer()
        onednn.dnnl_memory_desc_create_with_tag(ctypes.byref(made), 4, four(*dims), _FLOAT32, _ABCD)
        return made

    engine, kernel, name = pointer(), pointer(), ctypes.c_char_p()
    picture, weight = layout(1, 16, 32, 32), layout(16, 16, 3, 3)
    ones, zeros = two(1, 1), two(0, 0)
    failed = onednn.dnnl_engine_create(ctypes.byref(engine), 1, ctypes.c_size_t(0))
    failed = failed or onednn.dnnl_convolution_forward_primitive_desc_create(
        ctypes.byref(kernel), engine, _FORWARD, _DIRECT, picture, weight, None, picture, ones, zeros, ones, ones, None
    )
    failed = failed or onednn.dnnl_primitive_desc_query(kernel, _IMPLEMENTATION, 0, ctypes.byref(name))
    found = name.value.decode() if not failed and name.value else None
    if kernel:
        onednn.dnnl_primitive_desc_destroy(kernel)
    for made in (picture, weight):
        onednn.dnnl_memory_desc_destroy(made)
    if engine:
        onednn.dnnl_engine_destroy(engine)
    return found
