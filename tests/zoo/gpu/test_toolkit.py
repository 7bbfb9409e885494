"""MindSpore's question for the version of CUDA."""

from __future__ import annotations

import os
import subprocess

import pytest
from gpu_stand_ins import fake_runtime

from zoo.gpu import toolkit
from zoo.gpu.error import GpuError
from zoo.gpu.libraries import RUNTIME
from zoo.gpu.preload import Loaded


@pytest.fixture(autouse=True)
def _home(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("CUDA_HOME", raising=False)


def runtime(number=11080, code=0, path=None):
    return Loaded(RUNTIME, path, fake_runtime(number, code))


def toolkit_of(folder, release):
    (folder / "bin").mkdir(parents=True)
    nvcc = folder / "bin" / "nvcc"
    nvcc.write_text(f"#!/bin/sh\necho 'Cuda compilation tools, release {release}, V{release}.1'\n")
    nvcc.chmod(0o755)
    return str(folder)


def test_the_answer_is_the_version_of_the_runtime_and_nothing_is_left_in_the_environment():
    with toolkit.answered(runtime(11060)):
        place = os.environ["CUDA_HOME"]
        assert toolkit.release(place) == (11, 6)
    assert "CUDA_HOME" not in os.environ


def test_the_answer_says_that_it_is_no_compiler(tmp_path):
    script = str(toolkit.stand_in((11, 8)) / "bin" / "nvcc")
    told = subprocess.run([script, "--version"], capture_output=True, text=True, check=True).stdout
    assert "no compiler is here" in told
    asked = subprocess.run([script, "kernel.cu"], capture_output=True, text=True, check=False)
    assert asked.returncode == 1
    assert "stands in for nvcc" in asked.stderr


def test_a_toolkit_of_cuda_11_is_the_users_choice(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_HOME", toolkit_of(tmp_path / "cuda-11.7", "11.7"))
    with toolkit.answered(runtime()):
        assert os.environ["CUDA_HOME"] == str(tmp_path / "cuda-11.7")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("there", [True, False])
def test_any_other_is_set_aside_and_comes_back(tmp_path, monkeypatch, there):
    place = toolkit_of(tmp_path / "cuda", "13.0") if there else str(tmp_path / "nowhere")
    monkeypatch.setenv("CUDA_HOME", place)
    seen = []

    def fail():
        with toolkit.answered(runtime()):
            seen.append(toolkit.release(os.environ["CUDA_HOME"]))
            raise RuntimeError("even if MindSpore cannot be imported")

    with pytest.raises(RuntimeError):
        fail()
    assert seen == [(11, 8)]
    assert os.environ["CUDA_HOME"] == place


def test_a_changed_script_is_written_anew():
    script = toolkit.stand_in((11, 8)) / "bin" / "nvcc"
    script.write_text("#!/bin/sh\necho 'release 9.0,'\n")
    assert toolkit.release(toolkit.stand_in((11, 8))) == (11, 8)
    assert [file.name for file in script.parent.iterdir()] == ["nvcc"]


def test_a_runtime_under_an_old_driver_is_known_by_its_wheel(tmp_path, monkeypatch):
    monkeypatch.setattr(toolkit, "installed", lambda library: "11.8.89")
    # 35: cudaErrorInsufficientDriver, and the number is 0, as the real library answers on a machine without a driver.
    assert toolkit.runtime_version(runtime(0, 35, tmp_path)) == (11, 8)
    with pytest.raises(GpuError, match="does not tell its version"):
        toolkit.runtime_version(runtime(0, 35))


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "file"))
    with pytest.raises(GpuError, match=r"cannot be written .*: set ZOO_HOME"):
        toolkit.stand_in((11, 8))


def test_a_folder_that_holds_no_programs(monkeypatch):
    monkeypatch.setattr(toolkit, "release", lambda folder: None)
    with pytest.raises(GpuError, match=r"cannot be run: .*noexec"):
        toolkit.stand_in((11, 8))
