"""``zoo plugins``: which plugins are there, and why some are not loaded; check one, begin one."""

from __future__ import annotations

import json

import click

from registry import Plugin
from zoo.cli import options
from zoo.cli.plugins_check import check
from zoo.cli.plugins_new import new


@click.group("plugins", invoke_without_command=True)
@options.json_option
@options.plugin_options
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """Show every plugin: version, status, what it offers or why it is not loaded. Check one, begin one."""
    if context.invoked_subcommand is not None:
        return
    found = options.registry().plugins
    if as_json:
        click.echo(json.dumps([_facts(plugin) for plugin in found], indent=2))
        return
    for plugin in found:
        where = f"{plugin.distribution} {plugin.version}".strip() or plugin.value
        offers = "; ".join(f"{kind}s: {', '.join(names)}" for kind, names in plugin.offers.items())
        head = f"{plugin.name:<14} {plugin.status:<8} {where:<24} {plugin.import_seconds * 1000:5.0f} ms"
        click.echo(f"{head}  {offers}".rstrip())
        if plugin.status == "failed":
            click.echo(f"{'':<14} {plugin.cause}")
            click.echo(f"{'':<14} to be rid of it: {plugin.removal}")
        elif plugin.cause:
            click.echo(f"{'':<14} {plugin.cause}")


command.add_command(check)
command.add_command(new)


def _facts(plugin: Plugin) -> dict[str, object]:
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "status": plugin.status,
        "cause": plugin.cause,
        "offers": plugin.offers,
        "api": plugin.api,
        "entry_point": plugin.value,
        "import_seconds": plugin.import_seconds,
    }
