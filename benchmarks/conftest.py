"""What a kept record of pytest-benchmark says of the machine: what figures depend on, and not whose it is."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """Leave the processor's name and count, the system and Python, and add the versions of what is compared."""
    from importlib.metadata import PackageNotFoundError, version

    from zoo.version import versions

    found = versions()
    for name in ("torch", "onnx"):
        with suppress(PackageNotFoundError):
            found[name] = version(name)

    cpu = machine_info.get("cpu", {})
    kept = {key: machine_info[key] for key in ("python_version", "system", "machine") if key in machine_info}
    machine_info.clear()
    machine_info |= kept | {"cpu": {"brand": cpu.get("brand_raw"), "count": cpu.get("count")}, "versions": found}


@pytest.hookimpl(optionalhook=True)
def pytest_benchmark_update_json(config: pytest.Config, benchmarks: list[Any], output_json: dict[str, Any]) -> None:
    """Leave out names and places of the checkout."""
    commit = output_json.get("commit_info", {})
    output_json["commit_info"] = {key: commit.get(key) for key in ("id", "time", "dirty")}
