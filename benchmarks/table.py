"""The tables of benchmarks/README.md, made from the records in benchmarks/results.

    python benchmarks/table.py [--check]

Every JSON file in results/ is a record that a command wrote and nobody edits: of `zoo bench throughput`
(record.json), of `zoo bench accuracy` (accuracy.json) or of benchmarks/seeds.py. To add one, copy it there under a name
that says what it is, and run this. With --check nothing is written; the exit code is 1 if the README is not what the
records give.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import seeds

from registry import UsageError, ZooError
from zoo.files import write_text
from zoo.report import accuracy, bench
from zoo.report.accuracy_text import accuracy_text
from zoo.report.bench import bench_table
from zoo.report.record import MAIN_METRICS
from zoo.report.table import format_metric, markdown_table

FOLDER = Path(__file__).parent

_BEGIN = "<!-- From here to the end: python benchmarks/table.py -->\n"


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


_KINDS: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], str]]] = {
    bench.SCHEMA: ("Speed", bench_table),
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
        if record.get("schema") not in _KINDS:
            known = ", ".join(_KINDS)
            raise UsageError(f"{path}: schema {record.get('schema')!r} has no table here; those that have: {known}")
    blocks = []
    for schema, (heading, make) in _KINDS.items():
        found = [(path, record) for path, record in records if record["schema"] == schema]
        if found:
            blocks.append(f"## {heading}\n")
        blocks += [f"### {_title(path)}\n\n{make(record)}" for path, record in found]
    return "\n".join(blocks)


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
    readme = folder / "README.md"
    try:
        if set(arguments) - {"--check"}:
            raise UsageError("python benchmarks/table.py [--check]")
        before = readme.read_text(encoding="utf-8")
        introduction, mark, _ = before.partition(_BEGIN)
        if not mark:
            raise UsageError(f"{readme} has no line {_BEGIN.strip()!r}")
        after = f"{introduction}{mark}\n{tables(folder / 'results')}"
    except ZooError as error:
        print(f"table: {error}", file=sys.stderr)
        return error.exit_code
    if "--check" in arguments:
        if after != before:
            print(f"table: {readme} is not what the records give: python benchmarks/table.py", file=sys.stderr)
        return int(after != before)
    write_text(readme, after)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
