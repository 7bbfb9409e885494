"""``zoo bench accuracy``: rank measured results beside published ones."""

from __future__ import annotations

import fnmatch
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from registry import DatasetSpec, NotFoundError, UsageError, ZooError
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
@click.option(
    "--evaluate", is_flag=True, help="First score every model that matches, as zoo eval does, one process each."
)
@click.option("--data-root", metavar="DIR", help="For --evaluate: folder of the data set.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="For --evaluate: only the first N pictures.")
@options.device_option
@click.option("--output", metavar="DIR", help="Folder for accuracy.json and accuracy.md.")
@options.json_option
@options.plugin_options
def accuracy(
    dataset: str,
    splits: tuple[str, ...],
    pattern: str,
    records: tuple[str, ...],
    evaluate: bool,
    data_root: str | None,
    limit: int | None,
    device: str | None,
    output: str | None,
    as_json: bool,
) -> None:
    """Set the newest results of every model below runs/ beside the published ones.

    With --evaluate these results are made first: each model is scored with the best checkpoint of its newest run; one
    that fails is reported and the others go on. The results of others are merged with --records. A report whose figures
    are not those of its rows is refused.
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
    models = {name: found.models[name] for name in found.names("model") if fnmatch.fnmatch(name, pattern)}
    if not evaluate and (data_root or limit or device):
        raise UsageError("--data-root, --limit and --device say how --evaluate scores; without it nothing is scored")
    failed = _evaluate(models, spec.name, names, data_root, limit, device) if evaluate else []
    ours, broken = _read(sorted(path for each in _OURS for path in Path().glob(each)))
    theirs, refused = _read(given)
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
    if failed:
        raise ZooError(f"{len(failed)} of {len(models)} models could not be scored: {', '.join(failed)}")
    if refused:
        raise ZooError(f"{len(refused)} of {len(given)} records cannot be used: {refused[0]}")


def _evaluate(
    models: Iterable[str],
    dataset: str,
    splits: Sequence[str],
    data_root: str | None,
    limit: int | None,
    device: str | None,
) -> list[str]:
    """Run ``zoo eval`` for each model; the names of those that failed."""
    failed = []
    for name in models:
        line = [sys.executable, "-m", "zoo.cli", "eval", name, "--dataset", dataset]
        line += [word for split in splits for word in ("--split", split)]
        given = {"--data-root": data_root, "--limit": limit, "--device": device}
        line += [str(word) for pair in given.items() if pair[1] is not None for word in pair]
        click.echo(f"scoring {name} in a process of its own", err=True)
        words = [*options.plugin_arguments(), *(["--quiet"] if options.is_quiet() else [])]
        done = subprocess.run([*line, *words], capture_output=True, text=True, check=False)
        if done.returncode:
            failed.append(name)
            lines = [text for text in done.stderr.splitlines() if text.strip()]
            reason = lines[-1].removeprefix("zoo: ") if lines else f"its process ended with code {done.returncode}"
            click.echo(f"{name} was not scored: {reason}", err=True)
    return failed


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
