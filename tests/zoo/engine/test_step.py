"""The compiled step against PyTorch: optimizers, groups, clipping, accumulation, averages, mixed precision."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from registry import UsageError
from zoo.config import TrainConfig
from zoo.engine import device
from zoo.engine.average import Average
from zoo.engine.dropout import Noise
from zoo.engine.freeze import freeze, set_train
from zoo.engine.group import ALONE
from zoo.engine.optimizer import build_optimizer, learning_rates
from zoo.engine.precision import GROWTH_STEPS, LossScale, lower_network, lower_objective
from zoo.engine.step import compile_step

STEPS = 5
PLAIN = TrainConfig(epochs=STEPS, schedule="constant", lr=0.05, batch_size=2, momentum=0.9)


class Torch(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv2d(3, 4, 3, padding=1, bias=False)
        self.norm = torch.nn.BatchNorm2d(4)
        self.second = torch.nn.Conv2d(4, 1, 1)

    def forward(self, x):
        return torch.sigmoid(self.second(torch.relu(self.norm(self.first(x)))))


def build():
    device.start()
    from mindspore import nn, ops

    class Network(nn.Cell):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(3, 4, 3, pad_mode="pad", padding=1)
            self.norm = nn.BatchNorm2d(4, momentum=0.9)
            self.second = nn.Conv2d(4, 1, 1, has_bias=True)

        def construct(self, x):
            return ops.sigmoid(self.second(ops.relu(self.norm(self.first(x)))))

    class Objective(nn.Cell):
        def __init__(self, network):
            super().__init__(auto_prefix=False)
            self.network = network

        def construct(self, image, alpha, trimap):
            error = ops.square(self.network(image) - alpha).mean()
            return 10 * error, error

    network = Network()
    return network, Objective(network)


NAMES = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}


def torch_name(name):
    layer, _, part = name.rpartition(".")
    return f"{layer}.{NAMES.get(part, part)}"


def pair(seed=0):
    """The same network in both frameworks."""
    torch.manual_seed(seed)
    peer = Torch()
    network, objective = build()
    import mindspore as ms

    state = peer.state_dict()
    for parameter in network.get_parameters():
        parameter.set_data(ms.Tensor(state[torch_name(parameter.name)].numpy()))
    return network, objective, peer


def copy_of(network):
    return {p.name: p.asnumpy().copy() for p in network.get_parameters()}  # asnumpy shares the parameter's memory


def batches(count, size=2, seed=1):
    rng = np.random.default_rng(seed)
    return [
        SimpleNamespace(
            image=rng.normal(size=(size, 3, 8, 8)).astype(np.float32),
            alpha=rng.random((size, 1, 8, 8), np.float32),
            trimap=None,
        )
        for _ in range(count)
    ]


def train(config, network, objective, data, group=ALONE):
    frozen = freeze(config, network)
    set_train(config, objective, network, frozen)
    lower_network(network, config.amp)
    lower_objective(objective, config.amp)
    step = compile_step(objective, build_optimizer(config, network, 1), config, group, Noise(network, 0, 0))
    return step, [step(data[i : i + config.accumulate]) for i in range(0, len(data), config.accumulate)]


def train_torch(peer, optimizer, data, accumulate=1, clip=None, rates=None):
    losses = []
    for start in range(0, len(data), accumulate):
        if rates is not None:
            for group in optimizer.param_groups:
                group["lr"] = rates[start // accumulate] * group.get("factor", 1)
        optimizer.zero_grad()
        total = 0.0
        for batch in data[start : start + accumulate]:
            loss = 10 * ((peer(torch.from_numpy(batch.image)) - torch.from_numpy(batch.alpha)) ** 2).mean()
            (loss / accumulate).backward()
            total += loss.item() / accumulate
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(peer.parameters(), clip)
        optimizer.step()
        losses.append(total)
    return losses


def compare(network, peer, tolerance=2e-6):
    state = peer.state_dict()
    for parameter in network.get_parameters():
        expected = state[torch_name(parameter.name)].numpy()
        np.testing.assert_allclose(parameter.asnumpy(), expected, rtol=2e-5, atol=tolerance, err_msg=parameter.name)


def sgd(parameters, **options):
    return torch.optim.SGD(parameters, 0.05, momentum=0.9, **options)


@pytest.mark.parametrize(
    ("changes", "make"),
    [
        ({}, sgd),
        ({"weight_decay": 0.1}, partial(sgd, weight_decay=0.1)),
        (
            {"optimizer": "adamw", "lr": 0.01, "weight_decay": 0.1, "betas": (0.8, 0.95)},
            partial(torch.optim.AdamW, lr=0.01, betas=(0.8, 0.95), weight_decay=0.1),
        ),
        ({"optimizer": "adam", "lr": 0.01, "weight_decay": 0.1}, partial(torch.optim.Adam, lr=0.01, weight_decay=0.1)),
    ],
    ids=["sgd", "sgd-decay", "adamw", "adam-decay"],
)
def test_optimizers_do_what_pytorch_does(changes, make):
    network, objective, peer = pair()
    data = batches(STEPS)
    _, found = train(replace(PLAIN, **changes), network, objective, data)
    expected = train_torch(peer, make(peer.parameters()), data)
    assert [loss for loss, _ in found] == pytest.approx(expected, rel=2e-5)
    assert [terms for _, terms in found] == [[pytest.approx(loss / 10, rel=1e-5)] for loss, _ in found]
    compare(network, peer, 2e-5)


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_groups_of_rate_and_decay(optimizer):
    network, objective, peer = pair()
    data = batches(STEPS)
    config = replace(
        PLAIN, lr=0.01, optimizer=optimizer, weight_decay=0.1, no_decay=("*.gamma", "*.beta", "*.bias"),
        lr_factors={"first.*": 0.1}, schedule="polynomial", power=0.9,
    )  # fmt: skip
    train(config, network, objective, data)
    named = dict(peer.named_parameters())
    groups = [
        {"params": [named["first.weight"]], "factor": 0.1, "weight_decay": 0.1},
        {"params": [named["second.weight"]], "weight_decay": 0.1},
        {"params": [named["norm.weight"], named["norm.bias"], named["second.bias"]], "weight_decay": 0},
    ]
    torch_optimizer = torch.optim.SGD(groups, 1, momentum=0.9) if optimizer == "sgd" else torch.optim.AdamW(groups, 1)
    rates = [0.01 * (1 - done / STEPS) ** 0.9 for done in range(STEPS)]  # the formula of DeepLab, written out
    assert learning_rates(config, 1) == pytest.approx(rates)
    train_torch(peer, torch_optimizer, data, rates=rates)
    compare(network, peer, 2e-5)


def test_clipping_by_the_norm_of_all_gradients():
    network, objective, peer = pair()
    data = batches(STEPS)
    train(replace(PLAIN, clip_norm=0.05), network, objective, data)
    train_torch(peer, torch.optim.SGD(peer.parameters(), 0.05, momentum=0.9), data, clip=0.05)
    compare(network, peer)


@pytest.mark.parametrize("clip", [None, 0.05])
def test_accumulation_averages_gradients(clip):
    network, objective, peer = pair()
    data = batches(2 * STEPS)
    _, found = train(replace(PLAIN, accumulate=2, clip_norm=clip), network, objective, data)
    expected = train_torch(peer, torch.optim.SGD(peer.parameters(), 0.05, momentum=0.9), data, 2, clip)
    assert [loss for loss, _ in found] == pytest.approx(expected, rel=2e-5)
    compare(network, peer)


def test_frozen_parameters_and_their_norms_stay():
    network, objective, _ = pair()
    before = copy_of(network)
    train(replace(PLAIN, freeze=("first.*", "norm.*")), network, objective, batches(STEPS))
    changed = {p.name for p in network.get_parameters() if not np.array_equal(p.asnumpy(), before[p.name])}
    assert changed == {"second.weight", "second.bias"}


def test_frozen_norms_keep_their_statistics_and_learn():
    network, objective, peer = pair()
    data = batches(STEPS)
    train(replace(PLAIN, freeze_norms=True), network, objective, data)
    peer.norm.eval()
    train_torch(peer, torch.optim.SGD(peer.parameters(), 0.05, momentum=0.9), data)
    compare(network, peer)
    assert not np.array_equal(network.norm.gamma.asnumpy(), np.ones(4))
    assert np.array_equal(network.norm.moving_mean.asnumpy(), np.zeros(4))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"freeze": ("frist.*",)}, "train.freeze: no parameter fits 'frist.*'"),
        ({"freeze": ("*",)}, "leaves no parameter to train"),
        ({"no_decay": ("*.gama",)}, "train.no_decay: no parameter fits '*.gama'"),
        ({"lr_factors": {"head.*": 2.0}}, "train.lr_factors: no parameter fits 'head.*'; parameters: first.weight"),
    ],
)
def test_patterns_that_fit_nothing_are_refused(changes, says):
    network, objective = build()
    with pytest.raises(UsageError) as refused:
        train(replace(PLAIN, **changes), network, objective, [])
    assert says in str(refused.value)


def test_the_average_follows_the_weights():
    device.start()
    network, objective, _ = pair()
    config = replace(PLAIN, ema=0.3)
    average = Average(network, 0.3)
    set_train(config, objective, network)
    step = compile_step(objective, build_optimizer(config, network, 1), config, ALONE, Noise(network, 0, 0))
    expected = copy_of(network)
    for number, batch in enumerate(batches(STEPS), 1):
        step([batch])
        average.update(number)
        kept = min(0.3, (1 + number) / (10 + number))
        expected = {p.name: kept * expected[p.name] + (1 - kept) * p.asnumpy() for p in network.get_parameters()}
    for name, array in average.arrays().items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-5, atol=1e-7)
    assert set(average.arrays()) == set(expected)


@pytest.mark.parametrize("level", ["auto", "O2", "O3"])
def test_mixed_precision_learns_nearly_the_same(level):
    full, objective, _ = pair()
    data = batches(STEPS)
    train(PLAIN, full, objective, data)
    half, objective, _ = pair()
    step, _ = train(replace(PLAIN, amp=level), half, objective, data)
    assert step.skipped == 0
    assert all(p.dtype == full.first.weight.dtype for p in half.get_parameters())
    same = [
        np.array_equal(a.asnumpy(), b.asnumpy())
        for a, b in zip(full.get_parameters(), half.get_parameters(), strict=True)
    ]
    assert not all(same)  # something was calculated otherwise
    for a, b in zip(full.get_parameters(), half.get_parameters(), strict=True):
        np.testing.assert_allclose(a.asnumpy(), b.asnumpy(), atol=5e-3)


def test_an_overflow_skips_the_step_and_halves_the_scale():
    network, objective, _ = pair()
    config = replace(PLAIN, amp="auto")
    set_train(config, objective, network)
    lower_objective(objective, "auto")
    step = compile_step(objective, build_optimizer(config, network, 1), config, ALONE, Noise(network, 0, 0))
    (batch,) = batches(1)
    step.scale.value = 1e30  # beyond float16 and, squared, beyond float32
    before = copy_of(network)
    step([batch])
    assert (step.skipped, step.scale.value) == (1, 5e29)
    assert all(np.array_equal(p.asnumpy(), before[p.name]) for p in network.trainable_params())
    step.scale.value = 1024.0
    step([batch])
    assert step.skipped == 1
    assert not np.array_equal(network.first.weight.asnumpy(), before["first.weight"])
    assert np.isfinite(network.first.weight.asnumpy()).all()


def test_the_scale_doubles_after_many_good_steps():
    scale = LossScale(replace(PLAIN, amp="O2"))
    first = scale.value
    for _ in range(GROWTH_STEPS - 1):
        scale.count(True)
    assert scale.value == first
    other = LossScale(replace(PLAIN, amp="O2"))
    other.restore(scale.state())
    other.count(True)
    assert other.value == 2 * first
    fixed = LossScale(replace(PLAIN, amp="O2", loss_scale=8.0))
    fixed.count(False)
    assert fixed.value == 8.0
