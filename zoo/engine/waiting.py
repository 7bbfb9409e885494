"""How a process waits for its graph without keeping a processor busy.

On the CPU MindSpore 2.10 runs a graph beside the Python thread that called it. When that thread asks for a value, it
first waits for the value and then, spinning, for the end of the graph: half a processor or more that the kernels lack,
and of a training step, whose loss is known long before its update is done, most of the time. Where the value passes
through a Python function at the graph's end, the thread sleeps until then instead. Nothing about threads, priorities
or the scheduler is changed, so that there is nothing to undo for whoever embeds zoo.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from zoo.engine import device


@cache
def at_the_end() -> Callable[[Any, Any], Any]:
    """``at_the_end()(value, done)``, for a graph: the value, known when ``done`` is, and waited for asleep.

    ``done`` is whatever the last operators of the graph gave, a tensor or a tuple of them. Elsewhere than on the CPU
    the value alone.
    """
    from mindspore import ops

    if device.start().target != "CPU":
        return lambda value, done: value

    def same(value: Any) -> Any:
        return value

    last = ops.Custom(same, same, same, func_type="pyfunc")

    def wait(value: Any, done: Any) -> Any:
        return last(ops.depend(value, done))

    return wait
