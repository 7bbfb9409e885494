"""``--device GPU`` from the command line to MindSpore's import, with stand-ins; the CPU never sees any of it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from gpu_stand_ins import fake_cuda, fake_runtime

from registry import ZooError
from zoo.engine import device
from zoo.gpu import addition, driver, start
from zoo.gpu.error import GpuError
from zoo.gpu.libraries import RUNTIME
from zoo.gpu.preload import Loaded


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """A process with a driver, in which no device has been chosen."""
    look = driver.look
    monkeypatch.setattr(device, "_started", None)
    monkeypatch.setattr(driver, "look", lambda: look(lambda name: fake_cuda()))
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))


def test_no_driver_is_one_line(monkeypatch, fresh):
    def none():
        raise GpuError("no NVIDIA driver", "install it")

    monkeypatch.setattr(driver, "look", none)
    with pytest.raises(ZooError, match=r"^no NVIDIA driver: install it$"):
        device.start("GPU")


def test_an_index_out_of_range_is_one_line(fresh):
    with pytest.raises(ZooError, match=r"^no card GPU:3 for this process: take one of GPU:0 \(NVIDIA H200\)$"):
        device.start("GPU:3")


def test_a_command_ends_with_that_line(zoo, fresh):
    done = zoo("bench", "throughput", "--models", "tiny", "--one-process", "--device", "GPU:3")
    assert done.code == 1
    assert "tiny was not timed: no card GPU:3 for this process: take one of GPU:0 (NVIDIA H200)" in done.err


def test_mindspore_that_came_first(fresh, monkeypatch):
    import mindspore as ms

    def refuse(*target):
        raise RuntimeError("Unsupported device target GPU.")

    monkeypatch.setattr(ms, "set_device", refuse)
    with pytest.raises(ZooError, match="MindSpore was imported before zoo, and without CUDA"):
        device.start("GPU")


def test_the_import_finds_an_answer_and_leaves_no_trace(fresh, monkeypatch):
    seen = {}

    class Finder:
        @staticmethod
        def find_spec(name, path=None, target=None):
            if name == "mindspore":
                seen["home"] = os.environ["CUDA_HOME"]
                raise ImportError("enough")

    monkeypatch.delenv("CUDA_HOME", raising=False)
    monkeypatch.setattr(start, "preload_all", lambda several: [Loaded(RUNTIME, None, fake_runtime())])
    monkeypatch.delitem(sys.modules, "mindspore", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder, *sys.meta_path])
    before = dict(os.environ)
    with pytest.raises(ImportError, match="enough"):
        start.import_mindspore(0)
    assert seen["home"].endswith("/cuda/11.8")
    assert dict(os.environ) == before


def test_a_run_on_the_cpu_looks_at_none_of_it():
    code = (
        "import os, sys; os.environ.pop('CUDA_HOME', None); from zoo.engine import device; device.start('CPU'); "
        "print([name for name in sys.modules if name.startswith('zoo.gpu')], 'CUDA_HOME' in os.environ)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] False"


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("print('[0. 0.]')", r"came out as \[0. 0.\]"),
        ("pass", "came out as nothing"),
        ("raise SystemExit('no kernel image is available')", "ended with code 1: no kernel image is available"),
        ("import os; os.abort()", "ended with signal 6"),
        ("import time; time.sleep(30)", "no sum of two tensors after 0.5 s"),
    ],
)
def test_an_addition_that_fails(code, found):
    limit = 0.5 if "sleep" in code else 30
    with pytest.raises(GpuError, match=found):
        addition.add(0, limit, [sys.executable, "-c", code])


def test_an_addition_that_is_right():
    code = "from zoo.engine import device; device.start = lambda text: None\n"
    code += "from zoo.gpu import addition; addition.main(['0'])"  # on the CPU then
    assert addition.add(0, 120, [sys.executable, "-c", code]) > 0


def test_an_addition_without_a_driver_says_why(fresh, monkeypatch, capsys):
    def none():
        raise GpuError("no NVIDIA driver", "install it")

    monkeypatch.setattr(driver, "look", none)
    assert addition.main(["0"]) == 1
    assert capsys.readouterr().err == "no NVIDIA driver: install it\n"
