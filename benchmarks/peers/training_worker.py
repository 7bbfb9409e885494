"""One side of the comparison of training steps: a process that does as many steps as it is told, and says how long.

python benchmarks/peers/training_worker.py torch|zoo --batch 2 --size 256 --weights FILE

Reads a number of steps from each line of its input and answers each with one line of JSON: seconds and processor
seconds of each step, loss of each, peak memory. Between lines it sleeps, so that several workers can take turns.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np

RATE, MOMENTUM = 0.01, 0.9


def torch_peer():
    """The plugin's restatement of MODNet in PyTorch, made for its parity tests."""
    path = Path(__file__).parents[2] / "plugins" / "modnet" / "tests" / "torch_modnet.py"
    spec = importlib.util.spec_from_file_location("torch_modnet", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["torch_modnet"] = module
    spec.loader.exec_module(module)
    return module


def batch(size: int, side: int) -> SimpleNamespace:
    """Smooth random pictures with a disc for a person; a ring around its edge is unknown."""
    import cv2

    rng = np.random.default_rng(0)
    image = np.stack([cv2.resize(rng.normal(size=(8, 8, 3)), (side, side)).transpose(2, 0, 1) for _ in range(size)])
    y, x = np.mgrid[:side, :side] / side - 0.5
    distance = np.stack([np.hypot(x - 0.05 * k / size, y) for k in range(size)])[:, None]
    alpha = np.clip((0.3 - distance) * 40 + 0.5, 0, 1)
    trimap = np.where(abs(distance - 0.3) < 0.05, 0.5, (distance < 0.3).astype(float))
    return SimpleNamespace(
        **{k: v.astype(np.float32) for k, v in (("image", image), ("alpha", alpha), ("trimap", trimap))}
    )


def torch_step(data: SimpleNamespace, weights: Path) -> Callable[[], float]:
    """PyTorch eager, the weights of the file."""
    import torch

    peer = torch_peer()
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    network = peer.MODNet().train()
    network.load_state_dict({name: torch.from_numpy(array) for name, array in np.load(weights).items()})
    optimizer = torch.optim.SGD(network.parameters(), RATE, momentum=MOMENTUM)
    tensors = [torch.from_numpy(array) for array in (data.image, data.alpha, data.trimap)]

    def step() -> float:
        optimizer.zero_grad()
        loss = sum(peer.losses(network(tensors[0]), *tensors))
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def zoo_step(data: SimpleNamespace, weights: Path) -> Callable[[], float]:
    """The engine's own step, as `zoo train` makes it; with ZOO_NATIVE=0 without native operators."""
    from registry import load
    from zoo.config import resolve
    from zoo.engine import device

    device.start("CPU")
    import mindspore as ms

    from zoo.engine.build import build_model, build_objective
    from zoo.engine.dropout import Noise
    from zoo.engine.freeze import set_train
    from zoo.engine.group import ALONE
    from zoo.engine.optimizer import build_optimizer
    from zoo.engine.step import compile_step
    from zoo.native import accelerate

    registry = load()
    values = [("model.name", "modnet", "bench"), ("train.lr", RATE, "bench"), ("train.schedule", "constant", "bench")]
    config = resolve(registry.get("model", "modnet").config, values=values).config
    network = build_model(registry, config)
    known = np.load(weights)
    for parameter in network.get_parameters():
        parameter.set_data(ms.Tensor(known[torch_name(parameter.name)]))
    noise = Noise(network, 0, 0)
    objective = build_objective(registry, config, network)
    set_train(config.train, objective, network)
    print(accelerate(objective, config.train.amp), file=sys.stderr)
    step = compile_step(objective, build_optimizer(config.train, network, 1000), config.train, ALONE, noise)
    return lambda: step([data])[0]


_NORMS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}


def torch_name(name: str) -> str:
    """PyTorch's name of a parameter of our MODNet."""
    layer, _, part = name.rpartition(".")
    layer = layer.replace("backbone.features", "backbone.model.features")
    return f"{layer}.{_NORMS.get(part, part)}"


def write_weights(path: Path) -> None:
    """The same weights for all, as PyTorch initialises them."""
    import torch

    torch.manual_seed(0)
    np.savez(path, **{name: value.numpy() for name, value in torch_peer().MODNet().state_dict().items()})


def peak_mib() -> float:
    """Peak resident memory of this process, in MiB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Answer lines until there are no more."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("side", choices=["torch", "zoo", "weights"])
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--weights", type=Path, required=True)
    given = parser.parse_args()
    if given.side == "weights":
        write_weights(given.weights)
        return
    data = batch(given.batch, given.size)
    step = (torch_step if given.side == "torch" else zoo_step)(data, given.weights)
    for line in sys.stdin:
        wall, cpu, losses = [], [], []
        for _ in range(int(line)):
            begun, used = time.perf_counter(), time.process_time()
            losses.append(step())
            wall.append(time.perf_counter() - begun)
            cpu.append(time.process_time() - used)
        print(json.dumps({"wall": wall, "cpu": cpu, "losses": losses, "peak_mib": peak_mib()}), flush=True)


if __name__ == "__main__":
    main()
