"""Score a model on samples: predict at the picture's own size, compute every metric, keep every row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from registry import DataError, MetricSpec, Sample
from zoo.data.samples import Loaded, load
from zoo.data.trimap import evaluation_trimap
from zoo.engine.predictor import Predictor
from zoo.metrics.definitions import check_dialect
from zoo.metrics.score import score
from zoo.metrics.summary import summarise


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        rows: One mapping per image: ``image``, ``height``, ``width`` and every metric (None: undefined).
        metrics: Mean of each metric over the images where it is defined.
        undefined: Metric -> number of images where it is undefined; only metrics with any.
        problems: Images that could not be scored, each ``{"image", "reason"}``.
        trimaps_made: Images whose trimap was made from the true alpha because the data set has none.
        seconds: Wall time.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, float | None] = field(default_factory=dict)
    undefined: dict[str, int] = field(default_factory=dict)
    problems: list[dict[str, str]] = field(default_factory=list)
    trimaps_made: int = 0
    seconds: float = 0.0


def evaluate(
    predictor: Predictor,
    samples: Sequence[Sample],
    extra: Mapping[str, MetricSpec] | None = None,
    on_image: Callable[[Loaded, np.ndarray, dict[str, Any]], None] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Score a model on samples. A picture that cannot be used is noted, the others go on.

    Reading the next pictures and scoring the last ones run beside the network. No more than a few pictures are
    held at a time, whatever the number of samples.

    Args:
        predictor: The model; its config gives dialect and rounding.
        samples: What to score on; each needs an alpha.
        extra: Metrics of plugins by name.
        on_image: Called in a worker thread with the picture, its matte (H, W) float32 and its row.
        on_progress: Called with the number done and the number in all.
    """
    started = time.perf_counter()
    found = Evaluation()
    made = 0

    def finish(loaded: Loaded, matte: np.ndarray) -> dict[str, Any]:
        config = predictor.config.eval
        values = score(matte, loaded.alpha, loaded.trimap, config.dialect, config.rounding, extra)
        height, width = matte.shape
        row = {"image": loaded.name, "height": height, "width": width, **values}
        if on_image is not None:
            on_image(loaded, matte, row)
        return row

    with ThreadPoolExecutor(2, "zoo-eval") as pool:
        scored: list[tuple[str, Future[dict[str, Any]]]] = []

        def collect(keep: int) -> None:
            while len(scored) > keep:
                name, future = scored.pop(0)
                try:
                    found.rows.append(future.result())
                except DataError as error:
                    found.problems.append({"image": name, "reason": str(error)})

        try:
            for number, (sample, future) in enumerate(_ahead(pool, samples), 1):
                try:
                    loaded, was_made = future.result()
                    matte = predictor.predict(loaded.image, loaded.trimap)
                    made += was_made
                    scored.append((sample.name, pool.submit(finish, loaded, matte)))
                except DataError as error:
                    found.problems.append({"image": sample.name, "reason": str(error)})
                collect(keep=2)
                if on_progress is not None:
                    on_progress(number, len(samples))
            collect(keep=0)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    means, undefined = summarise(found.rows)
    # Every metric has its place in a report, also where no picture could be scored.
    names = [metric.name for metric in check_dialect(predictor.config.eval.dialect).metrics]
    means = {**dict.fromkeys([*names, *(extra or {})]), **means}
    return Evaluation(found.rows, means, undefined, found.problems, made, time.perf_counter() - started)


def _ahead(pool: ThreadPoolExecutor, samples: Sequence[Sample]) -> Iterator[tuple[Sample, Future[tuple[Loaded, bool]]]]:
    """Each sample with the future of its contents, two samples ahead."""
    waiting: list[tuple[Sample, Future[tuple[Loaded, bool]]]] = []
    source = iter(samples)
    for sample in islice(source, 2):
        waiting.append((sample, pool.submit(_read, sample)))
    while waiting:
        yield waiting.pop(0)
        waiting += [(sample, pool.submit(_read, sample)) for sample in islice(source, 1)]


def _read(sample: Sample) -> tuple[Loaded, bool]:
    loaded = load(sample)
    if loaded.alpha is None:
        raise DataError(f"{sample.name}: no alpha to score against")
    if loaded.trimap is not None:
        return loaded, False
    return Loaded(loaded.name, loaded.image, loaded.alpha, evaluation_trimap(loaded.alpha)), True
