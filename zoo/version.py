"""The version of zoo and of what it stands on, read from the installed distributions."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

_PARTS = (
    "matting-zoo",
    "mindspore",
    "numpy",
    "opencv-python",
    "opencv-python-headless",
    "scipy",
    "pluggy",
    "onnxruntime",
)


def zoo_version() -> str:
    """Version of the distribution matting-zoo."""
    return _version("matting-zoo") or "0+unknown"


def versions() -> dict[str, str]:
    """Name -> version of Python, zoo and the libraries its results depend on; only what is installed."""
    found = {name: _version(name) for name in _PARTS}
    return {"python": platform.python_version(), **{name: v for name, v in found.items() if v}}


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return ""
