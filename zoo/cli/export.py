"""``zoo export MODEL``: hand a network over to other programs, as ONNX or MINDIR, checked."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from registry import ModelSpec, UsageError, ZooError
from zoo.cli import options

if TYPE_CHECKING:
    from zoo.engine.load import LoadedModel
    from zoo.export.handover import Handed

_SIZE = re.compile(r"(\d+)x(\d+)", re.IGNORECASE)


@click.command("export")
@click.argument("model")
@click.option("--format", "form", type=click.Choice(["onnx", "mindir"]), required=True, help="Of the file.")
@click.option("-o", "--output", metavar="FILE", help="Default: MODEL.onnx or MODEL.mindir here.")
@click.option("--checkpoint", metavar="FILE|RUN", help="Weights; default: the best of the newest run of MODEL.")
@click.option("--size", metavar="HxW", help="One size of the input, one picture at a time; default: any (onnx).")
@click.option("--verify/--no-verify", default=True, show_default=True, help="Compare the file with the network.")
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@options.json_option
@options.plugin_options
def command(
    model: str,
    form: str,
    output: str | None,
    checkpoint: str | None,
    size: str | None,
    verify: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Write the network of MODEL to FILE, and to FILE.json a certificate of how it was checked.

    onnx (needs the extra onnx): any batch and any size that is a multiple of the model's stride; runs in ONNX Runtime.
    mindir: MindSpore's own format, for one picture of one size (without --size: a square of eval.short_side).

    A file that answers otherwise than the network is not written.
    """
    from zoo.engine.console import Console
    from zoo.engine.runtimes import MINDSPORE
    from zoo.export.extra import require_onnx, require_onnxruntime

    found = options.registry()
    spec: ModelSpec = found.get("model", model)
    if form == "onnx":
        require_onnx()
        if verify:
            require_onnxruntime()
    target = Path(output or f"{spec.name}.{form}").expanduser()
    certificate = target.with_name(f"{target.name}.json")
    _check_targets(target, certificate, force)
    sides = _sides(size)
    loaded = options.load_for(found, spec, checkpoint, None, None, "CPU", {}, MINDSPORE)
    if loaded.predictor.network is None:
        raise UsageError(f"model {spec.name!r} is no network: there is nothing to export")
    with Console(options.is_quiet()).busy(f"exporting {spec.name}"):
        handed = _hand_over(loaded, spec, form, sides, verify)
    _write(target, certificate, handed)
    if as_json:
        click.echo(json.dumps({**handed.certificate, "file": str(target)}, indent=2, ensure_ascii=False))
    else:
        click.echo("\n".join(_lines(target, certificate, handed.certificate)))


def _check_targets(target: Path, certificate: Path, force: bool) -> None:
    if target.is_dir() or not target.parent.is_dir():
        reason = "that is a folder" if target.is_dir() else f"no folder {target.parent}"
        raise UsageError(f"-o {target}: {reason}")
    there = [str(path) for path in (target, certificate) if path.exists()]
    if there and not force:
        raise UsageError(f"{' and '.join(there)}: there already; name another file or add --force")


def _sides(size: str | None) -> tuple[int, int] | None:
    if size is None:
        return None
    match = _SIZE.fullmatch(size)
    if not match:
        raise UsageError(f"--size {size}: write HEIGHTxWIDTH, for example 512x768")
    return int(match[1]), int(match[2])


def _hand_over(loaded: LoadedModel, spec: ModelSpec, form: str, sides: tuple[int, int] | None, verify: bool) -> Handed:
    from zoo.export import handover

    config, network = loaded.config, loaded.predictor.network
    # Not the plugin's label: of a plugin without a distribution that is a path of this machine.
    plugin = f"{loaded.plugin.distribution or loaded.plugin.name} {loaded.plugin.version}".strip()
    texts = handover.about(config, plugin, loaded.sha256, _licences(spec, loaded))
    stride = config.model.stride
    if sides is not None:
        handover.check_size(*sides, stride)
    if form == "onnx":
        return handover.hand_over_onnx(network, config, texts, verify, sides)
    high, wide = sides or (max(1, config.eval.short_side // stride) * stride,) * 2
    return handover.hand_over_mindir(network, config, texts, high, wide, verify)


def _licences(spec: ModelSpec, loaded: LoadedModel) -> dict[str, str]:
    """What is known of the licences of code, weights and their data."""
    source = loaded.source or {}
    found = {
        "code": spec.card.code_license,
        "weights": source.get("license", ""),
        "data": source.get("data_license", ""),
    }
    return {what: text or "unknown" for what, text in found.items()}


def _write(target: Path, certificate: Path, handed: Handed) -> None:
    """Both files, or none."""
    from zoo.files import write_bytes, write_text

    try:
        # The file last: where it is, its certificate is too.
        write_text(certificate, json.dumps(handed.certificate, indent=2, ensure_ascii=False) + "\n")
        write_bytes(target, handed.data)
    except OSError as error:
        certificate.unlink(missing_ok=True)
        raise ZooError(f"cannot write {target}: {error.strerror or error}") from error


def _lines(target: Path, certificate: Path, found: Any) -> list[str]:
    shape = " x ".join(str(side) for side in found["shape"])
    lines = [
        f"wrote       {target}: {found['format']}, {found['form']}, {found['bytes']:,} bytes",
        f"sha256      {found['sha256']}",
        f"input       {shape}, sides multiples of {found['stride']}; mean {found['mean']}, std {found['std']}",
    ]
    for case in found["checks"]:
        size = f"{case['batch']} x {case['height']} x {case['width']}"
        lines.append(f"checked     {size}: at most {case['max']:.1e} from the network, {case['mean']:.1e} on average")
    if not found["verified"]:
        lines.append("not checked (--no-verify)")
    return [*lines, f"certificate {certificate}"]
