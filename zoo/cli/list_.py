"""``zoo list``: what is installed."""

from __future__ import annotations

import fnmatch
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import click

from registry import KINDS, BackboneSpec, DatasetSpec, MetricSpec, ModelSpec, NotFoundError, Registry, UsageError
from zoo.cli import options
from zoo.cli.columns import columns, terminal_width
from zoo.cli.figures import short
from zoo.weights.offers import NOT_STATED

_MANY = 12
"""Things of one kind and plugin above which a listing of everything counts them instead."""

_PLURAL = {"model": "models", "backbone": "backbones", "dataset": "data sets", "metric": "metrics"}

Row = dict[str, Any]


@click.command("list")
@click.argument("pattern", required=False)
@click.option("--kind", type=click.Choice(KINDS), help="Only this kind.")
@click.option("--trainable/--not-trainable", default=None, help="Only models that can be trained here, or that cannot.")
@click.option("--license", "license_", metavar="PATTERN", help="Only models whose code has such a licence (wildcards).")
@options.json_option
@options.plugin_options
def command(pattern: str | None, kind: str | None, trainable: bool | None, license_: str | None, as_json: bool) -> None:
    """List models, backbones, data sets and metrics, or those matching PATTERN (shell wildcards).

    A plugin's many backbones are counted, not listed, unless a pattern or --kind asks for them.
    """
    if trainable is not None or license_ is not None:
        if kind not in (None, "model"):
            raise UsageError(f"--trainable, --not-trainable and --license choose among models, not --kind {kind}")
        kind = "model"
    found = options.registry()
    rows = [
        row
        for row in _rows(found, KINDS if kind is None else (kind,))
        if _matches(pattern, row["name"], row["name"].rpartition("/")[2])
        and (trainable is None or row["trainable"] == trainable)
        and (license_ is None or _matches(license_, row["license"] or NOT_STATED))
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    if not rows:
        raise NotFoundError(_nothing(pattern, kind, trainable, license_))
    if as_json:
        return
    width = terminal_width()
    asked = pattern is not None or kind is not None
    blocks = [_block(each, [r for r in rows if r["kind"] == each], asked, width) for each in KINDS]
    click.echo("\n\n".join(filter(None, blocks)))
    failed = [p.name for p in found.plugins if p.status == "failed"]
    if failed:
        click.echo(f"not loaded: {', '.join(failed)} (see zoo plugins)", err=True)


def _matches(pattern: str | None, *texts: str) -> bool:
    return pattern is None or any(fnmatch.fnmatchcase(text.lower(), pattern.lower()) for text in texts)


def _nothing(pattern: str | None, kind: str | None, trainable: bool | None, license_: str | None) -> str:
    found = f"no {kind or 'thing'} {f'matches {pattern!r}' if pattern else 'is installed'}"
    asked = [] if trainable is None else ["--trainable" if trainable else "--not-trainable"]
    asked += [] if license_ is None else [f"--license {license_!r}"]
    return f"{found} with {' and '.join(asked)}" if asked else found


def _rows(found: Registry, kinds: Sequence[str]) -> Iterator[Row]:
    """Everything of some kinds, as ``--json`` shows it."""
    for kind in kinds:
        for name in found.names(kind):
            row = {"name": name, "kind": kind, "plugin": found.owner(kind, name).name}
            yield row | _facts(found.get(kind, name))


def _facts(spec: Any) -> Row:
    if isinstance(spec, ModelSpec):
        return {
            "trainable": bool(spec.objectives),
            "stages": list(spec.objectives),
            "parameters": spec.card.parameters,
            "macs": spec.card.macs,
            "license": spec.card.code_license,
            "needs_trimap": spec.needs_trimap,
            "weights": [weights.name for weights in spec.card.weights],
        }
    if isinstance(spec, BackboneSpec):
        return {"weights": [weights.name for weights in spec.weights]}
    if isinstance(spec, DatasetSpec):
        return {"splits": dict(spec.splits)}
    assert isinstance(spec, MetricSpec)
    return {"needs_trimap": spec.needs_trimap, "lower_is_better": spec.lower_is_better}


# --- For people ---

_COLUMNS: Mapping[str, Mapping[str, Callable[[Row], str]]] = {
    "model": {
        "stages": lambda row: ", ".join(row["stages"]) or "not trained",
        "parameters": lambda row: short(row["parameters"]),
        "MACs": lambda row: short(row["macs"]),
        "licence": lambda row: row["license"] or NOT_STATED,
        "trimap": lambda row: "needed" if row["needs_trimap"] else "no",
    },
    "backbone": {"weights": lambda row: ", ".join(row["weights"])},
    "dataset": {"splits": lambda row: ", ".join(_split(*item) for item in row["splits"].items())},
    "metric": {
        "better": lambda row: "lower" if row["lower_is_better"] else "higher",
        "trimap": lambda row: "needed" if row["needs_trimap"] else "no",
    },
}
"""What a listing shows of a kind, beside name and plugin."""

_NUMBERS = ("parameters", "MACs")


def _split(name: str, count: int | None) -> str:
    return name if count is None else f"{name} {count:,}"


def _block(kind: str, rows: list[Row], asked: bool, width: int | None) -> str:
    """All things of a kind under a heading; "" where there are none."""
    if not rows:
        return ""
    counts = Counter(row["plugin"] for row in rows)
    counted = [] if asked else [plugin for plugin, count in counts.items() if count > _MANY]
    shown = [row for row in rows if row["plugin"] not in counted]
    further = _COLUMNS[kind]
    titles = [_PLURAL[kind], "plugin", *further]
    cells = [[row["name"], row["plugin"], *(tell(row) for tell in further.values())] for row in shown]
    more = [f'{plugin}/*: {counts[plugin]} {_PLURAL[kind]} (zoo list "{plugin}/*" --kind {kind})' for plugin in counted]
    return "\n".join([*([columns(titles, cells, width, _NUMBERS)] if cells else [_PLURAL[kind]]), *more])
