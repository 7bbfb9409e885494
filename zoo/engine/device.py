"""The one place where MindSpore is started: device, instruction set, messages.

Every part of zoo that needs MindSpore calls `start` first, because two things must happen before
the first operator runs: oneDNN's instruction set is chosen, and the device is set.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from typing import Any

from registry import UsageError, ZooError
from zoo.engine import instruction_set
from zoo.engine.group import is_rank, ranks
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


_LATE = (
    "MindSpore was imported before zoo, and without CUDA: let zoo import it (zoo.load(..., device='GPU') before "
    "`import mindspore`)"
)

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
    instruction_set.choose()
    # What the library logs (deprecations, missing cards) it also raises where it matters, and that is what we report.
    os.environ.setdefault("GLOG_v", "4")
    # Where a graph that does not compile is written down; MindSpore's own choice is the current folder.
    os.environ.setdefault("MS_OM_PATH", str(home() / "mindspore"))
    late = wanted.target == "GPU" and not _found_cuda(wanted.index)
    import mindspore as ms

    try:
        if wanted.target == "CPU":
            ms.set_device("CPU")
        else:
            ms.set_device(wanted.target, wanted.index)
    except Exception as error:
        reason = _LATE if late else str(error).strip().splitlines()[0]
        raise ZooError(f"device {wanted} is not usable with MindSpore {ms.__version__} here: {reason}") from error
    ms.set_context(mode=ms.PYNATIVE_MODE)
    if wanted.target == "CPU":
        instruction_set.warn_if_slow()
    _started = wanted
    return wanted


def _of_this_process(device: Device) -> Device:
    """The card of this one among the processes that a launcher started on the machine, unless one was named."""
    if device.target == "CPU" or device.numbered:
        return device
    return replace(device, index=int(os.environ.get("DEVICE_ID", 0)) if is_rank() else 0)


def _found_cuda(index: int) -> bool:
    from zoo.gpu.start import import_mindspore

    return import_mindspore(index, ranks() > 1)


def _card(index: int) -> dict[str, Any]:
    from zoo.gpu.driver import look
    from zoo.gpu.tensor_float import is_allowed

    return {**look().facts(index), "tf32": is_allowed()}


def describe() -> dict[str, Any]:
    """Versions, processor, threads and device, as reports and records carry them."""
    import platform

    from zoo.version import versions

    return {
        "device": str(_started) if _started else "CPU",
        **({"card": _card(_started.index)} if _started and _started.target == "GPU" else {}),
        "processor": _processor(),
        "platform": platform.platform(),
        "threads": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "onednn_max_cpu_isa": os.environ.get("ONEDNN_MAX_CPU_ISA"),
        "versions": versions(),
    }


def _processor() -> str:
    for line in instruction_set.cpu_flags().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    import platform

    return platform.processor() or platform.machine()
