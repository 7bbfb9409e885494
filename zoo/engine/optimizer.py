"""Learning rates and optimizers, each a function of the config."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from zoo.config import TrainConfig
from zoo.engine.patterns import first_match, matching


def learning_rates(config: TrainConfig, steps_per_epoch: int) -> list[float]:
    """The learning rate of every step of a run.

    The rate climbs linearly over ``warmup_steps``; after that it is constant, multiplied by ``gamma`` after each
    ``step_epochs`` epochs (MODNet's sample: 0.1 after each quarter of the run), falls to 0 along half a cosine
    (Loshchilov and Hutter, arXiv 1608.03983, without restarts), or falls to 0 as a power of the share of steps that is
    left (Chen et al., DeepLab, arXiv 1606.00915, section 4.1.1: power 0.9).

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
        done = (step - warmup) / max(1, total - warmup)
        if step < warmup:
            factor = (step + 1) / warmup
        elif config.schedule == "step":
            factor = config.gamma ** (step // steps_per_epoch // config.step_epochs)
        elif config.schedule == "cosine":
            factor = 0.5 * (1 + math.cos(math.pi * done))
        elif config.schedule == "polynomial":
            factor = (1 - done) ** config.power
        else:
            factor = 1.0
        rates.append(config.lr * factor)
    return rates


def build_optimizer(config: TrainConfig, network: Any, steps_per_epoch: int) -> Any:
    """The optimizer of a network's trainable parameters, with its schedule inside the graph.

    Args:
        config: The ``train`` section.
        network: Cell to train; frozen parameters have been marked (`zoo.engine.freeze.freeze`).
        steps_per_epoch: Optimizer steps of one epoch.

    Raises:
        UsageError: A pattern of ``no_decay`` or ``lr_factors`` fits no trainable parameter, or nothing is left to
            train.
    """
    from mindspore import nn

    rates = learning_rates(config, steps_per_epoch)
    groups = _groups(config, network.trainable_params(), rates)
    if config.optimizer == "sgd":
        return nn.SGD(groups, rates, momentum=config.momentum, weight_decay=config.weight_decay)
    first, second = config.betas
    # AdamW's decay is no part of the gradient: `decay` applies it.
    penalty = config.weight_decay if config.optimizer == "adam" else 0.0
    return nn.Adam(groups, rates, beta1=first, beta2=second, weight_decay=penalty)


def decoupled_decay(config: TrainConfig, optimizer: Any) -> Callable[[], None] | None:
    """What AdamW does to the weights before each step of Adam (Loshchilov and Hutter, arXiv 1711.05101, algorithm 2).

    MindSpore's own ``AdamWeightDecay`` is another method: it leaves out Adam's correction of the first steps' bias.

    Returns:
        A function for the step's graph that takes ``rate * weight_decay`` of each weight away; None for other
        optimizers and without decay.
    """
    if config.optimizer != "adamw" or not config.weight_decay:
        return None
    from mindspore import ops

    spared = _undecayed(config, optimizer.parameters)
    decayed = [(index, p) for index, p in enumerate(optimizer.parameters) if p.name not in spared]
    share, grouped = config.weight_decay, optimizer.is_group_lr

    def decay() -> None:
        rates = optimizer.get_lr()
        for index, parameter in decayed:
            ops.assign(parameter, parameter * (1 - (rates[index] if grouped else rates) * share))

    return decay


def _undecayed(config: TrainConfig, parameters: Sequence[Any]) -> set[str]:
    return matching(config.no_decay, [p.name for p in parameters], "train.no_decay")


def _groups(config: TrainConfig, parameters: Sequence[Any], rates: Sequence[float]) -> list[Any]:
    """The parameters as MindSpore's optimizers take them: a plain list, or groups of like rate and decay.

    Raises:
        UsageError: A pattern fits none of them.
    """
    matching(list(config.lr_factors), [p.name for p in parameters], "train.lr_factors")
    spared = _undecayed(config, parameters)
    groups: dict[tuple[float, bool], list[Any]] = {}
    for parameter in parameters:
        key = (first_match(config.lr_factors, parameter.name, 1.0), parameter.name not in spared)
        groups.setdefault(key, []).append(parameter)
    penalty = config.weight_decay if config.optimizer != "adamw" else 0.0
    # Without groups MindSpore spares every parameter with "gamma" or "beta" in its name, whatever it is told.
    if list(groups) == [(1.0, True)] and not penalty:
        return list(parameters)
    return [
        {"params": members, "lr": [rate * factor for rate in rates], "weight_decay": penalty if decays else 0.0}
        for (factor, decays), members in groups.items()
    ]
