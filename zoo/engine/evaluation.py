"""One evaluation of one split, from samples to the folder with its report."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from registry import PluginError, Registry, Sample, ZooError
from zoo.data.opening import dataset_spec, open_split
from zoo.engine import device as devices
from zoo.engine.evaluator import evaluate
from zoo.engine.group import ALONE, Group
from zoo.engine.load import LoadedModel
from zoo.engine.metrics import extra_metrics
from zoo.metrics.statistics import intervals
from zoo.metrics.strata import strata
from zoo.report.page import write_page
from zoo.report.record import SCHEMA, write_report


def evaluate_split(
    registry: Registry,
    model: LoadedModel,
    split: str,
    folder: Path,
    limit: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    group: Group = ALONE,
) -> tuple[dict[str, Any], dict[str, dict[str, str]]]:
    """Score a model on one split and write ``report.json``, ``per_image.csv``, ``report.html`` and ``mattes/``.

    Args:
        registry: Where data set and metrics are looked up.
        model: The model; its config names data set, dialect and rounding.
        split: Name of the split.
        folder: Where to write; it is there already.
        limit: Only the first so many pictures, by name.
        on_progress: Called with the number of pictures done and the number in all.
        group: Processes that do it together; the first one writes the report, each its own mattes.

    Returns:
        The report and, for each image, the pictures shown on the page.

    Raises:
        ZooError: A process of the group does not see the folder.
    """
    config = model.config
    samples: Sequence[Sample] = open_split(registry, config, split)
    samples = samples[:limit] if limit is not None else samples
    _refuse_escapes(samples)
    started = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    mattes = folder / "mattes" if config.eval.mattes else None
    if mattes is not None:
        _make_for_all(mattes, group)
    found = evaluate(model.predictor, samples, extra_metrics(registry), mattes, True, on_progress, group)
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
        "trained_on": model.trained_on,
        "config": config.to_dict(),
        "dataset": spec.name,
        "split": split,
        "n_images": len(found.rows),
        "n_published": published,
        "complete": None if published is None else len(found.rows) == published,
        "dialect": config.eval.dialect,
        "rounding": config.eval.rounding,
        "resolution": "native",
        "protocol": model.predictor.protocol,
        "metrics": found.metrics,
        "intervals": intervals(found.rows),
        "saved_metrics": found.saved_metrics,
        "undefined": found.undefined,
        "strata": strata(found.rows, list(found.metrics)),
        "per_image": found.rows,
        "problems": found.problems,
        "trimaps_made": found.trimaps_made,
        "device": about["device"],
        "processor": about["processor"],
        "threads": about["threads"],
        "versions": about["versions"],
        "started": started,
        "workers": found.workers,
        "seconds": found.seconds,
    }
    if group.leads:
        write_report(folder, report)
        write_page(folder / "report.html", report, found.pictures)
    return report, found.pictures


def _make_for_all(folder: Path, group: Group) -> None:
    """Make a folder that every process writes to.

    Raises:
        ZooError: It is not there for one of them.
    """
    if group.leads:
        folder.mkdir(exist_ok=True)
    group.gather(None)  # nobody looks before it is made
    if group.any(not folder.is_dir()):
        raise ZooError(f"{folder} is not there for every process: name a folder that all machines share with --output")


def _refuse_escapes(samples: Sequence[Sample]) -> None:
    """Refuse names that would lead out of the folder they are written to."""
    for sample in samples:
        if Path(sample.name).is_absolute() or ".." in Path(sample.name).parts:
            raise PluginError(f"the data set has a sample named {sample.name!r}: it would be written elsewhere")
