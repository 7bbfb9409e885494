"""What a plugin registers: frozen dataclasses of data and callables, no base class to inherit from.

Arrays follow one convention throughout: an ``image`` is (H, W, 3) uint8 RGB, an ``alpha`` is
(H, W) float32 in [0, 1], a ``trimap`` is (H, W) uint8 with the values 0, 128 and 255. Networks see
(N, 3, H, W) float32 normalised images and answer (N, 1, H, W) alphas in [0, 1].
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


def _check_name(kind: str, name: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"{kind} name {name!r}: use letters, digits, '.', '_', '+', '-'; start with a letter or digit")


def _several(what: str, value: Any) -> tuple[Any, ...]:
    """A sequence as a tuple; a lone text, which would fall into letters, is refused."""
    if isinstance(value, (str, bytes)):
        raise TypeError(f"{what} is a text; give a sequence of them")
    return tuple(value)


def _check_callable(kind: str, name: str, part: str, value: object) -> None:
    if not callable(value):
        raise TypeError(f"{kind} {name!r}: {part} is {type(value).__name__}, not callable")


@dataclass(frozen=True)
class Weights:
    """A file of trained weights that a card points to.

    Attributes:
        name: Name to ask for in ``zoo download``.
        urls: Places to fetch it from, first one first.
        sha256: Hex digest of the file; None is shown and confirmed at download, never invented.
        bytes: Size of the file in bytes, where known.
        license: Licence of the weights.
        data_license: Licence of the data they were trained on.
        trained_on: Data sets they have seen, where those are not the card's.
    """

    name: str
    urls: Sequence[str]
    sha256: str | None = None
    bytes: int | None = None
    license: str = ""
    data_license: str = ""
    trained_on: Sequence[str] = ()

    def __post_init__(self) -> None:
        _check_name("weights", self.name)
        for name in ("urls", "trained_on"):
            object.__setattr__(self, name, _several(f"{name} of weights", getattr(self, name)))


@dataclass(frozen=True)
class Card:
    """What a reader needs to know about a model before using it.

    Attributes:
        title: Full title of the model.
        paper: Reference or address of the paper.
        authors: Authors of the paper.
        code_license: Licence of this implementation.
        weights: Published weights.
        trained_on: Data sets (``NAME`` or ``NAME/SPLIT``) the weights have seen.
        intended_use: What it is for.
        limits: Where it fails or must not be used.
        parameters: Number of trainable parameters.
        macs: Multiply-accumulate operations of one forward pass at the default input size.
        results: Published results, each a mapping with its source.
    """

    title: str
    paper: str = ""
    authors: str = ""
    code_license: str = ""
    weights: Sequence[Weights] = ()
    trained_on: Sequence[str] = ()
    intended_use: str = ""
    limits: str = ""
    parameters: int | None = None
    macs: int | None = None
    results: Sequence[Mapping[str, Any]] = ()

    def __post_init__(self) -> None:
        for name in ("weights", "trained_on", "results"):
            object.__setattr__(self, name, _several(f"{name} of a card", getattr(self, name)))


@dataclass(frozen=True)
class Objective:
    """One way to train a model.

    Attributes:
        build: ``build(network, config) -> nn.Cell`` made with ``auto_prefix=False``, whose
            ``construct(image, alpha, trimap)`` returns ``(loss, *terms)``. The trimap is
            (N, 1, H, W) float32 in {0, 0.5, 1}; alpha and trimap are None for unlabelled
            pictures. If the cell has ``epoch_end()``, it is called after each epoch. What it
            remembers from step to step must be in Parameters of the cell, which checkpoints hold:
            a resumed training is then the same as an unbroken one.
        terms: Names of the loss terms behind the loss, in order.
    """

    build: Callable[[Any, Any], Any]
    terms: Sequence[str] = ()

    def __post_init__(self) -> None:
        _check_callable("objective", "", "build", self.build)
        object.__setattr__(self, "terms", _several("terms of an objective", self.terms))


@dataclass(frozen=True)
class ModelSpec:
    """A matting model.

    Attributes:
        name: Name on the command line.
        build: ``build(config, backbone) -> nn.Cell`` with ``construct(image) -> alpha``; the
            backbone is a built encoder cell, or None where the config names none. A model that
            is no MindSpore network returns an object with ``predict(image, trimap) -> alpha``
            (arrays as in the module docstring); it is evaluated, not trained. A network that
            decides known regions and the detail of the rest apart may have ``parts(image)``,
            which gives both: a trimap in {0, 0.5, 1} and the detail, each shaped like the alpha,
            for the evaluation protocol that takes them from two sizes of the picture.
        card: What a reader must know.
        config: Path of the plugin's ``default.yaml``.
        objectives: Ways to train it by name; empty means that it cannot be trained.
        convert: ``convert(arrays) -> dict``: PyTorch-style names and arrays to parameter names
            and arrays of the network.
        needs_trimap: The model is given a trimap; every table says so.
    """

    name: str
    build: Callable[[Any, Any], Any]
    card: Card
    config: str | Path | None = None
    objectives: Mapping[str, Objective] = field(default_factory=dict)
    convert: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None
    needs_trimap: bool = False

    def __post_init__(self) -> None:
        _check_name("model", self.name)
        _check_callable("model", self.name, "build", self.build)
        if not isinstance(self.card, Card):
            raise TypeError(f"model {self.name!r}: card is {type(self.card).__name__}, not a Card")
        for name, objective in dict(self.objectives).items():
            if not isinstance(objective, Objective):
                raise TypeError(
                    f"model {self.name!r}: objective {name!r} is {type(objective).__name__}, not an Objective"
                )
        object.__setattr__(self, "objectives", MappingProxyType(dict(self.objectives)))


@dataclass(frozen=True)
class BackboneSpec:
    """An encoder.

    Attributes:
        name: Short name; the full one is ``PLUGIN/NAME``.
        build: ``build(config) -> nn.Cell`` with ``channels`` and ``strides`` (equally long, coarsest
            last) whose ``construct(image)`` returns one feature map per stride.
        weights: Published weights, for ``zoo download`` and ``model.pretrained``.
    """

    name: str
    build: Callable[[Any], Any]
    weights: Sequence[Weights] = ()

    def __post_init__(self) -> None:
        _check_name("backbone", self.name)
        _check_callable("backbone", self.name, "build", self.build)
        object.__setattr__(self, "weights", _several("weights of a backbone", self.weights))


@dataclass(frozen=True)
class Sample:
    """One picture of a data set.

    Attributes:
        name: Name in reports, unique within the split.
        image: (H, W, 3) uint8 RGB, or the path of a file.
        alpha: (H, W) float32 in [0, 1], a path, or None where there is no truth.
        trimap: (H, W) uint8 in {0, 128, 255}, a path, or None to have one made.
    """

    name: str
    image: Any
    alpha: Any = None
    trimap: Any = None


@dataclass(frozen=True)
class DatasetSpec:
    """A data set.

    Attributes:
        name: Name as published.
        splits: Split names as published, each with its count of pictures or None if unknown.
            ``train`` is the one to learn from, ``val`` (if any) the one to choose checkpoints on,
            every other is for reporting only.
        open: ``open(root, split, options) -> Sequence[Sample]``; options is the ``data.options``
            mapping of the config.
        published: Published results on its splits, each a mapping with its source.
    """

    name: str
    splits: Mapping[str, int | None]
    open: Callable[[Any, str, Mapping[str, Any]], Sequence[Sample]]
    published: Sequence[Mapping[str, Any]] = ()

    def __post_init__(self) -> None:
        _check_name("dataset", self.name)
        _check_callable("dataset", self.name, "open", self.open)
        object.__setattr__(self, "splits", MappingProxyType(dict(self.splits)))
        object.__setattr__(self, "published", tuple(self.published))


@dataclass(frozen=True)
class MetricSpec:
    """A metric of one image.

    Attributes:
        name: Name in reports.
        compute: ``compute(alpha, target, trimap) -> float | None``; alpha and target are (H, W)
            float64 in [0, 1], trimap (H, W) uint8 or None; None means undefined here.
        needs_trimap: Undefined without a trimap.
        lower_is_better: Direction of improvement.
    """

    name: str
    compute: Callable[[Any, Any, Any], float | None]
    needs_trimap: bool = False
    lower_is_better: bool = True

    def __post_init__(self) -> None:
        _check_name("metric", self.name)
        _check_callable("metric", self.name, "compute", self.compute)


Spec = ModelSpec | BackboneSpec | DatasetSpec | MetricSpec
"""Anything that can be registered."""
