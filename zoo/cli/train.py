"""``zoo train MODEL``: train any registered model."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry import NotFoundError, UsageError
from zoo.cli import options
from zoo.config import Config, Resolved

if TYPE_CHECKING:
    from zoo.engine.group import Group


@click.command("train")
@click.argument("model")
@click.option("-c", "--config", "recipe", metavar="RECIPE", help="YAML file, or the name of a recipe zoo carries.")
@options.data_options
@click.option("--set", "settings", multiple=True, metavar="a.b=v", help="Change one value of the config.")
@click.option("--stage", metavar="NAME", help="Objective to train; default: supervised.")
@click.option("--checkpoint", metavar="FILE", help="Begin with the weights of this checkpoint or run.")
@click.option("--output", metavar="DIR", help="The run folder; default: runs/MODEL/STAMP.")
@click.option("--resume", metavar="RUN", help="Continue this run from its last checkpoint.")
@options.device_option
@click.option(
    "--devices",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Devices of this machine to train on together.",
)
@click.option("--print-config", is_flag=True, help="Print the resolved config and end.")
@click.option("--verbose", is_flag=True, help="With --print-config: say where each value comes from.")
@options.plugin_options
def command(
    model: str,
    recipe: str | None,
    dataset: str | None,
    data_root: str | None,
    settings: tuple[str, ...],
    stage: str | None,
    checkpoint: str | None,
    output: str | None,
    resume: str | None,
    device: str | None,
    devices: int,
    print_config: bool,
    verbose: bool,
) -> int:
    """Train MODEL and leave a run folder with its config, log and checkpoints."""
    found = options.registry()
    if resume is not None:
        given = {"-c": recipe, "--set": settings, "--dataset": dataset, "--stage": stage, "--output": output}
        clash = [name for name, value in {**given, "--checkpoint": checkpoint}.items() if value]
        if clash:
            raise UsageError(f"--resume continues a run with its own config: leave out {', '.join(clash)}")
        resolved = _config_of(Path(resume), model, data_root)
    else:
        extra = (("train.stage", stage, "--stage"),) if stage is not None else ()
        if checkpoint is not None:
            extra += (("train.start_from", _checkpoint_file(checkpoint, model), "--checkpoint"),)
        resolved = options.resolve_config(found, model, recipe, settings, dataset, data_root, extra)
    if print_config:
        click.echo(resolved.explain() if verbose else resolved.config.to_yaml(), nl=False)
        return 0
    return _train(resolved.config, output, Path(resume) if resume is not None else None, device, devices)


def _checkpoint_file(asked: str, model: str) -> str:
    from zoo.engine.run import find_checkpoint

    return str(find_checkpoint(asked, model).absolute())


def _config_of(run: Path, model: str, data_root: str | None) -> Resolved:
    from zoo.config import resolve_saved
    from zoo.engine.run import is_run

    file = run / "config.yaml"
    if not is_run(run) and not file.is_file():
        raise NotFoundError(f"--resume {run}: no run there (it has no config.yaml)")
    values = (
        [("data.root", str(Path(data_root).expanduser().absolute()), "--data-root")] if data_root is not None else []
    )
    resolved = resolve_saved(file, values)
    if resolved.config.model.name != model:
        raise UsageError(f"--resume {run}: that run trains {resolved.config.model.name!r}, not {model!r}")
    return resolved


def _train(config: Config, output: str | None, resume: Path | None, device: str | None, devices: int) -> int:
    from zoo.engine import device as engine
    from zoo.engine.console import Console, clock
    from zoo.engine.group import ALONE, is_rank, join, ranks
    from zoo.engine.launch import launch
    from zoo.engine.run import BEST
    from zoo.engine.trainer import Training

    wanted = engine.parse(device)
    if devices > 1 and wanted.numbered:
        raise UsageError(f"--device {device} names one card: leave out its number, or --devices {devices}")
    # The cheapest mistakes first, before a folder is made.
    training = Training(options.registry(), config, ranks() if is_rank() else devices, resume)
    if devices > 1 and not is_rank():
        return launch(options.command_line(), devices)
    group = ALONE
    if is_rank():
        engine.start(device)
        group = join()
    folder = _folder(group, config.model.name, output, resume)
    console = Console(options.is_quiet() or not group.leads, folder / "log.txt" if group.leads else None)
    console.say(f"run folder {folder}")
    try:
        with console.busy("starting MindSpore"):
            engine.start(device)
        outcome = training.run(folder, console, group)
    except BaseException:
        if resume is None and group.leads and not (folder / "log.jsonl").exists():
            shutil.rmtree(folder)  # nothing was trained: leave no empty run behind
        raise
    best = f", best {config.train.best} on val {outcome.best:.4f} ({BEST})" if outcome.best is not None else ""
    console.say(
        f"trained {outcome.steps} steps in {clock(outcome.seconds)}{best}; peak memory {outcome.peak_mib:.0f} MiB"
    )
    console.say(f"next: zoo eval {config.model.name} --checkpoint {folder}")
    return 0


def _folder(group: Group, model: str, output: str | None, resume: Path | None) -> Path:
    """The run folder; the first process of a group makes it and tells the others."""
    from zoo.engine.run import new_folder

    if resume is not None:
        return resume
    made: Path | None = group.gather(new_folder(output, model) if group.leads else None)[0]
    assert made is not None, "the first process leads"
    return made
