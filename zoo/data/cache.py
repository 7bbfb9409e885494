"""Decoded pictures kept in memory, so that a file is read once and not once an epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from os import PathLike
from threading import Lock

from registry import Sample
from zoo.data.header import header_size
from zoo.data.reduction import reduced_size
from zoo.data.samples import Decoded

PIXEL_BYTES = 5
"""Of a kept picture at most: three of the image, two of an alpha of 16 bits."""


class Cache:
    """Gives decoded samples, and keeps as many as there is room for.

    Whatever fits is kept to the end: every epoch asks for every picture once, in random order, so that one thrown out
    for another would be missed as often as the other is used.

    A kept picture is exactly what reading gave, integers of the alpha included. A file that changes on disk meanwhile
    is not looked at again. Any number of threads may ask.

    Attributes:
        used: Bytes taken by the pixels of the kept pictures. Arrays that a sample holds itself do not count.
    """

    def __init__(self, samples: Sequence[Sample], mib: int, read: Callable[[int], Decoded]) -> None:
        """Nothing is read yet.

        Args:
            samples: What can be asked for, by index.
            mib: Room in MiB; 0: nothing is kept.
            read: Decodes the sample of an index.
        """
        self.used = 0
        self._samples = samples
        self._room = mib * 2**20
        self._read = read
        self._kept: dict[int, Decoded] = {}
        self._lock = Lock()
        # Of each picture, so that two threads that ask for the same one decode it once.
        self._turns = [Lock() for _ in samples] if mib else []

    def most(self, factor: Callable[[Sample], int]) -> int:
        """Bytes that the kept pictures can come to, by the headers of their files as far as there is room.

        Args:
            factor: What a sample is reduced by before it is kept.
        """
        total = 0
        for sample in self._samples:
            if total >= self._room:
                break
            size = _pixels(sample, factor(sample))
            if size is None:
                return self._room
            total += PIXEL_BYTES * size
        return min(total, self._room)

    def get(self, index: int) -> Decoded:
        """The sample of an index, decoded; its arrays are shared and must not be written to.

        Raises:
            DataError: As for `zoo.data.samples.decode`.
        """
        if not self._room:
            return self._read(index)
        with self._turns[index]:
            found = self._kept.get(index)
            return found if found is not None else self._keep(index, self._read(index))

    def _keep(self, index: int, decoded: Decoded) -> Decoded:
        sample = self._samples[index]
        pairs = (decoded.image, sample.image), (decoded.alpha, sample.alpha)
        size = sum(array.nbytes for array, given in pairs if array is not None and array is not given)
        with self._lock:
            if self.used + size <= self._room:
                self.used += size
                self._kept[index] = decoded
        return decoded


def _pixels(sample: Sample, factor: int) -> int | None:
    """Pixels of a reduced picture; None where they are not known before it is decoded."""
    if not isinstance(sample.image, (str, PathLike)):
        return None
    try:
        with open(sample.image, "rb") as file:
            size = header_size(file)
    except OSError:  # reading it says why
        return 0
    return prod(reduced_size(size, factor)) if size else None
