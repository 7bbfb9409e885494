"""Time a model stage by stage, from the bytes of a photo to the bytes of its cut-out.

The stages are decode, resize, forward, restore, foreground, composite, encode. Each repetition
goes through all of them and times each, so the stages add up to the end-to-end time of the same repetition. A folder of
photos is timed apart, as ``zoo predict`` goes through it: reading the next and writing the last beside the network.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from registry import UsageError
from zoo.data.cutout import cut_out
from zoo.data.images import encode_png, read_image, write_png
from zoo.data.opencv import cv2
from zoo.engine.contention import Contention
from zoo.engine.load import LoadedModel
from zoo.engine.macs import count_macs, count_parameters
from zoo.engine.memory import is_out_of_memory, peak_mib
from zoo.engine.pipeline import overlapped
from zoo.engine.protocol import PROTOCOLS
from zoo.gpu.memory import forget_peak, peak_device_mib
from zoo.predict.foreground import estimate

STAGES = ("decode", "resize", "forward", "restore", "foreground", "composite", "encode")
"""Stages in order; a model that is no network does resize, forward and restore in one, as ``forward``."""

END_TO_END = "end_to_end"


@dataclass(frozen=True)
class Once:
    """What one repetition took.

    Attributes:
        wall: Milliseconds by the clock, by stage.
        cpu: Milliseconds of the processors, all threads together, by stage.
        free: Share of the processors that others left, see `zoo.engine.contention`; None: not known.
    """

    wall: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    free: float | None = None


def synthetic_photo(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A (H, W, 3) uint8 picture whose JPEG is about as large as a photo's: smooth shapes and fine noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (max(2, height // 60), max(2, width // 60), 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    noisy = smooth + rng.normal(0, 6, (height, width, 1)).astype(np.float32)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def synthetic_trimap(height: int, width: int) -> np.ndarray:
    """A (H, W) uint8 trimap: an ellipse of foreground and a band around it, 7 % of the picture, as in P3M-10k's."""
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot((rows + 0.5) / height - 0.5, (columns + 0.5) / width - 0.5)
    return np.where(distance < 0.30, 255, np.where(distance < 0.335, 128, 0)).astype(np.uint8)


def drawn_matte(height: int, width: int) -> np.ndarray:
    """A (H, W) float32 matte as a portrait's: head and shoulders, an edge of 2 % of the height, strands beside it.

    Weights are fresh where models are timed, and what they answer is fog, which takes an encoder several times as long
    as a matte does. So composite and encode are given this one.
    """
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    x *= width / height
    edge = 0.45 + 0.02 * np.sin(40 * np.arctan2(y + 0.2, x))  # strands
    head = edge - np.hypot(x, y + 0.2)
    shoulders = 0.85 - np.hypot(x, (y - 1.0) * 1.1)
    return np.clip(0.5 + np.maximum(head, shoulders) / 0.04, 0, 1).astype(np.float32)


def time_model(
    loaded: LoadedModel,
    height: int,
    width: int,
    repeat: int,
    warmup: int = 2,
    batch: int = 1,
    foreground: bool = True,
    say: Callable[[str], None] = lambda text: None,
) -> list[dict[str, Any]]:
    """Rows of a bench record for one model at one photo size.

    Args:
        loaded: The model.
        height: Of the photo, in pixels.
        width: Of the photo, in pixels.
        repeat: Timed repetitions.
        warmup: Untimed repetitions after the first call.
        batch: Photos in one call of a network; halved, which is said, until they fit into memory. A model that is no
            network takes one at a time.
        foreground: Estimate the subject's own colours, which the cut-out is then made of.
        say: Told what is going on.

    Returns:
        One row per stage and one for ``end_to_end``: {model, stage, height, width, batch, runtime, p50_ms,
        p90_ms, p99_ms, images_per_s, first_call_s, peak_mib, params, macs, samples_ms, cpu_ms, free}. Times are those
        of ``batch`` photos together. ``cpu_ms`` and ``free`` have, as ``samples_ms``, a value of each repetition, see
        `Once`. ``first_call_s`` is the first forward call with its compilation, or with opening the exported network,
        on the forward and end-to-end rows, and the first estimation on that of the foreground. ``peak_mib`` is None
        for another runtime than MindSpore. On a card also ``peak_device_mib``, what tensors took of its memory at most.

    Raises:
        UsageError: Fewer than one repetition, or photo in a batch; or a protocol that looks twice.
        PluginError: The model failed, for want of memory even with one photo perhaps.
    """
    if repeat < 1 or warmup < 0 or batch < 1:
        raise UsageError(f"bench: --repeat {repeat} --warmup {warmup} --batch {batch}; at least 1, 0 and 1")
    if loaded.predictor.takes_planes and PROTOCOLS[loaded.config.eval.protocol].detail:
        raise UsageError(
            f"bench times one look at a photo, and eval.protocol {loaded.config.eval.protocol} takes two: "
            "name another one with --set eval.protocol=NAME"
        )
    if not loaded.predictor.takes_planes and batch > 1:
        say(f"{loaded.config.model.name} is no network: it takes one photo at a time")
        batch = 1
    while True:
        try:
            return _time(loaded, height, width, repeat, warmup, batch, foreground, say)
        except Exception as error:
            if batch == 1 or not is_out_of_memory(error):
                raise
        say(smaller_batch(loaded.config.model.name, batch))
        batch //= 2


def smaller_batch(name: str, batch: int) -> str:
    """What is said of a model that had no room for its batch."""
    return f"  {name}: out of memory with {batch} photos at a time; trying {batch // 2}"


def _time(
    loaded: LoadedModel,
    height: int,
    width: int,
    repeat: int,
    warmup: int,
    batch: int,
    foreground: bool,
    say: Callable[[str], None],
) -> list[dict[str, Any]]:
    predictor = loaded.predictor
    photo, matte = synthetic_photo(height, width), drawn_matte(height, width)
    data = _jpeg(photo)
    trimap = synthetic_trimap(height, width) if predictor.spec.needs_trimap else None

    params = macs = None
    if predictor.runner is None:
        forget_peak()
    started = time.perf_counter()
    if predictor.takes_planes:
        planes = np.concatenate([predictor.prepare(photo)] * batch)
        doing = "compiling" if predictor.runner is None else "first call of"
        say(f"{doing} {loaded.config.model.name} for {batch} x {planes.shape[2]} x {planes.shape[3]}")
        predictor.compile(planes)
    else:
        predictor.predict(photo, trimap)
    first_call = time.perf_counter() - started + (predictor.runner.opened_s if predictor.runner else 0.0)

    first_calls = dict.fromkeys((END_TO_END, "forward"), first_call)
    if foreground:
        started = time.perf_counter()
        estimate(photo, matte)
        first_calls["foreground"] = time.perf_counter() - started

    say(f"timing {loaded.config.model.name}: {warmup} + {repeat} times {batch} photos of {height} x {width}")
    contention = Contention()
    every = range(warmup + repeat)
    samples = [_once(loaded, [data] * batch, trimap, matte, foreground, contention) for _ in every][warmup:]
    if predictor.network is not None:
        params = count_parameters(predictor.network)
        macs = count_macs(predictor.network, planes[:1])
    # MindSpore is in this process too where it made what runs, and would be counted.
    peak = peak_mib() if predictor.runner is None else None
    on_card = peak_device_mib() if predictor.runner is None else None
    rows = []
    for stage in (END_TO_END, *samples[0].wall):
        times = _of_stage([once.wall for once in samples], stage)
        rows.append(
            {
                "model": loaded.config.model.name,
                "stage": stage,
                "height": height,
                "width": width,
                "batch": batch,
                "runtime": predictor.runtime,
                **{f"p{q}_ms": float(np.percentile(times, q)) for q in (50, 90, 99)},
                "images_per_s": 1000.0 * batch / float(np.percentile(times, 50)),
                "first_call_s": first_calls.get(stage),
                "peak_mib": peak,
                **({"peak_device_mib": on_card} if on_card is not None else {}),
                "params": params,
                "macs": macs,
                "samples_ms": times,
                "cpu_ms": _of_stage([once.cpu for once in samples], stage),
                "free": [once.free for once in samples],
            }
        )
    return rows


def time_folder(
    loaded: LoadedModel,
    height: int,
    width: int,
    pictures: int,
    foreground: bool = True,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Photos of a folder to cut-outs in files, as ``zoo predict`` does it, after one that does not count.

    Args:
        loaded: The model, which has answered a photo of this size before.
        height: Of the photos, in pixels.
        width: Of the photos, in pixels.
        pictures: How many.
        foreground: As for `time_model`.
        say: Told what is going on.

    Returns:
        {model, runtime, height, width, pictures, seconds, cpu_s, images_per_s}.
    """
    matte = drawn_matte(height, width)
    trimap = np.full((height, width), 128, np.uint8) if loaded.predictor.spec.needs_trimap else None
    say(f"timing {loaded.config.model.name} on a folder of {pictures} photos of {height} x {width}")
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{number}.jpg" for number in range(pictures)]
        for file in files:
            file.write_bytes(_jpeg(synthetic_photo(height, width)).tobytes())

        def answer(image: np.ndarray) -> np.ndarray:
            loaded.predictor.predict(image, trimap)
            return image  # what fresh weights answer is no matte, see `drawn_matte`

        def write(file: Path, image: np.ndarray) -> None:
            write_png(file.with_suffix(".png"), cut_out(estimate(image, matte) if foreground else image, matte))

        for some in (files[:1], files):
            used, started = time.process_time(), time.perf_counter()
            for _, problem in overlapped(some, read_image, answer, write):
                if problem is not None:
                    raise problem
            seconds, cpu = time.perf_counter() - started, time.process_time() - used
    return {
        "model": loaded.config.model.name,
        "runtime": loaded.predictor.runtime,
        "height": height,
        "width": width,
        "pictures": pictures,
        "seconds": seconds,
        "cpu_s": cpu,
        "images_per_s": pictures / seconds,
    }


def _jpeg(photo: np.ndarray) -> np.ndarray:
    return np.frombuffer(cv2.imencode(".jpg", cv2.cvtColor(photo, cv2.COLOR_RGB2BGR))[1].tobytes(), np.uint8)


def _of_stage(samples: list[dict[str, float]], stage: str) -> list[float]:
    return [sum(sample.values()) if stage == END_TO_END else sample[stage] for sample in samples]


def _once(
    loaded: LoadedModel,
    files: list[np.ndarray],
    trimap: np.ndarray | None,
    matte: np.ndarray,
    foreground: bool,
    contention: Contention,
) -> Once:
    """One batch of photos, from the bytes of their files to those of their cut-outs."""
    predictor = loaded.predictor
    found = Once()
    contention.free()
    last = (time.perf_counter(), time.process_time())

    def mark(stage: str) -> None:
        nonlocal last
        now = (time.perf_counter(), time.process_time())
        found.wall[stage], found.cpu[stage] = ((b - a) * 1000 for a, b in zip(last, now, strict=True))
        last = now

    images = [cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB) for data in files]
    mark("decode")
    if predictor.takes_planes:
        parts = [predictor.prepare(image) for image in images]
        planes = parts[0] if len(parts) == 1 else np.concatenate(parts)
        mark("resize")
        answers = predictor.forward(planes)
        mark("forward")
        for index, image in enumerate(images):
            predictor.restore(answers[index : index + 1], image)
        mark("restore")
    else:
        for image in images:
            predictor.predict(image, trimap)
        mark("forward")
    if foreground:
        images = [estimate(image, matte) for image in images]
        mark("foreground")
    cutouts = [cut_out(image, matte) for image in images]
    mark("composite")
    for cutout in cutouts:
        encode_png(cutout, "cut-out")
    mark("encode")
    return replace(found, free=contention.free())
