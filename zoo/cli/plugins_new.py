"""``zoo plugins new NAME``: the files of a plugin that works as it is."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli import options


@click.command("new")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(["model", "backbone", "dataset", "metric"]),
    default="model",
    show_default=True,
    help="What it shall offer.",
)
@click.option("--output", metavar="DIR", help="Folder of the distribution; default: zoo-NAME.")
@options.plugin_options
def new(name: str, kind: str, output: str | None) -> None:
    """Write the distribution zoo-NAME with package, card and tests; it passes `zoo plugins check NAME` as it is.

    NAME is what users will type: small letters, digits and '-'.
    """
    from zoo.templates.write import refuse_taken, write_plugin

    refuse_taken(options.registry(), name, kind)
    folder = Path(output).expanduser() if output is not None else Path(f"zoo-{name}")
    files = write_plugin(folder, name, kind)
    for file in files:
        click.echo(str(folder / file))
    click.echo(f"next: pip install -e {folder}, then: zoo plugins check {name}", err=True)
