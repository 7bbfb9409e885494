"""The one trainer: any registered model, any registered data set, from a config to a run folder."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from registry import DataError, PluginError, Registry, UsageError, ZooError
from zoo.config import Config
from zoo.data.loader import Batch, Loader
from zoo.data.opening import dataset_spec, describe_count, open_split
from zoo.data.splits import TRAIN
from zoo.engine import checkpoint as checkpoints
from zoo.engine import device
from zoo.engine.average import Average
from zoo.engine.build import blame, build_model, build_objective, check_stage, is_network
from zoo.engine.console import Console
from zoo.engine.dropout import Noise
from zoo.engine.freeze import freeze, set_train
from zoo.engine.group import ALONE, Group
from zoo.engine.health import Health
from zoo.engine.journal import Journal
from zoo.engine.kept import candidates, newest_good, save_last
from zoo.engine.load import trained_on
from zoo.engine.memory import is_out_of_memory, peak_mib
from zoo.engine.optimizer import build_optimizer, learning_rates
from zoo.engine.pace import Pace, line
from zoo.engine.precision import lower_network, lower_objective
from zoo.engine.room import require_disk, require_memory
from zoo.engine.run import BEST, CHECKPOINTS, find_checkpoint
from zoo.engine.state import State, refuse_taken_names
from zoo.engine.step import compile_step
from zoo.engine.streams import reseed
from zoo.engine.sync_norm import synchronise_norms
from zoo.engine.training_pictures import training_pictures
from zoo.engine.validation import BrokenOff, Validation, best_metric
from zoo.files import write_text
from zoo.interrupt import Interrupted, StopRequest
from zoo.native import accelerate
from zoo.weights.offers import named

SMALL_BATCH = 8
"""Pictures per device below which batch norms take their statistics over all devices, unless told otherwise."""


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
        ranks: Processes that will train together.
        resume: The run folder to continue, None for a new run.

    Raises:
        ZooError: Data, names or values of the config do not allow it.
    """

    def __init__(self, registry: Registry, config: Config, ranks: int = 1, resume: Path | None = None) -> None:
        self.registry, self.config = registry, config
        self.spec = registry.get("model", config.model.name)
        self.plugin = registry.owner("model", config.model.name)
        check_stage(self.spec, config.train.stage)
        if config.model.backbone is not None:
            registry.get("backbone", config.model.backbone, prefer=self.plugin.name)
        if config.data.crop_size % config.model.stride:
            side, stride = config.data.crop_size, config.model.stride
            raise UsageError(f"data.crop_size is {side}; it must be a multiple of {stride} (model.stride)")
        best_metric(registry, config)
        self.learn, self.val = training_pictures(registry, config)
        self.loader = Loader(self.learn, config, 0, ranks)
        self.resuming = resume is not None
        self.start_from: Path | None = None
        if config.train.start_from is not None and not (resume is not None and candidates(resume)):
            self.start_from = find_checkpoint(config.train.start_from, self.spec.name)
        self.best: float | None = None
        self.saved: int | None = None
        self.owed = False

    def run(self, folder: Path, console: Console, group: Group = ALONE) -> Outcome:
        """Train until the epochs are done.

        Args:
            folder: The run folder, empty or (resuming) that of the run.
            console: Where progress is told.
            group: The processes that train together; its first one writes.

        Raises:
            ZooError: A picture cannot be used, a checkpoint does not fit, or the loss is no number any more.
            Interrupted: SIGINT or SIGTERM came; the state is saved.
        """
        started = time.perf_counter()
        self.folder, self.console, self.group = folder, console, group
        if group.leads:
            self._write_settings()
        self.loader = Loader(self.learn, self.config, group.rank, group.size)
        self.journal: Journal | None = None
        self.health = Health(self.config, self.loader.steps_per_epoch, self._warn)
        self._say_what()
        done = self._build()
        with self._journal(done) as self.journal, StopRequest() as self.stop:
            if self.owed:
                self._validate(done, None)
            self._steps(done)
        steps = self.config.train.epochs * self.loader.steps_per_epoch
        return Outcome(steps, self.best, time.perf_counter() - started, peak_mib())

    # --- Before the first step ---

    def _write_settings(self) -> None:
        """First of all, as a run that is killed at any moment after it can be resumed."""
        write_text(self.folder / "config.yaml", self.config.to_yaml())

    def _say_what(self) -> None:
        everything = len(open_split(self.registry, self.config, "train"))
        self.console.say(describe_count(dataset_spec(self.registry, self.config), "train", everything))
        self.console.say(f"{len(self.learn)} pictures to learn from, {len(self.val)} to choose checkpoints on (val)")
        together = f", {self.group.size} devices" if self.group.size > 1 else ""
        self.console.say(f"building {self.spec.name} on {device.start()}{together}")

    def _build(self) -> int:
        """Build everything and load what the run begins with; the number of steps already done."""
        import mindspore as ms

        config, group = self.config.train, self.group
        if group.leads:
            write_text(self.folder / "env.json", json.dumps(device.describe(), indent=2) + "\n")
        saved = newest_good(self.folder, self.console.say) if self.resuming else None
        start = checkpoints.read(self.start_from, whole=False) if self.start_from is not None and not saved else None
        ms.set_seed(config.seed)  # for plugins that initialise from MindSpore's own stream
        network = build_model(self.registry, self.config, pretrained=saved is None and start is None)
        if not is_network(network):
            raise UsageError(f"model {self.spec.name!r} cannot be trained: it is no MindSpore network")
        refuse_taken_names(network, self.plugin)
        with blame(self.plugin, f"model {self.spec.name!r}"):
            estimate = require_memory(network, self.config, self.loader, group)
        if estimate is not None:
            self.console.say(estimate)
        if start is not None:
            self._begin_with(start, network)
        elif saved is None and self.config.model.backbone and self.config.model.pretrained is None:
            self.console.say("the backbone starts from random weights: model.pretrained is null")
        self.trained_on = self._lineage(saved or start)
        frozen = freeze(config, network)
        if frozen:
            self.console.say(f"{len(frozen)} parameters are frozen, {len(network.trainable_params())} are trained")
        if self._synchronises():
            count = synchronise_norms(network, group)
            self.console.say(f"{count} batch norms take their statistics over all {group.size} devices")
        self.state = self._state(network, frozen, saved)
        if group.leads:
            require_disk(self.state, config.keep, self.folder)
        self.validation = Validation(self.registry, self.config, self.val) if self.val else None
        if saved is not None:
            return self._continue(saved)
        if self.resuming:
            self.console.say(f"{self.folder} has no checkpoint yet: starting at step 0")
        if start is not None:
            self._save_last(0)  # so that resuming before the first save begins there too
        return 0

    def _state(self, network: Any, frozen: set[str], saved: checkpoints.Checkpoint | None) -> State:
        config = self.config.train
        if saved is not None:
            # An objective may take a copy of the network's weights when it is made.
            checkpoints.load_weights(network, saved.weights, str(saved.path))
        noise = Noise(network, config.seed, self.group.rank)
        lower_network(network, config.amp)
        objective = build_objective(self.registry, self.config, network)
        set_train(config, objective, network, frozen)
        lower_objective(objective, config.amp)
        if (line := accelerate(objective, config.amp)) is not None:
            self.console.say(line)
        optimizer = build_optimizer(config, network, self.loader.steps_per_epoch)
        average = Average(network, config.ema) if config.ema is not None else None
        step = compile_step(objective, optimizer, config, self.group, noise)
        return State(network, objective, optimizer, average, step)

    def _begin_with(self, start: checkpoints.Checkpoint, network: Any) -> None:
        fresh = checkpoints.load_start(network, start)
        rest = f"; {fresh} parameters that it lacks start fresh" if fresh else ""
        self.console.say(f"starting from the weights of {self.start_from}{rest}")

    def _lineage(self, origin: checkpoints.Checkpoint | None) -> list[str] | None:
        """The data sets that the weights have seen at the end of this run; None: not known."""
        before: tuple[str, ...] | None = trained_on(self.spec, origin) if origin is not None else ()
        if before is None:
            return None
        pretrained = self.config.model.pretrained if origin is None else None
        offer = named(self.registry, pretrained) if pretrained is not None else None
        first = offer.trained_on if offer is not None else ()
        return list(dict.fromkeys([*first, *before, f"{self.config.data.dataset}/{TRAIN}"]))

    def _synchronises(self) -> bool:
        asked, small = self.config.train.sync_norm, self.config.train.batch_size < SMALL_BATCH
        wanted = asked if asked is not None else small and not self.config.train.freeze_norms
        return self.group.size > 1 and wanted

    def _continue(self, saved: checkpoints.Checkpoint) -> int:
        """Take over the state of a checkpoint of this run; the number of steps done then."""
        images, devices = saved.meta["images"], saved.meta.get("devices", 1)
        if images != len(self.learn):
            raise DataError(
                f"the run was trained on {images} pictures and there are {len(self.learn)} now: the order of the rest "
                "would be another; give back the same set"
            )
        if devices != self.group.size:
            raise UsageError(
                f"the run was trained on {devices} devices and goes on with as many: give --devices {devices}"
            )
        self.state.restore(saved)
        self.best, self.saved = saved.meta["best"], int(saved.meta["step"])
        self.owed = saved.meta.get("validation_owed", False)
        self.console.say(f"resuming after step {self.saved} ({saved.path})")
        return self.saved

    def _journal(self, done: int) -> AbstractContextManager[Journal | None]:
        return Journal(self.folder, done) if self.group.leads else nullcontext()

    # --- The loop ---

    def _steps(self, done: int) -> None:
        config, per_epoch = self.config.train, self.loader.steps_per_epoch
        total = config.epochs * per_epoch
        rates = learning_rates(config, per_epoch)
        pace = Pace(total, done)
        terms = tuple(self.spec.objectives[config.stage].terms)
        with self.loader.batches(done) as source:
            for number in range(done + 1, total + 1):
                batches = list(islice(source, config.accumulate))
                reseed(config.seed, self.group.rank, number - 1)
                skipped = self.state.step.skipped
                begun = time.perf_counter()
                with self._first() if number == done + 1 else nullcontext():
                    loss, values = self._once(batches, number, len(terms))
                if self.state.average is not None:
                    self.state.average.update(number)
                waited = sum(batch.wait_seconds for batch in batches)
                seconds = time.perf_counter() - begun + waited
                self.health.step(number, loss, batches)
                if self.state.step.skipped == skipped:
                    self._refuse_not_finite(number, loss, values, batches, rates[number - 1])
                loss, *values = self.group.mean([loss, *values])
                record = {
                    "step": number,
                    "epoch": batches[0].epoch + 1,
                    "loss": loss,
                    **dict(zip(terms, values, strict=True)),
                    "lr": rates[number - 1],
                    "images_per_s": self.loader.step_size / seconds,
                    "wait": waited / seconds,
                }
                if self.journal is not None:
                    self.journal.step(record)
                pace.count(seconds, waited, self.loader.step_size)
                if (text := pace.opening(peak_mib())) is not None:
                    self.console.say(text)
                if pace.is_due(number):
                    self.console.say(line(record, terms, total, config.epochs, pace))
                if number % per_epoch == 0:
                    self._end_epoch(number, number // per_epoch, batches[-1])
                stopped = self._stops()
                if number == total or stopped or number % (config.save_every or per_epoch) == 0:
                    self._save_last(number)
                if stopped:
                    self.console.say(f"stopped after step {number}; continue with --resume {self.folder}")
                    raise Interrupted(max(number or 0 for number in self.group.gather(self.stop.signal)))

    def _stops(self) -> bool:
        return self.group.any(self.stop.signal is not None)

    def _first(self) -> AbstractContextManager[None]:
        batch, side = self.config.train.batch_size, self.config.data.crop_size
        return self.console.busy(f"compiling the training step for batch {batch} at {side} x {side}, once")

    def _once(self, batches: Sequence[Batch], number: int, terms: int) -> tuple[float, list[float]]:
        """A step, with whatever goes wrong in it laid to the plugin whose objective it runs."""
        try:
            with blame(self.plugin, "the training step"), self.group.answered():
                loss, values = self.state.step(batches, (number - 1) * len(batches))
        except PluginError as error:
            if not is_out_of_memory(error):
                raise
            batch, side = self.config.train.batch_size, self.config.data.crop_size
            raise ZooError(
                f"{device.start()} has no memory left in step {number} with a batch of {batch} at {side} x {side}: "
                "lower train.batch_size (train.accumulate keeps the step's pictures) or data.crop_size"
            ) from error
        if len(values) != terms:
            raise PluginError(
                f"plugin {self.plugin.label}: objective {self.config.train.stage!r} declares {terms} terms and "
                f"returns {len(values)}"
            )
        return loss, values

    def _refuse_not_finite(
        self, number: int, loss: float, values: Sequence[float], batches: Sequence[Batch], rate: float
    ) -> None:
        if not all(math.isfinite(value) for value in (loss, *values)):
            terms = tuple(self.spec.objectives[self.config.train.stage].terms)
            raise ZooError(self.health.explain(number, loss, values, terms, batches, self.state.network, rate))

    def _warn(self, step: int, text: str) -> None:
        self.console.say(f"warning: {text}")
        if self.journal is not None:
            self.journal.note(step, text)

    def _end_epoch(self, number: int, epoch: int, batch: Batch) -> None:
        if callable(getattr(self.state.objective, "epoch_end", None)):
            with blame(self.plugin, "epoch_end"):
                self.state.objective.epoch_end()
        every, last = self.config.train.validate_every, self.config.train.epochs
        if self.validation is not None and (epoch % every == 0 or epoch == last):
            self._validate(number, batch)

    # --- Checkpoints ---

    def _meta(self, number: int) -> dict[str, Any]:
        scale = self.state.step.scale
        return {
            "model": self.spec.name,
            "plugin": self.plugin.name,
            "plugin_version": self.plugin.version,
            "step": number,
            "epoch": number // self.loader.steps_per_epoch,
            "best": self.best,
            "images": len(self.learn),
            "devices": self.group.size,
            "validation_owed": self.owed,
            "loss_scale": scale.state() if scale.active else None,
            "trained_on": self.trained_on,
            "config": self.config.to_dict(),
        }

    def _save_last(self, number: int) -> None:
        if not self.group.leads or number == self.saved:
            return

        def write(path: Path) -> None:
            checkpoints.save(path, weights, self._meta(number), self.state.memory())

        weights = self.state.weights()
        self.health.weights(number, weights)  # what is there is worth more than weights that are no numbers
        save_last(self.folder, write, self.config.train.keep, self.saved)
        self.saved = number

    # --- Validation ---

    def _validate(self, number: int, batch: Batch | None) -> None:
        """Score the weights on the validation pictures, and keep them if none were better.

        Whoever stops a training may not wait for that: it is broken off then, and owed to the resumed run.
        """
        self.owed = True
        if not self._stops():
            with suppress(BrokenOff):
                self._score(number, batch)
                self.owed = False

    def _score(self, number: int, batch: Batch | None) -> None:
        assert self.validation is not None, "there are pictures to validate on"
        weights = self.state.answers()
        if self.group.size > 1:  # processes differ in their moving statistics: those of the first count
            learnt = {p.name for p in self.state.network.trainable_params()}
            weights |= self.group.gather({n: a for n, a in weights.items() if n not in learnt})[0]
        self.health.weights(number, weights)
        self.validation.load(weights)
        if batch is not None:
            self._compare_norms(number, batch)
        found = self.validation.score(self.console, self.group, lambda: self.stop.signal is not None)
        epoch = number // self.loader.steps_per_epoch
        if self.journal is not None:
            self.journal.validation(number, epoch, found.metrics)
            for name, picture in self.validation.panels():
                self.journal.panel(number, name, picture)
        better = self.validation.better(found, self.best)
        kept = "" if better is None else "  (best so far)"
        self.console.say(f"epoch {epoch}/{self.config.train.epochs}  {self.validation.describe(found)}{kept}")
        if better is not None:
            self.best = better
            if self.group.leads:
                checkpoints.save(self.folder / CHECKPOINTS / BEST, weights, self._meta(number))

    def _compare_norms(self, number: int, batch: Batch) -> None:
        assert self.validation is not None, "it has just been given the weights"
        image, alpha = batch.image, batch.alpha
        if self._synchronises():  # the statistics were those of all devices' pictures
            image = np.concatenate(self.group.gather(image))
            alpha = None if alpha is None else np.concatenate(self.group.gather(alpha))
        if self.group.leads:
            self.health.norms(number, self.validation.network, self.state.network, image, alpha)
