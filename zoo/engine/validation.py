"""Scoring the weights of a training on the pictures set apart for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from registry import MetricSpec, Registry, Sample, ZooError
from zoo.config import Config
from zoo.engine import checkpoint
from zoo.engine.build import build_model
from zoo.engine.console import Console, Progress
from zoo.engine.evaluator import Evaluation, evaluate
from zoo.engine.group import Group
from zoo.engine.metrics import all_metrics, extra_metrics
from zoo.engine.panel import panels
from zoo.engine.predictor import Predictor

_SHOWN = ("SAD", "MSE", "MAD", "GRAD", "CONN")


class BrokenOff(Exception):  # noqa: N818 - nothing went wrong
    """A request to stop has ended a validation."""


def best_metric(registry: Registry, config: Config) -> tuple[str, MetricSpec]:
    """The metric that ``train.best`` names: its name in reports, and its spec.

    Raises:
        NotFoundError: There is none of that name.
    """
    own = registry.owner("model", config.model.name).name
    spec: MetricSpec = registry.get("metric", config.train.best, prefer=own)
    return next((name, s) for name, s in all_metrics(registry).items() if s is spec)


class Validation:
    """A second network beside the trained one, which so never leaves training mode.

    Args:
        registry: Where the names of the config are looked up.
        config: Whole resolved config.
        samples: The pictures set apart, all with alphas.
    """

    def __init__(self, registry: Registry, config: Config, samples: Sequence[Sample]) -> None:
        spec, plugin = registry.get("model", config.model.name), registry.owner("model", config.model.name)
        self.samples = samples
        self._predictor = Predictor(build_model(registry, config), config, spec, plugin)
        self._extra = extra_metrics(registry)
        self._name, self._metric = best_metric(registry, config)

    @property
    def network(self) -> Any:
        """The second network."""
        return self._predictor.network

    def load(self, weights: Mapping[str, np.ndarray]) -> None:
        """Take the weights to score."""
        checkpoint.load_weights(self.network, weights, "validation copy")

    def score(self, console: Console, group: Group, stopped: Callable[[], bool]) -> Evaluation:
        """Score the weights.

        Args:
            console: Where progress is shown.
            group: Processes that share the pictures out.
            stopped: Whether this process was asked to stop. Of several processes each may hear of it at another
                picture, so they go on to the end.

        Raises:
            BrokenOff: It was.
            ZooError: A picture cannot be used.
        """
        with Progress(console, "validating") as progress:

            def unless_stopped(done: int, total: int) -> None:
                if group.size == 1 and stopped():
                    raise BrokenOff
                progress(done, total)

            found = evaluate(self._predictor, self.samples, self._extra, on_progress=unless_stopped, group=group)
        if found.problems:
            problem = found.problems[0]
            raise ZooError(f"validation picture {problem['image']} cannot be used: {problem['reason']}")
        return found

    def better(self, found: Evaluation, best: float | None) -> float | None:
        """The value of ``train.best``, if it is better than the best so far; else None."""
        value = found.metrics.get(self._name)
        if value is None or best is None:
            return value
        return value if (value < best if self._metric.lower_is_better else value > best) else None

    def panels(self) -> Iterator[tuple[str, np.ndarray]]:
        """Names and panels of the first pictures; see `zoo.engine.panel`."""
        return panels(self._predictor, self.samples)

    def describe(self, found: Evaluation) -> str:
        """``val on 100: SAD 12.1230  MAD 0.0072 ...  31.0 s``."""
        shown = "  ".join(f"{k} {v:.4f}" for k, v in found.metrics.items() if k in _SHOWN and v is not None)
        return f"val on {len(self.samples)}: {shown}  {found.seconds:.1f} s"
