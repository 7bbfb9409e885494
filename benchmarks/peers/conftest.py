"""What the comparisons with peers share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="peers need the extras torch and onnx")
pytest.importorskip("onnxruntime", reason="peers need the extras torch and onnx")

FORWARD = Path(__file__).with_name("forward_worker.py")


@pytest.fixture(scope="session")
def peers(tmp_path_factory) -> Path:
    """A folder with the same weights for all sides, and the folder ``home`` of zoo's exports."""
    folder = tmp_path_factory.mktemp("peers")
    subprocess.run([sys.executable, str(FORWARD), "prepare", "--folder", str(folder)], check=True)
    return folder
