"""Pictures through a model: read, answered and written side by side (`zoo.engine.pipeline`), in a bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from registry import DataError
from zoo.engine.pipeline import overlapped
from zoo.predict.pictures import Picture
from zoo.predict.room import Room
from zoo.predict.sequence import Flicker, Steady

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Given:
    """What a model is asked about.

    Attributes:
        name: What messages call it.
        picture: The picture.
        trimap: (H, W) uint8, or None.
        target: (H, W) float32, its true matte, or None.
        sequence: Of which sequence it is the next frame.
    """

    name: str
    picture: Picture
    trimap: np.ndarray | None = None
    target: np.ndarray | None = None
    sequence: object = None

    def __post_init__(self) -> None:
        size = self.picture.image.shape[:2]
        for what, array in (("trimap", self.trimap), ("true matte", self.target)):
            if array is not None and array.shape != size:
                raise DataError(f"{self.name}: the {what} has size {array.shape}, the picture {size}")


class Work(Generic[_Item]):
    """What is done with every picture.

    Args:
        load: What to ask, of an item; None: there is none, and it is passed over. Called in a thread.
        answer: ``answer(image, trimap) -> alpha``; called in the caller's thread.
        save: Takes an item, its picture and its matte; called in a thread, in order.
        keep_alpha: A picture's own transparency is multiplied into its matte; else it is ignored.
        smooth: Flicker is taken out of the mattes, which are a sequence; the threshold, see `zoo.predict.sequence`.
        measure: Flicker is measured.

    Attributes:
        keep_alpha: As given.
        smooth: As given.
        transparent: Pictures so far that had a transparency of their own.
        before: Flicker of the mattes as answered, if it is measured.
        after: Flicker of them as saved.
    """

    def __init__(
        self,
        load: Callable[[_Item], Given | None],
        answer: Callable[[np.ndarray, np.ndarray | None], np.ndarray],
        save: Callable[[_Item, Picture, np.ndarray], None],
        keep_alpha: bool = True,
        smooth: float | None = None,
        measure: bool = False,
    ) -> None:
        self._load, self._answer, self._save = load, answer, save
        self.keep_alpha, self.smooth = keep_alpha, smooth
        self._steady = None if smooth is None else Steady(self._finish, smooth)
        self._room = Room()
        self._sequence: object = None
        self.transparent = 0
        self.before, self.after = (Flicker(), Flicker()) if measure else (None, None)

    def run(self, items: Iterable[_Item]) -> Iterator[tuple[_Item, DataError | None]]:
        """Do every item; see `zoo.engine.pipeline.overlapped`.

        Raises:
            DataError: The last frame of a smoothed sequence, which waits until all are done, could not be saved.
        """
        yield from overlapped(items, self._read, self._ask, self._write, self._room.close)
        if self._steady is not None:
            self._steady.end()

    def _read(self, item: _Item) -> Given | None:
        given = self._load(item)
        if given is not None:
            self._room.take(_pixels(given))
        return given

    def _ask(self, given: Given | None) -> tuple[Given, np.ndarray] | None:
        if given is None:
            return None
        try:
            image = given.picture.image8
            alpha = self._answer(image, given.trimap)
        except DataError as error:
            self._room.give(_pixels(given))
            raise DataError(f"{given.name}: {error}") from error
        own = given.picture.alpha
        if own is not None and self.keep_alpha:
            alpha = alpha * (own * np.float32(1 / np.iinfo(own.dtype).max))
        return given, alpha

    def _write(self, item: _Item, answered: tuple[Given, np.ndarray] | None) -> None:
        if answered is None:
            return
        given, alpha = answered
        try:
            self.transparent += given.picture.alpha is not None
            self._cut_before(given)
            if self.before is not None:
                self.before(alpha, given.target)
            if self._steady is None:
                self._finish((item, given), alpha)
            else:
                self._steady((item, given), alpha)
        finally:
            # A smoothed frame waits for the next, which must not wait for its room.
            self._room.give(_pixels(given))

    def _cut_before(self, given: Given) -> None:
        """End what belongs to another sequence than this frame."""
        if given.sequence == self._sequence:
            return
        self._sequence = given.sequence
        if self._steady is not None:
            self._steady.end()
        for flicker in (self.before, self.after):
            if flicker is not None:
                flicker.cut()

    def _finish(self, what: Any, alpha: np.ndarray) -> None:
        item, given = what
        if self.after is not None:
            self.after(alpha, given.target)
        self._save(item, given.picture, alpha)


def _pixels(given: Given) -> int:
    height, width = given.picture.image.shape[:2]
    return height * width
