"""CUDA libraries: where they are found, in which order they are loaded, what is said of those that are not."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest
from gpu_stand_ins import no_library

from zoo.gpu import libraries
from zoo.gpu.error import GpuError
from zoo.gpu.libraries import LIBRARIES, NCCL, RUNTIME
from zoo.gpu.preload import preload, preload_all

CUDNN = next(library for library in LIBRARIES if "cudnn" in library.soname)
ROOT = Path(__file__).parents[3]


def test_the_extras_pin_what_is_loaded():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for library in (*LIBRARIES, NCCL):
        assert f"\"{library.requirement}; sys_platform == 'linux' and platform_machine == 'x86_64'\"" in project


def test_those_that_others_need_come_first():
    order = [library.soname for library in LIBRARIES]
    # NVIDIA's documents: cuBLAS is built on cublasLt, cuSOLVER on cuBLAS and cuSPARSE.
    assert order.index("libcublasLt.so.11") < order.index("libcublas.so.11") < order.index("libcusolver.so.11")
    assert order.index("libcusparse.so.11") < order.index("libcusolver.so.11")
    assert order[0] == RUNTIME.soname


def test_all_are_loaded_from_their_wheels_for_everybody(wheels, monkeypatch):
    opened = []
    monkeypatch.setattr(preload, "__defaults__", (None, lambda name, mode: opened.append((name, mode))))
    loaded = preload_all()
    assert [Path(name).name for name, _ in opened] == [library.soname for library in LIBRARIES]
    assert all(name.startswith(str(wheels)) and mode == ctypes.RTLD_GLOBAL for name, mode in opened)
    assert loaded[0].path == wheels / "nvidia" / "cuda_runtime" / "lib" / "libcudart.so.11.0"


def test_nccl_only_for_several_cards(wheels, monkeypatch):
    file = wheels / "nvidia" / "nccl" / "lib" / NCCL.soname
    monkeypatch.setattr(preload, "__defaults__", (None, lambda name, mode: None))
    assert NCCL not in [loaded.library for loaded in preload_all(several=True)], "it is not installed"
    file.parent.mkdir(parents=True)
    file.touch()
    assert preload_all(several=True)[-1].path == file
    assert NCCL not in [loaded.library for loaded in preload_all()]


def test_several_site_packages_may_hold_a_part_each(wheels, tmp_path):
    other = tmp_path / "other"
    (other / "nvidia" / "cudnn").mkdir(parents=True)
    assert libraries.find(CUDNN, [str(other), str(wheels)]) == wheels / "nvidia" / "cudnn" / "lib" / "libcudnn.so.8"
    assert libraries.find(CUDNN, [str(other)]) is None


def test_the_system_may_have_it():
    found = preload(RUNTIME, [], lambda name, mode: name)
    assert (found.handle, found.path, str(found)) == ("libcudart.so.11.0", None, "found by the system's loader")


def test_missing_says_which_wheel():
    with pytest.raises(GpuError) as caught:
        preload(RUNTIME, [], no_library)
    assert caught.value.found == "libcudart.so.11.0 is not there"
    assert 'pip install "nvidia-cuda-runtime-cu11==11.8.89"' in caught.value.advice
    assert 'pip install "matting-zoo[gpu]"' in caught.value.advice


def test_the_wrong_major_is_named(wheels):
    folder = wheels / "nvidia" / "cudnn" / "lib"
    (folder / "libcudnn.so.8").rename(folder / "libcudnn.so.9")
    with pytest.raises(
        GpuError, match=r"libcudnn.so.8 is not there, but .*/libcudnn.so.9, which is of another version"
    ):
        preload(CUDNN, [str(wheels)], no_library)


def test_a_file_that_is_no_library(wheels):
    with pytest.raises(GpuError, match=r"libcudart.so.11.0 cannot be loaded .*pip install --force-reinstall --no-deps"):
        preload(RUNTIME)
