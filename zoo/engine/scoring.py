"""Score a folder of mattes against a folder of true alphas: no model, only files."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from registry import DataError, MetricSpec, NotFoundError
from zoo.data.files import pictures_by_stem
from zoo.data.images import read_alpha, read_trimap
from zoo.metrics.definitions import check_dialect, check_rounding
from zoo.metrics.score import score
from zoo.metrics.summary import summarise

_WORKERS = 2
"""Pictures worked on at a time: reading, filtering and labelling run outside Python's lock."""


def score_folders(
    predictions: Path,
    targets: Path,
    trimaps: Path | None = None,
    dialect: str = "p3m",
    rounding: str = "float",
    extra: Mapping[str, MetricSpec] | None = None,
    limit: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Score every target that has a prediction of the same stem, whatever their extensions.

    A file without its partner, a broken one or one of another size is noted and the others go on.

    Args:
        predictions: Folder of predicted mattes.
        targets: Folder of true alphas.
        trimaps: Folder of trimaps, one for each target, or None.
        dialect: Whose definitions of the metrics.
        rounding: What happens to predictions before scoring; see `score`.
        extra: Metrics of plugins by their name in the report.
        limit: Only the first so many targets by name. Predictions of the other targets are passed over.
        on_progress: Called with the number done and the number in all.

    Returns:
        A report: ``metrics`` (means), ``undefined`` (metric -> images where it is, only metrics with any),
        ``per_image`` (rows by name), ``problems`` (``{"image", "reason"}`` by name), ``n_images``, and what it
        was made from.

    Raises:
        NotFoundError: A folder is absent or has no pictures, or no prediction has the name of a target.
        DataError: Two pictures of a folder have the same stem.
        UsageError: Unknown dialect or rounding.
    """
    names = [metric.name for metric in check_dialect(dialect).metrics]
    check_rounding(rounding)
    started = time.perf_counter()
    ours, truth = _pictures(predictions), _pictures(targets)
    regions = _pictures(trimaps) if trimaps is not None else None
    if not ours.keys() & truth.keys():
        raise NotFoundError(
            f"no picture of {predictions} has the name of one of {targets}: "
            f"{_first(ours)} there, {_first(truth)} here; pairs have the same name but for the extension"
        )
    wanted = list(truth)[:limit]

    def row(name: str) -> dict[str, Any]:
        if name not in ours:
            return _problem(name, f"no prediction of that name in {predictions}")
        if regions is not None and name not in regions:
            return _problem(name, f"no trimap of that name in {trimaps}")
        try:
            alpha, target = read_alpha(ours[name]), read_alpha(truth[name])
            trimap = read_trimap(regions[name]) if regions is not None else None
            values = score(alpha, target, trimap, dialect, rounding, extra)
        except DataError as error:
            return _problem(name, str(error))
        return {"image": name, "height": target.shape[0], "width": target.shape[1], **values}

    found = [_problem(name, f"no target of that name in {targets}") for name in ours if name not in truth]
    with ThreadPoolExecutor(_WORKERS, "zoo-score") as pool:
        try:
            for done, result in enumerate(pool.map(row, wanted), 1):
                found.append(result)
                if on_progress is not None:
                    on_progress(done, len(wanted))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    rows = [entry for entry in found if "reason" not in entry]
    means, undefined = summarise(rows)
    return {
        "metrics": {**dict.fromkeys([*names, *(extra or {})]), **means},
        "undefined": undefined,
        "per_image": rows,
        "problems": sorted((entry for entry in found if "reason" in entry), key=lambda entry: str(entry["image"])),
        "n_images": len(rows),
        "complete": None,
        "dialect": dialect,
        "rounding": rounding,
        "resolution": "native",
        "predictions": str(predictions),
        "targets": str(targets),
        "trimaps": str(trimaps) if trimaps is not None else None,
        "seconds": time.perf_counter() - started,
    }


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


def _problem(name: str, reason: str) -> dict[str, Any]:
    return {"image": name, "reason": reason}
