"""The configuration: frozen dataclasses are the schema, YAML files are the values.

A plugin's ``default.yaml`` comes first, then a recipe, then variables and options of the command line.
Unknown keys and wrong types are refused with file, line, key and the nearest valid key; nothing is guessed.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from registry import UsageError
from registry.errors import NotFoundError, did_you_mean
from zoo.engine.protocol import DEFAULT_PROTOCOL, PROTOCOLS


@dataclass(frozen=True)
class ModelConfig:
    """What is built.

    Attributes:
        name: Registered name of the model; set by the command.
        backbone: Registered name of the encoder, null for a model that has none.
        pretrained: Path or name of weights for the backbone, null for a random start.
        mean: Subtracted from RGB in [0, 1].
        std: Divided by after that.
        stride: Both sides of the network's input are multiples of it, in pixels.
        options: Free keys, declared by the plugin's ``default.yaml``.
    """

    name: str = ""
    backbone: str | None = None
    pretrained: str | None = None
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    stride: int = 32
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DataConfig:
    """What is learnt from and how it is varied.

    Attributes:
        dataset: Registered name of the data set.
        root: Folder of the data set; for P3M-10k the one that holds ``train/`` and ``validation/``.
        options: Free keys, read by the data set (sub-folders, for example).
        crop_size: Side of the square training crop, in pixels of the network's input. Larger JPEG photos are decoded at
            1/2, 1/4 or 1/8 of their size where every crop keeps as many.
        val: Pictures set apart from ``train`` to choose checkpoints on; null: a fifth, at most 100; 0: none.
        workers: Threads that read and augment pictures.
        cache_mib: Memory for decoded pictures, so that each is decoded once and not once an epoch, in MiB, of each
            device's process; 0: none.
        transforms: Random changes in order, each ``{name: {parameter: value}}``.
    """

    dataset: str = "P3M-10k"
    root: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    crop_size: int = 512
    val: int | None = None
    workers: int = 2
    cache_mib: int = 0
    transforms: tuple[Mapping[str, Any], ...] = ({"crop": {}}, {"flip": {}})


@dataclass(frozen=True)
class TrainConfig:
    """How it learns.

    Parameters are picked by glob patterns of their names (``backbone.*``, ``*.gamma``); a pattern that fits none is
    refused.

    Attributes:
        stage: Objective of the model to train.
        start_from: Checkpoint or run of the same model whose weights to begin with (fine-tuning), null: fresh ones.
        epochs: Passes over the training pictures.
        batch_size: Pictures per device that go through the network at once; a last partial batch is left out.
        accumulate: Batches whose gradients are averaged before a step.
        optimizer: ``sgd``, ``adam`` or ``adamw``.
        lr: Learning rate after the warm-up.
        momentum: Momentum of SGD.
        betas: Decay of the two moments of Adam and AdamW.
        weight_decay: L2 penalty; of AdamW the decoupled decay.
        no_decay: Patterns of the parameters without weight decay.
        lr_factors: Factor of the learning rate for each pattern; the first that fits counts.
        freeze: Patterns of the parameters that stay as they are; a batch norm all of whose parameters are frozen
            keeps its moving statistics too.
        freeze_norms: Whether every batch norm keeps its moving statistics and normalises by them.
        clip_norm: Greatest norm of all gradients together; larger ones are scaled down to it. null: any.
        schedule: ``constant``, ``step``, ``cosine`` or ``polynomial``.
        step_epochs: ``step``: epochs between two drops.
        gamma: ``step``: factor of each drop.
        power: ``polynomial``: exponent of the share of steps that is left.
        warmup_steps: Steps in which the rate climbs linearly from 0 to ``lr``.
        ema: Decay per step of the averaged weights, which are then validated, kept as the best and predicted with;
            null: none.
        amp: Mixed precision, one of MindSpore's levels ``O0`` (none), ``auto``, ``O2`` or ``O3``.
        loss_scale: Factor of the loss in mixed precision; null: found and adapted while training.
        sync_norm: Whether batch norms take their statistics over all devices; null: if a device has fewer than 8
            pictures.
        seed: Seed of weights, order and augmentation.
        save_every: Steps between two saved checkpoints; null: once an epoch.
        keep: Checkpoints kept of those saved, ``last.ckpt`` among them.
        validate_every: Epochs between two validations.
        best: Metric on the validation slice that chooses ``best.ckpt``.
    """

    stage: str = "supervised"
    start_from: str | None = None
    epochs: int = 40
    batch_size: int = 16
    accumulate: int = 1
    optimizer: str = "sgd"
    lr: float = 0.01
    momentum: float = 0.9
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    no_decay: tuple[str, ...] = ()
    lr_factors: Mapping[str, Any] = field(default_factory=dict)
    freeze: tuple[str, ...] = ()
    freeze_norms: bool = False
    clip_norm: float | None = None
    schedule: str = "step"
    step_epochs: int = 10
    gamma: float = 0.1
    power: float = 0.9
    warmup_steps: int = 0
    ema: float | None = None
    amp: str = "O0"
    loss_scale: float | None = None
    sync_norm: bool | None = None
    seed: int = 0
    save_every: int | None = None
    keep: int = 1
    validate_every: int = 1
    best: str = "MAD"


@dataclass(frozen=True)
class EvalConfig:
    """How a picture becomes an alpha, and an alpha a number.

    Attributes:
        protocol: How a picture becomes the network's input and the answer a matte of its size, one of
            `zoo.engine.protocol.PROTOCOLS`.
        short_side: Short side of the network's input, in pixels, for the protocols that have one; both sides then
            become multiples of ``model.stride``.
        dialect: Definition of the metrics.
        rounding: ``float``, ``truncated`` or ``rounded`` (to 8 bits) before they are computed.
        mattes: Whether an evaluation keeps the mattes.
        workers: Processes that score beside the network; null: one for each core, at most 8, and none for a few
            pictures; 0: none.
    """

    protocol: str = DEFAULT_PROTOCOL
    short_side: int = 512
    dialect: str = "p3m"
    rounding: str = "float"
    mattes: bool = True
    workers: int | None = None


@dataclass(frozen=True)
class Config:
    """Everything a run depends on.

    Attributes:
        model: What is built.
        data: What is learnt from.
        train: How it learns.
        eval: How it is applied and scored.
    """

    model: ModelConfig = field(default_factory=ModelConfig)
    data: DataConfig = field(default_factory=DataConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    eval: EvalConfig = field(default_factory=EvalConfig)

    def to_dict(self) -> dict[str, Any]:
        """Nested plain dictionaries and lists, ready for YAML or JSON."""
        return typing.cast("dict[str, Any]", _plain(dataclasses.asdict(self)))

    def to_yaml(self) -> str:
        """One YAML mapping with the four sections, in schema order."""
        return yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True)

    def override(self, **sections: Mapping[str, Any]) -> Config:
        """A copy with some keys replaced: ``config.override(data={"root": "x"})``."""
        new = {name: dataclasses.replace(getattr(self, name), **values) for name, values in sections.items()}
        return dataclasses.replace(self, **new)


_CHOICES: Mapping[str, tuple[str, ...]] = {
    "train.optimizer": ("sgd", "adam", "adamw"),
    "train.schedule": ("constant", "step", "cosine", "polynomial"),
    "train.amp": ("O0", "auto", "O2", "O3"),
    "eval.protocol": tuple(PROTOCOLS),
    "eval.rounding": ("float", "truncated", "rounded"),
}

_MINIMUM: Mapping[str, float] = {
    "model.stride": 1,
    "data.crop_size": 1,
    "data.val": 0,
    "data.workers": 1,
    "data.cache_mib": 0,
    "train.epochs": 1,
    "train.batch_size": 1,
    "train.accumulate": 1,
    "train.lr": 0,
    "train.momentum": 0,
    "train.weight_decay": 0,
    "train.step_epochs": 1,
    "train.gamma": 0,
    "train.power": 0,
    "train.warmup_steps": 0,
    "train.seed": 0,
    "train.save_every": 1,
    "train.keep": 1,
    "train.loss_scale": 1,
    "train.validate_every": 1,
    "eval.short_side": 1,
    "eval.workers": 0,
}


@dataclass(frozen=True)
class Resolved:
    """A config and where each of its values comes from.

    Attributes:
        config: The values.
        origins: Dotted key -> ``default``, ``FILE:LINE``, or the option or variable that set it.
    """

    config: Config
    origins: Mapping[str, str]

    def explain(self) -> str:
        """The config as YAML, each value with its origin in a comment."""
        lines = []
        for section, values in self.config.to_dict().items():
            lines.append(f"{section}:")
            for key, value in values.items():
                name = f"{section}.{key}"
                if isinstance(value, dict) and value:
                    lines.append(f"  {key}:")
                    lines += [self._line(f"    {inner}", v, f"{name}.{inner}") for inner, v in value.items()]
                else:
                    lines.append(self._line(f"  {key}", value, name))
        return "\n".join(lines) + "\n"

    def _line(self, label: str, value: Any, name: str) -> str:
        text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=1000)
        text = text.replace("\n...\n", "").strip()
        return f"{label}: {text}  # {self.origins.get(name, 'default')}"


def resolve(
    default: str | Path | None = None,
    recipe: str | Path | None = None,
    settings: Sequence[str] = (),
    values: Sequence[tuple[str, Any, str]] = (),
) -> Resolved:
    """Merge YAML files, ``a.b=value`` settings and typed values, later ones over earlier ones.

    Args:
        default: The plugin's ``default.yaml``. Only it may add keys to ``model.options``.
        recipe: A recipe.
        settings: Texts like ``train.lr=0.02``; the value is read as YAML.
        values: (dotted key, value, origin) triples that have the last word.

    Raises:
        UsageError: A key is unknown or a value is of the wrong type or out of range.
        NotFoundError: A file does not exist.
    """
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    if default is not None:
        _apply(_read(Path(default)), merged, origins, None)
    declared = set(merged.get("model.options", {}))
    if recipe is not None:
        _apply(_read(Path(recipe)), merged, origins, declared)
    _apply([(*_split_setting(text), f"--set {text}") for text in settings], merged, origins, declared)
    _apply(values, merged, origins, declared)
    return Resolved(_build(merged), origins)


def resolve_saved(file: Path, values: Sequence[tuple[str, Any, str]] = ()) -> Resolved:
    """The config saved in a run's ``config.yaml``, with typed values over it.

    Raises:
        UsageError: As for `resolve`.
        NotFoundError: The file does not exist.
    """
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    _apply(_read(file), merged, origins, None)
    _apply(values, merged, origins, None)
    return Resolved(_build(merged), origins)


def overlay(config: Config, settings: Sequence[str]) -> Config:
    """A config with ``a.b=value`` settings over it.

    Raises:
        UsageError: As for `resolve`.
    """
    merged = {f"{section}.{key}": value for section, part in config.to_dict().items() for key, value in part.items()}
    entries = [(*_split_setting(text), f"--set {text}") for text in settings]
    _apply(entries, merged, {}, set(config.model.options))
    return _build(merged)


def from_dict(values: Mapping[str, Any], origin: str) -> Config:
    """The config saved in a checkpoint or run.

    Args:
        values: Nested mapping as made by `Config.to_dict`.
        origin: What to name in an error.

    Raises:
        UsageError: As for `resolve`.
    """
    triples = []
    for section, part in values.items():
        if not isinstance(part, Mapping):
            raise UsageError(f"{origin}: {section} must be a mapping")
        triples += [(f"{section}.{key}", value, origin) for key, value in part.items()]
    merged: dict[str, Any] = {}
    _apply(triples, merged, {}, None)
    return _build(merged)


def _build(merged: Mapping[str, Any]) -> Config:
    sections = {}
    for section, cls in _SECTIONS.items():
        prefix = f"{section}."
        sections[section] = cls(**{k[len(prefix) :]: v for k, v in merged.items() if k.startswith(prefix)})
    return Config(**sections)


_SECTIONS: Mapping[str, Any] = {"model": ModelConfig, "data": DataConfig, "train": TrainConfig, "eval": EvalConfig}

_TYPES: Mapping[str, Any] = {
    f"{section}.{name}": hint for section, cls in _SECTIONS.items() for name, hint in typing.get_type_hints(cls).items()
}


def _apply(
    entries: Sequence[tuple[str, Any, str]], merged: dict[str, Any], origins: dict[str, str], declared: set[str] | None
) -> None:
    for key, value, origin in entries:
        section, _, rest = key.partition(".")
        name, _, inner = rest.partition(".")
        known = f"{section}.{name}"
        if known not in _TYPES:
            raise UsageError(f"{origin}: unknown key {key}.{_nearest_key(section, name)}")
        if inner:
            if not _is_mapping(_TYPES[known]):
                raise UsageError(f"{origin}: {known} is a single value, it has no key {inner!r}")
            value = _nested(inner, value)
        value = _convert(known, value, _TYPES[known], origin)
        _check_range(known, value, origin)
        if _is_mapping(_TYPES[known]):
            if known == "model.options" and declared is not None and set(value) - declared:
                unknown = sorted(set(value) - declared)[0]
                listed = ", ".join(sorted(declared)) or "none"
                near = did_you_mean(unknown, declared)
                raise UsageError(f"{origin}: the model has no option {unknown!r}; its options: {listed}.{near}")
            origins.update({f"{known}.{name}": origin for name in value})
            value = _deep_merge(merged.get(known, {}), value)
        merged[known] = value
        origins[known] = origin


_SYNONYMS: Mapping[str, str] = {
    "learning_rate": "train.lr",
    "batch": "train.batch_size",
    "bs": "train.batch_size",
    "num_epochs": "train.epochs",
    "num_workers": "data.workers",
    "data_root": "data.root",
    "data_dir": "data.root",
    "input_size": "eval.short_side",
    "image_size": "data.crop_size",
}


def _nearest_key(section: str, name: str) -> str:
    word = name or section
    if word in _SYNONYMS:
        return f" Did you mean {_SYNONYMS[word]!r}?"
    same_name = [key for key in _TYPES if key.split(".")[1] == word]
    return f" Did you mean {same_name[0]!r}?" if same_name else did_you_mean(f"{section}.{name}", _TYPES)


def _nested(dotted: str, value: Any) -> dict[str, Any]:
    for key in reversed(dotted.split(".")):
        value = {key: value}
    return typing.cast("dict[str, Any]", value)


def _deep_merge(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for key, value in new.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _deep_merge(merged[key], value) if both else value
    return merged


def _is_mapping(hint: Any) -> bool:
    return typing.get_origin(hint) is not None and issubclass(
        typing.cast(type, typing.get_origin(hint)) if isinstance(typing.get_origin(hint), type) else object, Mapping
    )


def _convert(key: str, value: Any, hint: Any, origin: str) -> Any:
    """The value as the annotated type, or a refusal.

    PyYAML reads ``1e-4`` as a text, so a text that is a number is taken where a float is wanted;
    an int is taken as a float; nothing else is converted.
    """
    arguments = typing.get_args(hint)
    kind = typing.get_origin(hint)
    if kind in (typing.Union, types.UnionType):
        if value is None:
            return None
        (inner,) = [a for a in arguments if a is not type(None)]
        return _convert(key, value, inner, origin)
    if kind is tuple:
        if not isinstance(value, (list, tuple)):
            raise UsageError(f"{origin}: {key} must be a list, not {_show(value)}")
        if arguments[-1] is Ellipsis:
            return tuple(_convert(f"{key}[{i}]", v, arguments[0], origin) for i, v in enumerate(value))
        if len(value) != len(arguments):
            raise UsageError(f"{origin}: {key} must have {len(arguments)} values, not {len(value)}")
        pairs = enumerate(zip(value, arguments, strict=True))
        return tuple(_convert(f"{key}[{i}]", v, a, origin) for i, (v, a) in pairs)
    if kind is not None:
        if not isinstance(value, Mapping):
            raise UsageError(f"{origin}: {key} must be a mapping, not {_show(value)}")
        _require_text_keys(key, value, origin)
        return dict(value)
    if hint is float and not isinstance(value, bool):
        try:
            return float(value)
        except (TypeError, ValueError):
            pass
    elif hint is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    elif hint is str and isinstance(value, (str, Path)):
        return str(value)
    elif hint is bool and isinstance(value, bool):
        return value
    names = {float: "a number", int: "a whole number", str: "a text", bool: "true or false"}
    raise UsageError(f"{origin}: {key} must be {names[hint]}, not {_show(value)}")


def _require_text_keys(key: str, value: Any, origin: str) -> None:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if not isinstance(name, str):
                raise UsageError(f"{origin}: {key} has the key {name!r}; keys are texts")
            _require_text_keys(f"{key}.{name}", inner, origin)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            _require_text_keys(key, inner, origin)


def _check_range(key: str, value: Any, origin: str) -> None:
    choices = _CHOICES.get(key)
    if choices and value not in choices:
        raise UsageError(
            f"{origin}: {key} must be one of {', '.join(choices)}, not {value!r}.{did_you_mean(value, choices)}"
        )
    if key == "train.seed" and value >= 2**32:
        raise UsageError(f"{origin}: train.seed must be below 2**32, not {value}")
    if key in ("model.mean", "model.std") and not all(math.isfinite(part) for part in value):
        raise UsageError(f"{origin}: {key} must be finite, not {list(value)}")
    least = _MINIMUM.get(key)
    # Written as "not >=", so that NaN is refused too.
    if least is not None and value is not None and not least <= value < float("inf"):
        raise UsageError(f"{origin}: {key} must be at least {least:g}, not {value!r}")
    if key == "model.std" and min(value) <= 0:
        raise UsageError(f"{origin}: model.std must be above 0, not {list(value)}")
    if key == "train.betas" and not all(0 <= part < 1 for part in value):
        raise UsageError(f"{origin}: train.betas must be at least 0 and below 1, not {list(value)}")
    if key == "train.ema" and value is not None and not 0 < value < 1:
        raise UsageError(f"{origin}: train.ema must lie between 0 and 1 (0.999 for example), not {value!r}")
    if key == "train.clip_norm" and value is not None and not 0 < value < float("inf"):
        raise UsageError(f"{origin}: train.clip_norm must be above 0, not {value!r}")
    if key == "train.lr_factors":
        for pattern, factor in value.items():
            if isinstance(factor, bool) or not isinstance(factor, (int, float)) or not 0 <= factor < float("inf"):
                raise UsageError(f"{origin}: train.lr_factors: {pattern!r} must be a number from 0, not {factor!r}")


def _show(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _split_setting(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"--set {text}: write it as section.key=value, for example train.lr=0.02")
    try:
        return key.strip(), yaml.safe_load(value) if value.strip() else None
    except yaml.YAMLError as error:
        raise UsageError(f"--set {text}: the value is no YAML ({_problem(error)})") from error


def _read(path: Path) -> list[tuple[str, Any, str]]:
    """The (key, value, FILE:LINE) triples of a YAML file, one for each key of a section."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise NotFoundError(f"no recipe {path}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        yaml.safe_load(text)  # constructs every value once, so that bad tags are found here
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: no valid YAML ({_problem(error)})") from error
    if root is None:
        return []
    entries: list[tuple[str, Any, str]] = []
    for section, node in _pairs(root, str(path)):
        where = f"{path}:{_key_line(root, section)}"
        if section not in _SECTIONS:
            near = did_you_mean(section, _SECTIONS)
            raise UsageError(f"{where}: unknown section {section!r}; sections: {', '.join(_SECTIONS)}.{near}")
        if isinstance(node, yaml.ScalarNode) and node.value in ("", "null", "~"):
            continue
        for key, child in _pairs(node, where):
            try:
                value = _construct(child)
            except (yaml.YAMLError, RecursionError) as error:
                raise UsageError(f"{path}:{_key_line(node, key)}: {section}.{key} is no plain value") from error
            # A key's own line; a value may start on the next one.
            entries.append((f"{section}.{key}", value, f"{path}:{_key_line(node, key)}"))
    return entries


def _pairs(node: yaml.Node, where: str) -> list[tuple[str, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise UsageError(f"{where}: expected 'key: value' lines")
    pairs: list[tuple[str, yaml.Node]] = []
    for key, value in node.value:
        if any(key.value == seen for seen, _ in pairs):
            raise UsageError(f"{where.split(':')[0]}:{key.start_mark.line + 1}: {key.value} is there twice")
        pairs.append((str(key.value), value))
    return pairs


def _key_line(node: yaml.Node, key: str) -> int:
    return next(int(k.start_mark.line) + 1 for k, _ in node.value if str(k.value) == key)


def _construct(node: yaml.Node) -> Any:
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)  # type: ignore[no-untyped-call]
    finally:
        loader.dispose()  # type: ignore[no-untyped-call]


def _problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"line {mark.line + 1}: {what}" if mark else str(what)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
