"""Entry points made by hand, so that the registry can be tested without installing anything."""

from __future__ import annotations

import sys
import textwrap
from importlib.metadata import EntryPoint

import pytest
from plugin_source import FakeDistribution

from registry import Registry, load


class Shelf:
    """Plugins on a path of their own; `load` loads them as if they were installed."""

    def __init__(self, folder) -> None:
        self._folder = folder
        self._points: list[EntryPoint] = []

    def add(self, name: str, source: str, distribution: str | None = None, version: str = "1.0") -> None:
        """Put a plugin on the shelf: entry point ``name`` of ``zoo-name`` (or ``distribution``)."""
        module = f"shelf_{len(self._points)}_{name.replace('-', '_')}"
        (self._folder / f"{module}.py").write_text(textwrap.dedent(source))
        point = EntryPoint(name, module, "zoo")
        # The way importlib.metadata itself ties an entry point to its distribution.
        vars(point)["dist"] = FakeDistribution(distribution or f"zoo-{name}", version)
        self._points.append(point)

    def load(self, **options) -> Registry:
        return load(points=self._points, **options)


@pytest.fixture
def shelf(tmp_path, monkeypatch) -> Shelf:
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield Shelf(tmp_path)
    for name in set(sys.modules) - before:
        del sys.modules[name]
