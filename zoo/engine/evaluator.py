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
        workers: Processes that scored beside the network; 0: threads of this one.
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
    """
    started = time.perf_counter()
    config = predictor.config.eval
    processes = workers_for(len(samples), config.workers)
    found = Evaluation(workers=processes)
    saved: list[dict[str, Any]] = []
    made = 0

    def collect(waiting: list[tuple[str, Future[Measured], Future[dict[str, float | None]]]], keep: int) -> None:
        nonlocal made
        while len(waiting) > keep:
            name, measured, others = waiting.pop(0)
            try:
                done = measured.result()
                found.rows.append({**done.row, **others.result()})
            except DataError as error:
                found.problems.append({"image": name, "reason": str(error)})
                continue
            made += done.trimap_made
            saved.extend([done.saved] if done.saved is not None else [])
            found.pictures.update({name: done.pictures} if done.pictures else {})

    with ThreadPoolExecutor(THREADS, "zoo-eval") as readers, executor(processes) as scorers:
        waiting: list[tuple[str, Future[Measured], Future[dict[str, float | None]]]] = []
        try:
            for number, (sample, future) in enumerate(_ahead(readers, samples, predictor.spec.needs_trimap), 1):
                try:
                    image, truth = future.result()
                    matte = predictor.predict(image, truth.trimap)
                    task = Task(truth, matte, config.dialect, config.rounding, mattes, image if pictures else None)
                    others = readers.submit(_extra, truth, matte, config.dialect, config.rounding, extra or {})
                    waiting.append((sample.name, scorers.submit(measure, task), others))
                except DataError as error:
                    found.problems.append({"image": sample.name, "reason": str(error)})
                collect(waiting, keep=processes + 2)
                if on_progress is not None:
                    on_progress(number, len(samples))
            collect(waiting, keep=0)
        except BaseException:
            readers.shutdown(cancel_futures=True)
            raise
    means, undefined = summarise(found.rows)
    # Every metric has its place in a report, also where the dialect has none of that name or no picture was scored.
    return replace(
        found,
        metrics={**dict.fromkeys([*NAMES, *(extra or {})]), **means},
        undefined=undefined,
        saved_metrics={**dict.fromkeys(NAMES), **summarise(saved)[0]} if mattes is not None else None,
        trimaps_made=made,
        seconds=time.perf_counter() - started,
    )


_Read = tuple[np.ndarray, Sample]


def _ahead(pool: Executor, samples: Sequence[Sample], trimaps: bool) -> Iterator[tuple[Sample, Future[_Read]]]:
    """Each sample with the future of its contents, two samples ahead."""
    waiting: list[tuple[Sample, Future[_Read]]] = []
    source = iter(samples)
    for sample in islice(source, 2):
        waiting.append((sample, pool.submit(_read, sample, trimaps)))
    while waiting:
        yield waiting.pop(0)
        waiting += [(sample, pool.submit(_read, sample, trimaps)) for sample in islice(source, 1)]


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
