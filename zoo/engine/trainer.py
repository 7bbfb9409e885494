"""The one trainer: any registered model, any registered data set, from a config to a run folder."""

from __future__ import annotations

import json
import math
import statistics
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from registry import DataError, MetricSpec, PluginError, Registry, Sample, UsageError, ZooError
from zoo.config import Config
from zoo.data.loader import Batch, Loader
from zoo.data.opening import dataset_spec, describe_count, open_split, open_training
from zoo.engine import checkpoint as checkpoints
from zoo.engine import device
from zoo.engine.build import blame, build_model, build_objective, check_stage, is_network
from zoo.engine.console import Console, Progress, clock
from zoo.engine.evaluator import evaluate
from zoo.engine.journal import Journal
from zoo.engine.memory import free_mib, peak_mib, training_mib
from zoo.engine.metrics import all_metrics, extra_metrics
from zoo.engine.optimizer import build_optimizer, learning_rates
from zoo.engine.predictor import Predictor
from zoo.engine.run import BEST, CHECKPOINTS, LAST
from zoo.engine.step import compile_step
from zoo.files import write_text
from zoo.interrupt import Interrupted, StopRequest

_REPORT_SECONDS = 10.0

SUPERVISED = "supervised"
"""The stage that learns from true alphas; others may do without."""


@dataclass(frozen=True)
class Outcome:
    """What a training left.

    Attributes:
        steps: Optimizer steps done in all.
        best: Metric value of ``best.ckpt`` on the validation slice, None without one.
        seconds: Wall time of this process's part.
        peak_mib: Peak memory of the process, in MiB.
    """

    steps: int
    best: float | None
    seconds: float
    peak_mib: float


class Training:
    """One training, checked when it is made and done by `run`.

    Making it finds every mistake that can be found without starting MindSpore or writing a file.

    Args:
        registry: Where every name of the config is looked up.
        config: Whole resolved config.

    Raises:
        ZooError: Data, names or values of the config do not allow it.
    """

    def __init__(self, registry: Registry, config: Config) -> None:
        self.registry, self.config = registry, config
        self.spec = registry.get("model", config.model.name)
        self.plugin = registry.owner("model", config.model.name)
        check_stage(self.spec, config.train.stage)
        if config.model.backbone is not None:
            registry.get("backbone", config.model.backbone, prefer=self.plugin.name)
        if config.data.crop_size % config.model.stride:
            side, stride = config.data.crop_size, config.model.stride
            raise UsageError(f"data.crop_size is {side}; it must be a multiple of {stride} (model.stride)")
        self.metric = _best_metric(registry, config, self.plugin.name)
        learn, self.val = open_training(registry, config)
        _require_alphas(learn, "training")
        _require_alphas(self.val, "validation")
        self.loader = Loader(learn, config)
        if config.train.stage == SUPERVISED and not self.loader.labelled:
            raise DataError(
                f"stage {SUPERVISED!r} needs alphas, and the training pictures have none: {_expected(config)}"
            )
        if self.val and any(sample.alpha is None for sample in self.val):
            raise DataError("the validation pictures have no alphas to choose a checkpoint by; set data.val to 0")
        self.best: float | None = None

    def run(self, folder: Path, console: Console, start_from: Path | None = None, resume: bool = False) -> Outcome:
        """Train until the epochs are done.

        Args:
            folder: The run folder, empty or (resuming) that of the run.
            console: Where progress is told.
            start_from: Checkpoint whose weights to begin with (fine-tuning).
            resume: Continue from the folder's last checkpoint, or from step 0 if there is none.

        Raises:
            ZooError: A picture cannot be used, a checkpoint does not fit, or the loss is no number any more.
            Interrupted: SIGINT or SIGTERM came; the state is saved.
        """
        started = time.perf_counter()
        self.folder, self.console = folder, console
        everything = len(open_split(self.registry, self.config, "train"))
        console.say(describe_count(dataset_spec(self.registry, self.config), "train", everything))
        learnt = len(self.loader.samples)
        console.say(f"{learnt} pictures to learn from, {len(self.val)} to choose checkpoints on (val)")
        console.say(f"building {self.spec.name} on {device.start()}")
        import mindspore as ms

        ms.set_seed(self.config.train.seed)  # for plugins that initialise from MindSpore's own stream
        fresh = start_from is None and not (resume and (folder / CHECKPOINTS / LAST).is_file())
        self.network = build_model(self.registry, self.config, pretrained=fresh)
        if not is_network(self.network):
            raise UsageError(f"model {self.spec.name!r} cannot be trained: it is no MindSpore network")
        self._require_memory()
        if fresh:
            self._say_start()
        self.optimizer = build_optimizer(self.config.train, self.network, self.loader.steps_per_epoch)
        done = self._restore(start_from, resume)
        self.judge = self._validator()
        self._write_settings()
        if start_from is not None:
            self._save(LAST, 0, self.optimizer)  # so that resuming before the first save begins there too
        with Journal(folder, done) as self.journal, StopRequest() as stop:
            self._steps(done, stop)
        steps = self.config.train.epochs * self.loader.steps_per_epoch
        return Outcome(steps, self.best, time.perf_counter() - started, peak_mib())

    # --- Before the first step ---

    def _require_memory(self) -> None:
        if device.start().target != "CPU":
            return  # the card's memory is not ours to read
        batch, side = self.config.train.batch_size, self.config.data.crop_size
        with blame(self.plugin, f"model {self.spec.name!r}"):
            needed = training_mib(self.network, batch, side, self.config.model.stride)
        free = free_mib()
        if free is not None and needed > free:
            raise ZooError(
                f"a batch of {batch} at {side} x {side} needs about {needed:,.0f} MiB and {free:,.0f} MiB are free: "
                "lower train.batch_size or data.crop_size"
            )
        self.console.say(f"memory: about {needed:,.0f} MiB" + ("" if free is None else f" of {free:,.0f} MiB free"))

    def _say_start(self) -> None:
        if self.config.model.backbone and self.config.model.pretrained is None:
            self.console.say("the backbone starts from random weights: model.pretrained is null")

    def _restore(self, start_from: Path | None, resume: bool) -> int:
        """Load what the run begins with; the number of steps already done."""
        last = self.folder / CHECKPOINTS / LAST
        if resume and last.is_file():
            saved = checkpoints.read(last)
            if saved.meta["images"] != len(self.loader.samples):
                raise DataError(
                    f"the run was trained on {saved.meta['images']} pictures and there are {len(self.loader.samples)} "
                    "now: the order of the rest would be another; give back the same set"
                )
            checkpoints.load_weights(self.network, saved.weights, str(last))
            checkpoints.load_optimizer(self.optimizer, saved.optimizer, self.network, str(last))
            self.best = saved.meta["best"]
            self.console.say(f"resuming after step {saved.meta['step']} ({last})")
            return int(saved.meta["step"])
        if resume:
            self.console.say(f"{self.folder} has no checkpoint yet: starting at step 0")
        if start_from is not None:
            fresh = checkpoints.load_start(self.network, checkpoints.read(start_from, whole=False))
            rest = f"; {fresh} parameters that it lacks start fresh" if fresh else ""
            self.console.say(f"starting from the weights of {start_from}{rest}")
        return 0

    def _validator(self) -> Predictor | None:
        """A second network for validation, so that the trained one never leaves training mode."""
        if not self.val:
            return None
        return Predictor(build_model(self.registry, self.config), self.config, self.spec, self.plugin)

    def _write_settings(self) -> None:
        write_text(self.folder / "config.yaml", self.config.to_yaml())
        write_text(self.folder / "env.json", json.dumps(device.describe(), indent=2) + "\n")

    # --- The loop ---

    def _steps(self, done: int, stop: StopRequest) -> None:
        config, loader = self.config.train, self.loader
        per_epoch = loader.steps_per_epoch
        total = config.epochs * per_epoch
        rates = learning_rates(config, per_epoch)
        objective = build_objective(self.registry, self.config, self.network)
        objective.set_train(True)
        labelled = loader.labelled
        terms = tuple(self.spec.objectives[config.stage].terms)
        step_once = self._blamed(compile_step(objective, self.optimizer, labelled, bool(terms)), len(terms))
        pace = _Pace(total, done)
        with loader.batches(done) as batches:
            for number, batch in enumerate(batches, done + 1):
                begun = time.perf_counter()
                if number > done + 1:
                    loss, values = step_once(batch.image, batch.alpha, batch.trimap)
                else:
                    size = f"batch {config.batch_size} at {self.config.data.crop_size} x {self.config.data.crop_size}"
                    with self.console.busy(f"compiling the training step for {size}, once"):
                        loss, values = step_once(batch.image, batch.alpha, batch.trimap)
                seconds = time.perf_counter() - begun + batch.wait_seconds
                self._refuse_nan(loss, number, batch)
                record = {
                    "step": number,
                    "epoch": batch.epoch + 1,
                    "loss": loss,
                    **dict(zip(terms, values, strict=True)),
                    "lr": rates[number - 1],
                    "images_per_s": config.batch_size / seconds,
                    "wait": batch.wait_seconds / seconds,
                }
                self.journal.step(record)
                pace.count(seconds)
                if pace.is_due(number):
                    self.console.say(_line(record, terms, total, config.epochs, pace))
                ends_epoch = number % per_epoch == 0
                if ends_epoch and callable(getattr(objective, "epoch_end", None)):
                    with blame(self.plugin, "epoch_end"):
                        objective.epoch_end()
                if ends_epoch and self._validation_due(number // per_epoch):
                    self._validate(number, number // per_epoch)
                if number == total or stop.signal is not None or self._save_due(number, per_epoch):
                    self._save(LAST, number, self.optimizer)
                if stop.signal is not None:
                    self.console.say(f"stopped after step {number}; continue with --resume {self.folder}")
                    raise Interrupted(stop.signal)

    def _blamed(self, step: Callable[..., tuple[float, list[float]]], terms: int) -> Callable[..., Any]:
        """The step, with whatever goes wrong in it laid to the plugin whose objective it runs."""

        def run(*batch: Any) -> tuple[float, list[float]]:
            with blame(self.plugin, "the training step"):
                loss, values = step(*batch)
            if len(values) != terms:
                raise PluginError(
                    f"plugin {self.plugin.label}: objective {self.config.train.stage!r} declares {terms} terms and "
                    f"returns {len(values)}"
                )
            return loss, values

        return run

    def _refuse_nan(self, loss: float, number: int, batch: Batch) -> None:
        if not math.isfinite(loss):
            names = ", ".join(batch.names)
            raise ZooError(f"the loss is {loss} at step {number} (pictures: {names}); lower train.lr or look at them")

    def _save_due(self, number: int, per_epoch: int) -> bool:
        return number % (self.config.train.save_every or per_epoch) == 0

    def _save(self, name: str, number: int, optimizer: Any = None) -> None:
        meta = {
            "model": self.spec.name,
            "plugin": self.plugin.name,
            "plugin_version": self.plugin.version,
            "step": number,
            "epoch": number // self.loader.steps_per_epoch,
            "best": self.best,
            "images": len(self.loader.samples),
            "config": self.config.to_dict(),
        }
        checkpoints.save(self.folder / CHECKPOINTS / name, self.network, meta, optimizer)

    # --- Validation ---

    def _validation_due(self, epoch: int) -> bool:
        every, last = self.config.train.validate_every, self.config.train.epochs
        return self.judge is not None and (epoch % every == 0 or epoch == last)

    def _validate(self, number: int, epoch: int) -> None:
        assert self.judge is not None
        weights = {p.name: p.asnumpy() for p in self.network.get_parameters()}
        checkpoints.load_weights(self.judge.network, weights, "validation copy")
        with Progress(self.console, "validating") as progress:
            found = evaluate(self.judge, self.val, extra_metrics(self.registry), on_progress=progress)
        if found.problems:
            problem = found.problems[0]
            raise ZooError(f"validation picture {problem['image']} cannot be used: {problem['reason']}")
        self.journal.validation(number, epoch, found.metrics)
        name, metric = self.metric
        value = found.metrics.get(name)
        better = value is not None and (
            self.best is None or (value < self.best if metric.lower_is_better else value > self.best)
        )
        shown = "  ".join(f"{k} {v:.4f}" for k, v in found.metrics.items() if k in _SHOWN and v is not None)
        kept = "  (best so far)" if better else ""
        self.console.say(
            f"epoch {epoch}/{self.config.train.epochs}  val on {len(self.val)}: {shown}  {found.seconds:.1f} s{kept}"
        )
        if better:
            self.best = value
            self._save(BEST, number)


_SHOWN = ("SAD", "MSE", "MAD", "GRAD", "CONN")


class _Pace:
    """Seconds per step of late, and when to speak again."""

    def __init__(self, total: int, done: int) -> None:
        self._total, self._done, self._first = total, done, done + 1
        self._recent: deque[float] = deque(maxlen=20)
        self._spoke = -math.inf

    def count(self, seconds: float) -> None:
        self._done += 1
        if self._done > self._first:  # the first step compiles
            self._recent.append(seconds)

    def is_due(self, number: int) -> bool:
        now = time.monotonic()
        if number != self._total and now - self._spoke < _REPORT_SECONDS:
            return False
        self._spoke = now
        return True

    @property
    def left(self) -> str:
        """Time left by the median of the last steps."""
        if not self._recent:
            return "?"
        return clock((self._total - self._done) * statistics.median(self._recent))


def _line(record: Mapping[str, Any], terms: Sequence[str], total: int, epochs: int, pace: _Pace) -> str:
    parts = " ".join(f"{name} {record[name]:.3f}" for name in terms)
    return (
        f"step {record['step']}/{total}  epoch {record['epoch']}/{epochs}  loss {record['loss']:.3f}"
        f"{f' ({parts})' if parts else ''}  lr {record['lr']:.2g}  {record['images_per_s']:.2f} images/s"
        f"  wait {record['wait']:.0%}  {pace.left} left"
    )


def _expected(config: Config) -> str:
    folder = config.data.options.get("alpha_dir", "their masks")
    return f"put {folder} beside the images in {config.data.root}, one file of the same name for each"


def _require_alphas(samples: Sequence[Sample], kind: str) -> None:
    missing = [s for s in samples if isinstance(s.alpha, Path) and not s.alpha.is_file()]
    if missing:
        first = f"{missing[0].name}: no mask; expected {missing[0].alpha}"
        raise DataError(f"{len(missing)} of {len(samples)} {kind} pictures have no mask, the first is {first}")


def _best_metric(registry: Registry, config: Config, plugin: str) -> tuple[str, MetricSpec]:
    """The metric that chooses the best checkpoint: its name in reports, and its spec."""
    spec: MetricSpec = registry.get("metric", config.train.best, prefer=plugin)
    return next((name, s) for name, s in all_metrics(registry).items() if s is spec)
