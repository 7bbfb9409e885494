"""Small networks for the whole folder: building and compiling are what takes time."""

import importlib.util
import os

# Before the first operator; zoo's engine does the same. Without it oneDNN runs reference kernels on AVX-512 processors.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")

from pathlib import Path

import numpy as np
import pytest

WIDTH = 8
"""Channels of the first map in most tests, an eighth of the published."""


@pytest.fixture(scope="session", autouse=True)
def device():
    """MindSpore as zoo starts it, which has to be before the first operator; a command run later cannot."""
    from zoo.engine import device

    device.start("CPU")


@pytest.fixture(scope="session")
def default_config():
    """The plugin's defaults."""
    import zoo_p3mnet

    from zoo.config import resolve

    return resolve(Path(zoo_p3mnet.__file__).with_name("default.yaml")).config


@pytest.fixture(scope="session")
def config(default_config):
    """The defaults with a narrow encoder."""
    return default_config.override(model={"options": {**default_config.model.options, "encoder_width": WIDTH}})


@pytest.fixture(scope="session")
def build(config):
    """Make a fresh P3M-Net with its encoder."""
    import zoo_p3mnet

    def make(config=config):
        return zoo_p3mnet.build_network(config, zoo_p3mnet.build_backbone(config))

    return make


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
            front, back = random.uniform(-2, 2, (2, 3, 1, 1))
            image.append(matte * front + (1 - matte) * back + random.normal(0, 0.2, (3, height, width)))
            alpha.append(matte[None])
        alpha = np.array(alpha)
        trimap = np.where(alpha >= 1, 1.0, np.where(alpha > 0, 0.5, 0.0))
        return tuple(np.asarray(each, np.float32) for each in (image, alpha, trimap))

    return draw


# --- PyTorch as the peer ---------------------------------------------------------------------------
# A missing PyTorch is an error here, not a skipped test: parity that was not checked must not look checked.


@pytest.fixture(scope="session")
def peer():
    """The module torch_p3mnet.py beside this file."""
    import torch

    torch.set_num_threads(1)  # two frameworks that spin on the same cores slow each other down many times
    place = importlib.util.spec_from_file_location("torch_p3mnet", Path(__file__).with_name("torch_p3mnet.py"))
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def transfer():
    """A function: the weights of a PyTorch network into a MindSpore network, which it returns."""
    import zoo_p3mnet

    from zoo.engine.checkpoint import load_weights

    def give(module, network):
        arrays = {name: value.float().numpy() for name, value in module.state_dict().items()}
        load_weights(network, zoo_p3mnet.convert(arrays), "the peer")
        return network

    return give


@pytest.fixture(scope="session")
def figures():
    """A function that keeps a row of a named table; the tables are printed at the end (pytest -s shows them)."""
    tables = {}

    def add(title, **row):
        tables.setdefault(title, []).append(row)

    yield add
    for title, rows in tables.items():
        lines = [list(rows[0]), ["---"] * len(rows[0]), *([str(v) for v in row.values()] for row in rows)]
        print(f"\n\n{title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines))
