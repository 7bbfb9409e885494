"""What benchmarks/gpu.py does inside MindSpore, each part in a process of its own; its last line is the result.

python benchmarks/gpu_parts.py numbers --device GPU ...
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import numpy as np

from registry import load_from_environment
from zoo.cli.options import recipe_path
from zoo.config import Config, resolve
from zoo.engine import device as devices
from zoo.engine.memory import is_out_of_memory, peak_mib
from zoo.gpu import tensor_float
from zoo.gpu.memory import forget_peak, peak_device_mib


class Subject:
    """A model on a device, its weights fresh or those of a file.

    Args:
        device: As for ``--device``.
        model: Its name.
        plugin: Module or file to load besides the installed ones.
        recipe: A recipe over the model's own config.
        settings: As for ``--set``.
        exact: No TensorFloat-32.
    """

    def __init__(
        self, device: str, model: str, plugin: str | None, recipe: str | None, settings: list[str], exact: bool = False
    ) -> None:
        self.registry = load_from_environment(extra=[plugin] if plugin else [])
        spec = self.registry.get("model", model)
        file = recipe_path(recipe) if recipe else None
        values = [("model.name", model, "benchmark")]
        self.config: Config = resolve(spec.config, file, settings, values).config
        on_card = devices.start(device).target == "GPU"
        if exact and on_card:
            tensor_float.off()
        import mindspore as ms

        from zoo.engine.build import build_model

        ms.set_seed(0)
        self.network = build_model(self.registry, self.config)

    def take(self, weights: Path) -> None:
        """The weights that `numbers` left."""
        import mindspore as ms

        known = np.load(weights)
        for parameter in self.network.get_parameters():
            parameter.set_data(ms.Tensor(known[f"weight.{parameter.name}"]))

    def objective(self) -> Any:
        """That of the config's stage, ready to train."""
        from zoo.engine.build import build_objective
        from zoo.engine.freeze import set_train
        from zoo.engine.precision import lower_network, lower_objective

        level = self.config.train.amp
        lower_network(self.network, level)
        found = build_objective(self.registry, self.config, self.network)
        set_train(self.config.train, found, self.network)
        lower_objective(found, level)
        return found


def batch_of(count: int, side: int) -> SimpleNamespace:
    """Noise in the place of pictures: image, alpha and trimap as the loader gives them."""
    rng = np.random.default_rng(0)
    alpha = rng.random((count, 1, side, side), np.float32)
    trimap = np.where(alpha < 0.3, 0, np.where(alpha > 0.7, 1, 0.5)).astype(np.float32)
    image = rng.normal(size=(count, 3, side, side)).astype(np.float32)
    return SimpleNamespace(image=image, alpha=alpha, trimap=trimap)


def subject_options(function: Callable[..., None]) -> Callable[..., None]:
    """What every part takes."""
    for option in (
        click.option("--device", default="GPU"),
        click.option("--model", default="modnet"),
        click.option("--plugin"),
        click.option("--recipe"),
        click.option("--set", "settings", multiple=True),
        click.option("--side", default=512),
        click.option("--batch", default=1),
        click.option("--repeat", default=10),
    ):
        function = option(function)
    return function


@click.group()
def main() -> None:
    """Parts of benchmarks/gpu.py."""


@main.command()
@subject_options
@click.option("--weights", type=Path, help="An earlier result, whose weights are taken.")
@click.option("--exact/--no-exact", default=True)
@click.option("--output", type=Path, required=True)
def numbers(
    device: str,
    model: str,
    plugin: str | None,
    recipe: str | None,
    settings: tuple[str, ...],
    side: int,
    batch: int,
    repeat: int,
    weights: Path | None,
    exact: bool,
    output: Path,
) -> None:
    """Alpha, loss and gradients of a batch, and the weights that they belong to, as an .npz file."""
    subject = Subject(device, model, plugin, recipe, list(settings), exact)
    import mindspore as ms

    if weights is not None:
        subject.take(weights)
    found = {f"weight.{p.name}": p.asnumpy().copy() for p in subject.network.get_parameters()}
    data = batch_of(batch, side)
    image, *truth = (ms.Tensor(array) for array in (data.image, data.alpha, data.trimap))
    found["alpha"] = subject.network(image).asnumpy()
    objective = subject.objective()
    parameters = subject.network.trainable_params()
    values, gradients = ms.value_and_grad(objective, None, parameters, has_aux=True)(image, *truth)
    found["loss"] = np.array([float(value.asnumpy()) for value in values])
    for parameter, gradient in zip(parameters, gradients, strict=True):
        found[f"gradient.{parameter.name}"] = gradient.asnumpy()
    np.savez(output, **found)
    tell({"device": str(devices.start()), "exact": exact})


@main.command()
@subject_options
def forward(
    device: str,
    model: str,
    plugin: str | None,
    recipe: str | None,
    settings: tuple[str, ...],
    side: int,
    batch: int,
    repeat: int,
) -> None:
    """The compiled network on batches of 1, 2, 4 ... up to --batch, from an array on the host to an array there."""
    subject = Subject(device, model, plugin, recipe, list(settings))
    import mindspore as ms

    def alpha_of(image: Any) -> Any:
        return subject.network(image)

    graph, rows, count = ms.jit(alpha_of), [], 1
    while count <= batch:
        image = batch_of(count, side).image
        forget_peak()
        try:
            first, times = timed(lambda image=image: graph(ms.Tensor(image)).asnumpy(), repeat)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            rows.append({"batch": count, "out_of_memory": True})
            break
        median = float(np.median(times))
        rows.append(
            {
                "batch": count,
                "first_call_s": first,
                "p50_ms": median,
                "images_per_s": 1000 * count / median,
                "samples_ms": times,
                "peak_device_mib": peak_device_mib(),
            }
        )
        count *= 2
    tell({"side": side, "rows": rows, **devices.describe()})


@main.command()
@subject_options
def step(
    device: str,
    model: str,
    plugin: str | None,
    recipe: str | None,
    settings: tuple[str, ...],
    side: int,
    batch: int,
    repeat: int,
) -> None:
    """The engine's training step as the recipe has it, on one batch again and again."""
    subject = Subject(device, model, plugin, recipe, list(settings))
    from zoo.engine.dropout import Noise
    from zoo.engine.group import ALONE
    from zoo.engine.optimizer import build_optimizer
    from zoo.engine.step import compile_step
    from zoo.native import accelerate

    config = subject.config.train
    noise = Noise(subject.network, config.seed, 0)
    objective = subject.objective()
    accelerate(objective, config.amp)
    run = compile_step(objective, build_optimizer(config, subject.network, 1000), config, ALONE, noise)
    data = batch_of(batch, side)
    losses: list[float] = []
    forget_peak()
    first, times = timed(lambda: losses.append(run([data])[0]), repeat)
    tell(
        {
            "side": side,
            "batch": batch,
            "amp": config.amp,
            "first_call_s": first,
            "p50_ms": float(np.median(times)),
            "p90_ms": float(np.percentile(times, 90)),
            "samples_ms": times,
            "losses": losses,
            "skipped": run.skipped,
            "peak_device_mib": peak_device_mib(),
            "peak_mib": peak_mib(),
        }
    )


def timed(call: Callable[[], Any], repeat: int, warmup: int = 2) -> tuple[float, list[float]]:
    """Seconds of the first call, and milliseconds of those after the warm-up; each waits for its numbers."""
    times = []
    for _ in range(1 + warmup + repeat):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return times[0], [1000 * seconds for seconds in times[1 + warmup :]]


def tell(result: dict[str, Any]) -> None:
    """The result, for the process that asked."""
    click.echo(json.dumps(result))


if __name__ == "__main__":
    main()
