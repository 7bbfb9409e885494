"""``zoo predict MODEL INPUT...``: mattes and cut-outs of pictures and videos."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from registry import ModelSpec, Registry, UsageError, ZooError
from zoo.cli import options

if TYPE_CHECKING:
    import numpy as np

    from zoo.predict.inputs import Job
    from zoo.predict.outputs import Output
    from zoo.predict.pictures import Picture
    from zoo.predict.work import Given, Work


@dataclass(frozen=True)
class Wish:
    """The options of a command line; see their help."""

    output: str | None
    recursive: bool
    skip_existing: bool
    kind: str | None
    background: str | None
    foreground: str
    format: str | None
    bits: str
    quality: int | None
    premultiplied: bool
    input_alpha: str
    max_side: int | None
    tile: int | None
    refine: str
    smooth: bool
    target: str | None
    raw: str | None
    trimap: str | None
    checkpoint: str | None
    runtime: str
    device: str | None


@click.command("predict")
@click.argument("model")
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option("-o", "--output", metavar="OUT", help="Folder; or a file, for one picture or a video; - is stdout.")
@click.option("--recursive", is_flag=True, help="Sub-folders of folders too; the outputs keep the tree.")
@click.option("--skip-existing", is_flag=True, help="Pass over what has an output already.")
@click.option(
    "--as",
    "kind",
    type=click.Choice(["alpha", "cutout", "composite", "foreground", "trimap"]),  # zoo.predict.outputs.KINDS
    help="What to write; default: alpha, with --background composite.",
)
@click.option(
    "--background", metavar="WHAT", help="Colour, picture, blur or transparent, for a composite; default: white."
)
@click.option(
    "--foreground",
    type=click.Choice(["fast", "pymatting", "none"]),  # zoo.predict.outputs.FOREGROUNDS
    default="fast",
    show_default=True,
    help="How to free the subject's colours of the old background; none leaves it in the hair.",
)
@click.option("--format", type=click.Choice(["png", "webp"]), help="Of the files; default: png.")
@click.option("--bits", type=click.Choice(["8", "16"]), default="8", show_default=True, help="A channel, of PNG.")
@click.option("--quality", type=click.IntRange(1, 100), metavar="N", help="Of WebP; default: without loss.")
@click.option("--premultiplied", is_flag=True, help="Cut-outs with colours times alpha; else they are straight.")
@click.option(
    "--input-alpha",
    type=click.Choice(["multiply", "ignore"]),
    default="multiply",
    show_default=True,
    help="What a picture's own transparency does to its matte.",
)
@click.option("--max-side", type=click.IntRange(min=1), metavar="N", help="Longest side that the model is shown.")
@click.option("--tile", type=click.IntRange(min=64), metavar="N", help="Answer soft regions again in tiles of N.")
@click.option(
    "--refine",
    type=click.Choice(["none", "guided"]),  # zoo.predict.answer.REFINEMENTS
    default="none",
    show_default=True,
    help="guided: sharpen the matte by the picture, at its full size.",
)
@click.option("--smooth", is_flag=True, help="The pictures are a sequence: take flicker out, one frame late.")
@click.option("--target", metavar="DIR", help="True mattes of a sequence, by stem: dtSSD is said.")
@click.option("--raw", metavar="WxH", help="Standard input is RGB24 frames of this size; raw frames come out.")
@click.option("--trimap", metavar="DIR", help="Folder of trimaps, by stem, for models that need them; or a file.")
@click.option("--checkpoint", metavar="FILE|RUN", help="Weights; default: the best of the newest run of MODEL.")
@options.runtime_option
@options.device_option
@options.plugin_options
def command(model: str, inputs: tuple[str, ...], **given: Any) -> None:
    """Write the mattes of pictures, or cut-outs, composites and the like, at the pictures' own size.

    INPUT is a picture, a folder, a quoted pattern, @LIST (a file of paths, one a line), a video, or - for the bytes of
    one picture on standard input. Pictures are turned as EXIF says, and keep their colour profile.
    """
    from zoo.predict.inputs import STREAM, VIDEOS

    wish = Wish(**given)
    found = options.registry()
    spec = found.get("model", model)
    videos = [text for text in inputs if Path(text).suffix.lower() in VIDEOS and Path(text).is_file()]
    alone = [text for text in inputs if text == STREAM] + videos
    if alone and len(inputs) > 1:
        raise UsageError(f"{alone[0]}: a video or standard input stands alone; predict the others apart")
    if wish.raw is not None and inputs != (STREAM,):
        raise UsageError("--raw: raw frames are read from standard input; the only input is -")
    if videos or wish.raw is not None:
        from zoo.cli.predict_video import predict_frames

        predict_frames(found, spec, inputs[0], wish)
    elif alone:
        _stream(found, spec, wish)
    else:
        _pictures(found, spec, inputs, wish)


# --- Pictures ----------------------------------------------------------------------------------------


def _pictures(found: Registry, spec: ModelSpec, inputs: tuple[str, ...], wish: Wish) -> None:
    """Pictures of files."""
    from zoo.predict.inputs import find_pictures, partners, plan

    if wish.output is None:
        raise UsageError("-o: name a folder for what is written")
    if wish.output == "-":
        raise UsageError("-o -: standard output is for one picture from standard input; name a folder")
    folder = Path(wish.output)
    pictures, absent = find_pictures(inputs, wish.recursive, folder)
    one = len(pictures) == 1 and not absent and Path(inputs[0]).is_file()
    output = wanted(wish, folder if one else None)
    if one and _names_file(folder):
        jobs = _one_job(pictures[0], folder)
    else:
        if (folder.exists() and not folder.is_dir()) or _names_file(folder):
            raise UsageError(f"-o {folder}: that is a file, for one picture that is named; name a folder")
        jobs = plan(pictures, folder, f".{output.format}")
    total = len(jobs) + len(absent)
    waiting = [job for job in jobs if not (wish.skip_existing and job.target.is_file())]
    if len(waiting) < len(jobs):
        options.say(f"{len(jobs) - len(waiting)} of {len(jobs)} are there already, skipped")
    trimaps = _trimaps(spec, wish, len(jobs))
    targets = partners("--target", wish.target, len(jobs))
    failed = list(absent)
    if waiting:
        work = prepare(found, spec, wish, _loader(trimaps, targets), _saver(output))
        failed += do_all(work, waiting, lambda: len(waiting))
    for text in absent:
        click.echo(f"zoo: {text}", err=True)
    if failed:
        others = f"; the others are in {folder}" if len(failed) < total else ""
        raise ZooError(f"{len(failed)} of {total} inputs failed{others}")
    if waiting:
        options.say(f"{len(waiting)} {output.kind}{'s' if len(waiting) > 1 else ''} in {folder}")


def _names_file(path: Path) -> bool:
    return path.suffix.lower() in (".png", ".webp") and not path.is_dir()


def _one_job(picture: Any, target: Path) -> list[Job]:
    from zoo.predict.inputs import Job, refuse_overwriting

    jobs = [Job(picture.path, picture.name, target)]
    refuse_overwriting(jobs)
    return jobs


def _trimaps(spec: ModelSpec, wish: Wish, count: int) -> Callable[[Job], Path] | None:
    from zoo.predict.inputs import partners

    if spec.needs_trimap and wish.trimap is None:
        raise UsageError("this model needs trimaps: name their folder with --trimap")
    return partners("--trimap", wish.trimap, count)


def _loader(trimaps: Callable[[Job], Path] | None, targets: Callable[[Job], Path] | None) -> Callable[[Job], Given]:
    from zoo.data.images import read_alpha, read_trimap
    from zoo.predict.pictures import read_picture
    from zoo.predict.work import Given

    def load(job: Job) -> Given:
        return Given(
            str(job.path),
            read_picture(job.path),
            read_trimap(trimaps(job)) if trimaps is not None else None,
            read_alpha(targets(job)) if targets is not None else None,
            job.path.parent,
        )

    return load


def _saver(output: Output) -> Callable[[Job, Picture, np.ndarray], None]:
    from zoo.files import write_bytes
    from zoo.predict.outputs import compose, encode

    def save(job: Job, picture: Picture, alpha: np.ndarray) -> None:
        data = encode(compose(picture, alpha, output), output, picture.profile, str(job.target))
        try:
            job.target.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(job.target, data)
        except OSError as error:
            raise ZooError(f"{job.target}: cannot be written ({error.strerror or error})") from error

    return save


# --- Standard input ----------------------------------------------------------------------------------


def _stream(found: Registry, spec: ModelSpec, wish: Wish) -> None:
    """One picture from standard input, to standard output or a file."""
    from zoo.files import write_bytes
    from zoo.predict.inputs import Job
    from zoo.predict.outputs import compose, encode
    from zoo.predict.pictures import decode
    from zoo.predict.work import Given

    target = Path(wish.output or "-")
    if str(target) != "-" and not _names_file(target):
        target = target / f"stdin.{wish.format or 'png'}"
    output = wanted(wish, target)
    job = Job(Path("-"), Path("stdin"), target)
    trimaps = _trimaps(spec, wish, 1)

    def load(job: Job) -> Given:
        from zoo.data.images import read_trimap

        picture = decode(sys.stdin.buffer.read(), "standard input")
        return Given("standard input", picture, read_trimap(trimaps(job)) if trimaps is not None else None)

    with to_stdout(str(target) == "-") as stdout:

        def save(job: Job, picture: Picture, alpha: np.ndarray) -> None:
            data = encode(compose(picture, alpha, output), output, picture.profile, str(target))
            if stdout is not None:
                stdout.write(data)
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(target, data)

        work = prepare(found, spec, wish, load, save)
        for _, problem in work.run([job]):
            if problem is not None:
                raise problem
    _say_what_was_seen(work)


# --- What frames need too ----------------------------------------------------------------------------


def wanted(wish: Wish, file: Path | None) -> Output:
    """What is wanted of each picture.

    Args:
        wish: The options.
        file: The one to be written, whose extension may say the format.
    """
    from zoo.predict.background import parse
    from zoo.predict.outputs import Output

    kind = wish.kind or ("composite" if wish.background is not None else "alpha")
    if wish.background is not None and kind != "composite":
        raise UsageError(f"--background: {kind} has none; it is for --as composite")
    background = parse(wish.background) if wish.background is not None else None
    if wish.background is not None and background is None:
        kind = "cutout"  # a composite on nothing
    named = file.suffix.lower()[1:] if file is not None and _names_file(file) else None
    if named is not None and wish.format not in (None, named):
        raise UsageError(f"-o {file}: --format {wish.format} was asked for")
    return Output(
        kind,
        wish.format or named or "png",
        int(wish.bits),
        wish.quality,
        wish.foreground,
        background,
        wish.premultiplied,
    )


def prepare(found: Registry, spec: ModelSpec, wish: Wish, load: Any, save: Any) -> Work[Any]:
    """The model with everything around it, ready to run."""
    from zoo.predict.answer import Answerer
    from zoo.predict.sequence import THRESHOLD
    from zoo.predict.work import Work

    loaded = options.load_for(found, spec, wish.checkpoint, None, None, wish.device, {}, wish.runtime)
    answer = Answerer(loaded.predictor, wish.max_side, wish.tile, wish.refine)
    smooth = THRESHOLD if wish.smooth else None
    return Work(load, answer, save, wish.input_alpha == "multiply", smooth, wish.smooth or wish.target is not None)


def do_all(work: Work[Any], items: Iterable[Any], total: Callable[[], int]) -> list[str]:
    """Do all items; what was wrong with each that failed, after it was said.

    Args:
        work: From `prepare`.
        items: What to do.
        total: How many there are, about.
    """
    from zoo.engine.console import Console, Progress

    problems = []
    with Progress(Console(options.is_quiet()), "predicting") as progress:
        for number, (_, problem) in enumerate(work.run(items), 1):
            if problem is not None:
                problems.append(str(problem))
            progress(number, max(number, total()))
    for text in problems:
        click.echo(f"zoo: {text}", err=True)
    _say_what_was_seen(work)
    return problems


def _say_what_was_seen(work: Work[Any]) -> None:
    """Transparency that pictures had, and flicker."""
    if work.transparent:
        done = "multiplied into the matte (--input-alpha ignore leaves it out)" if work.keep_alpha else "ignored"
        options.say(f"{work.transparent} with a transparency of their own: {done}")
    if work.before is None or work.after is None:
        return
    for name, before, after in (
        ("flicker", work.before.flicker, work.after.flicker),
        ("dtSSD", work.before.dtssd, work.after.dtssd),
    ):
        if before is not None and after is not None:
            options.say(f"{name}: {before:.3f}" + (f", after smoothing {after:.3f}" if work.smooth is not None else ""))


@contextmanager
def to_stdout(wanted: bool) -> Iterator[BinaryIO | None]:
    """Standard output as bytes, if that is where the result goes."""
    from zoo.predict.stdout import only_bytes

    with only_bytes() if wanted else nullcontext() as stream:
        yield stream
