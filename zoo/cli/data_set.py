"""Which data set ``zoo data`` is about: ``[DIR]``, ``--dataset``, ``--data-root`` and ``--set`` as a config."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from registry import Registry, UsageError
from zoo.cli import options
from zoo.config import Config, resolve

_F = TypeVar("_F", bound=Callable[..., Any])


def data_set_options(function: _F) -> _F:
    """``[DIR]``, ``--dataset``, ``--data-root`` and ``--set data.options.KEY=NAME``."""
    names = click.option(
        "--set", "settings", multiple=True, metavar="data.options.KEY=NAME", help="Other names of the sub-folders."
    )
    return click.argument("folder", required=False, metavar="[DIR]")(options.data_options(names(function)))


def data_set_config(
    found: Registry, folder: str | None, dataset: str | None, data_root: str | None, settings: tuple[str, ...]
) -> Config:
    """The config that names the data set; without ``--dataset`` its layout tells which it is.

    Raises:
        UsageError: DIR and ``--data-root`` differ, or ``--set`` is about something else.
        NotFoundError: No such data set.
    """
    from zoo.data.layout import guess_dataset
    from zoo.data.opening import root_from_environment
    from zoo.home import demo_home

    if folder is not None and data_root is not None and folder != data_root:
        raise UsageError(f"{folder} and --data-root {data_root}: name one folder")
    for text in settings:
        if not text.strip().startswith("data.options."):
            raise UsageError(f"--set {text}: this command reads data.options only")
    given = data_root if folder is None else folder
    root = None if given is None else str(Path(given).expanduser().absolute())
    config = resolve(settings=settings).config
    if dataset is None and root is not None:
        dataset = guess_dataset(Path(root), config.data.options.get("image_dir", "image"))
    spec = found.get("dataset", dataset or config.data.dataset)
    if root is None:
        root = str(demo_home()) if spec.name == "demo" else root_from_environment(dataset or spec.name)
    return config.override(data={"dataset": dataset or config.data.dataset, "root": root})
