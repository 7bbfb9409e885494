"""Drawn data sets, by the functions of drawn.py beside this file."""

import os

# Before the first operator of MindSpore; zoo's engine does the same.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")

import importlib.util
from pathlib import Path

import pytest

_PLACE = importlib.util.spec_from_file_location("drawn_portraits", Path(__file__).with_name("drawn.py"))
drawn_module = importlib.util.module_from_spec(_PLACE)
_PLACE.loader.exec_module(drawn_module)


@pytest.fixture(scope="session")
def drawn():
    """The module drawn.py."""
    return drawn_module
