"""``zoo doctor --device GPU``: each thing that may be missing, with what to do about it, by stand-ins."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from gpu_stand_ins import fake_cuda, fake_runtime, no_library

from zoo.doctor import gpu
from zoo.gpu import driver, kernels, libraries, preload, toolkit
from zoo.gpu.error import GpuError
from zoo.gpu.kernels import Code

TWO = (("NVIDIA H200", 143771, (9, 0)), ("Tesla T4", 15360, (7, 5)))


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine on which everything is right; what is in it can be changed."""
    made = SimpleNamespace(cuda=lambda name: fake_cuda(), missing=set(), seconds=12.0, added=[])
    look, load = driver.look, preload.preload

    def library(name, mode=None):
        soname = name.rpartition("/")[2]
        return no_library(soname) if soname in made.missing else fake_runtime()

    def add(index, seconds):
        made.added.append((index, seconds))
        if isinstance(made.seconds, GpuError):
            raise made.seconds
        return made.seconds

    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CUDA_CACHE_PATH", str(tmp_path / "cache"))
    monkeypatch.delenv("CUDA_CACHE_DISABLE", raising=False)
    monkeypatch.delenv("CUDA_HOME", raising=False)
    monkeypatch.delenv("ZOO_DEVICE", raising=False)
    monkeypatch.setattr(driver, "look", lambda: look(made.cuda))
    monkeypatch.setattr(driver, "is_there", lambda: made.cuda is not no_library)
    monkeypatch.setattr(libraries, "site_folders", list)
    monkeypatch.setattr(gpu, "preload", lambda wanted: load(wanted, [], library))
    monkeypatch.setattr(kernels, "plugins", lambda: [tmp_path / "libmindspore_gpu.so.11.6"])
    monkeypatch.setattr(kernels, "library", lambda: tmp_path / "libcuda_ops.so.11")
    monkeypatch.setattr(kernels, "read", lambda path: Code(407, frozenset({70, 80}), frozenset({86})))
    monkeypatch.setattr(gpu.addition, "add", add)
    return made


def found(device="GPU"):
    return {finding.name: finding for finding in gpu.findings(device)}


def failed(device="GPU"):
    return [name for name, finding in found(device).items() if finding.status == "failed"]


def test_everything_is_right(machine):
    by_name = found()
    assert failed() == []
    assert list(by_name)[:4] == ["numpy", "driver", "GPU:0", "libcudart.so.11.0"]
    assert list(by_name)[-4:] == ["CUDA_HOME", "plugin", "kernels", "addition"]
    assert by_name["GPU:0"].text == "NVIDIA H200, 143,771 MiB, compute capability 9.0"
    assert "12 s" in by_name["addition"].text
    assert all("\n" not in finding.text + finding.advice for finding in by_name.values())


def test_on_the_cpu_one_line_and_nothing_is_tried(machine):
    assert list(found("CPU")) == ["driver"]
    assert found(None)["driver"].status == "note"
    assert "NVIDIA H200" in found("CPU")["driver"].text
    machine.cuda = lambda name: fake_cuda(fails={"cuInit": 803})
    assert found("CPU")["driver"].status == "note"
    machine.cuda = no_library
    assert [(f.name, f.status) for f in gpu.findings("CPU")] == [("driver", "ok")]
    assert machine.added == []


def test_no_driver(machine):
    machine.cuda = no_library
    assert failed() == ["driver"]
    assert found()["driver"].advice.startswith("install NVIDIA's driver")
    assert machine.added == [], "the card is not tried where something is missing"
    assert found()["libcudnn.so.8"].status == "ok", "the rest is looked at all the same"


def test_a_driver_that_is_too_old(machine):
    machine.cuda = lambda name: fake_cuda(cuda=10020)
    assert failed() == ["driver"]
    assert "450.80.02" in found()["driver"].advice


def test_an_index_out_of_range(machine):
    assert failed("GPU:4") == ["GPU:4"]
    assert found("GPU:4")["GPU:4"].advice == "take one of GPU:0 (NVIDIA H200)"


def test_a_library_that_is_missing(machine):
    machine.missing = {"libcudart.so.11.0", "libcudnn.so.8"}
    assert failed() == ["libcudart.so.11.0", "libcudnn.so.8"]
    assert 'pip install "nvidia-cudnn-cu11==8.9.6.50"' in found()["libcudnn.so.8"].advice
    assert found()["CUDA_HOME"].status == "note"


def test_numpy_of_the_wrong_major(machine, monkeypatch):
    import numpy as np

    monkeypatch.setattr(np, "__version__", "2.5.2")
    assert failed() == ["numpy"]
    assert found()["numpy"].advice == 'pip install "numpy<2"'


@pytest.mark.parametrize(
    ("told", "status", "text"),
    [
        ((11, 7), "ok", "whose nvcc says 11.7: MindSpore goes by it"),
        ((13, 0), "note", "whose nvcc says 13.0 and MindSpore needs 11; zoo answers"),
        (None, "note", "whose nvcc says nothing"),
    ],
)
def test_a_toolkit_of_the_users(machine, monkeypatch, told, status, text):
    monkeypatch.setenv("CUDA_HOME", "/usr/local/cuda")
    release = toolkit.release
    monkeypatch.setattr(toolkit, "release", lambda place: told if str(place) == "/usr/local/cuda" else release(place))
    assert found()["CUDA_HOME"].status == status
    assert text in found()["CUDA_HOME"].text


def test_a_mindspore_without_a_plugin(machine, monkeypatch):
    monkeypatch.setattr(kernels, "plugins", list)
    assert failed() == ["plugin"]
    assert "PyPI" in found()["plugin"].advice


@pytest.mark.parametrize(
    ("capability", "status", "text", "limit"),
    [
        ((8, 9), "ok", "sm_89 runs it as it is", gpu.addition.NATIVE_SECONDS),
        ((9, 0), "note", "no machine code for sm_90 (there is sm_70, sm_80)", gpu.addition.COMPILING_SECONDS),
        ((6, 1), "failed", "nothing from which the driver could make code for sm_61", None),
    ],
)
def test_kernels_for_the_card(machine, capability, status, text, limit):
    machine.cuda = lambda name: fake_cuda((("Card", 8192, capability),))
    finding = found()["kernels"]
    assert (finding.status, text in finding.text) == (status, True)
    assert machine.added == ([(0, limit)] if limit else [])


def test_the_cache_decides_what_is_advised(machine, monkeypatch, tmp_path):
    assert "10 to 20 minutes" in found()["kernels"].advice
    monkeypatch.setattr(gpu.cache, "NEEDED_MIB", 0)
    assert found()["kernels"].advice.startswith("nothing to do")
    monkeypatch.setenv("CUDA_CACHE_DISABLE", "1")
    assert found()["kernels"].advice.startswith("unset CUDA_CACHE_DISABLE")


def test_kernels_that_cannot_be_read(machine, monkeypatch, tmp_path):
    monkeypatch.undo()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "library", lambda: tmp_path / "cut.so")
        (tmp_path / "cut.so").write_bytes(b"cut")
        (finding,) = gpu._kernels(driver.Card(0, "Card", 8192, (9, 0)))
    assert (finding.status, "no 64-bit ELF file" in finding.text) == ("failed", True)


def test_several_cards_want_another_nccl(machine, monkeypatch, tmp_path):
    machine.cuda = lambda name: fake_cuda(TWO)
    assert 'pip install "nvidia-nccl-cu12==2.21.5"' in found()["several cards"].advice
    monkeypatch.setattr(libraries, "find", lambda library: tmp_path / library.soname)
    assert found()["several cards"].status == "ok"


def test_an_addition_that_fails(machine):
    machine.seconds = GpuError("adding two tensors ended with signal 11: no word", "use --device CPU meanwhile")
    assert failed() == ["addition"]


def test_the_command(zoo, machine):
    machine.missing = {"libcufft.so.10"}
    done = zoo("doctor", "tiny", "--device", "GPU", "--json")
    by_name = {finding["name"]: finding for finding in json.loads(done.out)["findings"]}
    assert done.code == 1
    assert by_name["libcufft.so.10"]["area"] == "gpu"
    assert done.err.strip().endswith("findings need something done: libcufft.so.10")
    assert "tiny forward" not in by_name, "a model is not tried on a card that is not ready"
    assert "data" in {finding["area"] for finding in by_name.values()}
