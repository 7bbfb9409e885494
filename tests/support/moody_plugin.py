"""A model whose training hangs on all that a resume must bring back: dropout, and an objective that remembers.

At each epoch's end the objective draws a random weight for its loss, from NumPy's and Python's global streams, and a
copy of the network takes the network's weights; its answers are part of the next epoch's loss.
"""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from zoo import Card, ModelSpec, Objective, hookimpl


def build(config, backbone):
    from mindspore import nn, ops

    class Moody(nn.Cell):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(3, 8, 3, pad_mode="pad", padding=1)
            self.norm = nn.BatchNorm2d(8)
            self.drop = nn.Dropout(p=0.2)
            self.last = nn.Conv2d(8, 1, 3, pad_mode="pad", padding=1, has_bias=True)

        def construct(self, image):
            return ops.sigmoid(self.last(self.drop(ops.relu(self.norm(self.first(image))))))

    return Moody()


def build_objective(network, config):
    import mindspore as ms
    from mindspore import nn, ops

    class Remembering(nn.Cell):
        def __init__(self):
            super().__init__(auto_prefix=False)
            self.network = network
            self.weight = ms.Parameter(ms.Tensor(1.0, ms.float32), name="mood.weight", requires_grad=False)
            self.before = ms.Parameter(network.last.bias.asnumpy().copy(), name="mood.bias", requires_grad=False)

        def construct(self, image, alpha, trimap):
            error = ops.abs(self.network(image) - alpha).mean()
            drift = ops.square(self.network.last.bias - self.before).sum()
            return self.weight * error + drift, error, drift

        def epoch_end(self):
            ops.assign(self.weight, ms.Tensor(0.5 + np.random.rand() + random.random(), ms.float32))
            ops.assign(self.before, self.network.last.bias)

    return Remembering()


@hookimpl
def register_models(register):
    config = Path(__file__).with_name("moody.yaml")
    objectives = {"supervised": Objective(build_objective, terms=("error", "drift"))}
    register(ModelSpec("moody", build=build, card=Card("Moody"), config=config, objectives=objectives))
