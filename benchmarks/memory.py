"""Peak memory of predicting large photos, beside the peers; and whether a process grows that predicts on and on.

    python benchmarks/memory.py peaks [--size 1080x1620] [--size 4000x6000]
    python benchmarks/memory.py growth [--pictures 1000] [--runtime onnxruntime]

``peaks``: each side in a process of its own (benchmarks/peers/forward_worker.py), from the JPEG file to the PNG file of
the matte, three times, at the size that the model's own protocol asks for. ``growth``: the predictor of `zoo predict`
on photos of ten sizes in turn, with a short side of 128 so that a thousand take a minute, and the resident memory of
the process meanwhile.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
from endurance import resident_mib
from scaling import SIDES, WORKER
from workers import Worker

from zoo.data.images import read_image, write_png
from zoo.data.opencv import cv2
from zoo.engine.throughput import synthetic_photo
from zoo.report.table import markdown_table


@click.group()
def main() -> None:
    """What prediction takes of memory."""


@main.command()
@click.option("--size", "sizes", multiple=True, default=("1080x1620", "4000x6000"), show_default=True)
def peaks(sizes: tuple[str, ...]) -> None:
    """Peak memory of one prediction, every side."""
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        subprocess.run([sys.executable, str(WORKER), "prepare", "--folder", scratch], check=True)
        for text in sizes:
            height, width = map(int, text.split("x"))
            photo = cv2.cvtColor(synthetic_photo(height, width), cv2.COLOR_RGB2BGR)
            (folder / f"{height}x{width}.jpg").write_bytes(cv2.imencode(".jpg", photo)[1].tobytes())
            for name, word in SIDES.items():
                words = [word, "--folder", scratch, "--height", str(height), "--width", str(width), "--photo"]
                if word.startswith("zoo"):
                    with Worker(WORKER, words, folder / "home"):
                        pass  # what is made once for a checkpoint and kept is made here
                with Worker(WORKER, words, folder / "home") as worker:
                    rows.append([text, name, worker.ready["ran_in"], f"{worker.turn(3)['peak_mib']:.0f}"])
                click.echo(" ".join(rows[-1]), err=True)
    click.echo(markdown_table(["photo", "side", "ran in", "peak MiB"], rows))


@main.command()
@click.option("--pictures", default=1000, show_default=True, type=click.IntRange(100))
@click.option("--runtime", default="onnxruntime", show_default=True)
@click.option("--every", default=100, show_default=True, help="Pictures between two readings.")
def growth(pictures: int, runtime: str, every: int) -> None:
    """Resident memory while one process predicts on and on."""
    predict = predictor(runtime)
    with tempfile.TemporaryDirectory() as scratch:
        files = [Path(scratch) / f"{number}.jpg" for number in range(10)]
        for number, file in enumerate(files):
            photo = cv2.cvtColor(synthetic_photo(400 + 24 * number, 640 - 40 * number), cv2.COLOR_RGB2BGR)
            file.write_bytes(cv2.imencode(".jpg", photo)[1].tobytes())
        readings = []
        for number in range(pictures):
            write_png(Path(scratch) / "matte.png", predict(read_image(files[number % 10])))
            if (number + 1) % every == 0:
                readings.append((number + 1, resident_mib("self")))
                click.echo(f"{readings[-1][0]:5d} pictures  {readings[-1][1]:7.1f} MiB")
    numbers, sizes = np.array(readings[1:]).T
    slope = np.polyfit(numbers, sizes, 1)[0] * 1000
    click.echo(f"{runtime}: from picture {numbers[0]:.0f} on {slope:+.2f} MiB for 1,000 pictures (least squares)")


def predictor(runtime: str) -> Callable[[np.ndarray], np.ndarray]:
    """MODNet with fresh weights at a short side of 128."""
    from registry import load
    from zoo.config import resolve
    from zoo.engine.load import load_model

    registry = load()
    values = [("model.name", "modnet", "bench"), ("eval.short_side", 128, "bench")]
    config = resolve(registry.get("model", "modnet").config, values=values).config
    return load_model(registry, config, None, None, runtime).predictor.predict


if __name__ == "__main__":
    main()
