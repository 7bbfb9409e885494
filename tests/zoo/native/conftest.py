"""One native library for all tests here, compiled once."""

from __future__ import annotations

import pytest

from zoo.native import build, training


@pytest.fixture(scope="session")
def library(tmp_path_factory):
    """Path of the library, opened; tests are skipped where nothing compiles C++."""
    if build.compiler() is None:
        pytest.skip("no C++ compiler")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_HOME", str(tmp_path_factory.mktemp("home")))
        from zoo.engine import device

        device.start()
        return build.library()


@pytest.fixture(scope="session")
def native(library):
    """Its operators."""
    from zoo.native.ops import operators

    return operators(library)


@pytest.fixture
def fresh(monkeypatch):
    """As in a process that has not asked for the operators yet."""
    training._once.cache_clear()
    yield monkeypatch
    training._once.cache_clear()
