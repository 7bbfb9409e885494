"""What a data set lacks, made from its images and masks: trimaps to score with, colours of foreground and background.

SPLIT/trimap/NAME.png                     what the evaluator makes while it scores, so figures stay the same
SPLIT/foreground/NAME.png  background/    on request
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from registry import DataError, NotFoundError, Registry, Sample, UsageError, ZooError
from zoo.config import Config
from zoo.data import demo_set, folder, p3m10k
from zoo.data.files import pictures_by_stem
from zoo.data.foreground import estimate_colours
from zoo.data.images import picture_size, write_png
from zoo.data.layout import Split, open_splits
from zoo.data.opening import dataset_spec
from zoo.data.samples import load_image, load_truth, require_alpha
from zoo.data.splits import split_name, test_splits
from zoo.data.trimap import evaluation_trimap

ALL = "all"
"""Word for every split that is there."""

TRIMAP, FOREGROUND, BACKGROUND = "trimap", "foreground", "background"

_AHEAD = 4
"""Pictures given to each process ahead of the one it works on."""


@dataclass(frozen=True)
class Task:
    """Files to be made for one picture.

    Attributes:
        split: Its split.
        sample: Its image and alpha.
        targets: Kind (`TRIMAP`, `FOREGROUND`, `BACKGROUND`) -> file.
    """

    split: str
    sample: Sample
    targets: Mapping[str, Path]


@dataclass
class Plan:
    """What is to be done.

    Attributes:
        tasks: One for each picture that lacks something.
        counts: Split -> kind -> ``there`` and ``to make``.
        problems: What cannot be done, each ``{"split", "image", "reason"}``.
    """

    tasks: list[Task] = field(default_factory=list)
    counts: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    problems: list[dict[str, str]] = field(default_factory=list)

    def fail(self, split: str, image: str, reason: str) -> None:
        """Note what cannot be done."""
        self.problems.append({"split": split, "image": image, "reason": reason})


def plan(
    registry: Registry,
    config: Config,
    splits: Sequence[str] = (),
    colours: bool = False,
    force: bool = False,
    limit: int | None = None,
) -> Plan:
    """Find out what is missing; nothing is written.

    Args:
        registry: Where the data set is looked up.
        config: Names it: ``data.dataset``, ``data.root``, ``data.options``.
        splits: Names, or `ALL`; none: the test splits that are there.
        colours: Foreground and background as well as trimaps.
        force: Make again what is there.
        limit: Only the first so many pictures of each split.

    Raises:
        UsageError: The data set belongs to a plugin, which alone knows where its files lie.
        NotFoundError: A split is not there.
        DataError: A split is there and cannot be opened.
    """
    made = Plan()
    for split in _wanted(registry, config, splits):
        samples = split.samples[:limit]
        if all(sample.alpha is None for sample in samples):
            made.fail(split.name, split.name, "has no masks to make anything from")
            continue
        place = _place(samples, config)
        kinds = (TRIMAP, FOREGROUND, BACKGROUND) if colours else (TRIMAP,)
        there = {kind: _there(place[kind]) for kind in kinds}
        made.counts[split.name] = {kind: {"there": 0, "to make": 0} for kind in kinds}
        for sample in samples:
            targets = {}
            for kind in kinds:
                target, old = place[kind] / f"{sample.name}.png", there[kind].get(sample.name)
                if old is not None and not force:
                    made.counts[split.name][kind]["there"] += 1
                elif old is not None and old != target:
                    made.fail(split.name, sample.name, f"{old} is in the way of {target.name}; remove it")
                else:
                    targets[kind] = target
                    made.counts[split.name][kind]["to make"] += 1
            if targets:
                made.tasks.append(Task(split.name, sample, targets))
    return made


def carry_out(
    what: Plan, pool: Executor, workers: int, on_progress: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """Make what a plan lists. A picture that cannot be used is added to its problems, the others go on.

    Every file is written whole or not at all, so what was interrupted goes on from there when it is planned anew.

    Args:
        what: The plan.
        pool: Processes that do it.
        workers: How many.
        on_progress: Called with the pictures done and their number.

    Returns:
        ``{"made": {split: {kind: count}}, "seconds"}``.

    Raises:
        ZooError: A folder or file cannot be written.
    """
    started = time.perf_counter()
    for place in sorted({target.parent for task in what.tasks for target in task.targets.values()}):
        _make_folder(place)
    made = {split: dict.fromkeys(kinds, 0) for split, kinds in what.counts.items()}
    for number, (task, future) in enumerate(_working(pool, what.tasks, workers * _AHEAD), 1):
        try:
            future.result()
        except DataError as error:
            what.fail(task.split, task.sample.name, str(error))
        else:
            for kind in task.targets:
                made[task.split][kind] += 1
        if on_progress is not None:
            on_progress(number, len(what.tasks))
    return {"made": made, "seconds": time.perf_counter() - started}


def make(task: Task) -> None:
    """Make the files of one picture.

    Raises:
        DataError: Its image or mask cannot be used.
        ZooError: A file cannot be written.
    """
    sample = replace(task.sample, trimap=None)
    require_alpha(sample)
    colours = task.targets.keys() & {FOREGROUND, BACKGROUND}
    image = load_image(sample) if colours else None
    # The evaluator reads the mask as float64, too: the trimap is the one that it would make.
    alpha, _ = load_truth(sample, picture_size(sample.image) if image is None else image.shape[:2], np.float64)
    assert alpha is not None, "require_alpha has seen to it"
    if TRIMAP in task.targets:
        write_png(task.targets[TRIMAP], evaluation_trimap(alpha))
    if image is not None:
        found = dict(zip((FOREGROUND, BACKGROUND), estimate_colours(image, alpha), strict=True))
        for kind in sorted(colours):
            write_png(task.targets[kind], found[kind])


def _wanted(registry: Registry, config: Config, names: Sequence[str]) -> list[Split]:
    spec = dataset_spec(registry, config)
    if spec not in (p3m10k.SPEC, folder.SPEC, demo_set.SPEC):
        raise UsageError(f"{spec.name} belongs to a plugin, which alone knows where its trimaps lie")
    splits = {split.name: split for split in open_splits(registry, config)}
    asked = [] if ALL in names else [split_name(spec, name) for name in names]
    if lacking := [name for name in asked if name not in splits]:
        raise NotFoundError(f"{spec.name} has no split {lacking[0]!r} of its own: it is cut from train")
    for name in asked or (splits if ALL in names else test_splits(spec)):
        split = splits[name]
        if split.state == "broken":
            raise DataError(split.problem)
        if split.state == "absent" and asked:
            raise NotFoundError(split.problem)
    chosen = asked or [name for name in splits if ALL in names or name in test_splits(spec)]
    there = [splits[name] for name in dict.fromkeys(chosen) if splits[name].state == "present"]
    if not there:
        raise NotFoundError(f"{spec.name} at {config.data.root} has no test split; name another with --splits")
    # Two names of one set of pictures, as in a folder without split folders, are one here.
    return [split for split in there if split.same_as not in [other.name for other in there]]


def _place(samples: Sequence[Sample], config: Config) -> Mapping[str, Path]:
    """Kind -> folder of a split."""
    options = config.data.options
    alpha = Path(next(sample.alpha for sample in samples if sample.alpha is not None))
    # SPLIT/ALPHA_DIR/NAME.png, where ALPHA_DIR may have several parts.
    split = alpha.parents[len(Path(options.get("alpha_dir", "mask")).parts)]
    names = {TRIMAP: options.get("trimap_dir", TRIMAP), FOREGROUND: FOREGROUND, BACKGROUND: BACKGROUND}
    return {kind: split / name for kind, name in names.items()}


def _there(place: Path) -> Mapping[str, Path]:
    return pictures_by_stem(place) if place.is_dir() else {}


def _make_folder(place: Path) -> None:
    try:
        place.mkdir(exist_ok=True)
    except OSError as error:
        raise ZooError(
            f"{place}: cannot make the folder ({error.strerror or error}); what is prepared lies beside the masks, so "
            "the data set must lie where you may write"
        ) from error


def _working(pool: Executor, tasks: Sequence[Task], ahead: int) -> Iterator[tuple[Task, Future[None]]]:
    """Each task with its future, in order, no more than so many at work."""
    source = iter(tasks)
    waiting = deque((task, pool.submit(make, task)) for task in islice(source, ahead))
    while waiting:
        yield waiting.popleft()
        waiting.extend((task, pool.submit(make, task)) for task in islice(source, 1))
