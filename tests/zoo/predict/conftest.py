"""What the tests of prediction share."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[2] / "support" / "fixed_mattes.py"
"""Models without MindSpore: ``bright``, ``loud`` and ``given``."""


@pytest.fixture
def predict(zoo):
    """Run ``zoo predict MODEL ...`` in an empty folder."""

    def run(model: str, *words: object):
        return zoo("predict", model, *words, "--plugin", PLUGIN, tiny=False)

    return run


@pytest.fixture
def piped(tmp_path, monkeypatch, capfdbinary):
    """Run ``zoo predict ...`` in an empty folder with bytes on standard input: its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_LOAD_PLUGINS", "")

    def run(*words: object, data: bytes) -> tuple[int, bytes, bytes]:
        from zoo.cli import run as run_command_line

        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
        capfdbinary.readouterr()
        code = run_command_line(["predict", *map(str, words), "--plugin", str(PLUGIN)])
        return code, *capfdbinary.readouterr()

    return run
