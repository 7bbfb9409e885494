"""``zoo bench``: time registered models, and rank them."""

from __future__ import annotations

import fnmatch
import glob
import json
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from registry import NotFoundError, ZooError
from zoo.cli import options
from zoo.cli.bench_accuracy import accuracy


@click.group("bench")
@options.plugin_options
def command() -> None:
    """Time registered models on this machine, rank them beside published results."""


command.add_command(accuracy)


@command.command("throughput")
@click.option("--models", "pattern", default="*", show_default=True, metavar="PATTERN", help="Shell pattern of names.")
@click.option("--height", type=click.IntRange(1), default=1080, show_default=True, help="Of the photo, in pixels.")
@click.option("--width", type=click.IntRange(1), default=1620, show_default=True, help="Of the photo, in pixels.")
@click.option("--repeat", type=click.IntRange(1), default=10, show_default=True, help="Timed photos.")
@click.option("--warmup", type=click.IntRange(0), default=2, show_default=True, help="Untimed photos before them.")
@click.option("--batch", type=click.IntRange(1), default=1, show_default=True, help="Photos in one call of a network.")
@click.option("--foreground/--no-foreground", default=True, help="Whether cut-outs get the subject's own colours.")
@click.option("--folder", type=click.IntRange(0), default=4, show_default=True, help="Photos of a folder; 0: none.")
@click.option("--set", "settings", multiple=True, metavar="a.b=v", help="Change one value of the models' config.")
@click.option("--output", metavar="DIR", help="Folder for record.json and table.md; default: runs/bench/STAMP.")
@click.option("--one-process", is_flag=True, help="All models in this process: no memory figures of their own.")
@options.runtime_option
@options.device_option
@options.json_option
@options.plugin_options
def throughput(
    pattern: str,
    height: int,
    width: int,
    repeat: int,
    warmup: int,
    batch: int,
    foreground: bool,
    folder: int,
    settings: tuple[str, ...],
    output: str | None,
    one_process: bool,
    runtime: str,
    device: str | None,
    as_json: bool,
) -> None:
    """Time every model, from the bytes of a photo to the bytes of its cut-out, stage by stage.

    Weights are fresh: they do not change the speed. Each model runs in a process of its own, so that memory and
    first call are its own; one that fails is reported and the others go on. A batch that does not fit into memory is
    halved until it does; times are those of the whole batch. A folder of photos is timed as `zoo predict --as cutout`
    goes through it, one photo at a time: the next is read and the last written beside the network.
    """
    from zoo.engine import device as devices
    from zoo.engine.console import Console
    from zoo.engine.run import new_folder
    from zoo.files import write_text
    from zoo.report.bench import SCHEMA, bench_table
    from zoo.report.record import write_json

    found = options.registry()
    devices.parse(device)
    names = [name for name in found.names("model") if fnmatch.fnmatch(name, pattern)]
    if not names:
        raise NotFoundError(f"no model matches {pattern!r}; installed: {', '.join(found.names('model')) or 'none'}")
    for name in names:
        options.resolve_config(found, name, settings=settings)  # wrong settings end here, before a folder is made
    numbers = {"height": height, "width": width, "repeat": repeat, "warmup": warmup, "batch": batch, "folder": folder}
    numbers["foreground"] = int(foreground)
    place = new_folder(output, "bench")
    console = Console(options.is_quiet(), place / "log.txt")
    rows, folders, failed, about = [], [], [], {}
    for name in names:
        try:
            if one_process:
                part = _time_here(name, settings, device, runtime, numbers, console)
            else:
                part = _time_apart(name, settings, device, runtime, numbers, console)
        except ZooError as error:
            failed.append(name)
            console.say(f"  {name} was not timed: {error}")
            continue
        rows += part["rows"]
        folders += part["folders"]
        about = {key: part[key] for key in ("device", "processor", "threads", "versions")}
    record = {"schema": SCHEMA, **about, "rows": rows, "folders": folders, "failed": failed}
    write_json(place / "record.json", record)
    write_text(place / "table.md", bench_table(record))
    click.echo(json.dumps(record, indent=2) if as_json else bench_table(record), nl=as_json)
    console.say(f"record in {place / 'record.json'}")
    if failed:
        raise ZooError(f"{len(failed)} of {len(names)} models could not be timed: {', '.join(failed)}")


def _time_here(
    name: str, settings: tuple[str, ...], device: str | None, runtime: str, numbers: dict[str, int], console: Any
) -> dict[str, Any]:
    from zoo.engine import device as devices
    from zoo.engine.load import load_model
    from zoo.engine.throughput import time_folder, time_model

    found = options.registry()
    config = options.resolve_config(found, name, settings=settings).config
    loaded = load_model(found, config, None, device, runtime, console.say)
    pictures = numbers["folder"]
    stages = {key: value for key, value in numbers.items() if key not in ("folder", "foreground")}
    foreground, size = bool(numbers["foreground"]), (numbers["height"], numbers["width"])
    rows = time_model(loaded, **stages, foreground=foreground, say=console.say)
    folders = [time_folder(loaded, *size, pictures, foreground, console.say)] if pictures else []
    return {**devices.describe(), "rows": rows, "folders": folders}


def _time_apart(
    name: str, settings: tuple[str, ...], device: str | None, runtime: str, numbers: dict[str, int], console: Any
) -> dict[str, Any]:
    """As `_time_here`, in a process of its own, which may be ended for the memory that it takes."""
    from zoo.engine.throughput import smaller_batch

    batch = numbers["batch"]
    while True:
        with console.busy(f"timing {name} in a process of its own"):
            done = _run_apart(name, settings, device, runtime, {**numbers, "batch": batch})
        if done.returncode != -signal.SIGKILL or batch == 1:
            break
        console.say(smaller_batch(name, batch))
        batch //= 2
    for line in done.stderr.splitlines():
        if "out of memory with" in line or f"{name} runs in " in line:
            console.say(line)
    if done.returncode < 0:
        number = signal.Signals(-done.returncode)
        raise ZooError(
            f"its process was ended by {number.name}" + " (out of memory perhaps)" * (number == signal.SIGKILL)
        )
    if done.returncode:
        raise ZooError(_last_line(done.stderr) or f"its process ended with code {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _run_apart(
    name: str, settings: tuple[str, ...], device: str | None, runtime: str, numbers: dict[str, int]
) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryDirectory() as scratch:
        # The pattern fits this name alone, whatever characters it has.
        line = [sys.executable, "-m", "zoo.cli", "bench", "throughput", "--one-process", "--json"]
        line += ["--models", glob.escape(name)]
        line += ["--foreground" if numbers["foreground"] else "--no-foreground"]
        line += [part for key, value in numbers.items() if key != "foreground" for part in (f"--{key}", str(value))]
        line += [part for text in settings for part in ("--set", text)]
        line += ["--output", str(Path(scratch, "out")), *(["--device", device] if device else [])]
        line += ["--runtime", runtime]
        return subprocess.run([*line, *options.plugin_arguments()], capture_output=True, text=True, check=False)


def _last_line(text: str) -> str:
    """The reason in the output of a bench process: the line of its one model."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    reasons = [line.partition("was not timed: ")[2] for line in lines if "was not timed: " in line]
    return reasons[0] if reasons else (lines[-1].removeprefix("zoo: ") if lines else "")
