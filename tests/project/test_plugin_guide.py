"""Every command of plugins/README.md is run, in order, in an environment of its own."""

from __future__ import annotations

import os
import re
import site
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "plugins" / "README.md"


def commands():
    """The lines of all ``sh`` blocks, and the exit code that a comment at their end promises."""
    blocks = re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    for line in "".join(blocks).splitlines():
        command, _, code = line.partition("  # exit ")
        yield command, int(code or 0)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Variables under which ``pip install`` goes to a folder of its own, without network, beside all that is here."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=False)
    (packages,) = (place / "lib").glob("python*/site-packages")
    # addsitedir: what is installed here as editable is found through .pth files of its own.
    here = "; ".join(f"site.addsitedir({folder!r})" for folder in site.getsitepackages())
    (packages / "here.pth").write_text(f"import site; {here}\n")
    for name, module in (("zoo", "zoo.cli"), ("pip", "pip")):
        program = place / "bin" / name
        program.write_text(f'#!/bin/sh\nexec "{place}/bin/python" -m {module} "$@"\n')
        program.chmod(0o755)
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("ZOO_", "PIP_"))}
    return {
        **variables,
        "PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "ZOO_HOME": str(place / "home"),
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip's reading of it: no isolation
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def test_every_command_does_what_the_guide_says(environment, tmp_path):
    said = {}
    for command, code in commands():
        done = subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, f"{command}\n{done.stdout}{done.stderr}"
        said[command] = done.stdout
    assert len(said) == 15
    words = dict.fromkeys(("ok", "skipped"), 0)
    for line in said["zoo plugins check hazel"].splitlines():
        words[re.search(r" (ok|skipped|FAILED) ", line)[1]] += 1
    assert words == {"ok": 21, "skipped": 2}
    assert "21 passed, 2 skipped" in said["python -m pytest -q zoo-hazel/tests"]
    assert "measured: parameters=137_041" in said["zoo plugins check hazel --only parameters"]
    assert re.search(r"\| hazel\b", said["zoo bench accuracy --dataset demo --split P3M-500-P"])
    assert re.search(r"^hazel +loaded +API 1 +\d+ ms +zoo-hazel 0.1.0", said["zoo plugins"], re.MULTILINE)
    assert [file.name for file in (tmp_path / "zoo-hazel" / "dist").iterdir()] == ["zoo_hazel-0.1.0-py3-none-any.whl"]
    assert sys.prefix not in said["pip install -e zoo-hazel"].splitlines()[-1]


def test_the_generated_files_are_those_that_the_guide_lists(tmp_path):
    from zoo.templates.write import write_plugin

    listed = re.findall(r"^\| `([^`]+)`", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
    assert {str(file) for file in write_plugin(tmp_path / "here", "hazel", "model")} == {*listed, "LICENSE"}
