"""``zoo doctor``: does it work here, and what to do where it does not."""

from __future__ import annotations

import json
from collections.abc import Iterator

import click

from registry import Registry, ZooError
from zoo.cli import options
from zoo.doctor.finding import FAILED, NOTE, OK, Finding

_COLORS = {OK: "green", NOTE: "yellow", FAILED: "red"}


@click.command("doctor")
@click.argument("model", required=False)
@click.option("--set", "settings", multiple=True, metavar="a.b=v", help="Change one value of the model's config.")
@options.device_option
@options.json_option
@options.plugin_options
def command(model: str | None, settings: tuple[str, ...], device: str | None, as_json: bool) -> None:
    """Look at this installation, this machine and the device; with MODEL, run it forward and backward there.

    Whatever is not as it should be comes with what to do about it. Ends with 1 if something does not work.
    """
    from zoo.engine import device as devices

    devices.parse(device)
    found = options.registry()
    if model is not None:
        options.resolve_config(found, model, settings=settings)  # an unknown model ends here
    results = []
    for finding in _all(found, model, settings, device):
        results.append(finding)
        if not as_json:
            _show(finding, results)
    failed = [finding for finding in results if finding.status == FAILED]
    if as_json:
        click.echo(json.dumps({"findings": [finding.facts() for finding in results], "ok": not failed}, indent=2))
    if failed:
        names = ", ".join(dict.fromkeys(finding.name for finding in failed))
        raise ZooError(f"{len(failed)} of {len(results)} findings need something done: {names}")


def _all(found: Registry, model: str | None, settings: tuple[str, ...], device: str | None) -> Iterator[Finding]:
    from zoo.doctor import device as on_device
    from zoo.doctor import gpu, machine, places, software
    from zoo.doctor import model as of_model

    libraries = list(software.findings())
    yield from libraries
    if any(finding.status == FAILED for finding in libraries):
        return  # what follows needs them
    yield from machine.findings()
    started = []
    for finding in gpu.findings(device):  # one by one: the last of them may take minutes
        started.append(finding)
        yield finding
    if all(finding.status != FAILED for finding in started):
        for finding in on_device.findings(device):
            started.append(finding)
            yield finding
    yield from places.plugins(found)
    yield from places.data(found)
    if model is not None and all(finding.status != FAILED for finding in started):
        config = options.resolve_config(found, model, settings=settings).config
        yield from of_model.findings(found, config, device)


def _show(finding: Finding, results: list[Finding]) -> None:
    if len(results) == 1 or results[-2].area != finding.area:
        click.secho(finding.area, bold=True)
    status = click.style(f"{finding.status:<6}", fg=_COLORS[finding.status])
    click.echo(f"  {status}  {finding.name}: {finding.text}")
    if finding.advice and finding.status != OK:
        click.echo(f"          -> {finding.advice}")
