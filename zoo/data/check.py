"""A whole data set examined before anything is trained on it. Nothing is written."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from registry import DatasetSpec, Registry, Sample
from zoo.config import Config
from zoo.data.duplicates import MOST_BITS
from zoo.data.examine import Facts, examine
from zoo.data.histogram import shares
from zoo.data.layout import Split, open_splits, unused_files
from zoo.data.opening import dataset_spec
from zoo.data.overlap import Place, overlaps
from zoo.data.rules import LEVELS, RULES
from zoo.data.splits import TRAIN

SCHEMA = 1
"""Version of the report's layout."""

_AHEAD = 4
"""Pictures given to each process ahead of the one it works on."""

Items = dict[str, list[tuple[str, str]]]
"""Code -> (name, detail) of everything found under it."""


@dataclass
class _Tally:
    """What is kept of a split while its pictures pass by: a few hundred bytes of each."""

    places: list[Place] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    alphas: int = 0
    shares: np.ndarray | float = 0.0
    items: Items = field(default_factory=dict)

    def note(self, code: str, name: str, detail: str = "") -> None:
        self.items.setdefault(code, []).append((name, detail))

    def add(self, split: str, facts: Facts) -> None:
        for code, detail in facts.defects:
            self.note(code, facts.name, detail)
        if facts.size is not None and facts.hash is not None:
            self.sizes.append(facts.size)
            self.places.append(Place(split, facts.name, facts.sha256, facts.hash))
        if facts.levels is not None:
            self.alphas += 1
            self.shares = self.shares + shares(facts.levels)
        if facts.exif.place:
            self.note("place", facts.name)
        if facts.exif.camera or facts.exif.person:
            self.note("camera", facts.name)


def check(
    registry: Registry,
    config: Config,
    pool: Executor,
    workers: int,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Examine every split that is there.

    Args:
        registry: Where the data set is looked up.
        config: Names it: ``data.dataset``, ``data.root``, ``data.options``.
        pool: Does the reading. Damage within a file, which the decoder mends, is noticed by processes only.
        workers: How many it has.
        on_progress: Called with the pictures done and their number.

    Returns:
        ``{schema, dataset, root, splits, findings, counts, seconds, pictures_per_s, workers, most_bits}``. ``splits``:
        one mapping each with ``name``, ``state`` (present, broken, absent), ``same_as``, ``pictures``, ``published``,
        ``masks``, ``trimaps``, ``sizes`` (``smallest``, ``median``, ``largest``: width and height, by area) and
        ``alpha`` (mean shares of ``zero``, ``between``, ``one``; ``histogram``: ten bins of what is between).
        ``findings``, worst first: ``code``, ``level``, ``split``, ``count``, ``what``, ``advice`` and ``items``
        (``name``, ``detail``). ``counts``: findings by level.

    Raises:
        NotFoundError: There is no such data set, or nothing of it at the root.
        PluginError: The data set's own code failed.
    """
    started = time.perf_counter()
    spec = dataset_spec(registry, config)
    splits = open_splits(registry, config)
    examined = [split for split in splits if split.same_as is None]
    total = sum(len(split.samples) for split in examined)
    tallies: dict[str, _Tally] = {split.name: _Tally() for split in splits}
    done = 0
    for split in examined:
        for facts in _examined(pool, split.samples, workers * _AHEAD):
            tallies[split.name].add(split.name, facts)
            done += 1
            if on_progress is not None:
                on_progress(done, total)
    for split in splits:
        _of_split(spec, split, tallies[split.name])
    found = overlaps([place for tally in tallies.values() for place in tally.places])
    for code, split_name, name, detail in found:
        tallies[split_name].note(code, name, detail)
    findings = _findings({name: tally.items for name, tally in tallies.items()})
    seconds = time.perf_counter() - started
    return {
        "schema": SCHEMA,
        "dataset": spec.name,
        "root": config.data.root,
        "splits": [_summary(spec, split, tallies[split.name]) for split in splits],
        "findings": findings,
        "counts": {level: sum(finding["level"] == level for finding in findings) for level in LEVELS},
        "seconds": seconds,
        "pictures_per_s": total / seconds,
        "workers": workers,
        "most_bits": MOST_BITS,
    }


def _examined(pool: Executor, samples: Sequence[Sample], ahead: int) -> Iterator[Facts]:
    """The facts of each sample in order, no more than so many at work."""
    source = iter(samples)
    waiting: deque[Future[Facts]] = deque(pool.submit(examine, sample) for sample in islice(source, ahead))
    while waiting:
        yield waiting.popleft().result()
        waiting.extend(pool.submit(examine, sample) for sample in islice(source, 1))


def _of_split(spec: DatasetSpec, split: Split, tally: _Tally) -> None:
    """What is to be said of the split as a whole."""
    published, count = spec.splits.get(split.name), len(split.samples)
    if split.state == "broken":
        tally.note("split-broken", split.name, split.problem or "")
    elif split.state == "absent":
        # A split of unknown size is one that a user may have or not.
        tally.items |= {"split-absent": [(split.name, split.problem or "")]} if published is not None else {}
    elif split.same_as is not None:
        tally.note("same-pictures", split.name, f"{split.same_as} is made of the same files")
    if split.state != "present" or split.same_as is not None:
        return
    if published not in (None, count):
        tally.note("count", split.name, f"{count} of {published} pictures")
    bare = [sample.name for sample in split.samples if sample.alpha is None]
    if len(bare) == count:
        tally.note("no-masks-train" if split.name == TRAIN else "no-masks", split.name)
    else:
        tally.items |= {"partly-labelled": [(name, "") for name in bare]} if bare else {}
    without = [sample.name for sample in split.samples if sample.trimap is None]
    if split.name != TRAIN and without:
        some = len(without) < count
        tally.items |= (
            {"some-trimaps": [(name, "") for name in without]} if some else {"no-trimaps": [(split.name, "")]}
        )
    for code, names in unused_files(split).items():
        tally.items[code] = [(name, "") for name in names]


def _findings(items: Mapping[str, Items]) -> list[dict[str, Any]]:
    """Worst first: in the order of the rules, then of the splits."""
    return [
        {
            "code": code,
            "level": rule.level,
            "split": split,
            "count": len(found[code]),
            "what": rule.one if len(found[code]) == 1 else rule.many,
            "advice": rule.advice,
            "items": [{"name": name, "detail": detail} for name, detail in found[code]],
        }
        for code, rule in RULES.items()
        for split, found in items.items()
        if code in found
    ]


def _summary(spec: DatasetSpec, split: Split, tally: _Tally) -> dict[str, Any]:
    by_area = sorted(tally.sizes, key=lambda size: size[0] * size[1])
    middle = {"smallest": 0, "median": len(by_area) // 2, "largest": -1}
    about: dict[str, Any] = {
        "name": split.name,
        "state": split.state,
        "same_as": split.same_as,
        "pictures": len(split.samples),
        "published": spec.splits.get(split.name),
        "masks": sum(sample.alpha is not None for sample in split.samples) - len(tally.items.get("no-mask", [])),
        "trimaps": sum(sample.trimap is not None for sample in split.samples),
        "sizes": {word: [by_area[at][1], by_area[at][0]] for word, at in middle.items()} if by_area else None,
        "alpha": None,
    }
    if tally.alphas:
        zero, *between, one = (np.asarray(tally.shares) / tally.alphas).tolist()
        about["alpha"] = {"zero": zero, "between": sum(between), "one": one, "histogram": between}
    return about
