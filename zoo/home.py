"""Where zoo keeps what it draws and downloads."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """The cache folder: ``ZOO_HOME``, or ``zoo`` in the platform's cache folder; it need not exist."""
    if chosen := os.environ.get("ZOO_HOME"):
        return Path(chosen).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    # The XDG specification tells programs to ignore a relative XDG_CACHE_HOME.
    return (Path(cache) if cache and os.path.isabs(cache) else Path.home() / ".cache") / "zoo"


def demo_home() -> Path:
    """Where the demo data set is drawn and looked for unless a folder is given."""
    return home() / "demo"


def weights_home() -> Path:
    """Where published weights are kept, each in a folder of its name."""
    return home() / "weights"
