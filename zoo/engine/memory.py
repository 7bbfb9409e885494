"""Memory of this process: what it took, what a training will take, what is free."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np

BASE_MIB = 1100.0
"""A process with MindSpore, a compiled graph and its weights. Fitted, with the next, to MODNet at four sizes."""

PER_ACTIVATION = 3.2
"""Bytes a training step holds for each byte of the layers' outputs: these, their gradients, and room to work."""


def peak_mib() -> float:
    """Peak resident memory of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


_NO_ROOM = re.compile(
    r"out of memory|not enough memory|memory (is not|isn't|not) enough|insufficient memory|bad_alloc"
    r"|(malloc|alloc\w*)( \w+){0,4} failed|ALLOC_FAILED",
    re.IGNORECASE,
)
"""In what MindSpore, CUDA's libraries, OpenCV and NumPy say when they get no memory."""


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether an error came of too little memory, of the machine or of its accelerator; itself or what caused it."""
    while error is not None:
        if isinstance(error, MemoryError) or _NO_ROOM.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def training_mib(network: Any, batch: int, side: int, stride: int) -> float:
    """Estimate the peak memory of training a network on the CPU, in MiB.

    One small picture goes through the network; what its layers answer grows with the area and with the batch.

    Args:
        network: Cell in evaluation mode.
        batch: Pictures per step.
        side: Side of the square crop, in pixels.
        stride: What the side must be a multiple of.
    """
    import mindspore as ms

    probe = stride * max(1, round(64 / stride))
    total = 0

    def count(cell: Any, _: Any, output: Any) -> None:
        nonlocal total
        for part in output if isinstance(output, (tuple, list)) else (output,):
            total += int(np.prod(part.shape)) * 4

    leaves = [cell for _, cell in network.cells_and_names() if not list(cell.cells())]
    hooks = [cell.register_forward_hook(count) for cell in leaves]
    try:
        network(ms.Tensor(np.zeros((1, 3, probe, probe), np.float32)))
    finally:
        for hook in hooks:
            hook.remove()
    return BASE_MIB + PER_ACTIVATION * total * batch * (side / probe) ** 2 / 2**20


def free_mib() -> float | None:
    """Memory that this process may still take, in MiB: of the machine, or of its control group if that allows less.

    None where the system does not tell.
    """
    known = []
    try:
        lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        known.append(int(lines["MemAvailable"].split()[0]) / 1024)
    except (OSError, KeyError, ValueError):
        pass
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        known.append((limit - int(Path("/sys/fs/cgroup/memory.current").read_text())) / 2**20)
    except (OSError, ValueError):  # no such group, or "max": no limit
        pass
    return min(known) if known else None
