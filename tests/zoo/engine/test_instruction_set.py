"""What keeps oneDNN off its reference kernels."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from zoo.engine import instruction_set
from zoo.engine.instruction_set import VARIABLE, Choice


@pytest.fixture
def fresh(monkeypatch):
    """No variable set, as in a process that nobody prepared."""
    for name in (VARIABLE, instruction_set._OURS):
        monkeypatch.setenv(name, "")  # so that it is put back as it was, what the test chooses is gone with it
        monkeypatch.delenv(name)
    return monkeypatch


@pytest.mark.parametrize(
    ("flags", "given", "cap", "by_zoo"),
    [
        ("avx2 avx512f", None, "AVX2", True),
        ("avx2", None, None, False),
        ("avx512f", "AVX512_CORE", "AVX512_CORE", False),
        ("avx512f", "AVX2", "AVX2", False),
    ],
)
def test_capped_on_avx512_only_and_never_against_the_user(fresh, flags, given, cap, by_zoo):
    if given:
        fresh.setenv(VARIABLE, given)
    fresh.setattr(instruction_set, "cpu_flags", lambda: flags)
    choice = instruction_set.choose()
    assert (choice.cap, choice.by_zoo) == (cap, by_zoo)
    assert os.environ.get(VARIABLE) == cap


def test_a_child_knows_that_the_cap_was_zoos(fresh):
    fresh.setattr(instruction_set, "cpu_flags", lambda: "avx512f")
    assert instruction_set.choose() == instruction_set.choose()  # a child begins with the parent's variables
    fresh.setenv(VARIABLE, "SSE41")  # unless the user has a say for the child
    assert instruction_set.choose().by_zoo is False


def test_what_is_chosen_here_is_fast():
    choice = instruction_set.chosen()
    assert choice.kernel is not None
    assert not choice.is_slow
    assert choice.reason


def test_a_slow_choice_is_said_in_one_line_with_the_remedy(monkeypatch, caplog):
    slow = Choice("AVX512_CORE", False, "the user says so", "jit_uni_ncsp:conv+ref:any")
    monkeypatch.setattr(instruction_set, "chosen", lambda: slow)
    instruction_set.warn_if_slow()
    (record,) = caplog.records
    assert "reference kernels (jit_uni_ncsp:conv+ref:any)" in record.getMessage()
    assert record.getMessage().endswith(f"unset {VARIABLE}")


def run(program: str, **variables: str) -> subprocess.CompletedProcess:
    known = {k: v for k, v in os.environ.items() if k not in (VARIABLE, instruction_set._OURS)}
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=known | variables, check=True
    )


@pytest.mark.skipif("avx512" not in instruction_set.cpu_flags(), reason="the trap is one of AVX-512")
def test_a_user_who_asks_for_avx512_is_warned():
    done = run("from zoo.engine import device; device.start()", **{VARIABLE: "AVX512_CORE"})
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("convolutions run on oneDNN's reference kernels")


def test_no_reference_convolution_is_run():
    """oneDNN's own log names the kernel of a 3x3 convolution, which is the one that was foretold."""
    program = (
        "from zoo.engine import device, instruction_set; device.start()\n"
        "import numpy as np, mindspore as ms\nfrom mindspore import nn\n"
        "conv = nn.Conv2d(16, 16, 3)\n"
        "conv(ms.Tensor(np.zeros((1, 16, 32, 32), np.float32))).asnumpy()\n"
        "print('FORETOLD', instruction_set.chosen().kernel)\n"
    )
    done = run(program, ONEDNN_VERBOSE="1")
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    kernels = [line for line in lines if ",convolution," in line and "exec" in line]
    (foretold,) = (line.split()[1] for line in lines if line.startswith("FORETOLD"))
    assert kernels
    assert all(f",{foretold}," in line and "ref" not in foretold for line in kernels)
