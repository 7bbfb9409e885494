"""OpenCV as zoo uses it: ``from zoo.data.opencv import cv2``, with a plain word where it cannot be loaded."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version

from registry import ZooError

__all__ = ["cv2"]


def _advice(error: ImportError) -> str:
    """What to do about an ``import cv2`` that failed, in one line."""
    try:
        same = f"=={version('opencv-python')}"
    except PackageNotFoundError:
        same = ""
    if "libGL" in str(error) or "libgthread" in str(error):
        return (
            f"OpenCV cannot be loaded ({error}): this machine has no graphics libraries. "
            f"Run: pip uninstall -y opencv-python && pip install opencv-python-headless{same}"
        )
    return f"OpenCV cannot be loaded ({error}). Run: pip install opencv-python-headless{same}"


try:
    import cv2
except ImportError as error:
    raise ZooError(_advice(error)) from error

# Whatever OpenCV would print about a broken file is raised as a DataError that names it.
if "OPENCV_LOG_LEVEL" not in os.environ:
    cv2.setLogLevel(0)
