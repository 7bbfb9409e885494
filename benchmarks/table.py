"""The tables of benchmarks/README.md, and that of the README of the project, made from the records in results.

    python benchmarks/table.py [--check]

Every JSON file in results/ is a record that a command wrote and nobody edits: of `zoo bench throughput`
(record.json), of `zoo bench accuracy` (accuracy.json), of benchmarks/seeds.py, or of pytest-benchmark
(--benchmark-json) where a suite compares sides that take turns (benchmarks/turns.py). To add one, copy it there under a
name that says what it is, and run this. With --check nothing is written; the exit code is 1 if a README is not what the
records give.

The README of the project gets the records whose name begins with `peers` between two lines of its own, if it has them:

    <!-- peers: python benchmarks/table.py -->
    <!-- end of peers -->
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import scaling
import seeds
from scaling import scaling_table
from turns import ratio

from registry import UsageError, ZooError
from zoo.files import write_text
from zoo.report import accuracy, bench
from zoo.report.accuracy_text import accuracy_text
from zoo.report.bench import bench_table
from zoo.report.record import MAIN_METRICS
from zoo.report.table import format_metric, markdown_table

FOLDER = Path(__file__).parent

_BEGIN = "<!-- From here to the end: python benchmarks/table.py -->\n"

_PEERS, _PEERS_END = "<!-- peers: python benchmarks/table.py -->\n", "<!-- end of peers -->\n"

TURNS = "pytest-benchmark"
"""Stands for the schema of a record of pytest-benchmark, which states none."""


def seeds_table(record: Mapping[str, Any]) -> str:
    """Mean and standard deviation over seeds, a line for each split."""
    names = [name for name in MAIN_METRICS if all(name in part["metrics"] for part in record["splits"])]
    rows = [
        [record["model"], part["dataset"], part["split"], str(part["n_images"]), str(len(record["results"]))]
        + [_spread(name, part["metrics"][name]) for name in names]
        for part in record["splits"]
    ]
    return markdown_table(["model", "data set", "split", "images", "seeds", *names], rows)


def _spread(name: str, entry: Mapping[str, float]) -> str:
    return f"{format_metric(name, entry['mean'])} ± {format_metric(name, entry['sd'])}"


def turns_table(record: Mapping[str, Any]) -> str:
    """Every side of every comparison: medians, and ratios to the reference within a round."""
    compared = [one["extra_info"] for one in record["benchmarks"] if "sides" in one["extra_info"]]
    sides = [side for one in compared for side in one["sides"].values()]
    known = [key for key in ("peak_mib",) if any(key in side for side in sides)]
    rows = []
    for one in compared:
        reference = one["sides"][one["reference"]]
        for name, side in one["sides"].items():
            row = [one.get("what", ""), name, *(f"{1000 * median(side[kind]):.0f}" for kind in ("wall", "cpu"))]
            row += [str(ratio(side[kind], reference[kind])) for kind in ("wall", "cpu")]
            rows.append([*row, *(f"{side[key]:.0f}" if key in side else "" for key in known)])
    titles = ["what", "side", "ms", "processor ms", "ratio", "processor ratio", *(["peak MiB"] if known else [])]
    return f"{markdown_table(titles, rows)}\n{_machine(record, compared)}\n"


def _machine(record: Mapping[str, Any], compared: Sequence[Mapping[str, Any]]) -> str:
    """What the ratios are to, and the machine, in a paragraph."""
    machine = record["machine_info"]
    rounds = {len(side["wall"]) for one in compared for side in one["sides"].values()}
    references = list(dict.fromkeys(one["reference"] for one in compared))
    threads = {one["threads"] for one in compared if "threads" in one}
    versions = ", ".join(f"{name} {number}" for name, number in (machine.get("versions") or {}).items() if number)
    count = f"{min(rounds)}" if len(rounds) == 1 else f"{min(rounds)} to {max(rounds)}"
    where = [
        f"{machine['cpu']['brand']}, {machine['cpu']['count']} processors",
        *(f"{number} threads for each side" for number in threads),
        f"Python {machine['python_version']}",
        versions,
    ]
    return (
        f"Medians of {count} rounds in which all sides take turns; ratios are to {' and '.join(references)} within a "
        f"round, with 95 % intervals of their medians. {'; '.join(filter(None, where))}."
    )


_KINDS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], str]]] = {
    TURNS: ("Side by side", turns_table),
    bench.SCHEMA: ("Speed", bench_table),
    scaling.SCHEMA: ("Scaling", lambda record: scaling_table(record) + "\n![throughput](results/scaling.png)\n"),
    accuracy.SCHEMA: ("Accuracy", lambda record: re.sub("^## ", "#### ", accuracy_text(record), flags=re.M)),
    seeds.SCHEMA: ("Spread over seeds", seeds_table),
}
"""By schema: the heading, and what makes a table of a record. In this order in the README."""


def tables(results: Path) -> str:
    """All records of a folder as Markdown, by kind and then by name.

    Raises:
        UsageError: A file is no record, or of a kind that has no table.
    """
    records = [(path, _read(path)) for path in sorted(results.glob("*.json"))]
    for path, record in records:
        if _schema(record) not in _KINDS:
            known = ", ".join(_KINDS)
            raise UsageError(f"{path}: schema {record.get('schema')!r} has no table here; those that have: {known}")
    blocks = []
    for schema, (heading, make) in _KINDS.items():
        found = [(path, record) for path, record in records if _schema(record) == schema]
        if found:
            blocks.append(f"## {heading}\n")
        blocks += [f"### {_title(path)}\n\n{make(record)}" for path, record in found]
    return "\n".join(blocks)


def peers_block(results: Path) -> str:
    """The comparisons with peers alone, for the README of the project.

    Raises:
        UsageError: A file is no record of sides that took turns.
    """
    blocks = []
    for path in sorted(results.glob("peers*.json")):
        record = _read(path)
        if _schema(record) != TURNS:
            raise UsageError(f"{path}: no record of sides that took turns")
        blocks.append(turns_table(record))
    return "\n".join(blocks)


def _schema(record: Mapping[str, Any]) -> Any:
    return TURNS if "machine_info" in record and "benchmarks" in record else record.get("schema")


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except ValueError as error:
        raise UsageError(f"{path}: no valid JSON ({error})") from error
    return value if isinstance(value, dict) else {}


def _title(path: Path) -> str:
    """The record's name and where it is; beside it a text of the same name, if there is one, with the details."""
    details = path.with_suffix(".md")
    more = f", [details](results/{details.name})" if details.is_file() else ""
    return f"{path.stem.replace('-', ' ')} ([record](results/{path.name}){more})"


def main(arguments: Sequence[str], folder: Path = FOLDER) -> int:
    """Write or check the README of a folder; the exit code."""
    readme, project = folder / "README.md", folder.parent / "README.md"
    try:
        if set(arguments) - {"--check"}:
            raise UsageError("python benchmarks/table.py [--check]")
        before = readme.read_text(encoding="utf-8")
        introduction, mark, _ = before.partition(_BEGIN)
        if not mark:
            raise UsageError(f"{readme} has no line {_BEGIN.strip()!r}")
        texts = {readme: (before, f"{introduction}{mark}\n{tables(folder / 'results')}")}
        front = project.read_text(encoding="utf-8") if project.is_file() else ""
        head, begin, rest = front.partition(_PEERS)
        _, end, tail = rest.partition(_PEERS_END)
        if begin and end:
            texts[project] = (front, f"{head}{begin}\n{peers_block(folder / 'results')}\n{end}{tail}")
    except ZooError as error:
        print(f"table: {error}", file=sys.stderr)
        return error.exit_code
    if "--check" in arguments:
        stale = [path for path, (before, after) in texts.items() if after != before]
        for path in stale:
            print(f"table: {path} is not what the records give: python benchmarks/table.py", file=sys.stderr)
        return int(bool(stale))
    for path, (_, after) in texts.items():
        write_text(path, after)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
