"""Whether there is room for a training, in memory and on disk, before time goes into it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from registry import ZooError
from zoo.config import Config
from zoo.data.loader import Loader
from zoo.engine import device
from zoo.engine.group import Group
from zoo.engine.memory import free_mib, training_mib
from zoo.engine.state import State


def require_memory(network: Any, config: Config, loader: Loader, group: Group) -> str | None:
    """Estimate what the processes of this machine will take, before anything is compiled.

    Args:
        network: The network, in evaluation mode.
        config: ``train.batch_size``, ``data.crop_size`` and ``data.cache_mib`` are read.
        loader: Where the batches come from.
        group: The processes.

    Returns:
        A line that says the estimate; None on a card, whose memory is not ours to read.

    Raises:
        ZooError: It is more than is free.
    """
    if device.start().target != "CPU":
        return None
    batch, side = config.train.batch_size, config.data.crop_size
    one = training_mib(network, batch, side, config.model.stride) + loader.memory_mib()
    needed, free = one * group.size_here, free_mib()
    if free is None:
        return f"memory: about {needed:,.0f} MiB"
    if needed > free:
        each = f" in each of {group.size_here} processes" if group.size_here > 1 else ""
        cache = "data.cache_mib, " if config.data.cache_mib else ""
        raise ZooError(
            f"a batch of {batch} at {side} x {side}{each} needs about {needed:,.0f} MiB and {free:,.0f} MiB are free: "
            f"lower {cache}train.batch_size or data.crop_size"
        )
    return f"memory: about {needed:,.0f} MiB of {free:,.0f} MiB free"


def require_disk(state: State, keep: int, folder: Path) -> None:
    """Refuse a training whose checkpoints will not fit.

    Args:
        state: What is saved.
        keep: ``train.keep``.
        folder: The run folder.

    Raises:
        ZooError: They will not.
    """
    weights = sum(array.nbytes for array in state.weights().values())
    memory = sum(array.nbytes for arrays in state.memory().values() for array in arrays.values())
    # One more than are kept is there while it is written; best.ckpt is there twice for the same reason.
    needed = ((keep + 1) * (weights + memory) + 2 * weights) / 2**20
    free = shutil.disk_usage(folder).free / 2**20
    if needed > free:
        raise ZooError(
            f"the checkpoints need about {needed:,.0f} MiB and {free:,.0f} MiB are free in {folder}: make room, lower "
            "train.keep, or put the run elsewhere with --output"
        )
