"""Two processes together: what they tell one another, and that they find what one process finds with all pictures."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import group_job
import numpy as np
import pytest
from disc_set import write_discs

from registry import ZooError
from zoo.engine import device
from zoo.engine.group import ALONE, Group, is_rank, join, ranks
from zoo.engine.launch import run_together

JOB = Path(__file__).parents[2] / "support" / "group_job.py"


@pytest.fixture(scope="module")
def discs(tmp_path_factory):
    return write_discs(tmp_path_factory.mktemp("discs"), 5)


@pytest.fixture(scope="module")
def pair(discs):
    """What each of two processes found."""
    folder = discs / "pair"
    (folder / "mattes").mkdir(parents=True)
    assert run_together([sys.executable, "-W", "error", str(JOB), str(folder), str(discs)], 2) == 0
    return [pickle.loads((folder / f"{rank}.pickle").read_bytes()) for rank in range(2)]


@pytest.fixture(scope="module")
def alone():
    """The step with batch norms in one process with all pictures and MindSpore's own norms."""
    device.start()
    return group_job.trained_norms(ALONE)


def test_one_process_is_a_group_of_one():
    assert not is_rank()
    assert ranks() == 1
    assert join() is ALONE
    assert ALONE.leads
    assert ALONE.mean([1, 2.5]) == [1, 2.5]
    assert [ALONE.any(True), ALONE.any(False)] == [True, False]
    assert ALONE.gather("x") == ["x"]
    gradients = (object(), object())
    assert ALONE.average(gradients) is gradients


def test_ranks_and_sizes(pair):
    assert [one["group"] for one in pair] == [[0, 2, 2, True], [1, 2, 2, False]]


def test_mean_and_any(pair):
    for one in pair:  # by hand, in float64
        assert one["mean"] == [0.5, 1 / 3, 1e300, -0.5]
        assert one["any"] == [False, True, True, True]


def test_values_of_any_length_are_gathered_in_order(pair):
    assert [one["texts"] for one in pair] == [[True, True]] * 2


def test_gradients_are_averaged(pair):
    for number, both in enumerate(zip(group_job.gradients(0), group_job.gradients(1), strict=True)):
        expected = (both[0] + both[1]) / np.float32(2)  # halving is exact, and a sum of two has no order
        for one in pair:
            assert one["averages"][number].shape == expected.shape
            assert np.array_equal(one["averages"][number], expected)


def test_norms_find_what_one_process_finds(pair, alone):
    """Channels lie up to 1000 from zero with a spread of 2, of which float32 leaves 1000 / 2 * 6e-8 = 3e-5."""
    assert len(alone) == 4 + 12 + 10  # loss, answer, dx, evaluated; learnt parameters; moving statistics of five norms
    for one in pair:
        assert one["norms"].keys() == alone.keys()
        for name, expected in alone.items():
            error = np.abs(one["norms"][name] - expected).max()
            assert error <= 3e-5 * max(1.0, np.abs(expected).max()), name
        assert np.abs(one["norms"]["dx"] - alone["dx"]).max() <= 3e-5 * np.abs(alone["dx"]).max()


def test_norms_are_not_those_of_the_halves(alone):
    """What the test before would find if the norms looked at their own pictures only."""
    halves = [group_job.trained_norms(_Half(rank), synchronised=False) for rank in range(2)]
    assert np.abs(halves[0]["first.moving_variance"] - alone["first.moving_variance"]).max() > 0.01


class _Half(Group):
    """A process that has its share of the pictures and nobody to ask."""

    def __init__(self, rank: int) -> None:
        super().__init__(rank, 2)

    def gather(self, value):
        return [value]


def test_pictures_are_shared_out_and_the_whole_is_what_one_process_finds(pair, discs):
    (discs / "mattes").mkdir()
    seen = []
    expected = group_job.evaluated(ALONE, discs, discs / "mattes", seen)
    assert [row["image"] for row in expected.rows] == ["d00", "d02", "d04"]
    for one in pair:
        assert replace(one["evaluation"], seconds=expected.seconds) == expected
    assert seen == [(number, 5) for number in range(1, 6)]
    assert [one["seen"] for one in pair] == [[(2, 5), (4, 5), (5, 5)], [(2, 5), (4, 5)]]
    for matte in (discs / "mattes").iterdir():
        assert matte.read_bytes() == (discs / "pair" / "mattes" / matte.name).read_bytes()


def test_nobody_comes(monkeypatch):
    """A process whose scheduler is not there gives up after the time that was set for it."""
    program = "from zoo.engine import device, group; device.start('CPU'); group.join()"
    variables = {"MS_ROLE": "MS_WORKER", "MS_WORKER_NUM": "2", "MS_SCHED_HOST": "127.0.0.1", "MS_SCHED_PORT": "1"}
    variables |= {"MS_NODE_ID": "0", "MS_TOPO_TIMEOUT": "2"}
    done = subprocess.run(
        [sys.executable, "-c", program], env={**os.environ, **variables}, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "ZooError: 2 processes did not meet at 127.0.0.1:1, " in done.stderr


def test_a_failed_exchange_is_told_apart():
    lost = "\n---\n- Kernel error:\n---\nLaunch kernel failed: Default/AllReduce-op0\n"  # what MindSpore 2.10 says
    with pytest.raises(ZooError, match="rank 1: another of the 2 processes does not answer"), Group(1, 2).answered():
        raise RuntimeError(lost)
    with pytest.raises(RuntimeError, match="Conv2D"), Group(1, 2).answered():
        raise RuntimeError("Launch kernel failed: Default/Conv2D-op0")
