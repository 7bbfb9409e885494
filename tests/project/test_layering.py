"""Direction is one way: registry <- zoo <- plugins, and no one below names anyone above."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def imports(file: Path) -> set[str]:
    """Top-level packages that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add((node.module or "").split(".")[0])
    return found


def files(folder: str) -> list[Path]:
    found = sorted((ROOT / folder).rglob("*.py"))
    assert found
    return found


@pytest.mark.parametrize("file", files("registry"), ids=lambda f: f.name)
def test_registry_needs_the_standard_library_and_pluggy(file):
    assert imports(file) <= set(sys.stdlib_module_names) | {"registry", "pluggy"}


WORDS_OF_THEIR_OWN = {"pymatting", "portraits"}
"""Plugins whose names are words that the core has for something else: a library that it uses, and what it draws."""


@pytest.mark.parametrize("file", [*files("registry"), *files("zoo")], ids=lambda f: str(f.relative_to(ROOT)))
def test_core_names_no_plugin(file):
    plugins = {file.parent.name for file in (ROOT / "plugins").glob("*/pyproject.toml")} - WORDS_OF_THEIR_OWN
    assert "modnet" in plugins
    text = file.read_text(encoding="utf-8")
    assert not any(name.startswith("zoo_") for name in imports(file))
    # As published, a method's name is another word; a model's results stand on its plugin's card all the same.
    assert not [name for name in plugins if name in text]


@pytest.mark.parametrize(
    "file", [f for f in files("plugins") if "tests" not in f.parts], ids=lambda f: str(f.relative_to(ROOT))
)
def test_plugins_use_the_front_door_only(file):
    import zoo

    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            assert node.module != "registry"
            assert not (node.module or "").startswith("zoo.")
            if node.module == "zoo":
                assert {alias.name for alias in node.names} <= set(zoo.__all__)


def test_there_is_no_utils_file():
    assert not [p for p in ROOT.rglob("*.py") if "util" in p.name and ".venv" not in p.parts]


def test_the_front_door_lists_what_it_has():
    import types

    import zoo

    public = {
        name
        for name, value in vars(zoo).items()
        if not name.startswith("_") and (callable(value) or not isinstance(value, types.ModuleType))
    }
    assert public == set(zoo.__all__)
    assert list(zoo.__all__) == sorted(zoo.__all__)


def test_metrics_is_a_package_and_a_view():
    import zoo
    import zoo.metrics.score

    assert "SAD" in zoo.metrics()
    assert zoo.metrics.score.score is not None
