"""One network and one objective for the whole folder: building and compiling are what takes time."""

import importlib.util
import os

# Before the first operator; zoo's engine does the same. Without it oneDNN runs reference kernels on AVX-512 processors.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session", autouse=True)
def device():
    """MindSpore as zoo starts it, which has to be before the first operator; a command run later cannot."""
    from zoo.engine import device

    device.start("CPU")


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

    def draw(count, height, width, seed=0, noise=0.1):
        random = np.random.default_rng(seed)
        rows, columns = np.mgrid[:height, :width]
        image, alpha = [], []
        for _ in range(count):
            centre = random.uniform(0.3, 0.7, 2) * (height, width)
            distance = np.hypot(rows - centre[0], columns - centre[1]) / min(height, width)
            matte = np.clip((0.35 - distance) * 10, 0, 1)
            front, back = random.uniform(-1, 1, (2, 3, 1, 1))
            grain = random.normal(0, noise, (3, height, width))
            image.append(np.clip(matte * front + (1 - matte) * back + grain, -1, 1))
            alpha.append(matte[None])
        alpha = np.array(alpha)
        trimap = np.where(alpha >= 1, 1.0, np.where(alpha > 0, 0.5, 0.0))
        return tuple(np.asarray(each, np.float32) for each in (image, alpha, trimap))

    return draw


# --- PyTorch as the peer ---------------------------------------------------------------------------
# A missing PyTorch is an error here, not a skipped test: parity that was not checked must not look checked.


@pytest.fixture(scope="session")
def peer():
    """The module torch_modnet.py beside this file."""
    import torch

    torch.set_num_threads(1)  # two frameworks that spin on the same cores slow each other down many times
    place = importlib.util.spec_from_file_location("torch_modnet", Path(__file__).with_name("torch_modnet.py"))
    module = importlib.util.module_from_spec(place)
    place.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def reference(peer, batch):
    """The peer network in float64, in evaluation mode, with lively weights; tests leave it as it is."""
    import torch

    return peer.lively(peer.MODNet().double(), torch.tensor(batch(4, 128, 128, seed=100)[0]).double())


@pytest.fixture(scope="session")
def single(reference):
    """The reference in float32."""
    import copy

    return copy.deepcopy(reference).float()


@pytest.fixture(scope="session")
def converted(single, tmp_path_factory):
    """The reference's weights, saved as the authors save theirs, taken over by ``zoo convert`` and ``zoo.load``."""
    import torch

    import zoo
    from zoo.cli import run

    folder = tmp_path_factory.mktemp("convert")
    # Twice in one file is the encoder, in one place in memory; and theirs is wrapped for several GPUs.
    torch.save(torch.nn.DataParallel(single).state_dict(), folder / "source.ckpt")
    assert run(["convert", "modnet", str(folder / "source.ckpt"), str(folder / "modnet.ckpt"), "--quiet"]) == 0
    return zoo.load("modnet", checkpoint=folder / "modnet.ckpt", device="CPU")


@pytest.fixture(scope="session")
def names_of():
    """A function: names of a PyTorch module's entries by the names that MindSpore's parameters have."""
    import zoo_modnet

    def pairs(module):
        # The encoder is in the module's state a second time, under lr_branch.
        return zoo_modnet.convert({n: n for n in module.state_dict() if not n.startswith("lr_branch.backbone.")})

    return pairs


@pytest.fixture(scope="session")
def transfer(names_of):
    """A function: the weights of a PyTorch module into a MindSpore cell, which it returns."""
    from zoo.engine.checkpoint import load_weights

    def give(module, cell):
        state = module.state_dict()
        load_weights(cell, {new: state[old].float().numpy() for new, old in names_of(module).items()}, "the peer")
        return cell

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
