"""One evaluation of one split, from samples to the folder with its report."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from registry import PluginError, Registry, Sample
from zoo.data.images import write_png
from zoo.data.opening import dataset_spec, open_split
from zoo.data.samples import Loaded
from zoo.engine import device as devices
from zoo.engine.evaluator import evaluate
from zoo.engine.load import LoadedModel
from zoo.engine.metrics import extra_metrics
from zoo.report.page import write_page
from zoo.report.record import SCHEMA, write_report
from zoo.report.thumbnails import thumbnails


def evaluate_split(
    registry: Registry,
    model: LoadedModel,
    split: str,
    folder: Path,
    limit: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """Score a model on one split and write ``report.json``, ``per_image.csv``, ``report.html`` and ``mattes/``.

    Args:
        registry: Where data set and metrics are looked up.
        model: The model; its config names data set, dialect and rounding.
        split: Name of the split.
        folder: Where to write; it is there already.
        limit: Only the first so many pictures, by name.
        on_progress: Called with the number of pictures done and the number in all.

    Returns:
        The report and, for each image, the pictures shown on the page.
    """
    config = model.config
    samples: Sequence[Sample] = open_split(registry, config, split)
    samples = samples[:limit] if limit is not None else samples
    _refuse_escapes(samples)
    started = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    pictures: dict[str, dict[str, str]] = {}
    if config.eval.mattes:
        (folder / "mattes").mkdir(exist_ok=True)

    def keep(loaded: Loaded, matte: np.ndarray, row: dict[str, Any]) -> None:
        pictures[loaded.name] = thumbnails(loaded.image, loaded.alpha, matte)
        if config.eval.mattes:
            target = folder / "mattes" / f"{loaded.name}.png"
            target.parent.mkdir(parents=True, exist_ok=True)
            write_png(target, matte)

    found = evaluate(model.predictor, samples, extra_metrics(registry), keep, on_progress)
    spec = dataset_spec(registry, config)
    published = spec.splits.get(split)
    about = devices.describe()
    report = {
        "schema": SCHEMA,
        "model": config.model.name,
        "plugin": model.plugin.name,
        "plugin_version": model.plugin.version,
        "needs_trimap": model.predictor.spec.needs_trimap,
        "runtime": model.predictor.runtime,
        "checkpoint": str(model.checkpoint) if model.checkpoint else None,
        "checkpoint_sha256": model.sha256,
        "config": config.to_dict(),
        "dataset": spec.name,
        "split": split,
        "n_images": len(found.rows),
        "n_published": published,
        "complete": None if published is None else len(found.rows) == published,
        "dialect": config.eval.dialect,
        "rounding": config.eval.rounding,
        "resolution": "native",
        "metrics": found.metrics,
        "undefined": found.undefined,
        "per_image": found.rows,
        "problems": found.problems,
        "trimaps_made": found.trimaps_made,
        "device": about["device"],
        "processor": about["processor"],
        "threads": about["threads"],
        "versions": about["versions"],
        "started": started,
        "seconds": found.seconds,
    }
    write_report(folder, report)
    write_page(folder / "report.html", report, pictures)
    return report, pictures


def _refuse_escapes(samples: Sequence[Sample]) -> None:
    """Refuse names that would lead out of the folder they are written to."""
    for sample in samples:
        if Path(sample.name).is_absolute() or ".." in Path(sample.name).parts:
            raise PluginError(f"the data set has a sample named {sample.name!r}: it would be written elsewhere")
