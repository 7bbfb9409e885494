"""Layers that calculate natively: the same training, the same names, and what is left alone."""

from __future__ import annotations

import numpy as np
import pytest

from zoo.native.cells import exchange


def network(seed=0):
    """Every kind of layer that is exchanged, and some that are not."""
    import mindspore as ms
    from mindspore import nn, ops

    class Own(nn.Conv2d):
        pass

    class Columns(nn.Cell):
        def __init__(self):
            super().__init__()
            self.columns = ops.BatchNorm(is_training=True, epsilon=1e-5, momentum=0.0)

        def construct(self, x):
            n, c, h, w = x.shape
            ones, zeros = ops.ones((n * c,), x.dtype), ops.zeros((n * c,), x.dtype)
            return self.columns(x.reshape((1, n * c, h, w)), ones, zeros, zeros, ones)[0].reshape(x.shape)

    class Network(nn.Cell):
        def __init__(self):
            super().__init__()
            self.first = nn.SequentialCell(
                nn.Conv2d(3, 16, 3, stride=2, pad_mode="pad", padding=1),
                nn.BatchNorm2d(16, momentum=0.7),
                nn.ReLU6(),
                nn.Conv2d(16, 16, 3, pad_mode="pad", padding=2, dilation=2, group=16),
                nn.BatchNorm2d(16),
                nn.Conv2d(16, 8, 1, pad_mode="valid", has_bias=True, bias_init="normal"),
            )
            self.instance = Columns()
            self.relu = nn.ReLU()
            self.same = nn.Conv2d(8, 8, (3, 4))
            self.own = Own(8, 8, 3)
            self.strided = nn.Conv2d(8, 4, 3, stride=2)

        def construct(self, x):
            x = self.relu(self.instance(self.first(x)))
            return self.strided(self.own(self.same(x)))

    built = Network()
    random = np.random.default_rng(seed)
    for parameter in built.get_parameters():
        value = random.normal(0, 0.2, parameter.shape)
        if parameter.name.endswith(("gamma", "moving_variance")):
            value = 1 + np.abs(value)
        parameter.set_data(ms.Tensor(value.astype(np.float32)))
    return built


def steps(built, count=3):
    """Losses and weights of some steps, compiled."""
    import mindspore as ms
    from mindspore import nn, ops

    random = np.random.default_rng(5)
    x = ms.Tensor(random.normal(size=(2, 3, 32, 32)).astype(np.float32))
    optimizer = nn.SGD(built.trainable_params(), 1e-4, momentum=0.9)

    def loss(x):
        return ops.square(built(x) - 1).mean()

    taken = ms.value_and_grad(loss, None, optimizer.parameters)

    def step(x):
        value, found = taken(x)
        return ops.depend(value, optimizer(found))

    built.set_train(True)
    step = ms.jit(step)
    losses = [float(step(x).asnumpy()) for _ in range(count)]
    return losses, {p.name: p.asnumpy().copy() for p in built.get_parameters()}, x


@pytest.fixture(scope="module")
def both(native):
    """The same network twice, one of the two exchanged, after the same steps."""
    plain, exchanged = network(), network()
    found = exchange(exchanged, native)
    return plain, exchanged, found, steps(plain), steps(exchanged)


def test_what_is_exchanged(both):
    _, exchanged, found, *_ = both
    assert (found.convolutions, found.norms, found.activations, found.columns) == (4, 2, 1, 1)
    assert type(exchanged.own).__name__ == "Own"
    assert type(exchanged.strided).__name__ == "Conv2d"  # "same" with a stride depends on the picture
    assert str(found) == "4 convolutions, 2 batch norms, 1 instance norms, 1 activations within norms"


def test_names_and_order_of_parameters_stay(both):
    plain, exchanged, *_ = both
    assert [p.name for p in plain.get_parameters()] == [p.name for p in exchanged.get_parameters()]
    assert [p.name for p in plain.trainable_params()] == [p.name for p in exchanged.trainable_params()]


def test_the_same_training(both):
    *_, (losses, weights, _), (our_losses, our_weights, _) = both
    assert our_losses == pytest.approx(losses, rel=1e-4)
    for name, expected in weights.items():
        np.testing.assert_allclose(our_weights[name], expected, rtol=2e-3, atol=2e-4, err_msg=name)


def test_in_evaluation_mode_they_use_the_moving_statistics(both):
    import mindspore as ms

    plain, exchanged, _, _, (_, weights, x) = both
    for parameter in plain.get_parameters():
        parameter.set_data(ms.Tensor(weights[parameter.name]))
    answers = [built.set_train(False)(x).asnumpy() for built in (plain, exchanged)]
    np.testing.assert_allclose(answers[1], answers[0], rtol=1e-4, atol=1e-5)


def test_a_norm_in_evaluation_mode_within_a_training_keeps_its_statistics(native):
    built = network()
    exchange(built, native)
    norm = built.first[1]
    norm.set_train(False)
    before = norm.moving_mean.asnumpy().copy()
    built.set_train(True)
    norm.set_train(False)
    from mindspore import ops

    built.first(ops.ones((1, 3, 8, 8)))
    assert np.array_equal(norm.moving_mean.asnumpy(), before)


def test_cells_of_a_sequence_are_what_they_were_one_by_one(native):
    """A network may look at a norm's output before the activation."""
    from mindspore import ops

    built = network()
    exchange(built, native)
    built.set_train(True)
    x = ops.ones((1, 16, 4, 4)) * ops.arange(4).astype("float32")
    assert built.first[1](x).asnumpy().min() < 0
    assert type(built.first[2]).__name__ == "ReLU6"
