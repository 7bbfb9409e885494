"""Drawn data sets, by the functions of drawn.py beside this file; the plugin installed, for these tests alone.

The project's environment is without it: a metric enters every report, and those of the other tests have the core's.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile

# Before the first operator of MindSpore; zoo's engine does the same.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")

import importlib.util
from pathlib import Path

import pytest

if importlib.util.find_spec("zoo_portraits") is None:
    _SITE = tempfile.mkdtemp(prefix="zoo-portraits-")
    atexit.register(shutil.rmtree, _SITE, ignore_errors=True)
    _INSTALL = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*_INSTALL, "--target", _SITE, str(Path(__file__).parents[1])], check=True)
    sys.path.append(_SITE)

_PLACE = importlib.util.spec_from_file_location("drawn_portraits", Path(__file__).with_name("drawn.py"))
drawn_module = importlib.util.module_from_spec(_PLACE)
_PLACE.loader.exec_module(drawn_module)


@pytest.fixture(scope="session")
def drawn():
    """The module drawn.py."""
    return drawn_module
