"""Dropout: right on average, the same whenever asked for the same batch, another otherwise."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.engine import device
from zoo.engine.dropout import Noise


def build(*rates):
    device.start()
    from mindspore import nn

    network = nn.SequentialCell([nn.SequentialCell([nn.Dropout(p=rate)]) for rate in rates])
    network.set_train(True)
    return network


def answer(network, array, gradient=False):
    import mindspore as ms

    def plain(x):
        return network(x)

    def total(x):
        return network(x).sum()

    if not gradient:
        return ms.jit(plain)(ms.Tensor(array)).asnumpy()

    taken = ms.value_and_grad(total, 0)
    return taken(ms.Tensor(array))[1].asnumpy()


ONES = np.ones((4, 16, 32, 32), np.float32)


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_the_mean_stays_and_the_share_is_dropped(rate):
    network = build(rate)
    assert Noise(network, 0, 0).layers == 1
    network.set_train(True)
    found = answer(network, ONES)
    # A share of n drawn values differs from p by some sqrt(p (1 - p) / n).
    error = 4 * np.sqrt(rate * (1 - rate) / ONES.size)
    assert np.mean(found == 0) == pytest.approx(rate, abs=error)
    assert np.unique(found) == pytest.approx([0, 1 / (1 - rate)])
    assert answer(network, ONES, gradient=True) == pytest.approx(found, rel=1e-6)  # of x -> sum(x mask), the mask


def test_masks_depend_on_batch_layer_seed_and_rank_alone():
    masks = {}
    for seed, rank in ((0, 0), (1, 0), (0, 1)):
        network = build(0.5, 0.0, 0.5)
        noise = Noise(network, seed, rank)
        network.set_train(True)
        assert noise.layers == 3
        for batch in (0, 7, 8):
            noise.at(batch)
            masks[seed, rank, batch] = answer(network, ONES) > 0
        noise.at(7)
        assert np.array_equal(answer(network, ONES) > 0, masks[seed, rank, 7])
    flat = np.array([mask.ravel() for mask in masks.values()], float)
    assert flat.mean() == pytest.approx(0.25, abs=0.005)  # two independent layers of a half
    apart = np.abs(np.corrcoef(flat) - np.eye(len(flat)))
    assert apart.max() < 5 / np.sqrt(ONES.size)


def test_neighbours_are_independent():
    network = build(0.5)
    Noise(network, 3, 0).at(5)
    network.set_train(True)
    mask = (answer(network, ONES) > 0).ravel() - 0.5
    for shift in (1, 2, 31, 32, 33, 1024, 16384):
        assert abs((mask[:-shift] * mask[shift:]).mean()) * 4 < 5 / np.sqrt(mask.size), shift


def test_nothing_is_dropped_in_evaluation():
    network = build(0.5)
    Noise(network, 0, 0)
    network.set_train(False)
    assert np.array_equal(answer(network, ONES), ONES)
