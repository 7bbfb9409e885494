"""When native operators are used, and the one line that says why not."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import pytest

from zoo.native import accelerate, build, check, training


@pytest.fixture
def layer():
    from zoo.engine import device

    device.start()
    from mindspore import nn

    return nn.SequentialCell(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())


def kind(layer):
    return type(layer[0]).__name__


def test_used_and_said(library, fresh, layer):
    fresh.setenv("ZOO_HOME", str(library.parents[2]))
    assert accelerate(layer) == "native operators: 1 convolutions, 1 batch norms, 1 activations within norms"
    assert kind(layer) == "NativeConv2d"


def test_switched_off(fresh, layer):
    fresh.setenv("ZOO_NATIVE", "0")
    assert accelerate(layer) == "native operators: switched off (ZOO_NATIVE=0)"
    assert kind(layer) == "Conv2d"


def test_mixed_precision_is_left_alone(layer):
    assert accelerate(layer, "O2") == "native operators: not in mixed precision"
    assert kind(layer) == "Conv2d"


def plain_with(layer, reason):
    said = accelerate(layer)
    assert said == f"native operators: none, MindSpore's own are used, which take longer ({reason})"
    assert kind(layer) == "Conv2d"


def test_without_a_compiler(fresh, layer, tmp_path):
    fresh.setenv("ZOO_HOME", str(tmp_path))
    fresh.setenv("PATH", str(tmp_path))
    fresh.delenv("CXX", raising=False)
    plain_with(layer, "no C++ compiler: looked for CXX, c++, g++, clang++")


def test_a_compiler_that_is_not_there(fresh, layer, tmp_path):
    fresh.setenv("ZOO_HOME", str(tmp_path))
    fresh.setenv("CXX", "no-such-compiler -m64")
    plain_with(layer, "no C++ compiler: looked for CXX=no-such-compiler -m64")


def test_a_compiler_that_fails(fresh, layer, tmp_path):
    compiler = tmp_path / "compiler"
    compiler.write_text("#!/bin/sh\n[ \"$1\" = --version ] && exit 0\necho 'x.cpp:1: error: no' >&2\nexit 1\n")
    compiler.chmod(compiler.stat().st_mode | stat.S_IXUSR)
    fresh.setenv("ZOO_HOME", str(tmp_path / "home"))
    fresh.setenv("CXX", str(compiler))
    plain_with(layer, f"{compiler} fails: x.cpp:1: error: no")
    assert list((tmp_path / "home" / "native").iterdir()) == []  # nothing half made is left


def test_a_cache_folder_that_cannot_be_made(fresh, layer, tmp_path):
    (tmp_path / "home").write_text("a file")
    fresh.setenv("ZOO_HOME", str(tmp_path / "home"))
    plain_with(layer, f"{tmp_path / 'home' / 'native'}: Not a directory")


def test_another_onednn(fresh, layer, library):
    def refuse(*_):
        raise build.UnavailableError(
            "oneDNN 3.11 is there; 3.10 with its thread pool runtime is what this is written for"
        )

    fresh.setenv("ZOO_HOME", str(library.parents[2]))
    fresh.setattr(build, "_open", refuse)
    plain_with(layer, "oneDNN 3.11 is there; 3.10 with its thread pool runtime is what this is written for")


def test_a_library_that_calculates_otherwise_is_not_used_and_not_asked_again(fresh, layer, library):
    verdict = library.with_name("verdict.json")
    verdict.unlink(missing_ok=True)
    fresh.setenv("ZOO_HOME", str(library.parents[2]))
    fresh.setattr(check, "first_difference", lambda operators: "batch norm, value by 1.0e-01")
    reason = f"they do not agree with MindSpore's: batch norm, value by 1.0e-01; {verdict} keeps that"
    plain_with(layer, reason)
    training._once.cache_clear()
    fresh.setattr(check, "first_difference", lambda operators: None)
    plain_with(layer, reason)
    verdict.unlink()


def test_processes_that_build_at_once_end_with_one_library(tmp_path):
    """Ranks of a training begin together."""
    program = "from zoo.engine import device; device.start()\nfrom zoo.native.build import library; print(library())"
    environment = os.environ | {"ZOO_HOME": str(tmp_path)}
    running = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(2)
    ]
    told = {process.communicate()[0] for process in running}
    assert [process.returncode for process in running] == [0, 0]
    assert len(told) == 1
    assert len(list((tmp_path / "native").iterdir())) == 1
