import importlib.util
import sys
from pathlib import Path

import pytest


def _load(name):
    """A module of this folder, whose tests do not form a package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def load_beside():
    """Name -> the module of that name beside this file."""
    return _load


@pytest.fixture(scope="session")
def plain():
    """The metrics of p3m written a second time, from `plain.py` beside this file."""
    return _load("plain")


@pytest.fixture(scope="session")
def plain_scores():
    """Dialect -> its metrics written a second time: ``(alpha, target, trimap) -> {metric: value}``."""
    files = {"p3m": "plain", "dim": "plain_dim", "mmagic": "plain_mmagic", "paddleseg": "plain_paddleseg"}
    return {dialect: _load(file).scores for dialect, file in files.items()}


@pytest.fixture(scope="session")
def make_golden():
    """`make_golden.py` beside this file."""
    return _load("make_golden")


@pytest.fixture(scope="session")
def dialect_cases():
    """`dialect_cases.py` beside this file."""
    return _load("dialect_cases")
