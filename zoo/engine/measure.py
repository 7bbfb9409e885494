"""Everything that is done with one matte: scored, written, its digest taken, its pictures made.

It runs in a process of its own beside the network, so it takes and returns what can be pickled, and reads the truth
where it runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from registry import Sample
from zoo.data.images import write_png
from zoo.data.samples import load_truth, require_alpha
from zoo.data.trimap import evaluation_trimap
from zoo.metrics.digest import digest, to_8_bit
from zoo.metrics.score import score
from zoo.metrics.strata import facts
from zoo.report.thumbnails import thumbnails


@dataclass(frozen=True)
class Truth:
    """What a matte is compared with.

    Attributes:
        alpha: (H, W) in [0, 1], float64 if it comes from a file.
        trimap: (H, W) uint8 in {0, 128, 255}.
        trimap_made: The trimap was made from the alpha because the data set has none.
    """

    alpha: np.ndarray
    trimap: np.ndarray
    trimap_made: bool


@dataclass(frozen=True)
class Task:
    """A matte and what is to be done with it.

    Attributes:
        sample: Name and truth; its image is not looked at.
        matte: (H, W) float32 in [0, 1].
        dialect: Whose definitions of the metrics.
        rounding: What happens to the matte before it is scored.
        mattes: Folder to keep it in as ``NAME.png``, 8-bit; None: it is not kept.
        image: (H, W, 3) uint8 RGB: make the pictures of the report page; None: make none.
    """

    sample: Sample
    matte: np.ndarray
    dialect: str
    rounding: str
    mattes: Path | None = None
    image: np.ndarray | None = None


@dataclass(frozen=True)
class Measured:
    """What came of a task.

    Attributes:
        row: A row of the report: name, size, facts, digests and metrics.
        saved: The metrics of the matte as it was kept, in 8 bits; None if it was not.
        pictures: `zoo.report.thumbnails.thumbnails`; empty if none were wanted.
        trimap_made: As in `Truth`.
    """

    row: dict[str, Any]
    saved: dict[str, float | None] | None
    pictures: dict[str, str]
    trimap_made: bool


def load_both(sample: Sample, size: tuple[int, ...]) -> Truth:
    """Alpha and trimap of a sample, the trimap made if there is none.

    Raises:
        DataError: There is no alpha, or a part is not what it should be.
    """
    require_alpha(sample)
    alpha, trimap = load_truth(sample, size, np.float64)
    assert alpha is not None, "require_alpha has seen to it"
    made = trimap is None
    return Truth(alpha, evaluation_trimap(alpha) if trimap is None else trimap, made)


def measure(task: Task) -> Measured:
    """Score one matte and keep what the report needs of it.

    Raises:
        DataError: The truth cannot be used.
        ZooError: The matte cannot be written.
    """
    matte, height, width = task.matte, *task.matte.shape
    truth = load_both(task.sample, matte.shape)
    values = score(matte, truth.alpha, truth.trimap, task.dialect, task.rounding)
    row: dict[str, Any] = {"image": task.sample.name, "height": height, "width": width}
    row |= facts(truth.alpha, truth.trimap)
    saved = None
    if task.mattes is not None:
        pixels = to_8_bit(matte)
        row |= {"matte_sha256": digest(pixels), "target_sha256": digest(truth.alpha)}
        as_written = task.rounding == "rounded"
        saved = values if as_written else score(pixels, truth.alpha, truth.trimap, task.dialect)
        file = task.mattes / f"{task.sample.name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_png(file, pixels)
    pictures = thumbnails(task.image, truth.alpha, matte) if task.image is not None else {}
    return Measured({**row, **values}, saved, pictures, truth.trimap_made)
