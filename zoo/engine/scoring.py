"""Score a folder of mattes against a folder of true alphas: no model, only files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from registry import DataError, MetricSpec, NotFoundError
from zoo.data.files import pictures_by_stem
from zoo.data.images import read_alpha, read_image, read_trimap
from zoo.engine.workers import executor, workers_for
from zoo.metrics.definitions import NAMES, check_dialect, check_rounding
from zoo.metrics.digest import digest
from zoo.metrics.score import score
from zoo.metrics.statistics import intervals
from zoo.metrics.strata import facts, strata
from zoo.metrics.summary import summarise
from zoo.report.thumbnails import thumbnails


@dataclass(frozen=True)
class Pair:
    """Files of one picture and how they are scored; what `score_pair` needs in another process.

    Attributes:
        name: Stem of the files.
        prediction: The matte.
        target: The true alpha.
        trimap: Its trimap, or None.
        image: The picture, to be shown, or None.
        pictures: Make the pictures of the report page.
        dialect: Whose definitions of the metrics.
        rounding: What happens to the matte before it is scored.
    """

    name: str
    prediction: Path
    target: Path
    trimap: Path | None
    image: Path | None
    pictures: bool
    dialect: str
    rounding: str


_Scored = tuple[dict[str, Any], dict[str, str]]


def score_pair(pair: Pair, extra: Mapping[str, MetricSpec] | None = None) -> _Scored:
    """The row of one picture (name, size, facts, digests, metrics) and the pictures of the page.

    Raises:
        DataError: A file cannot be used, or the sizes differ.
    """
    alpha, target = (read_alpha(file, np.float64) for file in (pair.prediction, pair.target))
    trimap = read_trimap(pair.trimap) if pair.trimap is not None else None
    values = score(alpha, target, trimap, pair.dialect, pair.rounding, extra)
    image = read_image(pair.image) if pair.image is not None else None
    row = {
        "image": pair.name,
        "height": target.shape[0],
        "width": target.shape[1],
        **facts(target, trimap),
        "matte_sha256": digest(alpha),
        "target_sha256": digest(target),
        **values,
    }
    return row, thumbnails(image, target, alpha) if pair.pictures else {}


def score_folders(
    predictions: Path,
    targets: Path,
    trimaps: Path | None = None,
    images: Path | None = None,
    dialect: str = "p3m",
    rounding: str = "float",
    extra: Mapping[str, MetricSpec] | None = None,
    limit: int | None = None,
    workers: int | None = None,
    pictures: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """Score every target that has a prediction of the same stem, whatever their extensions.

    A file without its partner, a broken one or one of another size is noted and the others go on.

    Args:
        predictions: Folder of predicted mattes.
        targets: Folder of true alphas.
        trimaps: Folder of trimaps, one for each target, or None.
        images: Folder of the pictures themselves, for the page; one that is not there is not shown.
        dialect: Whose definitions of the metrics.
        rounding: What happens to predictions before scoring; see `score`.
        extra: Metrics of plugins by their name in the report. With any, threads of this process do the work: plugins
            are loaded here.
        limit: Only the first so many targets by name. Predictions of the other targets are passed over.
        workers: Processes; None: one for each core, and threads for a few pictures.
        pictures: Make the pictures of the report page.
        on_progress: Called with the number done and the number in all.

    Returns:
        A report: ``metrics`` (means) with their ``intervals``, ``undefined`` (metric -> images where it is, only
        metrics with any), ``per_image`` (rows by name), ``strata``, ``problems`` (``{"image", "reason"}`` by name),
        ``n_images``, and what it was made from. Beside it the pictures of each image.

    Raises:
        NotFoundError: A folder is absent or has no pictures, or no prediction has the name of a target.
        DataError: Two pictures of a folder have the same stem.
        UsageError: Unknown dialect or rounding.
        ZooError: A process was ended from outside.
    """
    check_dialect(dialect)
    check_rounding(rounding)
    started = time.perf_counter()
    ours, truth = _pictures(predictions), _pictures(targets)
    regions = _pictures(trimaps) if trimaps is not None else None
    shown = _pictures(images) if images is not None else {}
    if not ours.keys() & truth.keys():
        raise NotFoundError(
            f"no picture of {predictions} has the name of one of {targets}: "
            f"{_first(ours)} there, {_first(truth)} here; pairs have the same name but for the extension"
        )
    wanted = list(truth)[:limit]
    problems = [_problem(name, f"no target of that name in {targets}") for name in ours if name not in truth]
    pairs = []
    for name in wanted:
        if name not in ours:
            problems.append(_problem(name, f"no prediction of that name in {predictions}"))
        elif regions is not None and name not in regions:
            problems.append(_problem(name, f"no trimap of that name in {trimaps}"))
        else:
            region = regions[name] if regions is not None else None
            image = shown.get(name)
            pairs.append(Pair(name, ours[name], truth[name], region, image, pictures, dialect, rounding))
    rows: list[dict[str, Any]] = []
    views: dict[str, dict[str, str]] = {}
    processes = 0 if extra else workers_for(len(pairs), workers)
    with executor(processes) as pool:
        for number, (pair, future) in enumerate(_ahead(pool, pairs, extra, 2 * processes + 2), 1):
            try:
                row, views[pair.name] = future.result()
                rows.append(row)
            except DataError as error:
                problems.append(_problem(pair.name, str(error)))
            if on_progress is not None:
                on_progress(number, len(pairs))
    means, undefined = summarise(rows)
    report = {
        "metrics": {**dict.fromkeys([*NAMES, *(extra or {})]), **means},
        "intervals": intervals(rows),
        "undefined": undefined,
        "per_image": rows,
        "strata": strata(rows, list(means)),
        "problems": sorted(problems, key=lambda problem: problem["image"]),
        "n_images": len(rows),
        "complete": None,
        "dialect": dialect,
        "rounding": rounding,
        "resolution": "native",
        "predictions": str(predictions),
        "targets": str(targets),
        "trimaps": str(trimaps) if trimaps is not None else None,
        "workers": processes,
        "seconds": time.perf_counter() - started,
    }
    return report, views


def _ahead(
    pool: Executor, pairs: Iterable[Pair], extra: Mapping[str, MetricSpec] | None, count: int
) -> Iterator[tuple[Pair, Future[_Scored]]]:
    """Each pair with the future of its row, no more than ``count`` at a time."""
    source = iter(pairs)

    def begin(some: int) -> list[tuple[Pair, Future[_Scored]]]:
        return [(pair, pool.submit(score_pair, pair, extra or None)) for pair in islice(source, some)]

    waiting = begin(count)
    while waiting:
        yield waiting.pop(0)
        waiting += begin(1)


def _pictures(folder: Path) -> dict[str, Path]:
    """Stem -> path of the pictures in a folder, of which there is at least one."""
    if not folder.is_dir():
        raise NotFoundError(f"no folder {folder}")
    found = pictures_by_stem(folder)
    if not found:
        raise NotFoundError(f"no pictures in {folder}")
    return found


def _first(pictures: Mapping[str, Path]) -> str:
    return next(iter(pictures.values())).name


def _problem(name: str, reason: str) -> dict[str, str]:
    return {"image": name, "reason": reason}
