"""Which figures of two dialects are the same number, and under what heading a figure may stand beside others.

SAD, MSE and MAD over the whole image are the same in every code that takes them at the image's own size; the other
metrics differ by kernel, region, divisor or rule in each family, and so do these where a family takes them over the
unknown region only.
"""

from __future__ import annotations

from zoo.metrics.definitions import DEFAULT_DIALECT, DIALECTS, Definition

WHOLE_IMAGE = ("SAD", "MSE", "MAD")
"""Metrics with one meaning, in the dialects that take them over the whole image."""

NOT_STATED = "not stated"
"""Dialect of a published figure whose code is not known."""


def same_number(metric: str, dialect_a: str, dialect_b: str) -> bool:
    """Whether two dialects mean the same by a metric.

    Args:
        metric: Name in reports.
        dialect_a: A dialect.
        dialect_b: Another.

    Returns:
        True for a metric of a plugin, which knows no dialects.
    """
    if dialect_a == dialect_b or not _of_a_dialect(metric):
        return True
    a, b = _definition(metric, dialect_a), _definition(metric, dialect_b)
    return a is not None and a == b


def depends_on_trimaps(metric: str, dialect: str) -> bool:
    """Whether a metric is defined with and without trimaps and means another region then."""
    found = _definition(metric, dialect)
    return found is not None and found.region == "unknown or whole image"


def column(metric: str, dialect: str, trimaps: bool = True) -> str:
    """The heading of the column in which a figure may stand: ``MAD``, ``CONN (p3m)``, ``CONN (dialect not stated)``.

    Args:
        metric: Name in reports.
        dialect: Its dialect, or `NOT_STATED`: then SAD, MSE and MAD are taken to be those of the whole image, as
            published tables have them.
        trimaps: Whether there were trimaps to measure by.
    """
    if not _of_a_dialect(metric):
        return metric
    if metric in WHOLE_IMAGE and (dialect == NOT_STATED or same_number(metric, dialect, DEFAULT_DIALECT)):
        return metric
    if dialect == NOT_STATED:
        return f"{metric} (dialect {NOT_STATED})"
    without = "" if trimaps or not depends_on_trimaps(metric, dialect) else ", without trimaps"
    return f"{metric} ({dialect}{without})"


def _of_a_dialect(metric: str) -> bool:
    return any(definition.name == metric for dialect in DIALECTS.values() for definition in dialect.metrics)


def _definition(metric: str, dialect: str) -> Definition | None:
    known = DIALECTS[dialect].metrics if dialect in DIALECTS else ()
    return next((definition for definition in known if definition.name == metric), None)
