"""Checks of a model's card: it is complete, and its figures are those of the network."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from registry import ZooError
from zoo.engine.build import is_network
from zoo.engine.macs import count_macs, count_parameters
from zoo.testing.check import NotApplicable, expect
from zoo.testing.construction import check_builds
from zoo.testing.published import check_published
from zoo.testing.subject import Subject

_TEXTS = ("title", "code_license", "intended_use", "limits")


def checks(subject: Subject) -> list[tuple[str, Callable[[], None]]]:
    """The checks of this family, by name."""
    return [
        ("card", partial(check_card, subject)),
        ("parameters", partial(check_parameters, subject)),
        ("macs", partial(check_macs, subject)),
    ]


def check_card(subject: Subject) -> None:
    """The card has a title, a licence, a use and limits; its weights can be fetched, its results have a source."""
    card = subject.spec.card
    missing = [name for name in _TEXTS if not str(getattr(card, name)).strip()]
    expect(not missing, f"the card lacks {', '.join(missing)}")
    check_published(card.weights, "the card's")
    for number, row in enumerate(card.results, 1):
        expect(bool(row.get("source")), f"result {number} of the card names no source")


def check_parameters(subject: Subject) -> None:
    """The card's number of trainable parameters is the network's, as it comes."""
    network = _as_it_comes(subject)
    _compare("parameters", subject.spec.card.parameters, count_parameters(network))


def check_macs(subject: Subject) -> None:
    """The card's multiply-accumulates are those of one square picture of ``eval.short_side``."""
    network = _as_it_comes(subject)
    config = subject.resolve()
    side = max(1, config.eval.short_side // config.model.stride) * config.model.stride
    _compare("macs", subject.spec.card.macs, count_macs(network, np.zeros((1, 3, side, side), np.float32)))


def _as_it_comes(subject: Subject) -> Any:
    """The network of ``default.yaml``, without the settings of the check."""
    subject.once.need(check_builds)
    if not subject.is_network:
        raise NotApplicable("the model answers pictures itself: nothing to count")
    try:
        network = subject.build(subject.resolve())
    except ZooError as error:
        raise NotApplicable(f"it cannot be built as it comes: {error}") from error
    assert is_network(network), "it was one with the settings"
    return network


def _compare(what: str, declared: int | None, measured: int) -> None:
    if declared is None:
        expect(False, f"the card declares no {what}; measured: {what}={measured:_}")
    expect(declared == measured, f"the card declares {declared:,} {what}; measured: {what}={measured:_}")
