"""The one place where MindSpore is started: device, instruction set, messages.

Every part of zoo that needs MindSpore calls `start` first, because two things must happen before
the first operator runs: oneDNN's instruction set is chosen, and the device is set.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from registry import UsageError, ZooError
from zoo.engine.group import is_rank
from zoo.home import home

_FORM = re.compile(r"(auto|cpu|gpu|ascend)(?::(\d+))?", re.IGNORECASE)
_TARGETS = {"cpu": "CPU", "gpu": "GPU", "ascend": "Ascend"}


@dataclass(frozen=True)
class Device:
    """The device of this process.

    Attributes:
        target: ``CPU``, ``GPU`` or ``Ascend``.
        index: Number of the card, 0 on the CPU.
        numbered: Whether the user named the card by its number; no part of what the device is.
    """

    target: str = "CPU"
    index: int = 0
    numbered: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return self.target if self.target == "CPU" else f"{self.target}:{self.index}"


def parse(text: str | None) -> Device:
    """The device that a text names.

    Args:
        text: ``auto``, ``CPU``, ``GPU``, ``GPU:1``, ``Ascend:0``, in any case; None reads the
            variable ``ZOO_DEVICE``. ``auto`` is the CPU.

    Raises:
        UsageError: The text has another form.
    """
    text = text or os.environ.get("ZOO_DEVICE") or "auto"
    match = _FORM.fullmatch(text.strip())
    if not match or (match[1].lower() in ("auto", "cpu") and match[2]):
        raise UsageError(f"no device {text!r}; write auto, CPU, GPU, GPU:N, Ascend or Ascend:N")
    return Device(_TARGETS.get(match[1].lower(), "CPU"), int(match[2] or 0), match[2] is not None)


_started: Device | None = None


def start(device: str | None = None) -> Device:
    """Import MindSpore and set the device of this process; further calls with the same device do nothing.

    Args:
        device: As for `parse`. Of the processes that a launcher started on a machine, each takes a card of its own,
            among those that ``CUDA_VISIBLE_DEVICES`` leaves.

    Raises:
        UsageError: The text has another form, or another device is in use already.
        ZooError: MindSpore cannot use that device here.
    """
    global _started
    wanted = _of_this_process(parse(device))
    if _started is not None:
        if device is not None and wanted != _started:
            raise UsageError(f"this process already uses {_started}; start another one for {wanted}")
        return _started
    _cap_instruction_set()
    # What the library logs (deprecations, missing cards) it also raises where it matters, and that is what we report.
    os.environ.setdefault("GLOG_v", "4")
    # Where a graph that does not compile is written down; MindSpore's own choice is the current folder.
    os.environ.setdefault("MS_OM_PATH", str(home() / "mindspore"))
    import mindspore as ms

    try:
        if wanted.target == "CPU":
            ms.set_device("CPU")
        else:
            ms.set_device(wanted.target, wanted.index)
    except Exception as error:
        reason = str(error).strip().splitlines()[0]
        raise ZooError(f"device {wanted} is not usable with MindSpore {ms.__version__} here: {reason}") from error
    ms.set_context(mode=ms.PYNATIVE_MODE)
    _started = wanted
    return wanted


def _of_this_process(device: Device) -> Device:
    """The card of this one among the processes that a launcher started on the machine, unless one was named."""
    if device.target == "CPU" or device.numbered:
        return device
    return replace(device, index=int(os.environ.get("DEVICE_ID", 0)) if is_rank() else 0)


def _cap_instruction_set() -> None:
    """Keep oneDNN off AVX-512, where MindSpore's plain layouts meet reference kernels.

    The oneDNN 3.10 inside MindSpore 2.10 answers every convolution larger than 1x1 in NCHW with an
    unoptimised reference kernel on AVX-512 processors, far slower; with AVX2 it takes im2col
    and a matrix product. ``ONEDNN_MAX_CPU_ISA`` set by the user is respected.
    """
    if "ONEDNN_MAX_CPU_ISA" not in os.environ and "avx512" in _cpu_flags():
        os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX2"


def _cpu_flags() -> str:
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


def describe() -> dict[str, Any]:
    """Versions, processor, threads and device, as reports and records carry them."""
    import platform

    from zoo.version import versions

    return {
        "device": str(_started) if _started else "CPU",
        "processor": _processor(),
        "platform": platform.platform(),
        "threads": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "onednn_max_cpu_isa": os.environ.get("ONEDNN_MAX_CPU_ISA"),
        "versions": versions(),
    }


def _processor() -> str:
    for line in _cpu_flags().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    import platform

    return platform.processor() or platform.machine()
