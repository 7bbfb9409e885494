"""What differs in how two reports came about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CIRCUMSTANCES = (
    *("model", "plugin", "plugin_version", "checkpoint_sha256", "needs_trimap", "runtime", "dataset", "split"),
    *("dialect", "rounding", "protocol", "resolution", "trimaps_made", "device", "processor", "threads"),
)
"""Fields of a report that say how it came about; `config` and `versions` are gone through key by key."""

_NO_MATTER = ("config.data.root", "config.data.workers", "config.eval.workers", "config.eval.mattes")
"""Keys that cannot change a figure."""


def circumstances(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What differs in how two reports came about.

    Returns:
        ``{"what", "a", "b"}`` for each difference, in the order of a report, keys of config and versions last; a value
        that a report lacks is None.
    """
    flat_a, flat_b = _flat(a), _flat(b)
    return [
        {"what": key, "a": flat_a.get(key), "b": flat_b.get(key)}
        for key in dict.fromkeys([*flat_a, *flat_b])
        if flat_a.get(key) != flat_b.get(key)
    ]


def _flat(report: Mapping[str, Any]) -> dict[str, Any]:
    flat = {key: report.get(key) for key in _CIRCUMSTANCES}
    for section in ("config", "versions"):
        flat |= _leaves(report.get(section) or {}, section)
    return {key: value for key, value in flat.items() if key not in _NO_MATTER}


def _leaves(value: Any, key: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {key: value}
    return {leaf: item for name, part in value.items() for leaf, item in _leaves(part, f"{key}.{name}").items()}
