"""Reading, answering and writing side by side, with room for a few pictures only."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from registry import DataError, PluginError
from zoo.predict import room, work
from zoo.predict.pictures import Picture
from zoo.predict.work import Given, Work


@pytest.fixture(autouse=True)
def end():
    """Whatever waits for ever is told on the terminal instead of standing still."""
    import faulthandler

    faulthandler.dump_traceback_later(60, exit=True)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def small_room(monkeypatch):
    monkeypatch.setattr(work, "Room", lambda: room.Room(250))


class Held:
    """How many pictures of 100 pixels are between being read and being saved, and the most there were."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.saved: list[int] = []
        self._lock = threading.Lock()

    def load(self, number: int) -> Given:
        if number == 5:
            raise DataError("5: torn")
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        return Given(str(number), Picture(np.full((10, 10, 3), number, np.uint8)))

    def answer(self, image, trimap):
        if image[0, 0, 0] == 7:
            with self._lock:
                self.now -= 1
            raise DataError("odd colours")
        return np.full((10, 10), 0.5, np.float32)

    def save(self, number, picture, alpha):
        with self._lock:
            self.now -= 1
        self.saved.append(number)


@pytest.mark.parametrize("smooth", [None, 0.1])
def test_no_more_is_held_than_there_is_room_for(small_room, smooth):
    held = Held()
    doing = Work(held.load, held.answer, held.save, smooth=smooth)
    problems = {item: str(problem) for item, problem in doing.run(range(20)) if problem is not None}
    assert problems == {5: "5: torn", 7: "7: odd colours"}
    assert held.saved == [n for n in range(20) if n not in (5, 7)]
    # Two have room; one more is read and waits for it, and one waits to be smoothed.
    assert held.most <= 3 + (smooth is not None)


def test_a_picture_larger_than_all_room_is_done_alone(monkeypatch):
    monkeypatch.setattr(work, "Room", lambda: room.Room(1))
    held = Held()
    assert sum(problem is None for _, problem in Work(held.load, held.answer, held.save).run(range(5))) == 5
    assert held.most <= 2


def test_an_error_of_the_program_ends_all_that_waits(small_room):
    held = Held()

    def fail(image, trimap):
        while held.now < 3:  # until the reader waits for room
            time.sleep(0.01)
        raise PluginError("broken")

    with pytest.raises(PluginError, match="broken"):
        list(Work(held.load, fail, held.save).run(range(20)))


def test_giving_up_after_the_first_ends_all_that_waits(small_room):
    held = Held()
    doing = Work(held.load, held.answer, held.save).run(range(20))
    next(doing)
    time.sleep(0.2)  # the reader waits for room by now; if it does not, the test proves less, and passes
    doing.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("zoo-read", "zoo-write"))]


def test_trimaps_and_truth_of_another_size_are_refused():
    for what, words in (
        ("trimap", {"trimap": np.zeros((2, 2), np.uint8)}),
        ("true matte", {"target": np.zeros((2, 2))}),
    ):
        with pytest.raises(DataError, match=rf"^x: the {what} has size \(2, 2\), the picture \(10, 10\)$"):
            Given("x", Picture(np.zeros((10, 10, 3), np.uint8)), **words)
