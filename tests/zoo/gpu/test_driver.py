"""What the driver tells, and every way in which it may fail."""

from __future__ import annotations

import pytest
from gpu_stand_ins import fake_cuda, no_library

from zoo.gpu import driver
from zoo.gpu.driver import Card
from zoo.gpu.error import GpuError

TWO = (("NVIDIA H200", 143771, (9, 0)), ("Tesla T4", 15360, (7, 5)))


def test_cards_with_their_facts():
    found = driver.look(lambda name: fake_cuda(TWO, cuda=13000))
    assert found.cuda == (13, 0)
    assert found.cards == (Card(0, "NVIDIA H200", 143771, (9, 0)), Card(1, "Tesla T4", 15360, (7, 5)))
    assert str(found.cards[1]) == "Tesla T4, 15,360 MiB, compute capability 7.5"
    assert found.facts(1)["capability"] == "7.5"


def test_the_version_of_the_driver_is_the_systems(tmp_path, monkeypatch):
    about = tmp_path / "version"
    about.write_text(
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun Jul 27 07:02:06 UTC 2025\nGCC 12.2\n"
    )
    monkeypatch.setattr(driver, "_ABOUT", about)
    assert str(driver.look(lambda name: fake_cuda())) == "580.65.06, knows CUDA up to 12.8"


@pytest.mark.parametrize(
    ("load", "found", "advice"),
    [
        (no_library, "no NVIDIA driver: libcuda.so.1 cannot be loaded (cannot open", "install NVIDIA's driver"),
        (lambda name: fake_cuda(cuda=10020), "knows CUDA up to 10.2", "install driver 450.80.02 or newer"),
        (lambda name: fake_cuda(fails={"cuInit": 100}), "CUDA_ERROR_NO_DEVICE", "CUDA_VISIBLE_DEVICES"),
        (lambda name: fake_cuda(fails={"cuInit": 803}), "SYSTEM_DRIVER_MISMATCH", "restart the machine"),
        (lambda name: fake_cuda(fails={"cuInit": 34}), "CUDA_ERROR_STUB_LIBRARY", "LD_LIBRARY_PATH"),
        (lambda name: fake_cuda(fails={"cuInit": 999}), "answers cuInit with error 999", "nvidia-smi"),
        (lambda name: fake_cuda(()), "has no card for this process", "CUDA_VISIBLE_DEVICES"),
    ],
)
def test_what_may_be_wrong(load, found, advice):
    with pytest.raises(GpuError) as caught:
        driver.look(load)
    assert found in caught.value.found
    assert advice in caught.value.advice
    assert "  " not in str(caught.value)


def test_an_index_out_of_range_names_the_cards():
    found = driver.look(lambda name: fake_cuda(TWO))
    assert driver.card(found, 1).name == "Tesla T4"
    with pytest.raises(GpuError, match=r"no card GPU:2 .* GPU:0 \(NVIDIA H200\), GPU:1 \(Tesla T4\)"):
        driver.card(found, 2)
