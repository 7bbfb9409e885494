"""``zoo compare A B``: hold two results side by side, and fail where the second is worse."""

from __future__ import annotations

import json
from pathlib import Path

import click

from registry import ZooError
from zoo.cli import options
from zoo.cli.output import output_folder


@click.command("compare")
@click.argument("first", metavar="A")
@click.argument("second", metavar="[B]", required=False)
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="Only this metric; may be given again.")
@click.option(
    "--fail-on",
    "gates",
    multiple=True,
    metavar="'METRIC[>NUMBER]'",
    help="Exit 1 if B is worse than A by more than NUMBER; without it, if its interval leaves no doubt.",
)
@click.option("--output", metavar="DIR", help="Folder for compare.json and compare.md.")
@options.json_option
@options.plugin_options
def command(
    first: str, second: str | None, metrics: tuple[str, ...], gates: tuple[str, ...], output: str | None, as_json: bool
) -> None:
    """Compare result B with result A: means, paired differences with intervals, the images that changed most.

    A and B are report.json files or result folders of `zoo eval` and `zoo score`. One folder alone, or two splits of
    one model, gives the gap between its splits: P3M-500-NP minus P3M-500-P is the privacy gap.
    """
    from zoo.engine.metrics import all_metrics
    from zoo.files import write_text
    from zoo.report.compare import compare, gap_within, read_side
    from zoo.report.compare_text import compare_text, gate_line
    from zoo.report.gate import check_gates, parse_gate
    from zoo.report.record import write_json

    wanted = [parse_gate(text) for text in gates]
    if second is None or Path(first).absolute() == Path(second).absolute():
        a, b = gap_within(read_side(first))
    else:
        a, b = read_side(first), read_side(second)
    better = {name: spec.lower_is_better for name, spec in all_metrics(options.registry()).items()}
    comparison = compare(a, b, metrics, better)
    comparison["gates"] = check_gates(wanted, comparison)
    if output is not None:
        folder = output_folder(output)
        write_json(folder / "compare.json", comparison)
        write_text(folder / "compare.md", compare_text(comparison))
    click.echo(json.dumps(comparison, indent=2) if as_json else compare_text(comparison), nl=as_json)
    missed = [gate for gate in comparison["gates"] if not gate["passed"]]
    if missed:
        raise ZooError("--fail-on " + "; ".join(gate_line(gate).removeprefix("FAILED: ") for gate in missed))
