"""Learning rates and optimizers, each a function of the config."""

from __future__ import annotations

import math
from typing import Any

from zoo.config import TrainConfig


def learning_rates(config: TrainConfig, steps_per_epoch: int) -> list[float]:
    """The learning rate of every step of a run.

    The rate climbs linearly over ``warmup_steps``; after that it is constant, multiplied by ``gamma`` after each
    ``step_epochs`` epochs (MODNet's sample: 0.1 after each quarter of the run), or falls to 0 along half a cosine
    (Loshchilov and Hutter, arXiv 1608.03983, without restarts).

    Args:
        config: The ``train`` section.
        steps_per_epoch: Optimizer steps of one epoch.

    Returns:
        ``epochs * steps_per_epoch`` rates.
    """
    total = config.epochs * steps_per_epoch
    warmup = min(config.warmup_steps, total)
    rates = []
    for step in range(total):
        if step < warmup:
            factor = (step + 1) / warmup
        elif config.schedule == "step":
            factor = config.gamma ** (step // steps_per_epoch // config.step_epochs)
        elif config.schedule == "cosine":
            factor = 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, total - warmup)))
        else:
            factor = 1.0
        rates.append(config.lr * factor)
    return rates


def build_optimizer(config: TrainConfig, network: Any, steps_per_epoch: int) -> Any:
    """The optimizer of a network's trainable parameters, with its schedule inside the graph.

    Args:
        config: The ``train`` section.
        network: Cell to train.
        steps_per_epoch: Optimizer steps of one epoch.
    """
    from mindspore import nn

    rates = learning_rates(config, steps_per_epoch)
    parameters = network.trainable_params()
    if config.optimizer == "adam":
        return nn.Adam(parameters, rates, weight_decay=config.weight_decay)
    return nn.SGD(parameters, rates, momentum=config.momentum, weight_decay=config.weight_decay)
