"""How fast the ten metrics of one portrait are, beside the plain way of computing them.

    pytest benchmarks/test_metrics.py --benchmark-group-by=param:pair

Each pair is a synthetic portrait of 1080 x 1440 pixels with its trimap: ``solid`` has a prediction that is exactly 0
and 1 away from the edge, as 8-bit mattes are; in ``sigmoid`` it is never exactly right anywhere, as the float output
of a network is not. The plain way (tests/zoo/metrics/plain.py) is SciPy's filters and one labelling per level.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from zoo.metrics.score import score

HEIGHT, WIDTH = 1440, 1080


def _plain() -> ModuleType:
    path = Path(__file__).parents[1] / "tests" / "zoo" / "metrics" / "plain.py"
    spec = importlib.util.spec_from_file_location("plain_metrics", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def portrait(lean: float = 0.0) -> np.ndarray:
    """Signed distance (pixels, positive inside) of a head on shoulders with a wavy outline; (H, W)."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    x = x - WIDTH / 2 - lean
    angle = np.arctan2(x, y - 480)
    head = 230 + 12 * np.sin(23 * angle) + 5 * np.sin(71 * angle) - np.hypot(x, 0.8 * (y - 480))
    body = 420 - np.hypot(x, 0.55 * (y - 1440))
    return np.maximum(head, body)


def make_pair(kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Prediction and truth, (H, W) float32 in [0, 1], and trimap uint8."""
    distance = portrait()
    target = np.clip(0.5 + distance / 24, 0, 1)
    guess = portrait(lean=1.5)
    if kind == "solid":
        alpha = np.clip(0.5 + guess / 20, 0, 1)
        alpha, target = np.rint(alpha * 255) / 255, np.rint(target * 255) / 255
    else:
        alpha = 1 / (1 + np.exp(-np.clip(guess / 5, -8, 8) - 0.3 * np.sin(guess / 50)))
    trimap = np.full(target.shape, 128, np.uint8)
    trimap[distance > 25] = 255
    trimap[distance < -25] = 0
    return alpha.astype(np.float32), target.astype(np.float32), trimap


@pytest.fixture(scope="module", params=["solid", "sigmoid"])
def pair(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return make_pair(request.param)


def test_all_ten(benchmark, pair):
    found = benchmark.pedantic(score, pair, rounds=15, warmup_rounds=2)
    assert found["SAD"] > 0


def test_all_ten_the_plain_way(benchmark, pair):
    alpha, target, trimap = pair
    mattes = alpha.astype(np.float64), target.astype(np.float64)
    found = benchmark.pedantic(_plain().scores, (*mattes, trimap), rounds=5, warmup_rounds=1)
    assert found == pytest.approx(score(*pair), rel=1e-9)


@pytest.mark.parametrize("name", ["GRAD", "CONN", "SAD", "SAD-T"])
def test_one(benchmark, pair, name):
    from zoo.metrics.specs import SPECS

    alpha, target, trimap = pair
    (compute,) = (spec.compute for spec in SPECS if spec.name == name)
    benchmark.pedantic(
        compute, (alpha.astype(np.float64), target.astype(np.float64), trimap), rounds=10, warmup_rounds=2
    )
