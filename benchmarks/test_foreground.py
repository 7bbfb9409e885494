"""Colours of the subject, and mattes sharpened by the picture: how near to what was drawn, and how fast.

python benchmarks/test_foreground.py                               # tables, for the notes
pytest benchmarks/test_foreground.py --benchmark-only              # times of the same

A portrait of `zoo.data.demo` is drawn in layers, so the subject's colours and its matte are known. The error is that of
a picture on a new background, whatever it is: a (F - F'), of 255, over the soft pixels.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest

from zoo.data.demo.portrait import Portrait, compose
from zoo.predict.outputs import FOREGROUNDS
from zoo.predict.refine import EPSILON, RADIUS, fit, guided

SEEDS = range(8)
SHORT_SIDE = 1080
NOISE = 1.5
"""Standard deviation of the camera's noise, of 255."""
SHRUNK = 4
"""How much smaller the matte is that is to be refined."""


def portraits(size: int = SHORT_SIDE) -> Iterator[tuple[Portrait, np.ndarray]]:
    """Layers, and the photo of them, uint8."""
    for seed in SEEDS:
        layers = compose(np.random.default_rng(seed), size)
        noise = np.random.default_rng(seed + 1000).normal(0, NOISE / 255, layers.image.shape)
        yield layers, np.rint(np.clip(layers.image + noise, 0, 1) * 255).astype(np.uint8)


def composite_error(layers: Portrait, found: np.ndarray) -> float:
    """Root mean square, of 255."""
    soft = (layers.alpha > 0) & (layers.alpha < 1)
    difference = layers.alpha[..., None] * (found.astype(np.float32) / 255) - layers.foreground
    return float(np.sqrt(np.square(difference[soft]).mean()) * 255)


def shrunk(alpha: np.ndarray) -> np.ndarray:
    """A matte as small as a network may answer it."""
    height, width = alpha.shape
    return cv2.resize(alpha, (width // SHRUNK, height // SHRUNK), interpolation=cv2.INTER_AREA)


def enlarged(image: np.ndarray, small: np.ndarray) -> np.ndarray:
    """Without refinement."""
    return cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def guided_as_published(image: np.ndarray, small: np.ndarray, radius: int) -> np.ndarray:
    """A . I + b, both averaged and enlarged (arXiv 1505.00996, algorithm 2)."""
    guide = cv2.resize(image, small.shape[::-1], interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    side = (2 * radius + 1,) * 2
    slopes = fit(guide, small, radius, EPSILON)
    offset = cv2.blur(small, side) - (slopes * cv2.blur(guide, side)).sum(axis=2)
    slopes, offset = (enlarged(image, cv2.blur(part, side)) for part in (slopes, offset))
    return np.clip((slopes * (image / np.float32(255))).sum(axis=2) + offset, 0, 1)


REFINED: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "none (bilinear)": enlarged,
    "guided (--refine)": guided,
    "as published, radius 1": lambda image, small: guided_as_published(image, small, RADIUS),
    "as published, radius 8": lambda image, small: guided_as_published(image, small, 8),
}


@pytest.fixture(scope="module")
def photo() -> tuple[Portrait, np.ndarray]:
    return list(portraits())[3]


@pytest.mark.parametrize("method", FOREGROUNDS)
def test_foreground(benchmark, photo, method):
    layers, image = photo
    found = benchmark.pedantic(FOREGROUNDS[method], (image, layers.alpha), rounds=7, warmup_rounds=1)
    benchmark.extra_info["composite error, of 255"] = composite_error(layers, found)


@pytest.mark.parametrize("method", REFINED)
def test_refinement(benchmark, photo, method):
    layers, image = photo
    small = shrunk(layers.alpha)
    found = benchmark.pedantic(REFINED[method], (image, small), rounds=5, warmup_rounds=1)
    benchmark.extra_info["MAD"] = float(np.abs(found - layers.alpha).mean())


def table(
    methods: dict[str, Callable[..., np.ndarray]], cases: list[tuple[tuple[np.ndarray, ...], Callable[..., float]]]
) -> None:
    """Mean error and time of each method over the cases, one method after the other in every case."""
    errors: dict[str, list[float]] = {name: [] for name in methods}
    walls: dict[str, list[float]] = {name: [] for name in methods}
    cpus: dict[str, list[float]] = {name: [] for name in methods}
    for given, error in cases:
        for name, method in methods.items():
            method(*given)
            wall, cpu = time.perf_counter(), time.process_time()
            found = method(*given)
            walls[name].append(time.perf_counter() - wall)
            cpus[name].append(time.process_time() - cpu)
            errors[name].append(error(found))
    print("| method | error | worst | wall ms | CPU ms |\n|---|---:|---:|---:|---:|")
    for name in methods:
        times = [1000 * statistics.median(each[name]) for each in (walls, cpus)]
        row = f"{statistics.mean(errors[name]):.4g} | {max(errors[name]):.4g} | {times[0]:.0f} | {times[1]:.0f}"
        print(f"| {name} | {row} |")


def main() -> None:
    """Print both tables."""
    drawn = list(portraits())
    print(
        f"{len(drawn)} portraits, short side {SHORT_SIDE}\n\nComposite error, root mean square on soft pixels, of 255:"
    )
    table(
        dict(FOREGROUNDS),
        [
            ((image, layers.alpha), lambda found, layers=layers: composite_error(layers, found))
            for layers, image in drawn
        ],
    )
    print(f"\nMAD x 1000 of a matte that was shrunk {SHRUNK} times:")
    table(
        REFINED,
        [
            (
                (image, shrunk(layers.alpha)),
                lambda found, layers=layers: 1000 * float(np.abs(found - layers.alpha).mean()),
            )
            for layers, image in drawn
        ],
    )


if __name__ == "__main__":
    main()
