"""MindSpore as zoo starts it, which has to be before the first operator; a command run later cannot."""

import os

# Without it oneDNN runs reference kernels on AVX-512 processors; zoo's engine does the same.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")

from types import SimpleNamespace

import numpy as np
import pytest


@pytest.fixture(scope="session", autouse=True)
def device():
    from zoo.engine import device

    device.start("CPU")


@pytest.fixture(scope="session")
def build():
    """A function: an encoder by MindCV's name of it, as the plugin builds it, in evaluation mode."""
    import zoo_mindcv

    def make(name, seed=0):
        encoder = zoo_mindcv.build(name, SimpleNamespace(train=SimpleNamespace(seed=seed)))
        encoder.set_train(False)
        return encoder

    return make


@pytest.fixture(scope="session")
def picture():
    """A function: a normalised image (N, 3, height, width)."""
    from mindspore import Tensor

    def draw(height, width, count=1):
        return Tensor(np.random.default_rng(5).normal(size=(count, 3, height, width)).astype(np.float32))

    return draw
