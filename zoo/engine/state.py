"""What a training is made of while it runs, and all of it that a checkpoint must hold to go on exactly there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from registry import Plugin, PluginError
from zoo.engine import checkpoint as checkpoints
from zoo.engine.average import Average
from zoo.engine.checkpoint import AVERAGE, OBJECTIVE, OPTIMIZER
from zoo.engine.step import Step


@dataclass
class State:
    """The parts that change from step to step.

    Attributes:
        network: The network that is trained.
        objective: The objective around it.
        optimizer: Its optimizer.
        average: Averaged weights, None without.
        step: The compiled step, with the scale of the loss.
    """

    network: Any
    objective: Any
    optimizer: Any
    average: Average | None
    step: Step

    def weights(self) -> dict[str, np.ndarray]:
        """The network's weights as training left them."""
        return checkpoints.weights_of(self.network)

    def answers(self) -> dict[str, np.ndarray]:
        """The weights to answer pictures with: averaged where there is an average."""
        return {**self.weights(), **(self.average.arrays() if self.average is not None else {})}

    def memory(self) -> dict[str, dict[str, np.ndarray]]:
        """What a training remembers beside the weights, by prefix and name."""
        found = {part: {n: p.asnumpy() for n, p in held.items()} for part, held in self._held().items()}
        return {part: arrays for part, arrays in found.items() if arrays}

    def restore(self, saved: checkpoints.Checkpoint) -> None:
        """Take over what a checkpoint holds.

        Raises:
            ZooError: It belongs to another network, optimizer or objective.
        """
        origin = str(saved.path)
        checkpoints.load_weights(self.network, saved.weights, origin)
        for part, held in self._held().items():
            checkpoints.assign(held, saved.state.get(part, {}), origin)
        if saved.meta.get("loss_scale") is not None:
            self.step.scale.restore(saved.meta["loss_scale"])

    def _held(self) -> dict[str, Mapping[str, Any]]:
        network = {p.name for p in self.network.get_parameters()}
        own = {p.name: p for p in self.objective.get_parameters() if p.name not in network}
        # The table of a schedule is no memory: the config gives it.
        kept = {
            p.name: p
            for p in self.optimizer.get_parameters()
            if p.name not in network and not p.name.startswith("learning_rate")
        }
        averaged = self.average.parameters if self.average is not None else {}
        return {OPTIMIZER: kept, AVERAGE: averaged, OBJECTIVE: own}


def refuse_taken_names(network: Any, plugin: Plugin) -> None:
    """Refuse a network with parameters that would pass for an optimizer's in a checkpoint.

    Raises:
        PluginError: There is one.
    """
    for parameter in network.get_parameters():
        if parameter.name.partition(".")[0] in (OPTIMIZER, AVERAGE, OBJECTIVE):
            raise PluginError(
                f"plugin {plugin.label}: parameter {parameter.name!r}: a network must not name a part "
                f"{', '.join((OPTIMIZER, AVERAGE, OBJECTIVE))}, which checkpoints use themselves"
            )
