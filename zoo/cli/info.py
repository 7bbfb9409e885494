"""``zoo info NAME``: the card of one registered thing."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import click

from registry import KINDS, DatasetSpec, MetricSpec, ModelSpec, NotFoundError, Plugin, Registry
from registry.errors import did_you_mean
from zoo.cli import options
from zoo.weights.kept import is_there
from zoo.weights.offers import NOT_STATED, Offer, of_user


@click.command("info")
@click.argument("name")
@options.json_option
@options.plugin_options
def command(name: str, as_json: bool) -> None:
    """Show what is known about the model, backbone, data set or metric NAME."""
    found = options.registry()
    kind = _kind_of(found, name)
    spec, plugin = found.get(kind, name), found.owner(kind, name)
    facts = {"name": name, "kind": kind, **_plugin_facts(plugin), **_facts(spec)}
    if kind in ("model", "backbone"):
        facts["weights"] = [_weights(offer) for offer in of_user(found, name) or []]
    if as_json:
        click.echo(json.dumps(facts, indent=2, default=str))
        return
    for key, value in facts.items():
        for line in _lines(key, value):
            click.echo(line)


def _kind_of(found: Registry, name: str) -> str:
    for kind in KINDS:
        try:
            found.get(kind, name)
        except NotFoundError as error:
            if "not unique" in str(error):
                raise
        else:
            return kind
    known = [each for kind in KINDS for each in found.names(kind)]
    failed = [
        p for p in found.plugins if p.status == "failed" and name in (p.name, p.distribution.removeprefix("zoo-"))
    ]
    if failed:
        raise NotFoundError(f"nothing named {name!r}: plugin {failed[0].label} was not loaded: {failed[0].cause}")
    listed = ", ".join(sorted(known))
    raise NotFoundError(f"nothing named {name!r}; installed: {listed}.{did_you_mean(name, known)}")


def _plugin_facts(plugin: Plugin) -> dict[str, Any]:
    return {"plugin": plugin.name, "distribution": plugin.distribution, "version": plugin.version}


def _facts(spec: Any) -> dict[str, Any]:
    if isinstance(spec, ModelSpec):
        card = {field.name: getattr(spec.card, field.name) for field in dataclasses.fields(spec.card)}
        card["results"] = [dict(row) for row in spec.card.results]
        return {"stages": list(spec.objectives), "needs_trimap": spec.needs_trimap, "config": spec.config, **card}
    if isinstance(spec, DatasetSpec):
        return {"splits": dict(spec.splits), "published": [dict(row) for row in spec.published]}
    if isinstance(spec, MetricSpec):
        return {"needs_trimap": spec.needs_trimap, "lower_is_better": spec.lower_is_better}
    return {}


def _weights(offer: Offer) -> dict[str, Any]:
    """What the plugin says of a file, and where it is if it has been downloaded (whether it is whole is not read)."""
    file = is_there(offer)
    return {**dataclasses.asdict(offer.weights), "file": str(file) if file else None}


def _weights_lines(row: dict[str, Any]) -> list[str]:
    size = f"{row['bytes'] / 1e6:.1f} MB, " if row["bytes"] else ""
    licenses = f"weights {row['license'] or NOT_STATED}, data {row['data_license'] or NOT_STATED}"
    where = row["file"] or f"not here: zoo download {row['name']}"
    return [f"{row['name']}: {size}licence of {licenses}; {where}", *(f"  {url}" for url in row["urls"])]


def _lines(key: str, value: Any) -> list[str]:
    label = f"{key.replace('_', ' '):<18}"
    if value in (None, "", [], (), {}):
        return []
    if key == "weights":
        texts = [text for row in value for text in _weights_lines(row)]
        return [f"{'' if i else label:<18} {text}" for i, text in enumerate(texts)]
    if isinstance(value, dict):
        parts = [f"{k} ({'count unknown' if v is None else v})" for k, v in value.items()]
        return [f"{label} {', '.join(parts)}"]
    if isinstance(value, (list, tuple)) and isinstance(value[0], dict):
        rows = ["; ".join(f"{k} {_short(v)}" for k, v in row.items() if v not in (None, "", ())) for row in value]
        return [f"{label if i == 0 else '':<18} {row}" for i, row in enumerate(rows)]
    if isinstance(value, (list, tuple)):
        return [f"{label} {', '.join(map(str, value))}"]
    if isinstance(value, bool):
        return [f"{label} {'yes' if value else 'no'}"]
    return [f"{label} {value:,}" if isinstance(value, int) else f"{label} {value}"]


def _short(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
