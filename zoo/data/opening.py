"""From the names in a config to the samples of a split."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from registry import DataError, DatasetSpec, NotFoundError, PluginError, Registry, Sample, ZooError
from zoo.config import Config
from zoo.data.splits import TRAIN, VAL, split_name, validation_slice


def dataset_spec(registry: Registry, config: Config) -> DatasetSpec:
    """The data set that a config names; a short name means that of the model's own plugin first.

    Raises:
        NotFoundError: There is none of that name, or several.
    """
    found: DatasetSpec = registry.get("dataset", config.data.dataset, prefer=_own_plugin(registry, config))
    return found


def _own_plugin(registry: Registry, config: Config) -> str | None:
    return registry.owner("model", config.model.name).name if config.model.name else None


def open_split(registry: Registry, config: Config, split: str) -> Sequence[Sample]:
    """The samples of one split of the config's data set.

    Args:
        registry: Where the data set is looked up.
        config: Gives ``data.dataset``, ``data.root``, ``data.options`` and, for a ``val`` that is a slice of
            ``train``, ``data.val``.
        split: As published; underscores and any case are accepted.

    Raises:
        NotFoundError: No such data set, split or folder, or no picture in it.
        PluginError: The data set's own code failed.
    """
    spec = dataset_spec(registry, config)
    name = split_name(spec, split)
    samples = open_training(registry, config)[1] if name == VAL else open_own(registry, config, name)
    if not len(samples):
        raise NotFoundError(f"{spec.name} {name} at {config.data.root} holds no picture")
    return samples


def open_training(registry: Registry, config: Config) -> tuple[list[Sample], list[Sample]]:
    """The samples to learn from and those to choose checkpoints on.

    A data set's own ``val`` split wins over a slice of ``train``. Only one that is really absent is replaced by a
    slice: where its folder is there, whoever put it there means it to be used.

    Raises:
        NotFoundError: The data set or its training split is not there.
        DataError: The data set's own ``val`` is there and cannot be opened, or holds no picture.
        UsageError: More is set apart for validation than there is.
        PluginError: The data set's own code failed.
    """
    spec = dataset_spec(registry, config)
    samples = open_own(registry, config, split_name(spec, TRAIN))
    own = _own_validation(registry, config) if VAL in spec.splits and config.data.val != 0 else None
    return (list(samples), own) if own is not None else validation_slice(samples, config.data.val)


def _own_validation(registry: Registry, config: Config) -> list[Sample] | None:
    """The data set's own ``val``; None where this copy has none."""
    place = split_folder(config.data.root, VAL)
    try:
        samples = list(open_own(registry, config, VAL))
        reason = "it holds no picture"
    except NotFoundError as error:
        if place is None:
            return None
        samples, reason = [], str(error)
    if samples:
        return samples
    where = f" ({place})" if place is not None else ""
    raise DataError(
        f"the data set's own val split{where} cannot be used: {reason}. Repair it, remove it to have a slice of train "
        "set apart instead, or set data.val to 0 to train without"
    )


def split_folder(root: str | os.PathLike[str] | None, split: str) -> Path | None:
    """The folder of a split, whatever it holds: ``ROOT/SPLIT`` or ``ROOT/validation/SPLIT``; None where neither is."""
    if root is None:
        return None
    places = (Path(root).expanduser() / split, Path(root).expanduser() / "validation" / split)
    # A link that leads nowhere is there, too: somebody meant it to be a split.
    return next((place for place in places if os.path.lexists(place)), None)


def open_own(registry: Registry, config: Config, name: str) -> Sequence[Sample]:
    """A split as the data set itself opens it; its ``val`` is not cut from ``train`` here.

    Args:
        registry: Where the data set is looked up.
        config: As for `open_split`.
        name: As published.

    Raises:
        NotFoundError: The split is not there, or a part of it.
        DataError: Its files contradict each other.
        PluginError: The data set's own code failed.
    """
    spec = dataset_spec(registry, config)
    try:
        return spec.open(config.data.root, name, config.data.options)
    except ZooError:
        raise
    except Exception as error:
        label = registry.owner("dataset", config.data.dataset, prefer=_own_plugin(registry, config)).label
        text = " ".join(str(error).split())
        raise PluginError(f"plugin {label}: opening {spec.name} failed: {type(error).__name__}: {text}") from error


def root_from_environment(dataset: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """The folder of a data set below ``ZOO_DATA_DIR``, if that is set and has one of its name."""
    parent = environment.get("ZOO_DATA_DIR")
    if not parent or dataset in ("demo", "folder"):  # these have places of their own
        return None
    folder = Path(parent).expanduser() / dataset.rpartition("/")[2]
    return str(folder) if folder.is_dir() else None


def describe_count(spec: DatasetSpec, split: str, count: int) -> str:
    """``P3M-10k train: 7 of 9421 pictures``, so that an incomplete copy is seen at once."""
    published: Any = spec.splits.get(split)
    if published is None:
        return f"{spec.name} {split}: {count} pictures"
    if published == count:
        return f"{spec.name} {split}: all {count} pictures"
    return f"{spec.name} {split}: {count} of {published} pictures, not the published set"
