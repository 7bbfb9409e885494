"""``zoo predict MODEL INPUT...``: write the alpha of pictures."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

import click

from registry import DataError, NotFoundError, UsageError, ZooError
from zoo.cli import options

if TYPE_CHECKING:
    from zoo.engine.load import LoadedModel


@click.command("predict")
@click.argument("model")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("-o", "--output", required=True, metavar="DIR", help="Folder for the alphas.")
@click.option("--checkpoint", metavar="FILE|RUN", help="Weights; default: the best of the newest run of MODEL.")
@click.option("--trimap", metavar="DIR", help="Folder of trimaps, by stem, for models that need them.")
@options.runtime_option
@options.device_option
@options.plugin_options
def command(
    model: str,
    inputs: tuple[str, ...],
    output: str,
    checkpoint: str | None,
    trimap: str | None,
    runtime: str,
    device: str | None,
) -> None:
    """Write the alpha of pictures (files, folders, glob patterns) to DIR/STEM.png, 8-bit, at their own size."""
    from zoo.engine.console import Console, Progress

    found = options.registry()
    spec = found.get("model", model)
    files, absent = find_pictures(inputs)
    for text in absent:
        click.echo(f"zoo: {text}", err=True)
    trimaps = _trimaps(trimap, spec.needs_trimap)
    folder = Path(output)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"-o {folder}: that is a file, name a folder")
    _refuse_overwriting(files, folder)
    loaded = options.load_for(found, spec, checkpoint, None, None, device, {}, runtime)
    console = Console(options.is_quiet())
    failed = 0
    with Progress(console, "predicting") as progress:
        for number, file in enumerate(files, 1):
            try:
                _one(loaded, file, trimaps, folder / f"{file.stem}.png")
            except DataError as error:
                failed += 1
                click.echo(f"zoo: {error}", err=True)
            progress(number, len(files))
    failed += len(absent)
    if failed:
        others = f"; the others are in {folder}" if failed < len(files) + len(absent) else ""
        raise ZooError(f"{failed} of {len(files) + len(absent)} inputs failed{others}")
    console.say(f"{len(files)} alpha{'s' if len(files) > 1 else ''} in {folder}")


def _one(loaded: LoadedModel, file: Path, trimaps: dict[str, Path] | None, target: Path) -> None:
    from zoo.data.images import read_image, read_trimap, write_png

    image = read_image(file)
    trimap = None
    if trimaps is not None:
        if file.stem not in trimaps:
            raise DataError(f"{file}: no trimap of that stem")
        trimap = read_trimap(trimaps[file.stem])
        if trimap.shape != image.shape[:2]:
            raise DataError(f"{file}: the trimap has size {trimap.shape}, the picture {image.shape[:2]}")
    target.parent.mkdir(parents=True, exist_ok=True)
    write_png(target, loaded.predictor.predict(image, trimap))


def _refuse_overwriting(files: list[Path], folder: Path) -> None:
    inputs = {file.resolve() for file in files}
    for file in files:
        if (folder / f"{file.stem}.png").resolve() in inputs:
            raise UsageError(f"-o {folder}: the alpha of {file} would replace an input; name another folder")


def find_pictures(inputs: tuple[str, ...]) -> tuple[list[Path], list[str]]:
    """The picture files that files, folders and glob patterns name, each once, in order.

    Returns:
        The files, and a line for each input that names none.

    Raises:
        NotFoundError: No input names a picture.
        UsageError: Two pictures would be written to the same file.
    """
    from zoo.data.files import pictures_in

    files: dict[Path, None] = {}
    absent: list[str] = []
    for text in inputs:
        path = Path(text)
        if path.is_dir():
            found = pictures_in(path)
        elif path.is_file():
            found = [path]
        else:
            found = [Path(name) for name in sorted(glob.glob(text)) if Path(name).is_file()]
        if not found:
            absent.append(f"{text}: no picture in that folder" if path.is_dir() else f"{text}: no such picture")
        files.update(dict.fromkeys(found))
    if not files:
        raise NotFoundError("; ".join(absent))
    seen: dict[str, Path] = {}
    for file in files:
        if file.stem in seen:
            raise UsageError(f"{seen[file.stem]} and {file} would both become {file.stem}.png; predict them apart")
        seen[file.stem] = file
    return list(files), absent


def _trimaps(folder: str | None, needed: bool) -> dict[str, Path] | None:
    from zoo.data.files import pictures_by_stem

    if folder is None:
        if needed:
            raise UsageError("this model needs trimaps: name their folder with --trimap")
        return None
    if not Path(folder).is_dir():
        raise NotFoundError(f"--trimap {folder}: no such folder")
    return pictures_by_stem(Path(folder))
