"""``zoo bench accuracy``: rank measured results beside published ones."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from registry import DatasetSpec, NotFoundError, ZooError
from zoo.cli import options
from zoo.cli.output import output_folder

_OURS = ("runs/*/eval/*/report.json", "runs/*/eval/*/*/report.json")
"""Where `zoo eval` leaves reports, from the current folder: one split, several."""

_Records = list[tuple[str, dict[str, Any]]]


@click.command("accuracy")
@click.option("--dataset", default="P3M-10k", show_default=True, metavar="NAME", help="Registered data set.")
@click.option("--split", "splits", multiple=True, metavar="NAME", help="Split to show; default: all test splits.")
@click.option("--models", "pattern", default="*", show_default=True, metavar="PATTERN", help="Shell pattern of names.")
@click.option(
    "--records", multiple=True, metavar="PATH", help="More reports: a file, or a folder searched to its depth."
)
@click.option("--output", metavar="DIR", help="Folder for accuracy.json and accuracy.md.")
@options.json_option
@options.plugin_options
def accuracy(
    dataset: str, splits: tuple[str, ...], pattern: str, records: tuple[str, ...], output: str | None, as_json: bool
) -> None:
    """Set the newest results of every model below runs/ beside the published ones.

    The results of others are merged with --records. A report whose figures are not those of its rows is refused.
    """
    from zoo.data.splits import split_name, test_splits
    from zoo.files import write_text
    from zoo.report.accuracy import accuracy_record, distinct, newest
    from zoo.report.accuracy_text import accuracy_text
    from zoo.report.record import write_json

    found = options.registry()
    spec: DatasetSpec = found.get("dataset", dataset)
    names = list(dict.fromkeys(split_name(spec, split) for split in splits)) or test_splits(spec)
    given = _asked(records)  # a path that is not there ends the command before anything is read
    ours, broken = _read(sorted(path for each in _OURS for path in Path().glob(each)))
    theirs, refused = _read(given)
    models = {name: found.models[name] for name in found.names("model") if fnmatch.fnmatch(name, pattern)}
    rows = distinct([*newest(ours), *theirs])
    rows = [(path, report) for path, report in rows if fnmatch.fnmatch(str(report.get("model") or ""), pattern)]
    if pattern != "*" and not models and not rows:
        raise NotFoundError(f"no model matches {pattern!r}; installed: {', '.join(found.names('model')) or 'none'}")
    record = accuracy_record(spec, names, models, rows)
    text = accuracy_text(record)
    if output is not None:
        folder = output_folder(output)
        write_json(folder / "accuracy.json", record)
        write_text(folder / "accuracy.md", text)
    click.echo(json.dumps(record, indent=2) if as_json else text, nl=as_json)
    for reason in [*broken, *_passed_over(theirs, spec.name, names), *refused]:
        click.echo(f"not in the table: {reason}", err=True)
    if refused:
        raise ZooError(f"{len(refused)} of {len(given)} records cannot be used: {refused[0]}")


def _asked(places: Sequence[str]) -> list[Path]:
    """The reports below the paths of ``--records``.

    Raises:
        NotFoundError: A path is not there, or has no report below it.
    """
    found: list[Path] = []
    for place in map(Path, places):
        path = place.expanduser()
        files = sorted(path.rglob("report.json")) if path.is_dir() else [path] if path.exists() else []
        if not files:
            raise NotFoundError(f"--records {place}: {'no report.json below it' if path.is_dir() else 'no such file'}")
        found += files
    return list(dict.fromkeys(found))


def _read(files: Sequence[Path]) -> tuple[_Records, list[str]]:
    """The reports that can be used, and why the others cannot."""
    from zoo.report.reading import read_checked

    good, bad = [], []
    for file in files:
        try:
            good.append((str(file), read_checked(file)))
        except ZooError as error:
            bad.append(str(error))
    return good, bad


def _passed_over(records: _Records, dataset: str, splits: Sequence[str]) -> Iterator[str]:
    """Records that were named and are on something else."""
    for path, report in records:
        if not report.get("dataset") or not report.get("split") or not report.get("model"):
            yield f"{path}: it names no model, data set or split; `zoo score` takes --model, --dataset and --split"
        elif report["dataset"] != dataset:
            yield f"{path}: it is on {report['dataset']}"
        elif report["split"] not in splits:
            yield f"{path}: it is on split {report['split']}"
