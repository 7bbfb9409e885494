"""Plugins that are there, and data sets that are found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from registry import DatasetSpec, Registry
from zoo.doctor.finding import FAILED, NOTE, OK, Finding


def plugins(registry: Registry) -> Iterator[Finding]:
    """Each plugin: loaded, set aside and why, or left out on purpose."""
    for plugin in registry.plugins:
        if plugin.status == "failed":
            yield Finding("plugins", plugin.name, FAILED, plugin.cause, plugin.removal)
            continue
        offers = ", ".join(f"{len(names)} {kind}{'s' * (len(names) > 1)}" for kind, names in plugin.offers.items())
        where = f"{plugin.distribution} {plugin.version}".strip() or plugin.value
        yield Finding("plugins", plugin.name, OK, f"{where}: {offers}" if offers else f"{where}: {plugin.cause}")


def data(registry: Registry) -> Iterator[Finding]:
    """The data sets with a place of their own: whether something lies there."""
    from zoo.data.opening import root_from_environment
    from zoo.home import demo_home

    demo = demo_home()
    if demo.is_dir():
        yield Finding("data", "demo", OK, str(demo))
    else:
        yield Finding("data", "demo", NOTE, f"not drawn yet at {demo}", "zoo data demo (seconds, no download)")
    for name in registry.names("dataset"):
        spec: DatasetSpec = registry.get("dataset", name)
        if spec.name in ("demo", "folder"):
            continue
        root = root_from_environment(spec.name)
        if root is None:
            advice = f"set ZOO_DATA_DIR to the folder that holds {spec.name}, or give --data-root"
            yield Finding("data", name, NOTE, "ZOO_DATA_DIR names no folder with it", advice)
        else:
            yield Finding("data", name, OK, f"{Path(root)} (zoo data check says whether it is complete)")
