"""Listing commands answer without the heavy libraries."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

HEAVY = ("mindspore", "scipy", "cv2", "numpy", "jinja2", "tensorboardX")


@pytest.mark.parametrize(
    "words",
    [
        *(["--help"], ["--version"], ["list"], ["list", "--json"], ["info", "P3M-10k"], ["plugins"]),
        *(["train", "--help"], ["data", "check", "--help"], ["data", "prepare", "--help"]),
        *(["plugins", "check", "--help"], ["plugins", "new", "--help"], ["download", "--help"], ["doctor", "--help"]),
    ],
)
def test_light_commands_import_nothing_heavy(words):
    program = (
        "import sys\nfrom zoo.cli import run\n"
        f"code = run({words!r})\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "assert not heavy, heavy\nsys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_import_zoo_is_light():
    program = f"import sys, zoo; zoo.models(); zoo.datasets(); sys.exit(any(n in sys.modules for n in {HEAVY!r}))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@pytest.mark.parametrize("words", [["--help"], ["list"], ["plugins"]])
def test_listing_commands_read_no_configs(words):
    """YAML and the schema take as long to import as a bare Python takes to start; the two others a fifth of that."""
    program = (
        "import sys\nfrom zoo.cli import run\n"
        f"run({words!r})\n"
        "sys.exit(', '.join({'yaml', 'zoo.config', 'difflib', 'hashlib'} & {*sys.modules}) or 0)"
    )
    environment = {**os.environ, "ZOO_LOAD_PLUGINS": ""}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
