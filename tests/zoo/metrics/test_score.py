import subprocess
import sys

import numpy as np
import pytest

from registry import DataError, MetricSpec, PluginError, ShapeError, UsageError
from zoo.metrics.definitions import DIALECTS, NAMES, check_dialect, check_rounding
from zoo.metrics.score import score
from zoo.metrics.specs import SPECS

HALF = np.full((4, 6), 0.5)


def test_the_shapes_must_agree():
    with pytest.raises(ShapeError) as caught:
        score(np.zeros((512, 512)), np.zeros((1080, 1920)))
    assert str(caught.value) == (
        "alpha has shape (512, 512), target has (1080, 1920): resize the prediction before computing metrics"
    )
    with pytest.raises(ShapeError, match=r"^trimap has shape \(6, 4\), target has \(4, 6\)"):
        score(HALF, HALF, np.zeros((6, 4), np.uint8))


@pytest.mark.parametrize("shape", [(4, 6, 1), (24,), (0, 6), ()])
def test_a_matte_is_two_dimensional(shape):
    with pytest.raises(ShapeError, match=r"a matte is \(height, width\)"):
        score(np.zeros(shape), np.zeros(shape))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_must_be_finite(value):
    bad = HALF.copy()
    bad[2, 3] = value
    with pytest.raises(DataError, match=r"^alpha has NaN or infinite values"):
        score(bad, HALF)
    with pytest.raises(DataError, match=r"^target has NaN or infinite values"):
        score(HALF, bad)


def test_values_must_be_in_range():
    with pytest.raises(DataError, match=r"^alpha has values from 0.5 to 127.5: give float in \[0, 1\] or uint8"):
        score(np.where(np.eye(4, 6) > 0, 127.5, HALF), HALF)
    with pytest.raises(DataError, match=r"^target has values from -0.1 to"):
        score(HALF, HALF - 0.6 * np.eye(4, 6))
    with pytest.raises(DataError, match=r"^alpha is int64"):
        score(np.ones((4, 6), np.int64), HALF)


def test_a_trimap_has_three_values():
    trimap = np.full(HALF.shape, 128, np.uint8)
    trimap[0, 0] = 64
    with pytest.raises(DataError, match=r"^trimap has the value 64: a trimap has only 0, 128 and 255"):
        score(HALF, HALF, trimap)


def test_unknown_words_are_answered_with_the_known_ones():
    with pytest.raises(
        UsageError, match=r"^no dialect 'p3n'; dialects: p3m, dim, mmagic, paddleseg\. Did you mean 'p3m'\?$"
    ):
        score(HALF, HALF, dialect="p3n")
    with pytest.raises(UsageError, match=r"^no rounding 'round'; roundings: float, truncated, rounded\."):
        score(HALF, HALF, rounding="round")
    assert check_dialect("p3m") is DIALECTS["p3m"]
    assert check_rounding("float") == "float"


def test_rounding_of_the_prediction():
    # 0.999 x 255 = 254.745: cut off 254, to nearest 255. Against a truth of 1: 1 - 254 / 255 = 1 / 255.
    alpha, target = np.full((1, 1), 0.999), np.ones((1, 1))
    assert score(alpha, target)["MAD"] == pytest.approx(0.001, rel=1e-12)
    assert score(alpha, target, rounding="truncated")["MAD"] == pytest.approx(1 / 255, rel=1e-12)
    assert score(alpha, target, rounding="rounded")["MAD"] == 0
    # The truth is never rounded.
    assert score(target, alpha, rounding="rounded")["MAD"] == pytest.approx(0.001, rel=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("rounding", ["truncated", "rounded"])
def test_eight_bit_mattes_pass_rounding_unchanged(dtype, rounding):
    exact = np.arange(256.0).reshape(16, 16) / 255
    alpha = np.arange(256, dtype=np.uint8).reshape(16, 16) if dtype is np.uint8 else exact.astype(dtype)
    assert score(alpha, exact, rounding=rounding)["MAD"] == 0


def test_nothing_is_written_into_the_arguments():
    rng = np.random.default_rng(0)
    arrays = rng.random((40, 41)), rng.random((40, 41)), rng.choice(np.array([0, 128, 255], np.uint8), (40, 41))
    copies = [array.copy() for array in arrays]
    for rounding in ("float", "truncated", "rounded"):
        score(*arrays, rounding=rounding)
    for array, copy in zip(arrays, copies, strict=True):
        assert (array == copy).all()
        assert array.flags.writeable
        array.flags.writeable = False
    score(*arrays)


def test_metrics_of_plugins_come_last():
    extra = {
        "acme/P90": MetricSpec("P90", lambda alpha, target, trimap: np.float32(abs(alpha - target).max())),
        "needs": MetricSpec("needs", lambda alpha, target, trimap: 1, needs_trimap=True),
        "nan": MetricSpec("nan", lambda alpha, target, trimap: np.nan),
        "none": MetricSpec("none", lambda alpha, target, trimap: None),
    }
    found = score(HALF, HALF, extra=extra)
    assert list(found) == [*NAMES, *extra]
    assert type(found["acme/P90"]) is float
    assert found["needs"] is found["nan"] is found["none"] is None
    assert score(HALF, HALF, np.zeros(HALF.shape, np.uint8), extra=extra)["needs"] == 1


def test_a_plugins_metric_that_fails_is_named():
    def writes(alpha, target, trimap):
        alpha[:] = 0

    for compute in (lambda *_: 1 / 0, lambda *_: "many", writes):
        with pytest.raises(PluginError, match=r"^metric 'bad' failed: \w+Error: "):
            score(HALF, HALF, extra={"bad": MetricSpec("bad", compute)})
    with pytest.raises(UsageError, match=r"^metric 'SAD' of a plugin has the name of one of dialect p3m"):
        score(HALF, HALF, extra={"SAD": MetricSpec("SAD", lambda *_: 1)})


@pytest.mark.parametrize("dtypes", [(np.float64, np.float64), (np.float32, np.uint8), (np.uint8, np.float16)], ids=str)
@pytest.mark.parametrize("size", [(20, 30), (270, 300)], ids=str)
def test_specs_are_the_metrics_one_by_one(size, dtypes):
    rng = np.random.default_rng(1)
    alpha, target = ((rng.random(size) * (255 if t is np.uint8 else 1)).astype(t) for t in dtypes)
    trimap = rng.choice(np.array([0, 128, 255], np.uint8), size)
    # To the last bit, though `score` computes them together.
    assert {spec.name: spec.compute(alpha, target, trimap) for spec in SPECS} == score(alpha, target, trimap)
    for spec in SPECS:
        assert spec.needs_trimap == (spec.compute(alpha, target, None) is None)
        assert spec.lower_is_better


def test_a_trimap_changes_no_metric_that_needs_none():
    rng = np.random.default_rng(2)
    alpha, target = rng.random((2, 90, 110))
    with_one = score(alpha, target, rng.choice(np.array([0, 128, 255], np.uint8), (90, 110)))
    without = score(alpha, target)
    assert {name: with_one[name] for name in NAMES[:5]} == {name: without[name] for name in NAMES[:5]}
    assert [without[name] for name in NAMES[5:]] == [None] * 5


@pytest.mark.parametrize("dialect", DIALECTS)
def test_metrics_of_plugins_get_float64_that_nobody_can_change(dialect):
    seen = []
    spec = MetricSpec("seen", lambda *arrays: seen.extend(arrays) or 0)
    score(
        np.full((4, 6), 128, np.uint8), HALF.astype(np.float32), np.zeros((4, 6), np.uint8), dialect, extra={"s": spec}
    )
    assert [array.dtype for array in seen] == [np.float64, np.float64, np.uint8]
    assert (seen[0] == 128 / 255).all()
    assert (seen[1] == 0.5).all()
    assert not any(array.flags.writeable for array in seen)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dialect_gives_its_metrics_in_the_order_of_a_report(dialect):
    trimap = np.full(HALF.shape, 128, np.uint8)
    found = DIALECTS[dialect].load()(HALF, HALF, trimap)
    assert list(found) == [metric.name for metric in DIALECTS[dialect].metrics]
    assert found == {metric.name: metric.load()(HALF, HALF, trimap) for metric in DIALECTS[dialect].metrics}


def test_naming_the_metrics_loads_nothing_heavy():
    code = (
        "import sys, zoo.metrics.specs, zoo.metrics.definitions; "
        "assert not {'numpy', 'cv2', 'scipy', 'mindspore'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
