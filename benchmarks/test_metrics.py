"""How fast the ten metrics of one portrait are, beside the plain published way of computing them.

    pytest benchmarks/test_metrics.py --benchmark-only

Each pair is a synthetic portrait of 1080 x 1440 pixels with its trimap, the truth in 8 bits as files have it:

    solid     the prediction is exactly 0 and 1 away from the edge, and in 8 bits, as mattes in files are
    sigmoid   it is never exactly right anywhere, and sloped everywhere, as the float output of a network is
    strands   as sigmoid, with hair: most levels of CONN are in pieces

The plain way (tests/zoo/metrics/plain.py) is SciPy's filters, and for each of the ten levels one labelling and the
areas of the components in scikit-image. ``lean`` is the same with the areas counted by NumPy, which the
published script does not do; it is a bound for whoever holds that only the labelling should count.

Every round runs the plain way, the lean one and zoo one after the other, so that a machine that is slow for a while is
slow for all. Ratios are in ``extra_info``: by the clock and by the processor time of the process, as several images are
scored at a time. ``threads`` is what OpenCV may use.
"""

from __future__ import annotations

import gc
import importlib.util
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pytest
from portraits import Pair, make_pair
from skimage import measure

from zoo.metrics.score import score
from zoo.metrics.specs import SPECS

ROUNDS = 7
ALL = cv2.getNumThreads()


def _plain() -> ModuleType:
    path = Path(__file__).parents[1] / "tests" / "zoo" / "metrics" / "plain.py"
    spec = importlib.util.spec_from_file_location("plain_metrics", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _lean_largest_component(both: np.ndarray) -> np.ndarray | None:
    labels = measure.label(both, connectivity=1)
    areas = np.bincount(labels.ravel())[1:]
    return labels == 1 + areas.argmax() if len(areas) else None


PLAIN = _plain()
LEAN = _plain()
LEAN.largest_component = _lean_largest_component


def exactly(matte: np.ndarray) -> np.ndarray:
    """What zoo takes a float32 matte for: float64, and n / 255 itself where it is in 8 bits."""
    steps = np.rint(matte * 255).astype(np.uint8)
    return steps / 255 if (steps / np.float32(255) == matte).all() else matte.astype(np.float64)


Times = dict[str, list[tuple[float, float]]]
"""Who -> by the clock and of the processor, in seconds, one pair for each round."""


def timed(times: Times, who: str, function: Callable[..., Any], *args: Any) -> Any:
    clock, processor = time.perf_counter(), time.process_time()
    result = function(*args)
    times.setdefault(who, []).append((time.perf_counter() - clock, time.process_time() - processor))
    return result


def compare(benchmark: Any, label: str, ours: Callable[[], Any], others: dict[str, Callable[[], Any]]) -> None:
    """Benchmark ours, and run the others before each round of it; ratios go to ``extra_info`` and to the terminal."""
    times: Times = {}

    def before() -> None:
        for who, function in others.items():
            timed(times, who, function)
            gc.collect()  # nobody pays for what another left behind

    ours()
    benchmark.pedantic(timed, (times, "zoo", ours), setup=before, rounds=ROUNDS)
    for who in others:
        for index, how in enumerate(("clock", "processor")):
            theirs, mine = ([spent[index] for spent in times[name]] for name in (who, "zoo"))
            benchmark.extra_info[f"{who} / zoo, {how}, median"] = round(float(np.median(theirs) / np.median(mine)), 2)
            benchmark.extra_info[f"{who} / zoo, {how}, least"] = round(min(theirs) / min(mine), 2)
    ratios = "  ".join(f"{name}: {value}" for name, value in benchmark.extra_info.items() if "/" in name)
    print(f"\n{label}: zoo {1000 * min(spent[1] for spent in times['zoo']):.1f} ms of the processor;  {ratios}")


@pytest.fixture(scope="module", params=["solid", "sigmoid", "strands"])
def pair(request: pytest.FixtureRequest) -> Pair:
    return make_pair(request.param)


@pytest.fixture(params=[1, ALL], ids=["1-thread", "all-threads"])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    cv2.setNumThreads(request.param)
    yield request.param
    cv2.setNumThreads(ALL)


def test_all_ten(benchmark, request, pair, threads):
    alpha, target, trimap = pair
    mattes = exactly(alpha), exactly(target)
    compare(
        benchmark,
        request.node.name,
        lambda: score(alpha, target, trimap),
        {"plain": lambda: PLAIN.scores(*mattes, trimap), "lean": lambda: LEAN.scores(*mattes, trimap)},
    )
    assert score(alpha, target, trimap) == pytest.approx(PLAIN.scores(*mattes, trimap), rel=1e-9, abs=1e-13)
    assert benchmark.extra_info["plain / zoo, processor, median"] >= 8


@pytest.mark.parametrize("name", ["GRAD", "CONN"])
def test_one(benchmark, request, pair, name):
    alpha, target, trimap = pair
    mattes = exactly(alpha), exactly(target)
    (compute,) = (spec.compute for spec in SPECS if spec.name == name)
    others = {"plain": lambda: getattr(PLAIN, name.lower())(*mattes)}
    if name == "CONN":
        others["lean"] = lambda: LEAN.conn(*mattes)
    compare(benchmark, request.node.name, lambda: compute(*mattes, trimap), others)
