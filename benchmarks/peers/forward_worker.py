"""One side of the comparison of forward passes: a process that does as many as it is told, and says how long.

    python benchmarks/peers/forward_worker.py SIDE --folder DIR --height 512 --width 512
    python benchmarks/peers/forward_worker.py prepare --folder DIR

``prepare`` writes the same random weights for all into DIR: for PyTorch, as PyTorch's own ONNX export, as a checkpoint
of zoo. A side reads a number of passes from each line of its input and answers with one line of JSON: seconds by the
clock and by the processor of each pass, peak memory. Between lines it sleeps, so that several can take turns. With
--photo a pass is a whole prediction: a JPEG file of that size to the PNG file of its matte, the network's input as zoo
makes it.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

SIDES = ("torch", "onnxruntime", "zoo auto", "zoo onnxruntime", "zoo mindspore")
"""PyTorch eager; ONNX Runtime with PyTorch's own export; zoo with each value of --runtime."""

Forward = Callable[[np.ndarray], np.ndarray]


def torch_peer() -> ModuleType:
    """The plugin's restatement of MODNet in PyTorch, made for its parity tests."""
    path = Path(__file__).parents[2] / "plugins" / "modnet" / "tests" / "torch_modnet.py"
    spec = importlib.util.spec_from_file_location("torch_modnet", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["torch_modnet"] = module
    spec.loader.exec_module(module)
    return module


def threads() -> int:
    """Threads of every side: as many as zoo takes."""
    from zoo.engine.runtime_onnx import threads as of_zoo

    return of_zoo()


def prepare(folder: Path) -> None:
    """Weights and exports of all sides."""
    import torch

    torch.manual_seed(0)
    network = torch_peer().MODNet().eval()
    torch.save(network.state_dict(), folder / "weights.pt")
    example = torch.zeros(1, 3, 512, 512)

    class Alpha(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return self.network(image).alpha

    axes = {"image": {0: "n", 2: "h", 3: "w"}, "alpha": {0: "n", 2: "h", 3: "w"}}
    names = {"input_names": ["image"], "output_names": ["alpha"], "dynamic_axes": axes}
    warnings.simplefilter("ignore")  # that this exporter is the older one; the newer one needs one more package
    torch.onnx.export(Alpha().eval(), (example,), str(folder / "torch.onnx"), dynamo=False, opset_version=17, **names)
    words = ["convert", "modnet", str(folder / "weights.pt"), str(folder / "zoo.ckpt"), "--force"]
    subprocess.run([sys.executable, "-m", "zoo.cli", *words], check=True, stdout=subprocess.DEVNULL)


def torch_side(folder: Path) -> Forward:
    """PyTorch eager."""
    import torch

    torch.set_num_threads(threads())
    network = torch_peer().MODNet().eval()
    network.load_state_dict(torch.load(folder / "weights.pt"))

    def forward(planes: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return network(torch.from_numpy(planes)).alpha.numpy()

    return forward


def onnxruntime_side(folder: Path) -> Forward:
    """ONNX Runtime as its users start it, with PyTorch's own export."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads()
    session = onnxruntime.InferenceSession(str(folder / "torch.onnx"), options, providers=["CPUExecutionProvider"])
    return lambda planes: session.run(None, {"image": planes})[0]


def zoo_side(folder: Path, runtime: str) -> Any:
    """The predictor of `zoo predict`."""
    from registry import load
    from zoo.engine import checkpoint, runtimes
    from zoo.engine.load import config_for, load_kept, load_model

    registry, path = load(), folder / "zoo.ckpt"
    source = runtimes.Source(registry, registry.get("model", "modnet"), registry.owner("model", "modnet"), path)
    kept = runtimes.open_kept(runtime, None, source)
    if kept is not None:
        saved = kept.checkpoint
        return load_kept(registry, config_for(saved, "modnet"), saved, kept.runner).predictor
    saved = checkpoint.read(path)
    return load_model(registry, config_for(saved, "modnet"), saved, None, runtime).predictor


def side(name: str, folder: Path, planes: np.ndarray) -> tuple[Forward, str]:
    """A side, and what it says it ran in; compiled for these planes if it compiles."""
    if name == "torch":
        return torch_side(folder), "PyTorch"
    if name == "onnxruntime":
        return onnxruntime_side(folder), "ONNX Runtime"
    predictor = zoo_side(folder, name.removeprefix("zoo "))
    predictor.compile(planes)
    return predictor.forward, predictor.runtime


def photo_pass(name: str, folder: Path, height: int, width: int) -> tuple[Callable[[], None], str]:
    """A whole prediction of a photo; peers get their input and answer by zoo's functions, which import no framework."""
    from registry import load
    from zoo.config import resolve
    from zoo.data.images import read_image, write_png
    from zoo.engine import resize

    file = folder / f"{height}x{width}.jpg"
    target = folder / f"{name.replace(' ', '-')}.png"
    if name.startswith("zoo "):
        predictor = zoo_side(folder, name.removeprefix("zoo "))
        return lambda: write_png(target, predictor.predict(read_image(file))), predictor.runtime
    config = resolve(load().get("model", "modnet").config).config
    forward, ran_in = side(name, folder, np.zeros((1, 3, 32, 32), np.float32))

    def once() -> None:
        image = read_image(file)
        write_png(target, resize.restore(forward(resize.prepare(image, config))[0, 0], height, width, config))

    return once, ran_in


def peak_mib() -> float:
    """Peak resident memory of this process, in MiB; ``ru_maxrss`` would begin with that of whoever started it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> None:
    """Answer lines until there are no more."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("side", choices=["prepare", *SIDES])
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--height", type=int, default=512)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--photo", action="store_true")
    parser.add_argument("--processor", type=int, help="Run on this one alone, counted among those allowed.")
    given = parser.parse_args()
    if given.processor is not None:
        os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[given.processor]})
    if given.side == "prepare":
        prepare(given.folder)
        return
    if given.photo:
        once, ran_in = photo_pass(given.side, given.folder, given.height, given.width)
    else:
        shape = (given.batch, 3, given.height, given.width)
        planes = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
        forward, ran_in = side(given.side, given.folder, planes)
        np.save(given.folder / f"{given.side}.npy", forward(planes))

        def once() -> None:
            forward(planes)

    print(json.dumps({"ran_in": ran_in, "threads": threads(), "pid": os.getpid()}), flush=True)
    for line in sys.stdin:
        wall, cpu = [], []
        for _ in range(int(line)):
            begun, used = time.perf_counter(), time.process_time()
            once()
            wall.append(time.perf_counter() - begun)
            cpu.append(time.process_time() - used)
        print(json.dumps({"wall": wall, "cpu": cpu, "peak_mib": peak_mib()}), flush=True)


if __name__ == "__main__":
    main()
