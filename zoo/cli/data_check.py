"""``zoo data check``: examine a user's copy of a data set before anything is trained."""

from __future__ import annotations

import json

import click

from registry import ZooError
from zoo.cli import options
from zoo.cli.data_set import data_set_config, data_set_options


@click.command("check")
@data_set_options
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Processes that read; default: one for each core."
)
@options.json_option
@options.plugin_options
def check(
    folder: str | None,
    dataset: str | None,
    data_root: str | None,
    settings: tuple[str, ...],
    workers: int | None,
    as_json: bool,
) -> None:
    """Examine the data set in DIR: every file is read, nothing is written.

    Exit code 1 if there is something that training or evaluation would refuse, or that makes figures invalid; warnings
    leave it 0. Without --dataset the layout of DIR tells which data set it is.
    """
    from zoo.data.check import check as check_data
    from zoo.engine.console import Console, Progress
    from zoo.engine.workers import WORTH_IT, executor, workers_for
    from zoo.report.check_text import check_text

    found = options.registry()
    config = data_set_config(found, folder, dataset, data_root, settings)
    # At least one: a process of its own hears what the decoder says of a damaged file.
    processes = workers or max(1, workers_for(WORTH_IT, None))
    with executor(processes) as pool, Progress(Console(options.is_quiet()), "checking") as progress:
        report = check_data(found, config, pool, processes, progress)
    click.echo(json.dumps(report, indent=2) if as_json else check_text(report), nl=as_json)
    errors = report["counts"]["error"]
    if errors:
        what = "this error" if errors == 1 else f"these {errors} errors"
        raise ZooError(f"{what} must be put right before {report['dataset']} is trained or scored on")
