"""The smallest real use of a card: one addition, in a process of its own that may take its time or crash.

python -m zoo.gpu.addition N
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence

from zoo.gpu.error import GpuError

NATIVE_SECONDS = 300
"""For a card that runs MindSpore's kernels as they are: reading 800 MB of them from a slow disk is most of it."""

COMPILING_SECONDS = 3600
"""For one that the driver compiles them for: over twice what NVIDIA's assembler took for all of them, 1346 s."""

SUM = "[4. 6.]"


def add(index: int, seconds: float, command: Sequence[str] | None = None) -> float:
    """Add two tensors on a card.

    Args:
        index: Number of the card.
        seconds: Time limit.
        command: Program in the place of this module, for tests.

    Returns:
        Seconds until the sum was there.

    Raises:
        GpuError: No sum came, or a wrong one.
    """
    words = command or [sys.executable, "-m", "zoo.gpu.addition", str(index)]
    started = time.perf_counter()
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise GpuError(
            f"no sum of two tensors after {seconds:g} s",
            "if the driver is compiling (one busy processor), start again: what it has compiled stays in its cache",
        ) from error
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    if done.returncode != 0:
        how = f"signal {-done.returncode}" if done.returncode < 0 else f"code {done.returncode}"
        raise GpuError(
            f"adding two tensors ended with {how}: {lines[-1] if lines else 'no word'}",
            "docs/gpu.md lists what was seen to work; use --device CPU meanwhile",
        )
    if not lines or lines[-1] != SUM:
        raise GpuError(
            f"the sum of [1, 2] and [3, 4] came out as {lines[-1] if lines else 'nothing'}",
            "this card computes wrongly with this MindSpore: use --device CPU, and report it",
        )
    return time.perf_counter() - started


def main(words: Sequence[str]) -> int:
    """Add, and print the sum."""
    from registry import ZooError
    from zoo.engine import device

    try:
        device.start(f"GPU:{int(words[0])}")
    except ZooError as error:
        print(error, file=sys.stderr)
        return 1
    import mindspore as ms

    print((ms.Tensor([1.0, 2.0]) + ms.Tensor([3.0, 4.0])).asnumpy())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
