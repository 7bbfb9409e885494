"""``zoo data prepare``: make the trimaps, and on request the colours, that a data set lacks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from registry import ZooError
from zoo.cli import options
from zoo.cli.data_set import data_set_config, data_set_options

if TYPE_CHECKING:
    from zoo.data.prepare import Plan


@click.command("prepare")
@data_set_options
@click.option("--splits", metavar="NAME,...|all", help="Splits to prepare; default: the test splits.")
@click.option("--foreground", is_flag=True, help="Estimate the colours of foreground and background, too.")
@click.option("--dry-run", is_flag=True, help="Say what would be made; write nothing.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N pictures of each split.")
@click.option("--force", is_flag=True, help="Make again what is there, the trimaps that came with the data set, too.")
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Processes that work; default: one for each core."
)
@options.json_option
@options.plugin_options
def prepare(
    folder: str | None,
    dataset: str | None,
    data_root: str | None,
    settings: tuple[str, ...],
    splits: str | None,
    foreground: bool,
    dry_run: bool,
    limit: int | None,
    force: bool,
    workers: int | None,
    as_json: bool,
) -> None:
    """Make what the data set in DIR lacks: SPLIT/trimap/NAME.png from its masks.

    The trimaps are those that zoo eval makes while it scores, so figures stay the same. What is there is left alone;
    run it again after an interruption and it goes on.
    """
    from zoo.data.foreground import load_estimator
    from zoo.data.prepare import carry_out, plan
    from zoo.engine.console import Console, Progress
    from zoo.engine.workers import WORTH_IT, executor, workers_for

    found = options.registry()
    config = data_set_config(found, folder, dataset, data_root, settings)
    names = [name.strip() for name in splits.split(",")] if splits else []
    console = Console(options.is_quiet())
    if foreground:
        with console.busy("loading PyMatting, which Numba compiles the first time"):
            load_estimator()  # here, before every process does so for itself
    what = plan(found, config, names, foreground, force, limit)
    done: dict[str, Any] = {"made": {}, "seconds": 0.0}
    if what.tasks and not dry_run:
        processes = workers or max(1, workers_for(WORTH_IT, None))
        with executor(processes) as pool, Progress(console, "preparing") as progress:
            done = carry_out(what, pool, processes, progress)
    if as_json:
        about = {"dataset": config.data.dataset, "root": config.data.root, "dry_run": dry_run}
        click.echo(json.dumps({**about, "splits": what.counts, **done, "problems": what.problems}, indent=2))
    else:
        click.echo(_summary(what, None if dry_run else done["made"]), nl=False)
    _name_failures(what, console)


def _summary(what: Plan, made: Mapping[str, Mapping[str, int]] | None) -> str:
    """A line for each split and kind."""
    lines = []
    for split, kinds in what.counts.items():
        for kind, count in kinds.items():
            fate = f"{count['to make']} to make" if made is None else f"{made.get(split, {}).get(kind, 0)} made"
            lines.append(f"{split} {kind}: {fate}, {count['there']} there already")
    return "".join(f"{line}\n" for line in lines)


def _name_failures(what: Plan, console: Any) -> None:
    """Name everything that could not be made.

    Raises:
        ZooError: There is something.
    """
    for problem in what.problems:
        console.say(f"not made: {problem['split']}: {problem['image']}: {problem['reason']}")
    if what.problems:
        first = what.problems[0]
        count = f"{len(what.problems)} failed, the first is" if len(what.problems) > 1 else "failed:"
        raise ZooError(f"{count} {first['split']} {first['image']}: {first['reason']}")
