"""The same picture in more than one place: in train and a test split, in two splits, twice in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zoo.data.duplicates import copies, distance
from zoo.data.splits import TRAIN, VAL


@dataclass(frozen=True)
class Place:
    """A picture and where it is.

    Attributes:
        split: Name of its split.
        name: Name of the sample.
        sha256: Of the file.
        hash: `zoo.data.duplicates.picture_hash`.
    """

    split: str
    name: str
    sha256: str
    hash: np.ndarray


def overlaps(places: Sequence[Place]) -> list[tuple[str, str, str, str]]:
    """What is there more than once.

    A picture that is in train and in a test split is ``train-in-test``; in two other splits ``copies-across``; each
    further copy in one split is ``copies-within``.

    Args:
        places: Every picture, splits in the order of the data set.

    Returns:
        (code, split, name, detail); the detail names the other place and how alike they are.
    """
    if not places:
        return []
    found = []
    for group in copies(np.stack([place.hash for place in places])):
        by_split: dict[str, list[Place]] = {}
        for index in group:
            by_split.setdefault(places[index].split, []).append(places[index])
        for split, members in by_split.items():
            found += [
                ("copies-within", split, here.name, _like(here, members[:n])) for n, here in enumerate(members) if n
            ]
            earlier = list(by_split)[: list(by_split).index(split)]
            if not earlier:
                continue
            first = TRAIN if TRAIN in earlier else earlier[0]
            code = "train-in-test" if first == TRAIN and split != VAL else "copies-across"
            found += [(code, split, here.name, _like(here, by_split[first])) for here in members]
    return found


def _like(here: Place, others: Sequence[Place]) -> str:
    """The nearest of the others, and how near it is."""
    there = min(others, key=lambda other: (other.sha256 != here.sha256, distance(here.hash, other.hash)[0]))
    where = f"{there.split}/{there.name}" if there.split != here.split else there.name
    if there.sha256 == here.sha256:
        return f"{where}, the same file"
    bits, mirrored = distance(here.hash, there.hash)
    return f"{where}, {'mirrored' if mirrored else 'a copy'}, {bits} of 255 bits differ"
