"""Max pooling, the places of its maxima and unpooling against PyTorch, gradients too."""

import mindspore as ms
import numpy as np
import pytest
import torch
from mindspore import Tensor
from zoo_p3mnet.pooling import MaxPool, Places, Unpool

F = torch.nn.functional


def positive(shape, seed=0):
    """Noise behind a ReLU: half of it is 0, so that many windows have no single maximum."""
    return np.maximum(np.random.default_rng(seed).normal(size=shape), 0).astype(np.float32)


@pytest.mark.parametrize("shape", [(2, 3, 8, 10), (1, 4, 32, 96)])
def test_places_and_values(shape):
    x = positive(shape)
    values, indices = F.max_pool2d(torch.tensor(x), 3, 2, 1, return_indices=True)
    assert np.array_equal(MaxPool()(Tensor(x)).asnumpy(), values.numpy())
    assert np.array_equal(Places()(Tensor(x)).asnumpy(), indices.numpy())


def test_by_hand():
    # One 4 x 4 map. The windows of the four results are centred on rows and columns 0 and 2 and overlap.
    x = np.zeros((1, 1, 4, 4), np.float32)
    x[0, 0, 1, 1] = 9  # in all four windows
    x[0, 0, 3, 3] = 10  # in the last one alone
    places = Places()(Tensor(x))
    assert places.asnumpy().ravel().tolist() == [5, 5, 5, 15]
    small = Tensor(np.array([[[[1, 2], [3, 4]]]], np.float32))
    expected = np.zeros((4, 4))
    expected[1, 1], expected[3, 3] = 3, 4  # of 1, 2 and 3 the last one stays
    assert np.array_equal(Unpool()(small, places).asnumpy()[0, 0], expected)
    weight = Tensor(np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4))
    gradient = ms.grad(lambda x: (Unpool()(x, places) * weight).sum())(small)
    assert gradient.asnumpy().ravel().tolist() == [5, 5, 5, 15]  # and yet all three learn


@pytest.mark.parametrize("compiled", [False, True])
def test_unpooling_and_its_gradient(compiled):
    x = positive((2, 3, 16, 24))
    values, indices = F.max_pool2d(torch.tensor(x), 3, 2, 1, return_indices=True)
    twice = sum(len(plane) - len(set(plane)) for plane in indices.reshape(6, -1).tolist())
    assert twice > 50, "windows that name the same pixel are what this is about"
    small = torch.tensor(np.random.default_rng(1).normal(size=values.shape).astype(np.float32), requires_grad=True)
    large = F.max_unpool2d(small, indices, 2, 2)
    weight = np.random.default_rng(2).normal(size=large.shape).astype(np.float32)
    (large * torch.tensor(weight)).sum().backward()
    places, unpool = Places(), Unpool()

    def weighted(small, x):
        large = unpool(small, places(x))
        return (large * Tensor(weight)).sum(), large

    both = ms.value_and_grad(weighted, (0, 1), has_aux=True)
    run = ms.jit(both) if compiled else both
    (_, got), (gradient, of_x) = run(Tensor(small.detach().numpy()), Tensor(x))
    assert np.array_equal(got.asnumpy(), large.detach().numpy())
    np.testing.assert_allclose(gradient.asnumpy(), small.grad.numpy(), rtol=1e-6)
    assert not of_x.asnumpy().any(), "places have no gradient"
