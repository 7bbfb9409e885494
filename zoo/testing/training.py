"""Checks of a training stage: what its objective returns, that gradients reach every parameter, that it learns."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cached_property, partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from registry import ZooError
from zoo.config import TrainConfig
from zoo.engine.dropout import Noise
from zoo.engine.group import ALONE
from zoo.engine.optimizer import build_optimizer
from zoo.engine.step import Step, compile_step
from zoo.engine.training_pictures import SUPERVISED
from zoo.testing.check import NotApplicable, Unmet, expect, explain
from zoo.testing.construction import check_builds
from zoo.testing.once import Once
from zoo.testing.pictures import batch
from zoo.testing.subject import Subject

STEPS = 30
"""Most steps in which the loss on one batch must fall."""

RATE = 1e-3
"""Learning rate of these steps, of Adam as its authors set it (arXiv 1412.6980)."""

FALL = 0.01
"""Share of the first loss by which it must fall."""

ROUNDING = 1e-5
"""Gradient that is rounding alone, as a share of the largest in its layer: a bias before a norm has some 1e-6."""

SUBSTANCE = 1e-3
"""Gradient, as a share of the largest in its layer, that no norm cancels."""

CLOSE = 0.01
"""Share by which compiled and eager loss may differ: norms over few values magnify rounding."""

CANCELLED = "cancelled"
"""Attribute of a cell: patterns of its parameters, named from the cell on, whose gradient a following norm cancels."""


class Stage:
    """One objective of a model.

    Args:
        subject: The model.
        name: Name of the stage.
    """

    def __init__(self, subject: Subject, name: str) -> None:
        self.subject, self.name = subject, name
        self.once = Once(self)
        self.terms = tuple(subject.spec.objectives[name].terms)

    def inputs(self, seed: int = 0, labelled: bool | None = None) -> tuple[Any, Any, Any]:
        """A batch of two pictures as arrays, alpha and trimap None for a stage that does without.

        Args:
            seed: Of the pictures.
            labelled: With or without alphas, whatever the stage needs.
        """
        image, alpha, trimap = batch(self.subject.config, 2, self.subject.side, seed)
        with_alpha = self.needs_alphas if labelled is None else labelled
        return (image, alpha, trimap) if with_alpha else (image, None, None)

    def fresh(self) -> tuple[Any, Any]:
        """A network with fresh weights and its objective, in training mode."""
        network = self.subject.build()
        return network, self._around(network)

    def lively(self) -> tuple[Any, Any]:
        """The same with lively weights."""
        network = self.subject.lively()
        return network, self._around(network)

    def _around(self, network: Any) -> Any:
        objective = self.subject.objective(self.name, network)
        objective.set_train(True)
        return objective

    @cached_property
    def refusal(self) -> Exception | None:
        """What the objective raises of pictures without alphas; None if it takes them."""
        objective = self.lively()[1]
        try:
            values = objective(*_tensors(self.inputs(labelled=False)))
            _numbers(values)
        except Exception as error:
            return error
        return None

    @property
    def needs_alphas(self) -> bool:
        """Whether the stage learns from true alphas."""
        return self.name == SUPERVISED or self.refusal is not None

    @cached_property
    def course(self) -> tuple[float, list[float]]:
        """The eager loss before the first step, and the losses of compiled steps on one batch."""
        # A later stage begins with trained weights, which are lively.
        network, objective = self.fresh() if self.name == SUPERVISED else self.lively()
        noise = Noise(network, self.subject.config.train.seed, 0)
        inputs = self.inputs()
        noise.at(0)
        eager = _numbers(objective(*_tensors(inputs)))[0]
        config = replace(TrainConfig(), optimizer="adam", lr=RATE, schedule="constant", epochs=STEPS + 1)
        optimizer = build_optimizer(config, network, steps_per_epoch=1)
        step = compile_step(objective, optimizer, config, ALONE, noise)
        pictures: Any = SimpleNamespace(image=inputs[0], alpha=inputs[1], trimap=inputs[2])
        losses: list[float] = []
        # The loss of a step is that before its update.
        for _ in range(STEPS + 1):
            losses.append(_compiled(step, pictures))
            if _fallen(losses) or not math.isfinite(losses[-1]):
                break
        return eager, losses


def checks(stage: Stage) -> list[tuple[str, Callable[[], None]]]:
    """The checks of this family, by name."""
    return [
        ("unlabelled", partial(check_unlabelled, stage)),
        ("terms", partial(stage.once.run, check_terms)),
        ("gradients", partial(check_gradients, stage)),
        ("compiled-step", partial(stage.once.run, check_compiled_step)),
        ("loss-falls", partial(check_loss_falls, stage)),
    ]


def check_unlabelled(stage: Stage) -> None:
    """A stage other than the supervised one takes pictures without alphas, or refuses them in words."""
    if stage.name == SUPERVISED:
        raise NotApplicable("the stage learns from true alphas; the trainer gives it no others")
    stage.subject.once.need(check_builds)
    error = stage.refusal
    in_words = isinstance(error, (ZooError, ValueError)) and "alpha" in str(error)
    expect(
        error is None or in_words,
        f"given pictures without alphas (alpha and trimap None) it fails: {explain(error) if error else ''}; expected "
        "a loss, or an error that says it needs an alpha",
    )


def check_terms(stage: Stage) -> None:
    """The objective returns the loss and the terms that it declares, each one finite number."""
    stage.subject.once.need(check_builds)
    found = stage.lively()[1](*_tensors(stage.inputs()))
    kind = type(found).__name__
    if not isinstance(found, (tuple, list)):
        raise Unmet(f"construct returns {kind}; expected a tuple (loss, *terms)")
    expect(
        len(found) == 1 + len(stage.terms),
        f"construct returns the loss and {len(found) - 1} terms; expected {len(stage.terms)}, as declared: "
        f"{', '.join(stage.terms) or 'none'}",
    )
    for name, value in zip(("loss", *stage.terms), found, strict=True):
        shape = tuple(getattr(value, "shape", ()))
        expect(math.prod(shape) == 1, f"{name} has shape {shape}; expected one number")
    for name, number in zip(("loss", *stage.terms), _numbers(found), strict=True):
        expect(math.isfinite(number), f"{name} is {number}; expected a finite number")


def check_gradients(stage: Stage) -> None:
    """Gradients are finite; with true alphas every parameter has one, but for those that a norm cancels."""
    stage.subject.once.need(check_builds)
    stage.once.need(check_terms)
    network, objective = stage.lively()
    sizes = _gradients(network, objective, stage.inputs())
    broken = [name for name, size in sizes.items() if not math.isfinite(size)]
    first = broken[0] if broken else ""
    expect(not broken, f"the gradient of {len(broken)} of {len(sizes)} parameters is not finite, {first} first")
    expect(any(sizes.values()), "no parameter has a gradient: the loss does not depend on the network")
    if not stage.needs_alphas:
        return
    cancelled = _cancelled(network)
    declared = {name for names in cancelled.values() for name in names}
    if any(share <= ROUNDING and name not in declared for name, share in shares(sizes).items()):
        # A unit may be off by chance: what another batch reaches is connected.
        again = _gradients(network, objective, stage.inputs(seed=100))
        sizes = {name: max(size, again[name]) for name, size in sizes.items()}
    judge(sizes, cancelled)


def judge(sizes: Mapping[str, float], cancelled: Mapping[str, Sequence[str]]) -> None:
    """Hold the gradients of all parameters against what is declared of them.

    Args:
        sizes: Largest absolute gradient by parameter.
        cancelled: Names that each declared pattern fits.

    Raises:
        Unmet: A parameter has no gradient and is not declared, or the other way round.
    """
    of_layer = shares(sizes)
    for pattern, names in cancelled.items():
        expect(bool(names), f"{CANCELLED!r} holds {pattern!r}, which fits no trainable parameter")
        for name in names:
            share = of_layer[name]
            expect(
                share <= SUBSTANCE,
                f"{CANCELLED!r} holds {pattern!r}, and {name} has a gradient ({share:.1g} of the largest in its layer)",
            )
    declared = {name for names in cancelled.values() for name in names}
    unconnected = [name for name, size in sizes.items() if size == 0 and name not in declared]
    expect(
        not unconnected,
        f"{len(unconnected)} of {len(sizes)} trainable parameters have no gradient: {', '.join(unconnected[:3])}; "
        "expected every one to be part of the loss",
    )
    lost = [name for name, share in of_layer.items() if share <= ROUNDING and name not in declared]
    expect(
        not lost,
        f"the gradient of {len(lost)} of {len(sizes)} parameters is rounding alone: {', '.join(lost[:3])}; a norm that "
        f"follows cancels them: leave them out, or declare their patterns in {CANCELLED!r} of the cell",
    )


def shares(sizes: Mapping[str, float]) -> dict[str, float]:
    """Each gradient as a share of the largest in its layer: of the parameters of one cell."""
    largest: dict[str, float] = {}
    for name, size in sizes.items():
        layer = name.rpartition(".")[0]
        largest[layer] = max(largest.get(layer, 0.0), size)
    return {name: size / (largest[name.rpartition(".")[0]] or 1.0) for name, size in sizes.items()}


def check_compiled_step(stage: Stage) -> None:
    """The compiled training step has the loss that eager calculation gives."""
    stage.subject.once.need(check_builds)
    stage.once.need(check_terms)
    eager, losses = stage.course
    expect(
        abs(losses[0] - eager) <= CLOSE * max(abs(eager), 1e-3),
        f"the loss of the compiled training step is {losses[0]:.6g}, eager it is {eager:.6g}",
    )


def check_loss_falls(stage: Stage) -> None:
    """Within `STEPS` steps of Adam on one batch the loss falls by `FALL` of itself."""
    stage.subject.once.need(check_builds)
    stage.once.need(check_terms)
    stage.once.need(check_compiled_step)
    losses = stage.course[1]
    expect(
        _fallen(losses),
        f"on one batch the loss went from {losses[0]:.4g} to {min(losses):.4g} at best in {len(losses) - 1} steps of "
        f"Adam with rate {RATE:g}; expected a fall by {FALL:.0%}",
    )


def _compiled(step: Step, pictures: Any) -> float:
    try:
        return step([pictures], 0)[0]
    except Exception as error:
        raise Unmet(f"the training step cannot be compiled: {explain(error)}") from error


def _fallen(losses: Sequence[float]) -> bool:
    return min(losses) <= losses[0] - FALL * abs(losses[0]) and min(losses) < losses[0]


def _gradients(network: Any, objective: Any, inputs: tuple[Any, Any, Any]) -> dict[str, float]:
    """Largest absolute gradient of each trainable parameter; not finite where one of its values is not."""
    import mindspore as ms

    parameters = network.trainable_params()

    def loss(*tensors: Any) -> Any:
        return objective(*tensors)[0]

    found = ms.value_and_grad(loss, None, parameters)(*_tensors(inputs))[1]
    arrays = [gradient.asnumpy() for gradient in found]
    return {p.name: float(np.abs(a).max()) for p, a in zip(parameters, arrays, strict=True)}


def _cancelled(network: Any) -> dict[str, list[str]]:
    """The trainable parameters that each pattern of `CANCELLED` fits, of the network and of the cells in it."""
    names = [p.name for p in network.trainable_params()]
    found: dict[str, list[str]] = {}
    for cell_name, cell in network.cells_and_names():
        for pattern in getattr(cell, CANCELLED, ()):
            full = f"{cell_name}.{pattern}" if cell_name else pattern
            found[full] = [name for name in names if fnmatchcase(name, full)]
    return found


def _tensors(arrays: tuple[Any, Any, Any]) -> list[Any]:
    import mindspore as ms

    return [None if array is None else ms.Tensor(array) for array in arrays]


def _numbers(values: Any) -> list[float]:
    return [float(np.asarray(value.asnumpy()).reshape(-1)[0]) for value in values]
