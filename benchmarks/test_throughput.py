"""Every registered network, stage by stage, with pytest-benchmark: the code of ``zoo bench throughput``.

make bench
pytest benchmarks/test_throughput.py --benchmark-only --benchmark-save=NAME
"""

from __future__ import annotations

import pytest

from registry import load
from zoo.config import resolve
from zoo.data.normalise import normalise
from zoo.engine.load import LoadedModel, load_model
from zoo.engine.throughput import synthetic_photo

HEIGHT, WIDTH = 1080, 1620

REGISTRY = load()


@pytest.fixture(scope="module", params=sorted(REGISTRY.models))
def model(request) -> LoadedModel:
    spec = REGISTRY.get("model", request.param)
    config = resolve(spec.config, values=[("model.name", spec.name, "test")]).config
    return load_model(REGISTRY, config, None)


@pytest.fixture(scope="module")
def photo():
    return synthetic_photo(HEIGHT, WIDTH)


def test_predict(benchmark, model, photo):
    alpha = benchmark.pedantic(model.predictor.predict, (photo,), rounds=5, warmup_rounds=1)
    assert alpha.shape == (HEIGHT, WIDTH)


def test_forward_compiled(benchmark, model, photo):
    planes = model.predictor.prepare(photo)
    model.predictor.compile(planes)
    alpha = benchmark.pedantic(model.predictor.forward, (planes,), rounds=5, warmup_rounds=1)
    assert alpha.shape == (1, 1, *planes.shape[2:])


def test_prepare(benchmark, model, photo):
    planes = benchmark(model.predictor.prepare, photo)
    assert planes.shape[:2] == (1, 3)


def test_restore(benchmark, model, photo):
    small = normalise(photo[:512, :768], (0, 0, 0), (1, 1, 1))[None, :1]
    alpha = benchmark(model.predictor.restore, small, photo)
    assert alpha.shape == (HEIGHT, WIDTH)
