"""``zoo list``: what is installed."""

from __future__ import annotations

import fnmatch
import json

import click

from registry import KINDS, NotFoundError
from zoo.cli import options


@click.command("list")
@click.argument("pattern", required=False)
@click.option("--kind", type=click.Choice(KINDS), help="Only this kind.")
@options.json_option
@options.plugin_options
def command(pattern: str | None, kind: str | None, as_json: bool) -> None:
    """List models, backbones, data sets and metrics, or those matching PATTERN (shell wildcards)."""
    found = options.registry()
    rows = []
    for each in KINDS if kind is None else (kind,):
        for name in found.names(each):
            plugin = found.owner(each, name)
            forms = (name, name.rpartition("/")[2])
            if pattern is None or any(fnmatch.fnmatch(form.lower(), pattern.lower()) for form in forms):
                rows.append({"name": name, "kind": each, "plugin": plugin.name})
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    if not rows:
        wanted = kind or "thing"
        raise NotFoundError(f"no {wanted} matches {pattern!r}" if pattern else f"no {wanted} is installed")
    for row in [] if as_json else rows:
        click.echo(f"{row['kind']:<10} {row['name']:<28} {row['plugin']}")
    failed = [p.name for p in found.plugins if p.status == "failed"]
    if failed and not as_json:
        click.echo(f"not loaded: {', '.join(failed)} (see zoo plugins)", err=True)
