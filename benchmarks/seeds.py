"""How much a difference means: one recipe trained with several seeds, evaluated alike.

    python benchmarks/seeds.py RESULT_DIR RESULT_DIR...

Each RESULT_DIR is the folder of a finished `zoo eval`, with report.json or SPLIT/report.json, one for each seed. Prints
for each split and metric the mean over seeds with their spread, and for each pair of seeds the paired difference with
its interval; writes both to benchmarks/results/seeds.json and seeds.md. A difference between two models, each trained
once, that is no larger than these is no evidence for either.
"""

from __future__ import annotations

import itertools
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from registry import UsageError, ZooError
from zoo.files import write_text
from zoo.report.compare import Side, compare, read_side
from zoo.report.record import write_json
from zoo.report.table import format_metric, markdown_table

SCHEMA = "zoo-seeds/1"

_SEED = {"checkpoint_sha256", "config.train.seed"}
"""What differs between two seeds of one recipe."""

RESULTS = Path(__file__).parent / "results"


def seed_of(side: Side) -> str:
    """The seed that the weights were trained with, or the folder where no report names one."""
    report = next(iter(side.reports.values()))
    config = report.get("config") or {}
    seed = (config.get("train") or {}).get("seed")
    return f"seed {seed}" if seed is not None else side.name


def spread(values: Sequence[float]) -> dict[str, float]:
    """Mean, standard deviation (n - 1), least, greatest and range of one figure over seeds."""
    low, high = min(values), max(values)
    return {
        "mean": statistics.fmean(values),
        "sd": statistics.stdev(values),
        "low": low,
        "high": high,
        "range": high - low,
    }


def seeds_record(sides: Sequence[Side]) -> dict[str, Any]:
    """Spread over seeds and paired differences.

    Raises:
        UsageError: Fewer than two results, two of the same seed, or results that cannot be compared.
    """
    names = [seed_of(side) for side in sides]
    if len(set(names)) < 2 or len(set(names)) < len(names):
        raise UsageError(f"name the results of at least two different seeds; these are of {', '.join(names) or 'none'}")
    pairs = {(names[i], names[j]): compare(sides[i], sides[j]) for i, j in itertools.combinations(range(len(sides)), 2)}
    first = next(iter(pairs.values()))
    splits = [part["split_a"] for part in first["parts"]]
    return {
        "schema": SCHEMA,
        "model": first["a"]["model"],
        "results": [
            {"seed": name, "checkpoint_sha256": next(iter(side.reports.values())).get("checkpoint_sha256")}
            for name, side in zip(names, sides, strict=True)
        ],
        "also_differs": sorted(
            {c["what"] for r in pairs.values() for p in r["parts"] for c in p["circumstances"]} - _SEED
        ),
        "splits": [_split(split, sides, pairs) for split in splits],
    }


def _split(split: str, sides: Sequence[Side], pairs: Mapping[tuple[str, str], Mapping[str, Any]]) -> dict[str, Any]:
    parts = {
        pair: part for pair, record in pairs.items() for part in record["parts"] if part["split_a"] == split
    }  # fmt: skip
    if len(parts) < len(pairs):
        raise UsageError(f"not every result has split {split or '(none)'}")
    metrics = [
        name for name in next(iter(parts.values()))["metrics"] if all(name in p["metrics"] for p in parts.values())
    ]
    reports = [side.reports[split] for side in sides]
    return {
        "split": split,
        "dataset": reports[0].get("dataset"),
        "n_images": reports[0]["n_images"],
        "metrics": {
            name: {
                **spread([report["metrics"][name] for report in reports]),
                "values": [report["metrics"][name] for report in reports],
                "pairs": [{"a": a, "b": b, **part["metrics"][name]["difference"]} for (a, b), part in parts.items()],
            }
            for name in metrics
        },
    }


def seeds_text(record: Mapping[str, Any]) -> str:
    """The record as Markdown."""
    seeds = [result["seed"] for result in record["results"]]
    blocks = [f"# {record['model']}: {len(seeds)} seeds of one recipe\n"]
    for part in record["splits"]:
        rows, differences = [], []
        for name, entry in part["metrics"].items():
            figures = [entry["mean"], entry["sd"], entry["range"], *entry["values"]]
            rows.append([name, *(format_metric(name, value) for value in figures)])
            differences.append([name, *(_difference(name, pair) for pair in entry["pairs"])])
        titles = [f"{pair['b']} - {pair['a']}" for pair in next(iter(part["metrics"].values()))["pairs"]]
        blocks.append(f"## {part['dataset']} {part['split']}, {part['n_images']} images\n")
        blocks.append(markdown_table(["metric", "mean", "sd", "range", *seeds], rows))
        blocks.append("Paired differences with 95 % intervals over images:\n")
        blocks.append(markdown_table(["metric", *titles], differences))
    if record["also_differs"]:
        blocks.append(f"Not only the seed differs: {', '.join(record['also_differs'])}.\n")
    return "\n".join([*blocks, "An asterisk: the interval leaves zero out.\n"])


def _difference(name: str, pair: Mapping[str, Any]) -> str:
    if pair["low"] is None:
        return format_metric(name, pair["mean"])
    mark = "" if pair["low"] <= 0 <= pair["high"] else " *"
    low, high = format_metric(name, pair["low"]), format_metric(name, pair["high"])
    return f"{format_metric(name, pair['mean'])} [{low}, {high}]{mark}"


def main(arguments: Sequence[str], results: Path = RESULTS) -> int:
    """Print and write; the exit code."""
    try:
        record = seeds_record([read_side(path) for path in arguments])
    except ZooError as error:
        print(f"seeds: {error}", file=sys.stderr)
        return error.exit_code
    text = seeds_text(record)
    results.mkdir(parents=True, exist_ok=True)
    write_json(results / "seeds.json", record)
    write_text(results / "seeds.md", text)
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
