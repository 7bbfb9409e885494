"""``zoo score PRED_DIR TARGET_DIR``: score a folder of mattes, no model needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from registry import DatasetSpec, Registry, UsageError, ZooError
from zoo.cli import options


@click.command("score")
@click.argument("predictions", metavar="PRED_DIR")
@click.argument("targets", metavar="TARGET_DIR")
@click.option("--trimap", "trimaps", metavar="DIR", help="Trimaps; without them -T, -FG and -BG are undefined.")
@click.option("--dialect", metavar="NAME", help="Whose definitions of the metrics; default: p3m.")
@click.option(
    "--rounding",
    type=click.Choice(["float", "truncated", "rounded"]),
    help="What happens to the predictions before scoring; default: float, nothing.",
)
@click.option(
    "--record", metavar="REPORT", help="Re-check this report: are these its mattes, do they give its figures?"
)
@click.option("--model", metavar="TEXT", help="What made the mattes: with --dataset, a row for `zoo bench accuracy`.")
@click.option("--dataset", metavar="NAME", help="Registered data set that the targets are from.")
@click.option("--split", metavar="NAME", help="Its split.")
@click.option("--given-trimap", is_flag=True, help="The mattes were made with trimaps: said in every table.")
@click.option("--images", metavar="DIR", help="The pictures themselves, to be shown on the page of --output.")
@click.option("--output", metavar="DIR", help="Result folder: report.json, per_image.csv and report.html.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N targets by name.")
@options.workers_option
@options.json_option
@options.plugin_options
def command(
    predictions: str,
    targets: str,
    trimaps: str | None,
    dialect: str | None,
    rounding: str | None,
    record: str | None,
    model: str | None,
    dataset: str | None,
    split: str | None,
    given_trimap: bool,
    images: str | None,
    output: str | None,
    limit: int | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Score the mattes in PRED_DIR against the true alphas of the same names in TARGET_DIR.

    The report can be set beside those of `zoo eval`: name what made the mattes, the data set and the split.
    """
    from zoo.engine.console import Console, Progress
    from zoo.engine.metrics import extra_metrics
    from zoo.engine.scoring import score_folders
    from zoo.metrics.definitions import DEFAULT_DIALECT
    from zoo.report.page import write_page
    from zoo.report.recheck import recheck
    from zoo.report.record import read_report, write_report
    from zoo.version import versions

    recorded = read_report(Path(record).expanduser()) if record is not None else None
    if recorded is not None:
        dialect, rounding = _as_recorded(recorded, dialect, rounding)
    found = options.registry()
    about = _about(found, model, dataset, split, given_trimap)
    extra = extra_metrics(found)
    if images is not None and output is None:
        raise UsageError("--images: they are shown on the page that --output writes; name a folder for it")
    folders = [Path(name).expanduser() if name is not None else None for name in (trimaps, images)]
    with Progress(Console(options.is_quiet()), "scoring") as progress:
        report, pictures = score_folders(
            Path(predictions).expanduser(),
            Path(targets).expanduser(),
            *folders,
            dialect=dialect or DEFAULT_DIALECT,
            rounding=rounding or "float",
            extra=extra,
            limit=limit,
            workers=workers,
            pictures=output is not None,
            on_progress=progress,
        )
    report |= {**_labelled(about, report["n_images"]), "versions": versions()}
    if recorded is not None:
        report["record"] = {"file": str(record), **recheck(recorded, report)}
    if output is not None:
        try:
            write_report(Path(output).expanduser(), report)
            write_page(Path(output).expanduser() / "report.html", report, pictures)
        except OSError as error:
            raise ZooError(f"{output}: the report cannot be written ({error.strerror or error})") from error
    click.echo(json.dumps(report, indent=2, ensure_ascii=False) if as_json else _table(report), nl=as_json)
    if recorded is not None:
        _say_verdict(report["record"])
    _name_failures(report["problems"], report["n_images"])


def _about(
    found: Registry, model: str | None, dataset: str | None, split: str | None, given_trimap: bool
) -> dict[str, Any]:
    """What the report says of the mattes' origin, as one of ``zoo eval`` does.

    Raises:
        UsageError: Only some of model, data set and split are named.
        NotFoundError: No such data set or split.
    """
    from zoo.data.splits import split_name

    named = {"--model": model, "--dataset": dataset, "--split": split}
    if not any(named.values()):
        return {"needs_trimap": given_trimap}
    if dataset is None or split is None or not model:
        lacking = ", ".join(option for option, value in named.items() if not value)
        raise UsageError(f"a row for `zoo bench accuracy` needs --model, --dataset and --split: {lacking} is missing")
    spec: DatasetSpec = found.get("dataset", dataset)
    name = split_name(spec, split)
    return {
        "model": model,
        "dataset": spec.name,
        "split": name,
        "n_published": spec.splits.get(name),
        "needs_trimap": given_trimap,
    }


def _labelled(about: Mapping[str, Any], n_images: int) -> dict[str, Any]:
    published = about.get("n_published")
    return {**about, "complete": None if published is None else n_images == published}


def _as_recorded(record: Mapping[str, Any], dialect: str | None, rounding: str | None) -> tuple[str, str]:
    """Dialect and rounding under which the record's figures can be met.

    Raises:
        UsageError: Others were asked for, or the record cannot be re-checked.
    """
    from zoo.report.recheck import expected_rounding

    if not all(isinstance(record.get(key), str) for key in ("dialect", "rounding")):
        raise UsageError("--record: the report names no dialect and rounding to check it with")
    wanted = record["dialect"], expected_rounding(record)
    for option, asked, recorded in zip(("--dialect", "--rounding"), (dialect, rounding), wanted, strict=True):
        if asked not in (None, recorded):
            raise UsageError(f"{option} {asked}: the record is checked with {recorded}; leave the option out")
    return wanted


def _say_verdict(outcome: Mapping[str, Any]) -> None:
    """The outcome of a re-check on standard error.

    Raises:
        ZooError: The record does not agree.
    """
    from zoo.report.recheck import verdict

    *lines, last = verdict(outcome)
    for line in lines:
        click.echo(line, err=True)
    if not outcome["agrees"]:
        raise ZooError(f"{outcome['file']}: {last}")
    click.echo(last, err=True)


def _table(report: Mapping[str, Any]) -> str:
    """The means, one metric a line; a metric that no image has is left out."""
    from zoo.report.table import format_metric, how_scored, markdown_table

    count = report["n_images"]
    rows = [
        [name, format_metric(name, mean), count - report["undefined"].get(name, 0)]
        for name, mean in report["metrics"].items()
        if mean is not None
    ]
    if count and not rows:
        return f"dialect {report['dialect']} has no metric without trimaps: name their folder with --trimap\n"
    return f"{markdown_table(['metric', 'mean', 'images'], rows)}{how_scored(report)}\n"


def _name_failures(problems: list[dict[str, str]], scored: int) -> None:
    """Name every file that was not scored.

    Raises:
        ZooError: There is one.
    """
    for problem in problems:
        click.echo(f"not scored: {problem['image']}: {problem['reason']}", err=True)
    if problems:
        names = ", ".join(problem["image"] for problem in problems[:3]) + (", ..." if len(problems) > 3 else "")
        raise ZooError(f"{len(problems)} of {scored + len(problems)} files failed: {names}")
