"""How long the commands take that build nothing, beside a Python that does nothing.

    pytest benchmarks/test_start_up.py --benchmark-only

A round is one start of each, in turn. Bytecode is kept, as pip keeps it of what it installs: the first round, which
compiles, is not timed.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from turns import command, in_turn, ratio

ROUNDS = 15

NOTHING = "python -c pass"

COMMANDS = ("zoo --help", "zoo list", "zoo info modnet", "zoo plugins")


def test_start_up(benchmark, monkeypatch, tmp_path):
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path / "bytecode"))
    zoo = Path(sys.executable).with_name("zoo")
    if not zoo.exists():
        pytest.skip("the command zoo is not installed beside this Python")
    sides = {NOTHING: command([sys.executable, "-c", "pass"])}
    sides |= {text: command([str(zoo), *text.split()[1:]]) for text in COMMANDS}
    in_turn(sides, 1)
    found = benchmark.pedantic(in_turn, (sides, ROUNDS), rounds=1)
    benchmark.extra_info |= {
        "sides": {name: {"wall": times.wall, "cpu": times.cpu} for name, times in found.items()},
        "reference": NOTHING,
        "what": "a process from start to end",
    }
    for name in COMMANDS:
        wall, cpu = (ratio(getattr(found[name], kind), getattr(found[NOTHING], kind)) for kind in ("wall", "cpu"))
        print(f"{name}: {wall} times {NOTHING}, of the processor {cpu}")
