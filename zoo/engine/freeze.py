"""Parameters and statistics that a training leaves as they are."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from registry import UsageError
from zoo.config import TrainConfig
from zoo.engine.patterns import matching


def freeze(config: TrainConfig, network: Any) -> set[str]:
    """Mark the parameters that ``train.freeze`` names as not to be trained.

    Returns:
        Their names.

    Raises:
        UsageError: A pattern fits no parameter, or nothing is left to train.
    """
    parameters = network.trainable_params()
    frozen = matching(config.freeze, [p.name for p in parameters], "train.freeze")
    if len(frozen) == len(parameters):
        raise UsageError(f"train.freeze: {', '.join(config.freeze)} leaves no parameter to train")
    for parameter in parameters:
        if parameter.name in frozen:
            parameter.requires_grad = False
    return frozen


def set_train(config: TrainConfig, objective: Any, network: Any, frozen: Collection[str] = ()) -> None:
    """Put an objective into training mode, but for the batch norms whose statistics shall stay.

    These are all with ``freeze_norms`` (a far domain spoils them when fine-tuning: ZHKKKe/MODNet issue 135), else
    those whose own parameters are all frozen: a layer that does not learn should not drift either.

    Args:
        config: The ``train`` section.
        objective: Cell around the network.
        network: Cell to train.
        frozen: Names that `freeze` gave.
    """
    objective.set_train(True)
    for _, cell in network.cells_and_names():
        if not hasattr(cell, "moving_mean"):
            continue
        own = [p for p in (getattr(cell, "gamma", None), getattr(cell, "beta", None)) if p is not None]
        if config.freeze_norms or (own and all(p.name in frozen for p in own)):
            cell.set_train(False)
