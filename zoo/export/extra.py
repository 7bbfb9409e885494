"""The optional packages of the extra ``onnx``, and what to say where they are not installed."""

from __future__ import annotations

import importlib

from registry import UsageError

INSTALL = 'pip install "matting-zoo[onnx]"'


def require_onnx() -> None:
    """Refuse where the package ``onnx``, which writes the files, cannot be imported.

    Raises:
        UsageError: It cannot.
    """
    _require("onnx")


def require_onnxruntime() -> None:
    """Refuse where ``onnxruntime``, which runs the files, cannot be imported.

    Raises:
        UsageError: It cannot.
    """
    _require("onnxruntime")


def _require(package: str) -> None:
    try:
        importlib.import_module(package)
    except ImportError as error:
        raise UsageError(f"the package {package} is needed for this: {INSTALL}") from error
