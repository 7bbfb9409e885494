"""Checks of a data set: its splits open, their names can be file names, their pictures are what the contract says."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np

from registry import DatasetSpec, NotFoundError, Sample
from zoo.data.samples import load
from zoo.testing.check import NotApplicable, expect
from zoo.testing.once import Once

PICTURES = 6
"""Pictures of a split that are read, evenly spread over it."""

LONGEST_NAME = 200
"""Bytes of a name; file systems allow 255 with an extension."""

_ABSENT = "no-such-split"


class _Copy:
    """A data set as it lies in a folder.

    Args:
        spec: The data set.
        root: Its folder; None: wherever it looks itself.
    """

    def __init__(self, spec: DatasetSpec, root: Any) -> None:
        self.spec, self.root, self.once = spec, root, Once(self)

    @cached_property
    def splits(self) -> Mapping[str, Sequence[Sample]]:
        """The splits that are there.

        Raises:
            NotApplicable: None is.
        """
        found, missing = {}, []
        for split in self.spec.splits:
            try:
                found[split] = self.spec.open(self.root, split, {})
            except NotFoundError as error:
                missing.append(" ".join(str(error).split()))
        if not found:
            where = "no --data-root was given" if self.root is None else f"nothing opens at {self.root}"
            raise NotApplicable(f"{where}: {missing[0] if missing else 'it has no splits'}")
        return found


def checks(spec: DatasetSpec, root: Any = None) -> list[tuple[str, Callable[[], None]]]:
    """The checks of this family, by name."""
    copy = _Copy(spec, root)
    return [
        ("splits", partial(check_splits, copy)),
        ("opens", partial(copy.once.run, check_opens)),
        ("names", partial(check_names, copy)),
        ("order", partial(check_order, copy)),
        ("pictures", partial(check_pictures, copy)),
        ("count", partial(check_count, copy)),
    ]


def check_splits(copy: _Copy) -> None:
    """It has splits with names and counts, and refuses one that it does not have."""
    spec = copy.spec
    expect(bool(spec.splits), "it has no splits")
    for name, count in spec.splits.items():
        expect(isinstance(name, str) and bool(name), f"a split is named {name!r}; expected a text")
        whole = count is None or (isinstance(count, int) and not isinstance(count, bool) and count > 0)
        expect(whole, f"split {name!r} has count {count!r}; expected a whole number above 0, or None where unknown")
    try:
        spec.open(copy.root, _ABSENT, {})
    except NotFoundError:
        return
    expect(False, f"it opens a split {_ABSENT!r}; expected a NotFoundError that lists those it has")


def check_opens(copy: _Copy) -> None:
    """What opens is a sequence of samples, with at least one."""
    for split, samples in copy.splits.items():
        sequence = hasattr(samples, "__len__") and hasattr(samples, "__getitem__")
        expect(sequence, f"{split} opens as {type(samples).__name__}; expected a sequence")
        expect(len(samples) > 0, f"{split} opens and holds no picture; expected a NotFoundError, or pictures")
        kinds = {type(sample).__name__ for sample in samples if not isinstance(sample, Sample)}
        expect(not kinds, f"{split} holds {', '.join(sorted(kinds))}; expected Sample")


def check_names(copy: _Copy) -> None:
    """Names are unique within a split and can be names of files, as those of mattes are."""
    copy.once.need(check_opens)
    for split, samples in copy.splits.items():
        seen: set[str] = set()
        for sample in samples:
            reason = _unsafe(sample.name)
            expect(not reason, f"{split}: the name {sample.name!r} cannot be that of a file: {reason}")
            expect(sample.name not in seen, f"{split}: two pictures are named {sample.name!r}")
            seen.add(sample.name)


def _unsafe(name: Any) -> str:
    if not isinstance(name, str) or not name:
        return "it is empty, or no text"
    if len(name.encode("utf-8", "surrogateescape")) > LONGEST_NAME:
        return f"it has more than {LONGEST_NAME} bytes"
    if name.startswith(".") or name != name.strip():
        return "it begins with a dot, or begins or ends with a space"
    bad = [character for character in name if character in "/\\" or unicodedata.category(character) == "Cc"]
    return f"it holds {bad[0]!r}" if bad else ""


def check_order(copy: _Copy) -> None:
    """Opened again, the pictures come in the same order."""
    copy.once.need(check_opens)
    for split, samples in copy.splits.items():
        again = [sample.name for sample in copy.spec.open(copy.root, split, {})]
        expect(
            [sample.name for sample in samples] == again, f"{split}: opened again, the pictures are in another order"
        )


def check_pictures(copy: _Copy) -> None:
    """Image, alpha and trimap can be read, agree in size and hold the values of the contract.

    Some pictures of each split are read, those at its ends among them.
    """
    copy.once.need(check_opens)
    for _, sample in _some(copy):
        load(sample)  # refuses what is not so, and names the file


def _some(copy: _Copy) -> Iterator[tuple[str, Sample]]:
    for split, samples in copy.splits.items():
        for index in sorted({int(i) for i in np.linspace(0, len(samples) - 1, min(PICTURES, len(samples)))}):
            yield split, samples[index]


def check_count(copy: _Copy) -> None:
    """A whole copy has as many pictures as the data set declares, and none has more."""
    copy.once.need(check_opens)
    partial_copies = []
    for split, samples in copy.splits.items():
        declared = copy.spec.splits[split]
        if declared is None:
            continue
        expect(len(samples) <= declared, f"{split} holds {len(samples)} pictures; declared: {declared}")
        if len(samples) < declared:
            partial_copies.append(f"{split} {len(samples)} of {declared}")
    if partial_copies:
        raise NotApplicable(f"this copy is not complete: {', '.join(partial_copies)}")
