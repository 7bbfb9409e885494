"""Every dialect against an independent implementation (``plain_*.py`` beside this file), and by hand."""

import subprocess
import sys

import numpy as np
import pytest

from registry import ShapeError
from zoo.metrics import connectedness, dim, mmagic, paddleseg, steepness
from zoo.metrics.connectedness import ARANGE, TENTHS, Rules, connectedness_error
from zoo.metrics.definitions import DIALECTS, NAMES, REGIONS
from zoo.metrics.score import score
from zoo.metrics.steepness import steepness_error

OTHERS = {"dim": dim, "mmagic": mmagic, "paddleseg": paddleseg}

UNKNOWN = np.full((9, 12), 128, np.uint8)


def value(matte):
    return matte / 255 if matte.dtype == np.uint8 else matte


@pytest.mark.parametrize("dialect", OTHERS)
@pytest.mark.parametrize("with_trimap", [True, False])
def test_against_the_plain_implementation(dialect, with_trimap, plain_scores, dialect_cases):
    for name, alpha, target, trimap in dialect_cases.cases():
        given = trimap if with_trimap else None
        found = score(alpha, target, given, dialect)
        expected = plain_scores[dialect](value(alpha), value(target), given)
        assert list(found) == list(expected)
        for metric, plain in expected.items():
            if plain is None:
                assert found[metric] is None, (name, metric)
            else:
                # 1e-9 of the value; the floor is for sums that are zero but for rounding.
                assert found[metric] == pytest.approx(plain, rel=1e-9, abs=1e-13), (name, metric)


def test_the_cases_tell_the_dialects_apart(plain_scores, dialect_cases):
    # Were two implementations the same by mistake, the test above would not notice.
    differing = set()
    for _, alpha, target, trimap in dialect_cases.cases(seeds=1):
        values = {dialect: plain(value(alpha), value(target), trimap) for dialect, plain in plain_scores.items()}
        for one in values:
            for other in values:
                differing |= {
                    (one, other, metric)
                    for metric in ("SAD", "MSE", "GRAD", "CONN")
                    if None not in (values[one][metric], values[other][metric])
                    and values[one][metric] != pytest.approx(values[other][metric], rel=1e-3)
                }
    pairs = {(one, other) for one, other, _ in differing}
    assert pairs == {(one, other) for one in DIALECTS for other in DIALECTS if one != other}
    for metric in ("SAD", "MSE", "GRAD", "CONN"):
        assert {("dim", "mmagic", metric), ("p3m", "dim", metric)} <= differing


def test_precision_of_the_original_code_does_not_show(dialect_cases, load_beside):
    # PaddleSeg computes CONN in float32; with 8-bit mattes every comparison falls out as it does here.
    plain = load_beside("plain_paddleseg")
    for name, alpha, target, trimap in dialect_cases.cases():
        if name.startswith("8 bit"):
            single = plain.scores(value(alpha), value(target), trimap, np.float32)["CONN"]
            assert score(alpha, target, trimap, "paddleseg")["CONN"] == pytest.approx(single, rel=1e-6, abs=1e-9), name


def test_names_and_needs():
    for dialect in OTHERS:
        assert [metric.name for metric in DIALECTS[dialect].metrics] == ["SAD", "MSE", "GRAD", "CONN"]
    assert tuple(metric.name for metric in DIALECTS["p3m"].metrics) == NAMES
    rng = np.random.default_rng(0)
    alpha, target = rng.random((2, 9, 12))
    for dialect, definition in DIALECTS.items():
        found = score(alpha, target, None, dialect)
        assert [metric.needs_trimap for metric in definition.metrics] == [v is None for v in found.values()]


def test_every_figure_says_what_it_is():
    for definition in DIALECTS.values():
        for metric in definition.metrics:
            assert metric.region in REGIONS
            assert str(metric).startswith(metric.what)
            assert REGIONS[metric.region] in str(metric)
    assert str(DIALECTS["dim"].metrics[0]) == (
        "sum of absolute differences / 1000, over the unknown region of the trimap"
    )
    assert str(DIALECTS["p3m"].metrics[5]) == (
        "sum of absolute differences / 1000, over the whole image, the known regions of the trimap given to the "
        "prediction first"
    )


def test_the_region_a_metric_states_is_the_one_it_looks_at():
    # A change of the prediction outside the region, and nowhere else, may not change a metric without a neighbourhood.
    rng = np.random.default_rng(3)
    alpha, target = rng.random((2, 9, 12))
    trimap = rng.choice(np.array([0, 128, 255], np.uint8), alpha.shape)
    seen = {"unknown": {128}, "unknown or whole image": {128}, "foreground": {255}, "background": {0}}
    for dialect, definition in DIALECTS.items():
        before = score(alpha, target, trimap, dialect)
        for region in (0, 128, 255):
            moved = np.where(trimap == region, np.clip(alpha + 0.25, 0, 1), alpha)
            after = score(moved, target, trimap, dialect)
            for metric in definition.metrics:
                if metric.name.startswith(("SAD", "MSE", "MAD")):
                    looks = {128} if metric.forced else seen.get(metric.region, {0, 128, 255})
                    assert (before[metric.name] != after[metric.name]) == (region in looks), (dialect, metric.name)


def test_forcing_is_what_the_definition_says():
    # In a dialect that gives the known regions to the prediction, what it was there does not matter to any metric.
    rng = np.random.default_rng(4)
    alpha, other, target = rng.random((3, 9, 12))
    trimap = rng.choice(np.array([0, 128, 255], np.uint8), alpha.shape)
    moved = np.where(trimap == 128, alpha, other)
    for dialect, definition in DIALECTS.items():
        before, after = score(alpha, target, trimap, dialect), score(moved, target, trimap, dialect)
        for metric in definition.metrics:
            if metric.forced:
                assert before[metric.name] == after[metric.name], (dialect, metric.name)
            elif metric.name in ("GRAD", "CONN"):
                assert before[metric.name] != after[metric.name], (dialect, metric.name)


@pytest.mark.parametrize("dialect", OTHERS)
def test_axioms(dialect):
    rng = np.random.default_rng(5)
    alpha, target = rng.random((2, 9, 12))
    assert set(score(alpha, alpha, UNKNOWN, dialect).values()) == {0}
    there, back = score(alpha, target, UNKNOWN, dialect), score(target, alpha, UNKNOWN, dialect)
    assert there == pytest.approx(back, rel=1e-12)
    mirrored = score(alpha[::-1, ::-1], target[::-1, ::-1], UNKNOWN, dialect)
    for metric in ("SAD", "MSE", "GRAD"):
        assert mirrored[metric] == pytest.approx(there[metric], rel=1e-12)
    for layout in (np.asfortranarray, lambda array: np.repeat(array, 2, axis=1)[:, ::2]):
        assert score(layout(alpha), layout(target), layout(UNKNOWN), dialect) == pytest.approx(there, rel=1e-12)


def test_without_an_unknown_pixel():
    alpha, target = np.full((4, 5), 0.75), np.full((4, 5), 0.5)
    trimap = np.full((4, 5), 255, np.uint8)
    # a is forced to 1 where that is done; 20 pixels of 0.5 then.
    assert score(alpha, target, trimap, "dim") == {"SAD": 0, "MSE": None, "GRAD": 0, "CONN": 0}
    assert score(alpha, target, trimap, "mmagic") == {"SAD": 0.01, "MSE": 0, "GRAD": 0, "CONN": 0}
    assert score(alpha, target, trimap, "paddleseg") == {"SAD": 0, "MSE": 0, "GRAD": 0, "CONN": 0}


@pytest.mark.parametrize("dialect", OTHERS)
def test_a_single_pixel(dialect):
    # PaddleSeg's own code stops on 1 x 1 pixels.
    found = score(np.array([[0.25]]), np.array([[1.0]]), np.array([[128]], np.uint8), dialect)
    assert found["SAD"] == 0.00075
    assert found["MSE"] == 0.5625
    assert found["GRAD"] == 0
    # Up to 0.2 it is in omega. At 0.3 the set is empty: l = 0.2, phi(a) = 1, phi(g) = 1 - 0.8; or passed over: 0.
    assert found["CONN"] == pytest.approx(0 if dialect == "dim" else 0.0008, rel=1e-12)


def test_the_metrics_refuse_other_shapes():
    for module in OTHERS.values():
        with pytest.raises(ShapeError, match=r"^alpha has shape \(2, 3\), target has \(3, 2\)"):
            module.scores(np.zeros((2, 3)), np.zeros((3, 2)), np.zeros((2, 3), np.uint8))
        with pytest.raises(ShapeError, match=r"^trimap has shape \(3, 2\), target has \(2, 3\)"):
            module.scores(np.zeros((2, 3)), np.zeros((2, 3)), np.zeros((3, 2), np.uint8))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_metric_alone_is_what_it_is_with_the_others(dialect):
    rng = np.random.default_rng(9)
    alpha, target = rng.random((2, 9, 12))
    trimap = rng.choice(np.array([0, 128, 255], np.uint8), alpha.shape)
    alone = {metric.name: metric.load()(alpha, target, trimap) for metric in DIALECTS[dialect].metrics}
    assert alone == DIALECTS[dialect].load()(alpha, target, trimap) == score(alpha, target, trimap, dialect)


# --- Steepness ------------------------------------------------------------------------------------


def test_kernels_are_those_of_gaussgradient():
    # The half width is where G falls below 0.01; an impulse gives back the two-dimensional kernel, whose L2 norm is 1.
    sigma = steepness.SIGMA
    assert np.ceil(sigma * np.sqrt(-2 * np.log(np.sqrt(2 * np.pi) * sigma * 0.01))) == steepness.RADIUS
    kernel = np.outer(steepness._SMOOTH, steepness._DERIVATIVE)
    assert kernel.shape == (9, 9)
    assert (kernel**2).sum() == pytest.approx(1, rel=1e-14)
    assert kernel.sum() == pytest.approx(0, abs=1e-15)
    # By the formula, at one pixel from the centre along the slope: proportional to exp(-1 / (2 sigma^2)).
    assert kernel[4, 3] / kernel[4, 2] == pytest.approx(np.exp(3 / (2 * sigma**2)) / 2, rel=1e-12)


def test_the_gradient_of_a_step_by_hand():
    # A step between two columns far from the border: along the row the gradient is the sum of G' beyond the step,
    # across it the smoothing of a constant: (sum G) (sum of G' from d on), both divided by the norm.
    target = np.zeros((21, 30))
    target[:, 15:] = 1
    x = np.arange(-4, 5)
    smooth, slope = np.exp(-(x**2) / 3.92), x * np.exp(-(x**2) / 3.92)
    norm = np.sqrt((smooth**2).sum() * (slope**2).sum())
    profile = np.array([smooth.sum() * slope[x >= 15 - column].sum() / norm for column in range(30)])
    expected = 21 * (profile**2).sum()
    region = np.ones(target.shape, np.uint8)
    assert steepness_error(np.full(target.shape, 0.3), target, region) == pytest.approx(expected, rel=1e-12)


def test_stretching_makes_contrast_irrelevant():
    target = np.random.default_rng(6).random((12, 13))
    region = np.ones(target.shape, np.uint8)
    assert steepness_error(0.25 + target / 2, target, region) == pytest.approx(0, abs=1e-24)
    assert steepness_error(target**2, target, region) > 0.1
    # Constants of any value are flat, also where their sums do not cancel exactly.
    assert steepness_error(np.full((12, 13), 0.1), np.full((12, 13), 0.7), region) == 0


@pytest.mark.parametrize("box", [(0, 0, 1, 1), (11, 12, 12, 13), (3, 2, 6, 11), (0, 5, 12, 6), (5, 0, 6, 13)])
def test_cutting_to_the_region_leaves_no_trace(box):
    alpha, target = np.random.default_rng(7).random((2, 12, 13))
    top, left, bottom, right = box
    region = np.zeros(alpha.shape, np.uint8)
    region[top:bottom, left:right] = 1
    whole = np.s_[:, :]
    error = (steepness._magnitude(alpha, whole) - steepness._magnitude(target, whole)) ** 2
    assert steepness_error(alpha, target, region) == pytest.approx(error[region == 1].sum(), rel=1e-12)


# --- Connectedness --------------------------------------------------------------------------------


def test_levels():
    assert list(TENTHS) == [k / 10 for k in range(11)]
    assert len(ARANGE) == 11
    # Only at these do the two differ, upwards; of 8-bit values only 153 / 255 = 0.6 lies between.
    assert [k for k in range(11) if ARANGE[k] > TENTHS[k]] == [3, 6, 7]
    steps = np.arange(256) / 255
    assert [n for n in range(256) if ((steps[n] >= TENTHS) & (steps[n] < ARANGE)).any()] == [153]
    # In float32 the two lists pass the same 8-bit values, as 153 does in code that compares in float32.
    single = np.float32(steps)
    for k in range(11):
        assert ((single >= np.float32(ARANGE[k])) == (steps >= TENTHS[k])).all()
        assert ((single.astype(np.float64) >= ARANGE[k]) == (steps >= TENTHS[k])).all()


def test_no_8_bit_value_is_on_the_tolerance():
    # v - l = 0.15 with v = n / 255, l = k / 10 needs n = 51 (2 k + 3) / 4, which is no whole number.
    assert not [k for k in range(11) if 51 * (2 * k + 3) % 4 == 0]


def test_ties_by_rows_and_by_columns():
    bars = np.array([[0, 0, 0, 1.0], [1, 0, 0, 1], [1, 0, 0, 1], [1, 0, 0, 0]])
    alpha, region = bars.copy(), np.ones(bars.shape, np.uint8)
    alpha[:, 0] *= 0.25
    # By rows the left bar is lost at 0.1: 3 x |0.25 - 1|. By columns it is omega up to 0.2 and lost at 0.3, l = 0.2:
    # phi(a) = 1, phi(g) = 1 - 0.8; the right one is lost at 0.1 and the same in both.
    assert connectedness_error(alpha, bars, region, Rules()) == pytest.approx(2.25, rel=1e-12)
    assert connectedness_error(alpha, bars, region, Rules(by_columns=True)) == pytest.approx(2.4, rel=1e-12)


def test_an_empty_level():
    alpha, target, region = np.full((1, 3), 0.5), np.ones((1, 3)), np.ones((1, 3), np.uint8)
    # At 0.6 the set is empty. Passed over: l = 1. Lost: l = 0.5, phi(a) = 1, phi(g) = 0.5.
    assert connectedness_error(alpha, target, region, Rules()) == 0
    assert connectedness_error(alpha, target, region, Rules(empty_is_lost=True)) == pytest.approx(1.5, rel=1e-12)


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_blocks_leave_no_trace(block, monkeypatch):
    alpha, target = np.random.default_rng(8).random((2, 20, 9))
    expected = connectedness._levels_reached(alpha, target, ARANGE)
    monkeypatch.setattr(connectedness, "_BLOCK", block)
    assert (connectedness._levels_reached(alpha, target, ARANGE) == expected).all()


def test_naming_the_dialects_loads_nothing_heavy():
    code = (
        "import sys; from zoo.metrics.definitions import DIALECTS; "
        "[str(m) for d in DIALECTS.values() for m in d.metrics]; "
        "assert not {'numpy', 'cv2', 'scipy', 'mindspore'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
