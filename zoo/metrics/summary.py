"""The figure of a data set: the plain mean over its images."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

ABOUT = ("image", "height", "width", "subject_area", "unknown_width", "matte_sha256", "target_sha256")
"""What a row says besides metrics: name and size of the picture, what `zoo.metrics.strata` measured on its truth, and
the digests of `zoo.metrics.digest`. A row need not have all of them."""


def summarise(rows: Iterable[Mapping[str, Any]]) -> tuple[dict[str, float | None], dict[str, int]]:
    """Mean of each metric over the images where it is defined.

    Args:
        rows: One mapping per image: metric -> value or None, besides those of `ABOUT`.

    Returns:
        Metric -> mean (None if no image has it), the same to the last bit for any order of the rows; and
        metric -> number of images where it is undefined, only metrics with any.
    """
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in row if name not in ABOUT))
    values = {name: [row[name] for row in rows if row.get(name) is not None] for name in names}
    means = {name: math.fsum(found) / len(found) if found else None for name, found in values.items()}
    return means, {name: len(rows) - len(found) for name, found in values.items() if len(found) < len(rows)}
