"""The processes that train or evaluate together, and what they tell one another.

MindSpore's dynamic cluster brings them together: a scheduler, and one process for each device. `zoo.engine.launch`
starts them on one machine; ``msrun`` does on several.
"""

from __future__ import annotations

import atexit
import os
import pickle
import re
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from registry import ZooError
from zoo.engine.orphan import end_with_launcher

_HEAD = 1024
"""Bytes that every process sends at first: most values fit, and the others begin with their length."""

_LENGTH = 8
"""Bytes of that length."""

_FAILED = re.compile(r"Launch kernel failed\b.*\bAll(Gather|Reduce)-op")
"""In what MindSpore says when an exchange fails."""


@dataclass(frozen=True)
class Group:
    """The processes that do something together; one process without a launcher is a group of one.

    What is exchanged outside a compiled step (`gather` and what is made of it) must be asked for by every process, in
    the same order.

    Attributes:
        rank: Number of this process, from 0.
        size: How many there are.
        size_here: How many of them run on this machine.
    """

    rank: int = 0
    size: int = 1
    size_here: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes and speaks for all."""
        return self.rank == 0

    def mean(self, values: Sequence[float]) -> list[float]:
        """The average over the processes of each of some numbers, in float64 and the same in every process."""
        rows = self.gather([float(value) for value in values])
        return [sum(column) / self.size for column in zip(*rows, strict=True)]

    def any(self, flag: bool) -> bool:
        """Whether something holds in at least one process."""
        return any(self.gather(bool(flag)))

    def gather(self, value: Any) -> list[Any]:
        """The values of all processes in the order of their ranks, in every process.

        Args:
            value: Anything that can be pickled.
        """
        if self.size == 1:
            return [value]
        words = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        words = len(words).to_bytes(_LENGTH, "little") + words
        rows = self._exchange(words[:_HEAD].ljust(_HEAD, b"\0"))
        ends = [_LENGTH + int.from_bytes(row[:_LENGTH], "little") for row in rows]
        if max(ends) > _HEAD:
            rest = self._exchange(words[_HEAD:].ljust(max(ends) - _HEAD, b"\0"))
            rows = [row + more for row, more in zip(rows, rest, strict=True)]
        return [pickle.loads(row[_LENGTH:end]) for row, end in zip(rows, ends, strict=True)]

    def _exchange(self, words: bytes) -> list[bytes]:
        """The bytes of all processes; each gives equally many."""
        import mindspore as ms
        from mindspore import ops

        numbers = np.frombuffer(words + bytes(-len(words) % 4), np.int32)
        with self.answered():
            # Of the operators that exchange, this one takes integers on every device and leaves each bit as it is.
            table = ops.AllGather()(ms.Tensor(numbers)).asnumpy().reshape(self.size, -1)
        return [row.tobytes()[: len(words)] for row in table]

    @contextmanager
    def answered(self) -> Iterator[None]:
        """Say it in words if, inside the block, a process did not answer any more.

        Where our own launcher runs, it is faster and says which; this is for ``msrun``, over several machines.

        Raises:
            ZooError: An exchange failed.
        """
        try:
            yield
        except RuntimeError as error:
            if self.size > 1 and _FAILED.search(str(error)):
                raise ZooError(
                    f"rank {self.rank}: another of the {self.size} processes does not answer; its own last line tells "
                    "why, in the log of its machine"
                ) from error
            raise

    @cached_property
    def average(self) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
        """``average(gradients)``, for a compiled step: the mean of gradients over the processes.

        It takes and gives a tuple of tensors, with the same shapes in every process; the result has the same bits in
        every process.
        """
        return _averaging(self.size) if self.size > 1 else _as_they_are


def _as_they_are(gradients: tuple[Any, ...]) -> tuple[Any, ...]:
    return gradients


def _averaging(size: int) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """All gradients in one row, added up in one exchange and cut apart again.

    An exchange for each gradient, as ``nn.DistributedGradReducer`` has it on the CPU, takes several times as long for
    the hundreds of small ones that a network has. MindSpore compiles what ``HyperMap`` does to hundreds of tensors in a
    second, where a loop in Python takes a minute.
    """
    import mindspore as ms
    from mindspore import ops

    add, join_up, each = ops.AllReduce(), ops.Concat(0), ops.HyperMap()
    reshape, cut, share = ops.Reshape(), ops.Slice(), 1 / size
    row, count, back = (ops.MultitypeFuncGraph(name) for name in ("row", "count", "back"))

    @row.register("Tensor")
    def _row(gradient: Any) -> Any:
        return reshape(gradient, (-1,)).astype(ms.float32)

    @count.register("Tensor")
    def _count(gradient: Any) -> Any:
        return gradient.size

    @ops.constexpr
    def begins(counts: Sequence[int]) -> tuple[int, ...]:
        return tuple(sum(counts[:index]) for index in range(len(counts)))

    @back.register("Tensor", "Number", "Tensor")
    def _back(total: Any, begin: Any, gradient: Any) -> Any:
        return reshape(cut(total, (begin,), (gradient.size,)), gradient.shape).astype(gradient.dtype)

    def average(gradients: tuple[Any, ...]) -> tuple[Any, ...]:
        total = add(join_up(each(row, gradients))) * share
        return each(ops.partial(back, total), begins(each(count, gradients)), gradients)

    return average


ALONE = Group()
"""The group of a process that no launcher started."""


def is_rank() -> bool:
    """Whether a launcher started this process to work with others."""
    return "MS_ROLE" in os.environ


def ranks() -> int:
    """How many processes the launcher of this one brings together; 1 without a launcher."""
    return int(os.environ.get("MS_WORKER_NUM", "1")) if is_rank() else 1


def join() -> Group:
    """Meet the other processes that the launcher started; `ALONE` if there is no launcher.

    Call it after `zoo.engine.device.start`. The scheduler of ``msrun``, which runs the same command line, stays in
    here until the others are done, and ends.

    Raises:
        ZooError: The others do not come in time.
    """
    if not is_rank():
        return ALONE
    end_with_launcher()
    from mindspore import communication

    try:
        communication.init()
    except RuntimeError as error:
        where = f"{os.environ.get('MS_SCHED_HOST')}:{os.environ.get('MS_SCHED_PORT')}"
        reason = str(error).strip().splitlines()[0].partition(". ")[0]
        raise ZooError(
            f"{ranks()} processes did not meet at {where}, where nothing else may listen and every machine must get, "
            f"or one was lost later: {reason}"
        ) from error
    atexit.register(_last_words)  # before what MindSpore has registered
    group = Group(communication.get_rank(), communication.get_group_size())
    hosts = group.gather(socket.gethostname())
    return Group(group.rank, group.size, hosts.count(hosts[group.rank]))


def _last_words() -> None:
    """Nothing on standard error from here on.

    While Python shuts down, threads of MindSpore's cluster say there, at any log level, that they have ended well.
    """
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
