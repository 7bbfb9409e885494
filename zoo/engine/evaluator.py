"""Score a model on samples: predict at the picture's own size, compute every metric, keep every row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from registry import DataError, MetricSpec, Sample
from zoo.data.samples import load_image, require_alpha
from zoo.engine.group import ALONE, Group
from zoo.engine.measure import Measured, Task, load_both, measure
from zoo.engine.predictor import Predictor
from zoo.engine.workers import THREADS, executor, workers_for
from zoo.metrics.definitions import NAMES
from zoo.metrics.score import extra_scores
from zoo.metrics.summary import summarise


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        rows: One mapping per image: those of `zoo.metrics.summary.ABOUT` that are known and every metric (None:
            undefined).
        metrics: Mean of each metric over the images where it is defined.
        undefined: Metric -> number of images where it is undefined; only metrics with any.
        saved_metrics: Means of the core's metrics over the mattes as they were kept, in 8 bits: what anybody finds who
            scores the files. None if none were kept.
        problems: Images that could not be scored, each ``{"image", "reason"}``.
        pictures: Image -> the pictures of the report page, if they were wanted.
        trimaps_made: Images whose trimap was made from the true alpha because the data set has none.
        workers: Processes that scored beside the network, of all that evaluated together; 0: threads of theirs.
        seconds: Wall time.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, float | None] = field(default_factory=dict)
    undefined: dict[str, int] = field(default_factory=dict)
    saved_metrics: dict[str, float | None] | None = None
    problems: list[dict[str, str]] = field(default_factory=list)
    pictures: dict[str, dict[str, str]] = field(default_factory=dict)
    trimaps_made: int = 0
    workers: int = 0
    seconds: float = 0.0


def evaluate(
    predictor: Predictor,
    samples: Sequence[Sample],
    extra: Mapping[str, MetricSpec] | None = None,
    mattes: Path | None = None,
    pictures: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
    group: Group = ALONE,
) -> Evaluation:
    """Score a model on samples. A picture that cannot be used is noted, the others go on.

    Reading the next pictures and scoring the last ones run beside the network, the scoring in processes of its own.
    No more than a few pictures are held at a time, whatever the number of samples.

    Args:
        predictor: The model; its config gives dialect, rounding and ``eval.workers``.
        samples: What to score on; each needs an alpha.
        extra: Metrics of plugins by name; computed in this process, where the plugins are.
        mattes: Folder to keep the mattes in, as ``NAME.png``; it is there. None: they are not kept.
        pictures: Make the pictures of the report page.
        on_progress: Called with the number done and the number in all.
        group: Processes that share the samples out, and ``eval.workers`` too: each takes every ``size``-th one. All of
            them call this, with the same arguments, and all of them get the whole.
    """
    started = time.perf_counter()
    settings = _Settings(predictor, extra or {}, mattes, pictures)
    own = list(enumerate(samples))[group.rank :: group.size]
    together = workers_for(len(samples), predictor.config.eval.workers)
    processes = max(1, together // group.size) if together else 0

    def progress(done: int) -> None:
        if on_progress is not None:
            on_progress(min(done * group.size, len(samples)), len(samples))

    parts = group.gather((processes, _score_all(settings, own, processes, progress)))
    done = dict(sorted(item for _, part in parts for item in part.items()))
    scored = {number: one for number, one in done.items() if isinstance(one, Measured)}
    rows = [one.row for one in scored.values()]
    means, undefined = summarise(rows)
    saved = summarise([one.saved for one in scored.values() if one.saved is not None])[0]
    return Evaluation(
        rows=rows,
        # Every metric has its place in a report, also where the dialect has none of that name or nothing was scored.
        metrics={**dict.fromkeys([*NAMES, *settings.extra]), **means},
        undefined=undefined,
        saved_metrics={**dict.fromkeys(NAMES), **saved} if mattes is not None else None,
        problems=[{"image": samples[n].name, "reason": one} for n, one in done.items() if isinstance(one, str)],
        pictures={samples[number].name: one.pictures for number, one in scored.items() if one.pictures},
        trimaps_made=sum(one.trimap_made for one in scored.values()),
        workers=sum(count for count, _ in parts),
        seconds=time.perf_counter() - started,
    )


@dataclass(frozen=True)
class _Settings:
    """What an evaluation does with each picture; see `evaluate`."""

    predictor: Predictor
    extra: Mapping[str, MetricSpec]
    mattes: Path | None
    pictures: bool


def _score_all(
    settings: _Settings, samples: Sequence[tuple[int, Sample]], processes: int, progress: Callable[[int], None]
) -> dict[int, Measured | str]:
    """What came of each numbered sample: what was measured, or why it could not be used."""
    predictor, extra = settings.predictor, settings.extra
    dialect, rounding = predictor.config.eval.dialect, predictor.config.eval.rounding
    found: dict[int, Measured | str] = {}
    waiting: list[tuple[int, Future[Measured], Future[dict[str, float | None]]]] = []

    def collect(keep: int) -> None:
        while len(waiting) > keep:
            number, measured, others = waiting.pop(0)
            try:
                one = measured.result()
                found[number] = replace(one, row={**one.row, **others.result()})
            except DataError as error:
                found[number] = str(error)

    with ThreadPoolExecutor(THREADS, "zoo-eval") as readers, executor(processes) as scorers:
        try:
            for count, (number, future) in enumerate(_ahead(readers, samples, predictor.spec.needs_trimap), 1):
                try:
                    image, truth = future.result()
                    matte = predictor.predict(image, truth.trimap)
                    shown = image if settings.pictures else None
                    task = Task(truth, matte, dialect, rounding, settings.mattes, shown)
                    others = readers.submit(_extra, truth, matte, dialect, rounding, extra)
                    waiting.append((number, scorers.submit(measure, task), others))
                except DataError as error:
                    found[number] = str(error)
                collect(keep=processes + 2)
                progress(count)
            collect(keep=0)
        except BaseException:
            readers.shutdown(cancel_futures=True)
            raise
    return found


_Read = tuple[np.ndarray, Sample]


def _ahead(pool: Executor, samples: Sequence[tuple[int, Sample]], trimaps: bool) -> Iterator[tuple[int, Future[_Read]]]:
    """The number of each sample with the future of its contents, two samples ahead."""
    waiting: list[tuple[int, Future[_Read]]] = []
    source = iter(samples)
    for number, sample in islice(source, 2):
        waiting.append((number, pool.submit(_read, sample, trimaps)))
    while waiting:
        yield waiting.pop(0)
        waiting += [(number, pool.submit(_read, sample, trimaps)) for number, sample in islice(source, 1)]


def _read(sample: Sample, trimaps: bool) -> _Read:
    """The image, and the truth as whoever scores it shall read it: already read if the model is given the trimap."""
    require_alpha(sample)
    image = load_image(sample)
    if not trimaps:
        return image, replace(sample, image=None)
    truth = load_both(sample, image.shape[:2])
    return image, Sample(sample.name, None, truth.alpha, truth.trimap)


def _extra(
    sample: Sample, matte: np.ndarray, dialect: str, rounding: str, metrics: Mapping[str, MetricSpec]
) -> dict[str, float | None]:
    """The metrics of plugins."""
    if not metrics:
        return {}
    truth = load_both(sample, matte.shape)
    return extra_scores(matte, truth.alpha, truth.trimap, dialect, rounding, metrics)
