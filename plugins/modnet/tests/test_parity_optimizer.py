"""The optimizer and its schedule against PyTorch's, as the authors' sample sets them up."""

import numpy as np
import pytest
from mindspore import Parameter, Tensor, nn

from zoo.engine.optimizer import build_optimizer, learning_rates


class Weights(nn.Cell):
    """Two parameters and no more."""

    def __init__(self, arrays):
        super().__init__()
        self.first, self.second = (Parameter(Tensor(a), name=n) for n, a in zip(("a", "b"), arrays, strict=True))


@pytest.mark.parametrize("decay", [0.0, 4e-5])
def test_sgd(config, decay):
    """Eight steps on the same gradients: the first ones (no momentum yet) and across a drop of the rate."""
    import torch

    config = config.override(train={"epochs": 4, "step_epochs": 1, "weight_decay": decay}).train
    random = np.random.default_rng(0)
    shapes = (3, 4), (5,)
    start = [random.normal(size=shape).astype(np.float32) for shape in shapes]
    ours = Weights(start)
    theirs = [torch.nn.Parameter(torch.tensor(array)) for array in start]
    optimizer = build_optimizer(config, ours, steps_per_epoch=2)
    peer = torch.optim.SGD(theirs, lr=0.01, momentum=0.9, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.StepLR(peer, step_size=int(0.25 * config.epochs), gamma=0.1)
    for step in range(8):
        gradients = [random.normal(size=shape).astype(np.float32) for shape in shapes]
        optimizer(tuple(Tensor(gradient) for gradient in gradients))
        for parameter, gradient in zip(theirs, gradients, strict=True):
            parameter.grad = torch.tensor(gradient)
        peer.step()
        if step % 2 == 1:
            schedule.step()
        for our, their in zip(ours.get_parameters(), theirs, strict=True):
            # A step of float32 near 1 is 1.2e-7.
            np.testing.assert_allclose(our.asnumpy(), their.detach().numpy(), atol=2.4e-7, err_msg=f"step {step}")


def test_rates_of_the_recipe(config):
    """The default recipe, epoch by epoch, against the scheduler of the authors' sample."""
    import torch

    assert config.train.epochs == 40
    peer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.01, momentum=0.9)
    schedule = torch.optim.lr_scheduler.StepLR(peer, step_size=int(0.25 * 40), gamma=0.1)
    expected = []
    for _ in range(40):
        expected += [schedule.get_last_lr()[0]] * 3
        peer.step()
        schedule.step()
    assert learning_rates(config.train, 3) == pytest.approx(expected, rel=1e-12)
