"""``zoo score PRED_DIR TARGET_DIR``: score a folder of mattes, no model needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from registry import ZooError
from zoo.cli import options


@click.command("score")
@click.argument("predictions", metavar="PRED_DIR")
@click.argument("targets", metavar="TARGET_DIR")
@click.option("--trimap", "trimaps", metavar="DIR", help="Trimaps; without them -T, -FG and -BG are undefined.")
@click.option("--dialect", default="p3m", show_default=True, metavar="NAME", help="Definition of the metrics.")
@click.option(
    "--rounding",
    default="float",
    show_default=True,
    type=click.Choice(["float", "truncated", "rounded"]),
    help="What happens to the predictions before scoring.",
)
@click.option("--output", metavar="DIR", help="Result folder: report.json and per_image.csv.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N targets by name.")
@options.json_option
@options.plugin_options
def command(
    predictions: str,
    targets: str,
    trimaps: str | None,
    dialect: str,
    rounding: str,
    output: str | None,
    limit: int | None,
    as_json: bool,
) -> None:
    """Score the mattes in PRED_DIR against the true alphas of the same names in TARGET_DIR."""
    from zoo.engine.console import Console, Progress
    from zoo.engine.metrics import extra_metrics
    from zoo.engine.scoring import score_folders
    from zoo.report.record import write_report
    from zoo.version import versions

    extra = extra_metrics(options.registry())
    regions = Path(trimaps).expanduser() if trimaps is not None else None
    mattes, truth = Path(predictions).expanduser(), Path(targets).expanduser()
    with Progress(Console(options.is_quiet()), "scoring") as progress:
        report = score_folders(mattes, truth, regions, dialect, rounding, extra, limit, progress)
    report["versions"] = versions()
    if output is not None:
        try:
            write_report(Path(output).expanduser(), report)
        except OSError as error:
            raise ZooError(f"{output}: the report cannot be written ({error.strerror or error})") from error
    click.echo(json.dumps(report, indent=2, ensure_ascii=False) if as_json else _table(report), nl=as_json)
    _name_failures(report["problems"], report["n_images"])


def _table(report: Mapping[str, Any]) -> str:
    """The means, one metric a line; a metric that no image has is left out."""
    from zoo.report.table import format_metric, markdown_table

    count = report["n_images"]
    rows = [
        [name, format_metric(name, mean), count - report["undefined"].get(name, 0)]
        for name, mean in report["metrics"].items()
        if mean is not None
    ]
    return markdown_table(["metric", "mean", "images"], rows) + (
        f"dialect {report['dialect']}, rounding {report['rounding']}, at the targets' own size\n"
    )


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
