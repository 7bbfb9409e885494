"""Reading ahead and writing behind: order, errors, how much is held."""

from __future__ import annotations

import threading
import time

import pytest

from registry import DataError
from zoo.engine.pipeline import AHEAD, overlapped


def test_everything_in_order_and_each_part_in_its_thread():
    written, threads = [], {"read": set(), "answer": set(), "write": set()}

    def at(part):
        threads[part].add(threading.current_thread().name)

    def read(item):
        at("read")
        time.sleep(0.01 * (item % 3 == 0))  # the first takes longest
        return item * 10

    def answer(value):
        at("answer")
        return value + 1

    def write(item, value):
        at("write")
        written.append((item, value))

    found = list(overlapped(range(7), read, answer, write))
    assert found == [(n, None) for n in range(7)]
    assert written == [(n, 10 * n + 1) for n in range(7)]
    assert threads == {"read": {"zoo-read_0"}, "answer": {threading.current_thread().name}, "write": {"zoo-write_0"}}


def test_a_bad_item_is_told_and_the_others_go_on():
    def fails_at(bad, value):
        if value == bad:
            raise DataError(f"{value} is broken")
        return value

    found = overlapped(
        range(6), lambda n: fails_at(1, n), lambda n: fails_at(3, n), lambda item, answer: fails_at(4, item)
    )
    assert [(n, str(problem) if problem else None) for n, problem in found] == [
        *[(0, None), (1, "1 is broken"), (2, None), (3, "3 is broken"), (4, "4 is broken"), (5, None)]
    ]


@pytest.mark.parametrize("part", ["read", "answer", "write"])
def test_any_other_error_ends_it(part):
    begun = []

    def at(name, item):
        begun.append((name, item))
        if name == part and item == 2:
            raise RuntimeError(f"{name} failed")
        return item

    with pytest.raises(RuntimeError, match=f"{part} failed"):
        list(overlapped(range(100), lambda n: at("read", n), lambda n: at("answer", n), lambda n, _: at("write", n)))
    assert max(item for _, item in begun) <= 2 + 2 * AHEAD + 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("zoo-read", "zoo-write"))]


def test_a_few_are_held_and_the_rest_not_begun():
    """The writer is stuck on the first; everybody else stops before long."""
    free, read = threading.Event(), []
    results = overlapped(
        range(100), lambda n: read.append(n) or n, lambda n: n, lambda n, _: None if n else free.wait(5)
    )
    consumer = threading.Thread(target=lambda: list(results))
    consumer.start()
    time.sleep(0.2)
    held = len(read)
    free.set()
    consumer.join(5)
    assert len(read) == 100
    # Read: those that wait to be written, the one more at which the caller waits, and those ahead of it.
    assert held <= AHEAD + 1 + AHEAD + 1


def test_reading_and_writing_go_on_beside_the_network():
    """The network answers an item only once the next was read and the one before was written."""
    read, written = ([threading.Event() for _ in range(6)] for _ in range(2))

    def answer(item):
        assert item == 5 or read[item + 1].wait(5)
        assert item == 0 or written[item - 1].wait(5)
        return item

    found = overlapped(range(6), lambda n: read[n].set() or n, answer, lambda n, _: written[n].set())
    assert [problem for _, problem in found] == [None] * 6
