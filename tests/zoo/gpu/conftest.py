"""Wheels with CUDA libraries, empty."""

from __future__ import annotations

import pytest


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """A folder like site-packages with an empty file for every library; the only one that is looked through."""
    from zoo.gpu import libraries

    place = tmp_path / "site-packages"
    for library in libraries.LIBRARIES:
        file = place / "nvidia" / library.folder / "lib" / library.soname
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    monkeypatch.setattr(libraries, "site_folders", lambda: [str(place)])
    return place
