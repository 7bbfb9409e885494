"""What makes a picture hard: how wide its unknown region is and how much of it the subject covers.

A mean over a data set hides where a model fails. These two facts of the truth are kept with every row of a report, and
`strata` gives the means of the thirds of the set by each of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from zoo.data.opencv import cv2
from zoo.metrics.arrays import as_matte, fitting_trimap
from zoo.metrics.statistics import intervals
from zoo.metrics.summary import summarise

FACTS = ("unknown_width", "subject_area")
"""What a set is divided by, names as in the rows of a report."""


def facts(target: np.ndarray, trimap: np.ndarray | None) -> dict[str, float | None]:
    """Facts of a picture that do not depend on any prediction.

    Args:
        target: True matte, (H, W), float in [0, 1] or uint8.
        trimap: (H, W) in {0, 128, 255}, or None.

    Returns:
        ``subject_area``, the mean of the true alpha: the subject's share of the picture, in [0, 1]; and
        ``unknown_width``, `unknown_width` of the trimap, in pixels, None without one.

    Raises:
        ShapeError: The target is not (H, W), or the trimap has another shape.
        DataError: The target is neither float nor uint8.
    """
    target = np.asarray(target)
    if target.ndim == 2 and target.dtype in (np.uint8, np.float32) and target.size:
        area = cv2.mean(target)[0] / (255.0 if target.dtype == np.uint8 else 1.0)  # added up in float64, no copy
    else:
        area = float(as_matte(target, "target").mean())
    width = None if trimap is None else unknown_width(fitting_trimap(trimap, target.shape))
    return {"subject_area": float(area), "unknown_width": width}


def unknown_width(trimap: np.ndarray) -> float | None:
    """Mean width of the unknown region of a trimap.

    Across a long band of width w, the distance of a point to the nearer edge grows from 0 to w / 2 in the middle and
    falls again, so its mean is w / 4: four times the mean distance is the width. Distances between pixels are taken
    from centre to centre, and the edge lies half a pixel before the centre of the first known pixel:

        known | unknown                | known        w = 4
          0   |  1     2     2     1   |  0           distance to the nearest known centre, mean 1.5
              | 0.5   1.5   1.5   0.5  |              to the edge, mean 1 = w / 4

    so half a pixel is taken off. This is exact for an upright band of an even number of pixels, w + 1 / w for an odd
    one, and up to a pixel less for a slanted or curved one, whose staircase has a known centre nearer by. The width of
    a region that is no band is that of the band with the same mean distance. A region that ends at the picture's border
    counts as if mirrored there.

    Args:
        trimap: (H, W); 128 is unknown, everything else known.

    Returns:
        Pixels. None without an unknown pixel, and without a known one.
    """
    unknown = (np.asarray(trimap) == 128).view(np.uint8)
    left, top, width, height = cv2.boundingRect(unknown)
    if not width:
        return None
    # Outside the region's bounding box everything is known, and the nearest of it is the ring around the box.
    box = unknown[max(top - 1, 0) : top + height + 1, max(left - 1, 0) : left + width + 1]
    if box.all():
        return None
    distance = cv2.distanceTransform(box, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # The distances are single precision and vary in the last digit with threads and alignment.
    return round(4 * (cv2.sumElems(distance)[0] / cv2.countNonZero(box) - 0.5), 6)


def strata(rows: Iterable[Mapping[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """Means of the thirds of a set, by each of `FACTS`.

    The bounds are those of the set itself (its tertiles), so that each third has about as many images as the others;
    images with the same value are never parted. Where the values are too few or too equal for more than one part
    there is nothing to say, and that fact is left out.

    Args:
        rows: Rows of a report; those without the fact (older reports, no trimap) are in none of its parts.
        names: Metrics to give.

    Returns:
        For each part, smallest values first: ``by`` (the fact), ``low`` and ``high`` (the least and the greatest value
        in it, both inclusive), ``n_images``, ``metrics`` (metric -> mean, None where undefined) and ``intervals``
        (metric -> ``[low, high]`` or None, of `zoo.metrics.statistics.intervals`).
    """
    rows = list(rows)
    found = []
    for fact in FACTS:
        measured = sorted((row for row in rows if row.get(fact) is not None), key=lambda row: (row[fact], row["image"]))
        parts = _thirds(measured, fact)
        found += [_part(fact, part, names) for part in parts if len(parts) > 1]
    return found


def _thirds(measured: list[Mapping[str, Any]], fact: str) -> list[list[Mapping[str, Any]]]:
    """Sorted rows in up to three parts, cut at the values of the rows that end the first and the second third."""
    count = len(measured)
    cuts = [measured[(count * k + 2) // 3 - 1][fact] for k in (1, 2)] if count >= 3 else []
    parts: list[list[Mapping[str, Any]]] = [[], [], []]
    for row in measured:
        parts[sum(row[fact] > cut for cut in cuts)].append(row)
    return [part for part in parts if part]


def _part(fact: str, part: list[Mapping[str, Any]], names: Sequence[str]) -> dict[str, Any]:
    values = [{name: row.get(name) for name in names} for row in part]
    return {
        "by": fact,
        "low": part[0][fact],
        "high": part[-1][fact],
        "n_images": len(part),
        "metrics": summarise(values)[0],
        "intervals": intervals(values),
    }
