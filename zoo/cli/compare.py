"""``zoo compare A B``: hold two results, or two bench records, side by side, and fail where the second is worse."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from registry import UsageError, ZooError
from zoo.cli import options
from zoo.cli.output import output_folder

if TYPE_CHECKING:
    from zoo.report.gate import Gate


@click.command("compare")
@click.argument("first", metavar="A")
@click.argument("second", metavar="[B]", required=False)
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="Only this metric; may be given again.")
@click.option(
    "--fail-on",
    "gates",
    multiple=True,
    metavar="METRIC[+NUMBER[%]]",
    help="Exit 1 if B is beyond A by more than NUMBER (+ higher, - lower, '>' worse; % of A) and no noise explains it.",
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

    Two records of `zoo bench throughput` give the change of each stage, and gates on times: forward_p50+10%,
    end_to_end_cpu_p50+5%, images_per_s-10%, peak_mib+100.
    """
    from zoo.report.bench_compare import is_bench
    from zoo.report.gate import parse_gate

    wanted = [parse_gate(text) for text in gates]
    benches = [path for path in (first, second) if path is not None and is_bench(Path(path))]
    if not benches:
        _of_reports(first, second, metrics, wanted, output, as_json)
        return
    if metrics:
        raise UsageError("--metric is for reports; of bench records every stage is shown")
    if second is None:
        raise UsageError(f"{first} is a bench record: name a second one to compare it with")
    other = first if second in benches else second
    if len(benches) < 2 and Path(other).exists():
        raise UsageError(f"{benches[0]}: it states schema 'zoo-bench/1', a bench record, and {other} is none")
    _of_bench(first, second, wanted, output, as_json)


def _of_reports(
    first: str, second: str | None, metrics: Sequence[str], wanted: Sequence[Gate], output: str | None, as_json: bool
) -> None:
    from zoo.engine.metrics import all_metrics
    from zoo.report.compare import compare, gap_within, read_side
    from zoo.report.compare_text import compare_text, gate_line
    from zoo.report.gate import check_gates

    if second is None or Path(first).absolute() == Path(second).absolute():
        a, b = gap_within(read_side(first))
    else:
        a, b = read_side(first), read_side(second)
    better = {name: spec.lower_is_better for name, spec in all_metrics(options.registry()).items()}
    comparison = compare(a, b, metrics, better)
    comparison["gates"] = check_gates(wanted, comparison)
    _show(comparison, compare_text(comparison), [gate_line(gate) for gate in comparison["gates"]], output, as_json)


def _of_bench(first: str, second: str, wanted: Sequence[Gate], output: str | None, as_json: bool) -> None:
    from zoo.report.bench_compare import compare_records, read_bench
    from zoo.report.bench_compare_text import bench_compare_text, bench_gate_line

    comparison = compare_records(read_bench(Path(first)), read_bench(Path(second)), wanted)
    text = bench_compare_text(comparison, first, second)
    _show(comparison, text, [bench_gate_line(gate) for gate in comparison["gates"]], output, as_json)


def _show(comparison: dict[str, Any], text: str, lines: list[str], output: str | None, as_json: bool) -> None:
    """Print and write a comparison, then fail if a gate did, by the lines on its gates."""
    from zoo.files import write_text
    from zoo.report.record import write_json

    if output is not None:
        folder = output_folder(output)
        write_json(folder / "compare.json", comparison)
        write_text(folder / "compare.md", text)
    click.echo(json.dumps(comparison, indent=2) if as_json else text, nl=as_json)
    missed = [line for line, gate in zip(lines, comparison["gates"], strict=True) if not gate["passed"]]
    if missed:
        raise ZooError("--fail-on " + "; ".join(line.removeprefix("FAILED: ") for line in missed))
