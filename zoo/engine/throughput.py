"""Time a model stage by stage, from the bytes of a photo to the bytes of its cut-out.

The stages are those of ``zoo predict``: decode, resize, forward, restore, composite, encode. Each repetition goes
through all of them and times each, so the stages add up to the end-to-end time of the same repetition.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from registry import UsageError
from zoo.data.opencv import cv2
from zoo.engine.load import LoadedModel
from zoo.engine.macs import count_macs, count_parameters
from zoo.engine.memory import is_out_of_memory, peak_mib
from zoo.engine.protocol import PROTOCOLS

STAGES = ("decode", "resize", "forward", "restore", "composite", "encode")
"""Stages in order; a model that is no network does resize, forward and restore in one, as ``forward``."""

END_TO_END = "end_to_end"


def synthetic_photo(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A (H, W, 3) uint8 picture whose JPEG is about as large as a photo's: smooth shapes and fine noise."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (max(2, height // 60), max(2, width // 60), 3)).astype(np.float32)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    noisy = smooth + rng.normal(0, 6, (height, width, 1)).astype(np.float32)
    return np.clip(noisy, 0, 255).astype(np.uint8)


def time_model(
    loaded: LoadedModel,
    height: int,
    width: int,
    repeat: int,
    warmup: int = 2,
    batch: int = 1,
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
        say: Told what is going on.

    Returns:
        One row per stage and one for ``end_to_end``: {model, stage, height, width, batch, runtime, p50_ms,
        p90_ms, p99_ms, images_per_s, first_call_s, peak_mib, params, macs, samples_ms}. Times are those of ``batch``
        photos together. ``first_call_s`` is the first forward call with its compilation, on the forward and
        end-to-end rows.

    Raises:
        UsageError: Fewer than one repetition, or photo in a batch; or a protocol that looks twice.
        PluginError: The model failed, for want of memory even with one photo perhaps.
    """
    if repeat < 1 or warmup < 0 or batch < 1:
        raise UsageError(f"bench: --repeat {repeat} --warmup {warmup} --batch {batch}; at least 1, 0 and 1")
    if loaded.predictor.network is not None and PROTOCOLS[loaded.config.eval.protocol].detail:
        raise UsageError(
            f"bench times one look at a photo, and eval.protocol {loaded.config.eval.protocol} takes two: "
            "name another one with --set eval.protocol=NAME"
        )
    if loaded.predictor.network is None and batch > 1:
        say(f"{loaded.config.model.name} is no network: it takes one photo at a time")
        batch = 1
    while True:
        try:
            return _time(loaded, height, width, repeat, warmup, batch, say)
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
    say: Callable[[str], None],
) -> list[dict[str, Any]]:
    predictor = loaded.predictor
    photo = synthetic_photo(height, width)
    data = np.frombuffer(cv2.imencode(".jpg", cv2.cvtColor(photo, cv2.COLOR_RGB2BGR))[1].tobytes(), np.uint8)
    trimap = np.full((height, width), 128, np.uint8) if predictor.spec.needs_trimap else None

    params = macs = None
    started = time.perf_counter()
    if predictor.network is not None:
        planes = np.concatenate([predictor.prepare(photo)] * batch)
        say(f"compiling {loaded.config.model.name} for {batch} x {planes.shape[2]} x {planes.shape[3]}")
        predictor.compile(planes)
    else:
        predictor.predict(photo, trimap)
    first_call = time.perf_counter() - started

    say(f"timing {loaded.config.model.name}: {warmup} + {repeat} times {batch} photos of {height} x {width}")
    samples = [_once(loaded, [data] * batch, trimap) for _ in range(warmup + repeat)][warmup:]
    if predictor.network is not None:
        params = count_parameters(predictor.network)
        macs = count_macs(predictor.network, planes[:1])
    peak = peak_mib()
    rows = []
    for stage in (END_TO_END, *samples[0]):
        times = [sum(s.values()) if stage == END_TO_END else s[stage] for s in samples]
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
                "first_call_s": first_call if stage in (END_TO_END, "forward") else None,
                "peak_mib": peak,
                "params": params,
                "macs": macs,
                "samples_ms": times,
            }
        )
    return rows


def _once(loaded: LoadedModel, files: list[np.ndarray], trimap: np.ndarray | None) -> dict[str, float]:
    """Milliseconds of each stage of one batch of photos, from the bytes of their files."""
    predictor = loaded.predictor
    marks = [time.perf_counter()]
    done: list[str] = []

    def mark(stage: str) -> None:
        marks.append(time.perf_counter())
        done.append(stage)

    images = [cv2.cvtColor(cv2.imdecode(data, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB) for data in files]
    mark("decode")
    if predictor.network is not None:
        parts = [predictor.prepare(image) for image in images]
        planes = parts[0] if len(parts) == 1 else np.concatenate(parts)
        mark("resize")
        answers = predictor.forward(planes)
        mark("forward")
        alphas = [predictor.restore(answers[i : i + 1], image) for i, image in enumerate(images)]
        mark("restore")
    else:
        alphas = [predictor.predict(image, trimap) for image in images]
        mark("forward")
    cutouts = [np.dstack((image, np.rint(a * 255).astype(np.uint8))) for image, a in zip(images, alphas, strict=True)]
    mark("composite")
    for cutout in cutouts:
        cv2.imencode(".png", cv2.cvtColor(cutout, cv2.COLOR_RGBA2BGRA))
    mark("encode")
    return {stage: (end - begin) * 1000 for stage, begin, end in zip(done, marks, marks[1:], strict=False)}
