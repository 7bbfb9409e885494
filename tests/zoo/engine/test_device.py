"""What names a device, and what keeps the processor's fast kernels."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from registry import UsageError
from zoo.engine import device
from zoo.engine.device import Device


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auto", Device()),
        ("CPU", Device()),
        ("gpu", Device("GPU", 0)),
        ("GPU:3", Device("GPU", 3)),
        ("ascend:1", Device("Ascend", 1)),
    ],
)
def test_parse(text, expected):
    assert device.parse(text) == expected


def test_the_variable_serves_where_nothing_is_said(monkeypatch):
    monkeypatch.setenv("ZOO_DEVICE", "GPU:2")
    assert device.parse(None) == Device("GPU", 2)
    assert device.parse("CPU") == Device()


@pytest.mark.parametrize("text", ["TPU", "CPU:1", "GPU:", "GPU:-1", "auto:0", "3"])
def test_refused(text):
    with pytest.raises(UsageError, match="no device"):
        device.parse(text)


@pytest.mark.parametrize(("text", "numbered"), [("GPU:0", True), ("GPU", False), ("auto", False)])
def test_a_card_may_be_named_by_its_number(text, numbered):
    assert device.parse(text).numbered is numbered


@pytest.mark.parametrize(("text", "index"), [("GPU", 3), ("Ascend", 3), ("GPU:1", 1), ("CPU", 0)])
def test_each_process_of_a_group_has_its_card(monkeypatch, text, index):
    assert device._of_this_process(device.parse(text)).index == device.parse(text).index
    monkeypatch.setenv("MS_ROLE", "MS_WORKER")
    monkeypatch.setenv("DEVICE_ID", "3")
    assert device._of_this_process(device.parse(text)).index == index


def test_one_device_per_process():
    device.start()
    with pytest.raises(UsageError, match="already uses CPU"):
        device.start("GPU:0")


@pytest.mark.parametrize(
    ("flags", "given", "expected"),
    [("avx2 avx512f", None, "AVX2"), ("avx2", None, None), ("avx512f", "AVX512_CORE", "AVX512_CORE")],
)
def test_the_instruction_set_is_capped_on_avx512_only(monkeypatch, flags, given, expected):
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    if given:
        monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", given)
    monkeypatch.setattr(device, "_cpu_flags", lambda: flags)
    device._cap_instruction_set()
    assert os.environ.get("ONEDNN_MAX_CPU_ISA") == expected


def test_no_reference_convolution_is_run():
    """oneDNN's own log names the kernel of a 3x3 convolution; the reference one is far slower."""
    program = (
        "from zoo.engine import device; device.start()\n"
        "import numpy as np, mindspore as ms\nfrom mindspore import nn\n"
        "conv = nn.Conv2d(8, 8, 3)\n"
        "conv(ms.Tensor(np.zeros((1, 8, 16, 16), np.float32))).asnumpy()\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "ONEDNN_MAX_CPU_ISA"} | {"ONEDNN_VERBOSE": "1"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    kernels = [line for line in done.stdout.splitlines() if ",convolution," in line and "exec" in line]
    assert kernels
    assert not [line for line in kernels if ":ref:" in line or "+ref" in line]
