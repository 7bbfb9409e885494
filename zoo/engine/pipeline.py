"""Many pictures, one after the other through a model, while the next are read and the last are written.

A network on the CPU does not keep all cores busy all the time: between its parallel parts it runs on one. Reading and
writing fill these gaps in threads of their own; OpenCV gives Python's lock away while it works.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import Any, TypeVar

from registry import DataError

_Item = TypeVar("_Item")

AHEAD = 2
"""Pictures read before they are asked for, and as many answers waiting to be written."""


def overlapped(
    items: Iterable[_Item],
    read: Callable[[_Item], Any],
    answer: Callable[[Any], Any],
    write: Callable[[_Item, Any], None],
    give_up: Callable[[], None] = lambda: None,
) -> Iterator[tuple[_Item, DataError | None]]:
    """Read, answer and write every item; in order, no more than a few of them held at a time.

    Args:
        items: What is done, a file for example.
        read: What to answer, of an item; called in a thread.
        answer: The model; called in the caller's thread, where frameworks are at home.
        write: Takes an item and its answer; called in a thread.
        give_up: Called first when an error ends the work: what a thread waits for must not keep it waiting then.

    Yields:
        Each item when it is done with, and what was wrong with it: a DataError of one of the three functions. Any other
        error of theirs is raised, and what was not begun is given up.
    """
    source = iter(items)
    with ThreadPoolExecutor(1, "zoo-read") as reader, ThreadPoolExecutor(1, "zoo-write") as writer:
        reading: deque[tuple[_Item, Future[Any]]] = deque()
        writing: deque[tuple[_Item, Future[None] | DataError]] = deque()
        try:
            reading.extend((item, reader.submit(read, item)) for item in islice(source, AHEAD))
            while reading:
                item, future = reading.popleft()
                reading.extend((other, reader.submit(read, other)) for other in islice(source, 1))
                try:
                    writing.append((item, writer.submit(write, item, answer(future.result()))))
                except DataError as error:
                    writing.append((item, error))
                while len(writing) > AHEAD:
                    yield _finished(*writing.popleft())
            while writing:
                yield _finished(*writing.popleft())
        except BaseException:
            give_up()
            for pool in (reader, writer):
                pool.shutdown(cancel_futures=True)
            raise


def _finished(item: _Item, written: Future[None] | DataError) -> tuple[_Item, DataError | None]:
    if isinstance(written, DataError):
        return item, written
    try:
        written.result()
    except DataError as error:
        return item, error
    return item, None
