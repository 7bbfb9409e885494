"""One network and one objective for the whole folder: building and compiling are what takes time."""

import os

# Before the first operator; zoo's engine does the same. Without it oneDNN runs reference kernels on AVX-512 processors.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def config():
    import zoo_modnet

    from zoo.config import resolve

    return resolve(Path(zoo_modnet.__file__).with_name("default.yaml")).config


@pytest.fixture(scope="session")
def build(config):
    """Make a fresh MODNet with its encoder."""
    import zoo_modnet

    def make(config=config):
        return zoo_modnet.build_network(config, zoo_modnet.build_backbone(config))

    return make


@pytest.fixture(scope="session")
def modnet(build):
    """A network in evaluation mode with lively running statistics; tests leave it as it is."""
    from mindspore import Tensor

    network = build()
    random = np.random.default_rng(1)
    for parameter in network.get_parameters():
        if parameter.name.endswith("moving_mean"):
            parameter.set_data(Tensor(random.normal(0, 0.2, parameter.shape).astype(np.float32)))
        if parameter.name.endswith("moving_variance"):
            parameter.set_data(Tensor(random.uniform(0.5, 2, parameter.shape).astype(np.float32)))
    network.set_train(False)
    return network


@pytest.fixture(scope="session")
def batch():
    """A function that draws image, alpha and trimap, float32 arrays that agree with each other."""

    def draw(count, height, width, seed=0):
        random = np.random.default_rng(seed)
        rows, columns = np.mgrid[:height, :width]
        image, alpha = [], []
        for _ in range(count):
            centre = random.uniform(0.3, 0.7, 2) * (height, width)
            distance = np.hypot(rows - centre[0], columns - centre[1]) / min(height, width)
            matte = np.clip((0.35 - distance) * 10, 0, 1)
            front, back = random.uniform(-1, 1, (2, 3, 1, 1))
            noise = random.normal(0, 0.1, (3, height, width))
            image.append(np.clip(matte * front + (1 - matte) * back + noise, -1, 1))
            alpha.append(matte[None])
        alpha = np.array(alpha)
        trimap = np.where(alpha >= 1, 1.0, np.where(alpha > 0, 0.5, 0.0))
        return tuple(np.asarray(each, np.float32) for each in (image, alpha, trimap))

    return draw
