"""``zoo convert MODEL SOURCE DEST``: take over weights of PyTorch, safetensors or ONNX."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from registry import UsageError
from zoo.cli import options

if TYPE_CHECKING:
    from zoo.engine.conversion import Conversion
    from zoo.engine.foreign import ForeignFile
    from zoo.engine.provenance import Provenance


@click.command("convert")
@click.argument("model")
@click.argument("source")
@click.argument("dest")
@click.option("--partial", is_flag=True, help="Write what fits even if something is missing or left over.")
@click.option("--force", is_flag=True, help="Replace DEST if it is there.")
@click.option("--license", metavar="TEXT", help="Licence of the weights, where the model's card does not say.")
@click.option("--data-license", metavar="TEXT", help="Licence of the data they were trained on, likewise.")
@click.option("--set", "settings", multiple=True, metavar="a.b=v", help="Change one value of the model's config.")
@options.json_option
@options.plugin_options
def command(
    model: str,
    source: str,
    dest: str,
    partial: bool,
    force: bool,
    license: str | None,
    data_license: str | None,
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Make the checkpoint DEST (.ckpt) for MODEL of the weights in SOURCE.

    SOURCE is a file of PyTorch (needs the extra torch), of safetensors, or of ONNX (needs the extra onnx). It is read
    without running anything in it.

    A source that has exactly the backbone's parameters becomes a file for model.pretrained.
    """
    from zoo.config import resolve
    from zoo.engine import device, foreign
    from zoo.engine.console import Console
    from zoo.engine.conversion import build_target, convert_arrays, require_fit, write
    from zoo.engine.provenance import trace

    found = options.registry()
    spec, plugin = found.get("model", model), found.owner("model", model)
    if spec.convert is None:
        raise UsageError(f"model {spec.name!r} offers no conversion")
    # Not the variables of the environment: a checkpoint shall depend on nothing but the source and this line.
    config = resolve(spec.config, None, settings, [("model.name", spec.name, "MODEL")]).config
    origin_path, target = Path(source).expanduser(), Path(dest).expanduser()
    _check_target(target, origin_path, force)
    held = foreign.read(origin_path)
    origin, notes = trace(held, spec.card, license, data_license)
    with Console(options.is_quiet()).busy(f"building {spec.name} to compare with"):
        device.start()
        network = build_target(found, config)
    converted = convert_arrays(spec, plugin, network, held.arrays, held.dtypes, str(origin_path))
    report = _report(held, origin, notes, converted)
    try:
        require_fit(converted, held, partial)
        write(target, converted, found, config, origin, held.wrapper)
        report |= {"written": True, "dest": str(target), "dest_sha256": _digest(target)}
    finally:
        if as_json:
            click.echo(json.dumps(report, indent=2, ensure_ascii=False))
    if not as_json:
        click.echo("\n".join(_lines(report, converted)))


def _check_target(target: Path, source: Path, force: bool) -> None:
    """Refuse a DEST that cannot or must not be written, before anything slow happens.

    Raises:
        UsageError: It is not a ``.ckpt`` in a folder that exists, is there already, or is the source.
    """
    if target.suffix != ".ckpt":
        raise UsageError(f"DEST {target}: a checkpoint's name ends in .ckpt")
    if target.is_dir() or not target.parent.is_dir():
        reason = "that is a folder" if target.is_dir() else f"no folder {target.parent}"
        raise UsageError(f"DEST {target}: {reason}")
    if target.exists() and source.exists() and target.samefile(source):
        raise UsageError(f"DEST {target} is SOURCE itself; name another file")
    if target.exists() and not force:
        raise UsageError(f"DEST {target} is there already; name another file or add --force")


def _report(held: ForeignFile, origin: Provenance, notes: list[str], found: Conversion) -> dict[str, Any]:
    """Everything that is known before writing, ready for JSON; names come with their shapes."""
    return {
        "model": found.model,
        "source": str(held.path),
        "source_format": held.format,
        "source_bytes": held.size,
        "source_sha256": held.sha256,
        "wrapper": held.wrapper,
        "left_out": list(held.left_out),
        "weights": origin.weights,
        "license": origin.license,
        "data_license": origin.data_license,
        "holds": found.holds,
        "parameters": found.parameters,
        "matched": {name: list(array.shape) for name, array in found.weights.items()},
        "missing": {name: list(shape) for name, shape in found.missing.items()},
        "unexpected": {name: list(shape) for name, shape in found.unexpected.items()},
        "shapes": {name: {"source": list(s), "network": list(n)} for name, (s, n) in found.shapes.items()},
        "ignored": found.ignored,
        "casts": dict(found.casts),
        "notes": notes,
        "written": False,
        "dest": None,
        "dest_sha256": None,
    }


def _digest(path: Path) -> str:
    import hashlib

    return hashlib.sha256(path.read_bytes()).hexdigest()


def _lines(report: dict[str, Any], found: Conversion) -> list[str]:
    """The report for people."""
    card = f" (the card's {report['weights']})" if report["weights"] else ""
    lines = [
        f"source      {report['source']}: {report['source_format']}, {report['source_bytes']:,} bytes",
        f"sha256      {report['source_sha256']}",
        f"licence     {report['license']}; of the training data: {report['data_license']}{card}",
        f"matched     {len(found.weights)} of {found.parameters} parameters",
        f"missing     {len(found.missing)} (all but the backbone)"
        if found.holds == "backbone"
        else f"missing     {_names(report['missing'])}",
        f"unexpected  {_names(report['unexpected'])}",
    ]
    if found.ignored:
        lines.append(f"ignored     {found.ignored} counters of batch norms")
    lines += [f"converted   {count} arrays from {kind} to float32" for kind, count in report["casts"].items()]
    if report["wrapper"]:
        beside = f"; left out: {_few(report['left_out'])}" if report["left_out"] else ""
        lines.append(f"taken from  {report['wrapper']}{beside}")
    lines += [f"note        {note}" for note in report["notes"]]
    return [*lines, *_outcome(report, found)]


def _outcome(report: dict[str, Any], found: Conversion) -> list[str]:
    dest, model = report["dest"], report["model"]
    if found.holds == "network":
        return [
            f"wrote       {dest}: {model}, whole",
            f"next        zoo predict {model} PHOTO -o OUT --checkpoint {dest}",
        ]
    if found.holds == "backbone":
        return [
            f"wrote       {dest}: the backbone of {model} and no more",
            f"next        zoo train {model} --set model.pretrained={dest}",
        ]
    return [
        f"wrote       {dest}: a part of {model}; {len(found.missing)} parameters are not in it and start fresh",
        f"next        zoo train {model} --checkpoint {dest}",
    ]


def _names(shapes: dict[str, list[int]]) -> str:
    if not shapes:
        return "0"
    listed = [f"{name} {'x'.join(map(str, shape)) or 'scalar'}" for name, shape in shapes.items()]
    return f"{len(shapes)} ({_few(listed)})"


def _few(names: list[str], count: int = 4) -> str:
    return ", ".join(names[:count]) + (f", and {len(names) - count} more" if len(names) > count else "")
