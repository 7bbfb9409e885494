"""``zoo eval MODEL``: score a model on the test splits of a data set."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from registry import ModelSpec, NotFoundError, Registry, UsageError, ZooError
from zoo.cli import options

if TYPE_CHECKING:
    from zoo.engine.group import Group
    from zoo.engine.load import LoadedModel


@click.command("eval")
@click.argument("model")
@click.option("--split", "splits", multiple=True, metavar="NAME", help="Split to score; default: all test splits.")
@click.option("--checkpoint", metavar="FILE|RUN", help="Weights; default: the best of the newest run of MODEL.")
@options.data_options
@click.option("--output", metavar="DIR", help="Result folder; default: runs/MODEL/eval/STAMP.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N pictures of each split.")
@click.option("--dialect", metavar="NAME", help="Definition of the metrics.")
@click.option("--rounding", type=click.Choice(["float", "truncated", "rounded"]), help="Alphas before scoring.")
@click.option("--protocol", metavar="NAME", help="How a picture becomes the network's input and the answer a matte.")
@click.option("--set", "settings", multiple=True, metavar="a.b=v", help="Change one value of the model's config.")
@options.workers_option
@options.runtime_option
@options.device_option
@click.option(
    "--devices",
    type=click.IntRange(min=1),
    default=1,
    metavar="N",
    help="Devices of this machine that share the pictures out.",
)
@options.json_option
@options.plugin_options
def command(
    model: str,
    splits: tuple[str, ...],
    checkpoint: str | None,
    dataset: str | None,
    data_root: str | None,
    output: str | None,
    limit: int | None,
    dialect: str | None,
    rounding: str | None,
    protocol: str | None,
    settings: tuple[str, ...],
    workers: int | None,
    runtime: str,
    device: str | None,
    devices: int,
    as_json: bool,
) -> int:
    """Score MODEL and leave a report with every picture, worst first."""
    from zoo.engine import device as engine
    from zoo.engine.group import ALONE, is_rank, join

    found = options.registry()
    spec: ModelSpec = found.get("model", model)
    if devices > 1 and engine.parse(device).numbered:
        raise UsageError(f"--device {device} names one card: leave out its number, or --devices {devices}")
    if devices > 1 and not is_rank():
        return _together(spec, output, devices)
    group = ALONE
    if is_rank():
        engine.start(device)
        group = join()
    words = {"dialect": dialect, "rounding": rounding, "protocol": protocol, "workers": workers}
    loaded = options.load_for(found, spec, checkpoint, dataset, data_root, device, words, runtime, settings)
    folder, reports = _all(found, loaded, splits, output, limit, group)
    if not group.leads:
        return 0
    _show(found, folder, reports, as_json)
    failed = sum(len(report["problems"]) for report in reports.values())
    if failed:
        total = failed + sum(report["n_images"] for report in reports.values())
        raise ZooError(f"{failed} of {total} pictures could not be scored; the report lists them: {folder}")
    return 0


def _together(spec: ModelSpec, output: str | None, devices: int) -> int:
    """The same command in a process for each device."""
    from zoo.engine.launch import launch
    from zoo.engine.run import new_folder

    folder = new_folder(output, spec.name, "eval")
    try:
        return launch(
            [*options.command_line(), *([] if output else ["--output", str(folder)])], devices, share_cores=False
        )
    finally:
        # A process that was killed could not tidy up: mattes without a report would pass for a result.
        done = {file.parent for file in folder.rglob("report.json")}
        if folder not in done:
            for place in (
                [part for part in folder.iterdir() if part.is_dir() and part not in done] if done else [folder]
            ):
                shutil.rmtree(place)


def _all(
    found: Registry, loaded: LoadedModel, splits: tuple[str, ...], output: str | None, limit: int | None, group: Group
) -> tuple[Path, dict[str, dict[str, Any]]]:
    """Score every split; the result folder and the report of each."""
    from zoo.data.opening import dataset_spec, open_split
    from zoo.data.splits import split_name, test_splits
    from zoo.engine.console import Console
    from zoo.engine.run import new_folder
    from zoo.metrics.definitions import check_dialect

    check_dialect(loaded.config.eval.dialect)
    data = dataset_spec(found, loaded.config)
    names = list(dict.fromkeys(split_name(data, split) for split in splits)) or test_splits(data)
    if not names:
        known = ", ".join(data.splits)
        raise NotFoundError(f"{data.name} has no test split; name one with --split ({known})")
    for name in names:
        open_split(found, loaded.config, name)  # before anything is written
    made = new_folder(output, loaded.config.model.name, "eval") if group.leads else None
    folder: Path = next(path for path in group.gather(made) if path is not None)
    console = Console(options.is_quiet() or not group.leads, folder / "log.txt" if group.leads else None)
    reports: dict[str, dict[str, Any]] = {}
    for name in names:
        place = folder if len(names) == 1 else folder / name
        try:
            reports[name] = _one(found, loaded, name, place, limit, console, group)
        except BaseException:
            if group.leads:
                # Mattes without a report would pass for a result; splits that are done stay.
                shutil.rmtree(place if reports else folder)
            raise
    return folder, reports


def _show(found: Registry, folder: Path, reports: dict[str, dict[str, Any]], as_json: bool) -> None:
    from zoo.report.compare import PRIVACY
    from zoo.report.table import how_scored, metrics_table

    if as_json:
        click.echo(json.dumps(next(iter(reports.values())) if len(reports) == 1 else reports, indent=2))
        return
    click.echo(f"{metrics_table(*reports.values())}{how_scored(next(iter(reports.values())))}")
    if set(PRIVACY) <= set(reports):
        click.echo(f"\n{_privacy_gap(found, folder, reports)}", nl=False)


def _privacy_gap(found: Registry, folder: Path, reports: dict[str, dict[str, Any]]) -> str:
    """The same model on faces as they are and on blurred ones, as a table."""
    from zoo.engine.metrics import all_metrics
    from zoo.report.compare import Side, compare, gap_within
    from zoo.report.compare_text import gap_text
    from zoo.report.record import MAIN_METRICS

    names = [name for name in MAIN_METRICS if all(report["metrics"][name] is not None for report in reports.values())]
    if not names:
        return ""
    better = {name: spec.lower_is_better for name, spec in all_metrics(found).items()}
    return gap_text(compare(*gap_within(Side(str(folder), reports)), names, better))


def _one(
    found: Registry, loaded: LoadedModel, split: str, folder: Path, limit: int | None, console: Any, group: Group
) -> dict[str, Any]:
    from zoo.data.opening import dataset_spec, describe_count
    from zoo.engine.console import Progress
    from zoo.engine.evaluation import evaluate_split

    if group.leads:
        folder.mkdir(parents=True, exist_ok=True)
    weights = loaded.checkpoint or "no checkpoint"
    console.say(f"scoring {loaded.config.model.name} ({weights}) on {loaded.config.data.dataset} {split}")
    with Progress(console, split) as progress:
        report, _ = evaluate_split(found, loaded, split, folder, limit, progress, group)
    spec = dataset_spec(found, loaded.config)
    count = describe_count(spec, split, report["n_images"])
    console.say(f"{count}; {report['seconds']:.1f} s; {folder / 'report.html'}")
    for problem in report["problems"]:
        console.say(f"  not scored: {problem['image']}: {problem['reason']}")
    return report
