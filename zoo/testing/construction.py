"""Checks of how a model is made: its config is valid, it builds, its options are those it declares."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from registry import ZooError
from zoo.data.augment import parse
from zoo.engine.build import is_network
from zoo.engine.freeze import freeze
from zoo.engine.optimizer import build_optimizer
from zoo.engine.state import refuse_taken_names
from zoo.engine.validation import best_metric
from zoo.testing.check import NotApplicable, Unmet, expect
from zoo.testing.subject import Subject, Watched


def checks(subject: Subject) -> list[tuple[str, Callable[[], None]]]:
    """The checks of this family, by name."""
    return [
        ("config", partial(subject.once.run, check_config)),
        ("builds", partial(subject.once.run, check_builds)),
        ("options", partial(check_options, subject)),
        ("recipe", partial(check_recipe, subject)),
    ]


def check_config(subject: Subject) -> None:
    """Every key and value of ``default.yaml`` is valid, and what it names is installed."""
    config = subject.resolve(subject.settings)
    if config.model.backbone is not None:
        subject.registry.get("backbone", config.model.backbone, prefer=subject.plugin.name)
    subject.registry.get("dataset", config.data.dataset, prefer=subject.plugin.name)
    best_metric(subject.registry, config)
    parse(config.data.transforms)
    side, stride = config.data.crop_size, config.model.stride
    expect(side % stride == 0, f"data.crop_size is {side}; expected a multiple of model.stride, {stride}")


def check_builds(subject: Subject) -> None:
    """The model can be built, and is a network or has ``predict``; with objectives it is a network."""
    subject.once.need(check_config)
    model = subject.model
    if subject.spec.objectives:
        expect(is_network(model), f"it has objectives, and build returned {type(model).__name__}, no nn.Cell")
    if is_network(model):
        refuse_taken_names(model, subject.plugin)


def check_options(subject: Subject) -> None:
    """What is read of ``model.options`` is what ``default.yaml`` declares there."""
    subject.once.need(check_builds)
    declared = dict(subject.config.model.options)
    options = Watched(declared)
    model = subject.build(subject.config.override(model={"options": options}))
    for stage, objective in subject.spec.objectives.items():
        staged = subject.stage_config(stage).override(model={"options": options})
        try:
            objective.build(model, staged)
        except Exception as error:
            raise Unmet(f"the objective of stage {stage!r} cannot be built: {type(error).__name__}: {error}") from error
    undeclared, unread = sorted(options.read - set(declared)), sorted(set(declared) - options.read)
    expect(not undeclared, f"model.options.{', '.join(undeclared)} is read, and default.yaml does not declare it")
    expect(not unread, f"default.yaml declares model.options.{', '.join(unread)}, and nothing reads it")


def check_recipe(subject: Subject) -> None:
    """The patterns of the ``train`` section fit parameters of the network."""
    if not subject.spec.objectives:
        raise NotApplicable("the model is not trained")
    subject.once.need(check_builds)
    network = subject.build()
    try:
        freeze(subject.config.train, network)
        build_optimizer(subject.config.train, network, steps_per_epoch=1)
    except ZooError as error:
        raise Unmet(f"default.yaml: {error}") from error
