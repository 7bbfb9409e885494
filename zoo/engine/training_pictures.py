"""The pictures that a training learns from and chooses checkpoints on, checked as far as names allow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from registry import DataError, Registry, Sample
from zoo.config import Config
from zoo.data.opening import open_training

SUPERVISED = "supervised"
"""The stage that learns from true alphas; others may do without."""


def training_pictures(registry: Registry, config: Config) -> tuple[list[Sample], list[Sample]]:
    """The samples to learn from and those to choose checkpoints on.

    Without alphas there is nothing to choose by: unless ``data.val`` asks for a slice, all are learnt from then.

    Raises:
        DataError: The stage needs alphas, or the slice does, and they are missing.
        ZooError: The data set cannot be opened.
    """
    learn, val = open_training(registry, config)
    if any(sample.alpha is None for sample in val):
        if config.data.val is not None:
            raise DataError("the validation pictures have no alphas to choose a checkpoint by; set data.val to 0")
        learn, val = open_training(registry, config.override(data={"val": 0}))
    _require_files(learn, "training")
    _require_files(val, "validation")
    if config.train.stage == SUPERVISED and all(sample.alpha is None for sample in learn):
        folder = config.data.options.get("alpha_dir", "their masks")
        raise DataError(
            f"stage {SUPERVISED!r} needs alphas, and the training pictures have none: put {folder} beside the images "
            f"in {config.data.root}, one file of the same name for each"
        )
    return learn, val


def _require_files(samples: Sequence[Sample], kind: str) -> None:
    missing = [s for s in samples if isinstance(s.alpha, Path) and not s.alpha.is_file()]
    if missing:
        first = f"{missing[0].name}: no mask; expected {missing[0].alpha}"
        raise DataError(f"{len(missing)} of {len(samples)} {kind} pictures have no mask, the first is {first}")
