"""Everything that is to be known of a GPU machine, in one command; leaves one JSON file.

    python benchmarks/gpu.py --output gpu.json
    python benchmarks/gpu.py --output cpu.json --device CPU --quick      the same roads with tiny sizes, no GPU needed

doctor      `zoo doctor MODEL --device GPU`
parity      alpha, loss and gradients on the device against those on the CPU, in whole float32 and (told, not judged)
            with TensorFloat-32
forward     the compiled network at 512 x 512, batches of 1 to 64
step        the training step of the P3M recipe, batch 16 at 512 x 512, at each level of mixed precision; the figure to
            beat is 400 ms, that of the earlier MindSpore port of MODNet
training    `zoo train` for some hundred steps, on the demo set as its recipe has it, and on larger drawn photos with
            the P3M recipe's batch, crop and workers: pace, and the share of it that the device waited for pictures
throughput  `zoo bench throughput`

Each part runs in processes of its own, and the file is written after each: one that crashes loses nothing else. Ends
with 1 if a part failed, or if the numbers of the parity part are further apart than stated in `TOLERANCES`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

SCHEMA = "zoo-gpu/1"

PARTS = Path(__file__).with_name("gpu_parts.py")

GOAL_MS = 400.0
"""Per step at batch 16, 512 x 512: what the earlier MindSpore port of MODNet reports."""

TOLERANCES = {"alpha": 1e-4, "loss": 1e-4, "gradients": 1e-3, "gradient": 1e-2}
"""Chosen before any run on a GPU. A float32 sum in another order is off by about 1e-6, and some seventy layers pass it
on. alpha: largest difference. loss: relative, of the loss and each of its terms. gradients: norm of the difference of
all of them together, in shares of their norm. gradient: the same of each parameter for itself, left out where its norm
is below a millionth of the whole, as of biases in front of a norm, whose gradient is nothing but rounding."""

_NOTHING = 1e-6


@dataclass(frozen=True)
class Sizes:
    """How much of everything."""

    side: int
    parity_batch: int
    largest_batch: int
    step_batch: int
    repeat: int
    levels: tuple[str, ...]
    goal_ms: float | None
    demo: Run
    large: Run | None
    photo: tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """A training: how many pictures of which short side are drawn, and what is set."""

    pictures: int
    short_side: int
    settings: tuple[str, ...]


WHOLE = Sizes(
    side=512,
    parity_batch=2,
    largest_batch=64,
    step_batch=16,
    repeat=20,
    levels=("O0", "auto", "O2", "O3"),
    goal_ms=GOAL_MS,
    demo=Run(128, 256, ("train.epochs=20",)),  # 15 steps each
    large=Run(
        128, 1080, ("train.epochs=25", "train.batch_size=16", "data.crop_size=512", "data.val=0", "data.workers=8")
    ),  # 8 steps each
    photo=("--repeat", "20", "--batch", "8"),
)
_PHOTO = (
    "--height",
    "64",
    "--width",
    "64",
    "--repeat",
    "2",
    "--warmup",
    "0",
    "--folder",
    "0",
    "--no-foreground",
    "--one-process",
)
QUICK = Sizes(
    side=64,
    parity_batch=2,
    largest_batch=2,
    step_batch=2,
    repeat=2,
    levels=("O0",),
    goal_ms=None,  # it is one for another size
    demo=Run(8, 96, ("train.epochs=2", "train.batch_size=2", "data.crop_size=64", "data.val=0")),
    large=None,
    photo=_PHOTO,
)


class PartError(Exception):
    """A part failed.

    Args:
        text: Why.
        result: What it found nevertheless.
    """

    def __init__(self, text: str, result: Any = None) -> None:
        super().__init__(text)
        self.result = result


class Machine:
    """Runs the parts of one device.

    Args:
        device: As for ``--device``.
        model: Name of the model.
        plugin: Module or file to load besides the installed plugins.
        sizes: How much.
        scratch: Folder for what is needed only meanwhile.
    """

    def __init__(self, device: str, model: str, plugin: str | None, sizes: Sizes, scratch: Path) -> None:
        self.device, self.model, self.sizes, self.scratch = device, model, sizes, scratch
        self.plugin = ["--plugin", plugin] if plugin else []
        self.recipe = ["--recipe", "modnet-p3m10k"] if model == "modnet" else []

    def parts(self) -> dict[str, Callable[[], dict[str, Any]]]:
        """Name -> what does it, in order."""
        return {name: getattr(self, name) for name in ("doctor", "parity", "forward", "step", "training", "throughput")}

    def doctor(self) -> dict[str, Any]:
        """Findings, each with what to do about it."""
        done = self._zoo("doctor", self.model, "--device", self.device, "--json", check=False)
        found: dict[str, Any] = json.loads(done.stdout)
        if not found["ok"]:
            failed = [f for f in found["findings"] if f["status"] == "failed"]
            raise PartError("; ".join(f"{f['name']}: {f['text']} -> {f['advice']}" for f in failed), found)
        return found

    def parity(self) -> dict[str, Any]:
        """Differences to the CPU, and whether they are within the tolerances."""
        size = ["--side", str(self.sizes.side), "--batch", str(self.sizes.parity_batch)]
        files = {name: self.scratch / f"{name}.npz" for name in ("cpu", "exact", "default")}
        weights = ["--weights", str(files["cpu"])]
        self._part("numbers", "--device", "CPU", *size, "--output", str(files["cpu"]))
        for name in ("exact", "default"):
            where = ["--device", self.device, f"--{'no-' * (name == 'default')}exact"]
            self._part("numbers", *where, *size, *weights, "--output", str(files[name]))
        cpu = np.load(files["cpu"])
        found = {name: differences(cpu, np.load(files[name])) for name in ("exact", "default")}
        result = {"tolerances": TOLERANCES, **found, "within": within(found["exact"])}
        if not result["within"]:
            raise PartError(f"further from the CPU than {TOLERANCES}: {found['exact']}", result)
        return result

    def forward(self) -> dict[str, Any]:
        """Times of the network by batch."""
        size = ["--side", str(self.sizes.side), "--batch", str(self.sizes.largest_batch)]
        return self._part("forward", "--device", self.device, *size, "--repeat", str(self.sizes.repeat))

    def step(self) -> dict[str, Any]:
        """Times of the training step by level of mixed precision; a level that fails is told and the others go on."""
        size = ["--side", str(self.sizes.side), "--batch", str(self.sizes.step_batch)]
        levels: dict[str, Any] = {}
        for level in self.sizes.levels:
            words = ["--device", self.device, *size, "--repeat", str(self.sizes.repeat), *self.recipe]
            try:
                levels[level] = self._part("step", *words, "--set", f"train.amp={level}")
            except PartError as error:
                levels[level] = {"error": str(error)}
        if "error" in levels["O0"]:
            raise PartError(levels["O0"]["error"], levels)
        goal = self.sizes.goal_ms
        beaten = None if goal is None else levels["O0"]["p50_ms"] < goal
        return {"goal_ms": goal, "beaten": beaten, "levels": levels}

    def training(self) -> dict[str, Any]:
        """Pace of two trainings, and the share of it that was spent waiting for pictures."""
        runs = {"demo": self.sizes.demo, "large": self.sizes.large}
        return {name: self._train(name, run) for name, run in runs.items() if run is not None}

    def throughput(self) -> dict[str, Any]:
        """The record of `zoo bench throughput`."""
        words = ["--models", self.model, "--device", self.device, "--runtime", "mindspore", *self.sizes.photo]
        words += ["--output", str(self.scratch / "bench"), "--json"]
        found: dict[str, Any] = json.loads(self._zoo("bench", "throughput", *words).stdout)
        return found

    def _train(self, name: str, run: Run) -> dict[str, Any]:
        data, folder = self.scratch / f"{name}-data", self.scratch / f"{name}-run"
        self._zoo("data", "demo", str(data), "--count", str(run.pictures), "--size", str(run.short_side))
        words = ["--dataset", "demo", "--data-root", str(data), "--device", self.device, "--output", str(folder)]
        words += [part for text in run.settings for part in ("--set", text)]
        words += ["-c", "modnet-demo"] if self.model == "modnet" else []
        started = time.perf_counter()
        self._zoo("train", self.model, *words)
        rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
        return {"seconds": time.perf_counter() - started, **pace([row for row in rows if "loss" in row])}

    def _part(self, name: str, *words: str) -> dict[str, Any]:
        line = [sys.executable, str(PARTS), name, "--model", self.model, *self.plugin, *words]
        found: dict[str, Any] = json.loads(finished(line).stdout.splitlines()[-1])
        return found

    def _zoo(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return finished([sys.executable, "-m", "zoo.cli", *words, *self.plugin], check)


def finished(line: list[str], check: bool = True) -> subprocess.CompletedProcess[str]:
    """A process when it is done.

    Raises:
        PartError: It failed; with the last lines that it said.
    """
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        said = [text.strip() for text in done.stderr.splitlines() if text.strip()]
        words = [word for word in line[1:5] if word not in ("-m", str(PARTS))]
        raise PartError(f"{' '.join(words)} ended with {done.returncode}: {' / '.join(said[-2:]) or 'no word'}")
    return done


def differences(cpu: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray]) -> dict[str, float]:
    """How far the numbers of two devices are apart, in the terms of `TOLERANCES`."""
    names = [name for name in cpu if name.startswith("gradient.")]
    norms = {name: float(np.linalg.norm(cpu[name].astype(np.float64))) for name in names}
    apart = {name: float(np.linalg.norm(cpu[name].astype(np.float64) - other[name])) for name in names}
    whole = float(np.hypot.reduce(list(norms.values())))
    return {
        "alpha": float(np.abs(cpu["alpha"] - other["alpha"]).max()),
        "loss": float((np.abs(cpu["loss"] - other["loss"]) / np.abs(cpu["loss"]).clip(1e-12)).max()),
        "gradients": float(np.hypot.reduce(list(apart.values()))) / whole,
        "gradient": max(apart[name] / norms[name] for name in names if norms[name] > _NOTHING * whole),
    }


def within(found: Mapping[str, float]) -> bool:
    """Whether every difference is; one that is no number is not."""
    return all(found[name] <= most for name, most in TOLERANCES.items())


def pace(rows: list[Mapping[str, float]]) -> dict[str, Any]:
    """Figures of a training from its log, without the steps that compile and warm up."""
    steady = rows[min(5, len(rows) // 2) :]
    return {
        "steps": len(rows),
        "images_per_s": float(np.median([row["images_per_s"] for row in steady])),
        "waiting": float(np.mean([row["wait"] for row in steady])),
        "first_loss": rows[0]["loss"],
        "last_loss": rows[-1]["loss"],
    }


def run(machine: Machine, only: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The parts, one after the other: (name, what came of it)."""
    for name, part in machine.parts().items():
        if only and name not in only:
            continue
        started = time.perf_counter()
        try:
            came: dict[str, Any] = {"ok": True, "result": part()}
        except PartError as error:
            came = {"ok": False, "error": str(error), "result": error.result}
        yield name, {**came, "seconds": time.perf_counter() - started}


@click.command()
@click.option("--output", type=Path, required=True, help="The JSON file.")
@click.option("--device", default="GPU", show_default=True)
@click.option("--model", default="modnet", show_default=True)
@click.option("--plugin", help="Module or file to load besides the installed plugins.")
@click.option("--only", multiple=True, metavar="PART", help="This part, and none but those named so.")
@click.option("--quick", is_flag=True, help="Tiny sizes: do the roads hold?")
def main(output: Path, device: str, model: str, plugin: str | None, only: tuple[str, ...], quick: bool) -> None:
    """Doctor, parity, speed and a training on a GPU."""
    record: dict[str, Any] = {"schema": SCHEMA, "device": device, "model": model, "quick": quick, "parts": {}}
    with tempfile.TemporaryDirectory(prefix="zoo-gpu-") as scratch:
        machine = Machine(device, model, plugin, QUICK if quick else WHOLE, Path(scratch))
        unknown = [name for name in only if name not in machine.parts()]
        if unknown:
            raise click.BadParameter(f"no part {unknown[0]!r}; parts: {', '.join(machine.parts())}")
        for name, came in run(machine, only):
            record["parts"][name] = came
            output.write_text(json.dumps(record, indent=2) + "\n")
            click.echo(f"{name}: {'ok' if came['ok'] else came['error']} ({came['seconds']:.0f} s)", err=True)
            if name == "doctor" and not came["ok"]:
                break  # nothing else would work
    failed = [name for name, came in record["parts"].items() if not came["ok"]]
    click.echo(f"record in {output}" + (f"; failed: {', '.join(failed)}" if failed else ""), err=True)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
