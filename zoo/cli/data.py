"""``zoo data``: data sets on disk."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli import options
from zoo.cli.data_check import check
from zoo.cli.data_prepare import prepare


@click.group("data")
@options.plugin_options
def command() -> None:
    """Draw the demo data set, examine a copy of a data set, make what it lacks."""


command.add_command(check)
command.add_command(prepare)


@command.command("demo")
@click.argument("folder", required=False, metavar="[DIR]")
@click.option("--count", default=128, show_default=True, help="Training pictures.")
@click.option("--size", default=256, show_default=True, help="Short side of the pictures, in pixels.")
@click.option("--seed", default=0, show_default=True, help="Another seed, other pictures.")
@options.plugin_options
def demo(folder: str | None, count: int, size: int, seed: int) -> None:
    """Draw portraits with exact alphas in the layout of P3M-10k into DIR.

    Without DIR they go to ZOO_HOME, where `--dataset demo` looks.
    """
    from zoo.data.demo import write_demo
    from zoo.engine.console import Console, Progress
    from zoo.home import demo_home

    root = Path(folder) if folder is not None else demo_home()
    console = Console(options.is_quiet())
    with Progress(console, "drawing portraits") as progress:
        write_demo(root, count=count, size=size, seed=seed, progress=progress)
    console.say(f"demo set in {root}: {count} training pictures, {size} px, seed {seed}")
    console.say(f"next: zoo train MODEL --dataset demo --data-root {root} (zoo list --kind model shows the models)")
