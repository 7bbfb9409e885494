"""What several test folders share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Result:
    """What a command line did."""

    code: int
    out: str
    err: str


@pytest.fixture
def zoo(tmp_path, monkeypatch, capsys):
    """Run ``zoo ...`` in this process and an empty folder, with the tiny plugin and none but the core's beside it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ZOO_DATA_DIR", raising=False)
    monkeypatch.delenv("ZOO_DEVICE", raising=False)
    monkeypatch.setenv("ZOO_LOAD_PLUGINS", "")
    plugin = Path(__file__).parent / "support" / "tiny_plugin.py"

    def run(*words: object, tiny: bool = True) -> Result:
        from zoo.cli import run as run_command_line

        capsys.readouterr()
        arguments = [str(word) for word in words]
        code = run_command_line([*arguments, "--plugin", str(plugin)] if tiny else arguments)
        streams = capsys.readouterr()
        return Result(code, streams.out, streams.err)

    return run
