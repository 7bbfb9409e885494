"""``zoo plugins``: which plugins are there, and why some are not loaded; check one, begin one."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator

import click

from registry import Plugin
from zoo.cli import options
from zoo.cli.plugins_check import check
from zoo.cli.plugins_new import new

_SHOWN = 10
"""Names of one kind that are shown of a plugin that offers many."""


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
    width = max([len(plugin.name) for plugin in found] + [6])
    for plugin in found:
        where = f"{plugin.distribution} {plugin.version}".strip() or plugin.value
        took = f"{plugin.import_seconds * 1000:.0f} ms"
        click.echo(f"{plugin.name:<{width}}  {plugin.status:<7}  API {plugin.api}  {took:>7}  {where}")
        click.echo(textwrap.indent("\n".join(_below(plugin)), " " * (width + 2)))


def _below(plugin: Plugin) -> Iterator[str]:
    """What is said below the line of a plugin: what it offers, or why it does not."""
    for kind, names in plugin.offers.items():
        shown = ", ".join(names[:_SHOWN])
        more = f", ... ({len(names)} in all: zoo list --kind {kind})" if len(names) > _SHOWN else ""
        yield from textwrap.wrap(f"{kind}s: {shown}{more}", 90, subsequent_indent="  ")
    if plugin.status == "failed":
        if plugin.distribution:
            yield f"entry point: {plugin.value}"
        yield plugin.cause
        yield f"to be rid of it: {plugin.removal}"
    elif plugin.cause:
        yield plugin.cause


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
        "removal": plugin.removal,
    }
