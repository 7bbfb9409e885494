import itertools

import numpy as np
import pytest
import scipy.stats

from zoo.metrics.statistics import (
    Difference,
    interval,
    intervals,
    paired_difference,
    privacy_gap,
    sign_flip_p,
    unpaired_difference,
)


def skewed(count: int, seed: int = 0) -> np.ndarray:
    """Errors as a data set has them: many small ones, a few large ones. Their true mean is exp(0.5)."""
    return np.random.default_rng(seed).lognormal(0, 1, count)


def as_rows(values, metric="MAD"):
    return [{"image": f"p{i}", metric: value} for i, value in enumerate(values)]


# --- The interval of a mean ---


def test_the_interval_is_that_of_scipy():
    values = skewed(400)
    found = scipy.stats.bootstrap((values,), np.mean, n_resamples=9999, method="BCa", random_state=1)
    low, high = found.confidence_interval
    # Both are random in their third digit; ours is wider by 0.4 % for its 400 values.
    assert interval(values) == pytest.approx((low, high), abs=0.05 * (high - low))


def test_it_leans_to_the_side_of_the_long_tail():
    values = skewed(100)
    low, high = interval(values)
    assert high - values.mean() > 1.2 * (values.mean() - low)


@pytest.mark.parametrize(
    ("draw", "mean", "count", "least"),
    [
        # For normal values Student's interval is exact, whatever their number; of 500 trials at 95 %, 460 succeed
        # with a probability above 0.998 (binomial).
        (lambda rng, n: rng.normal(0, 1, n), 0.0, 8, 0.92),
        # Very skewed ones are missed somewhat more often, and the docstring says so.
        (lambda rng, n: rng.lognormal(0, 1, n), np.exp(0.5), 200, 0.88),
    ],
)
def test_it_holds_the_true_mean_as_often_as_it_says(draw, mean, count, least):
    rng = np.random.default_rng(5)
    ends = [interval(draw(rng, count), resamples=1000, seed=trial) for trial in range(500)]
    share = np.mean([low <= mean <= high for low, high in ends])
    assert least <= share <= 0.98


def test_a_lower_level_is_narrower():
    values = skewed(50)
    (wide_low, wide_high), (low, high) = interval(values, 0.95), interval(values, 0.8)
    assert wide_low < low < high < wide_high


def test_the_order_does_not_matter_and_nothing_is_random():
    values = [0.1, 0.2, 5.0, 0.30001, 0.7]
    assert len({interval(order) for order in itertools.permutations(values)}) == 1
    assert interval(values, seed=1) != interval(values)


def test_memory_is_bounded_by_blocks_without_changing_the_result(monkeypatch):
    values = skewed(60)
    monkeypatch.setattr("zoo.metrics.statistics._BLOCK", 60 * 7)
    small = interval(values)
    monkeypatch.setattr("zoo.metrics.statistics._BLOCK", 60 * 4000)
    # Another cut of the same stream of random numbers.
    assert small == pytest.approx(interval(values), rel=0.05)


def test_few_and_equal_values():
    assert interval([]) is None
    assert interval([1.0]) is None
    assert interval([None, 1.0, None]) is None
    assert interval([0.25] * 9) == (0.25, 0.25)
    assert interval([1.0, 2.0]) == (1.0, 2.0)  # two values have no interval but their own
    low, high = interval([0.0] * 20 + [1.0])
    assert 0 <= low < 1 / 21 < high <= 1


def test_intervals_of_a_report():
    rows = [
        {"image": "a", "height": 2, "width": 3, "subject_area": 0.5, "matte_sha256": "x", "MAD": 1.0, "SAD-T": None},
        {"image": "b", "height": 2, "width": 3, "subject_area": 0.1, "matte_sha256": "y", "MAD": 3.0, "SAD-T": 4.0},
        {"image": "c", "height": 2, "width": 3, "subject_area": 0.2, "matte_sha256": "z", "MAD": 4.0, "acme/X": 4.0},
    ]
    found = intervals(rows)
    assert set(found) == {"MAD", "SAD-T", "acme/X"}
    assert found["SAD-T"] is found["acme/X"] is None
    assert found["MAD"] == list(interval([1.0, 3.0, 4.0]))
    assert intervals([]) == {}


# --- Two results on the same images ---


def test_paired_difference_by_hand():
    a = [{"image": "1", "MAD": 1.0}, {"image": "2", "MAD": 2.0}, {"image": "3", "MAD": 3.0}, {"image": "4", "MAD": 9.0}]
    b = [{"image": "3", "MAD": 5.0}, {"image": "2", "MAD": 2.0}, {"image": "1", "MAD": 0.0}, {"image": "5", "MAD": 9.0}]
    found = paired_difference(a, b, "MAD")
    assert (found.n, found.n_a, found.n_b) == (3, 4, 4)
    assert found.mean == pytest.approx((-1 + 0 + 2) / 3)
    assert (found.wins, found.losses, found.ties) == (1, 1, 1)
    assert -1 <= found.low <= found.mean <= found.high <= 2
    # The sums of -1, 0 and 2 under all signs are +-1 and +-3: none is below the observed 1.
    assert found.p == 1
    other = paired_difference(a, b, "MAD", lower_is_better=False)
    assert (other.wins, other.losses, other.mean) == (found.losses, found.wins, found.mean)
    assert paired_difference(a[::-1], b[::-1], "MAD") == found


def test_pairing_sees_what_two_intervals_hide():
    a = skewed(200)
    b = a * np.random.default_rng(1).normal(0.97, 0.05, 200)
    found = paired_difference(as_rows(a), as_rows(b), "MAD")
    assert found.high < 0
    assert found.p < 0.001
    assert interval(a)[0] < interval(b)[1]  # the two intervals overlap


def test_images_without_a_value_are_in_no_pair():
    a, b = as_rows([1.0, None, 3.0]), as_rows([2.0, 2.0, None])
    found = paired_difference(a, b, "MAD")
    assert (found.n, found.mean, found.low, found.high, found.p) == (1, 1.0, None, None, None)
    assert paired_difference(a, b, "SAD") == Difference("SAD", 0, None, wins=0, losses=0, ties=0)


def test_identical_results():
    found = paired_difference(as_rows(skewed(30)), as_rows(skewed(30)), "MAD")
    assert (found.mean, found.low, found.high, found.ties, found.p) == (0, 0, 0, 30, 1)


def test_p_value_by_hand():
    # All of the same sign: only that assignment and its opposite reach the sum.
    assert sign_flip_p(np.array([1.0, 1.5, 2.0, 4.0, 8.0])) == 2 / 32
    assert sign_flip_p(-np.array([1.0, 1.5, 2.0, 4.0, 8.0])) == 2 / 32
    # Sums of 1, 1, 1 under all signs: 3 once, 1 three times, and their opposites; the observed 1 is reached by all.
    assert sign_flip_p(np.array([-1.0, 1.0, 1.0])) == 1
    # 0.1 + 0.2 - 0.3 is no exact zero; it is as large as its other orders.
    assert sign_flip_p(np.array([-0.3, 0.1, 0.2])) == 1
    assert sign_flip_p(np.array([1.0])) is None


@pytest.mark.parametrize("count", [13, 14, 300])
def test_p_value_is_that_of_scipy(count):
    changes = np.sort(np.random.default_rng(count).normal(0.3 / np.sqrt(count / 10), 1, count))
    test = scipy.stats.permutation_test(
        (changes,), np.mean, permutation_type="samples", n_resamples=20_000, random_state=1
    )
    # Both count random signs: three standard errors of a share of 10,000 and one of 20,000.
    assert sign_flip_p(changes) == pytest.approx(test.pvalue, abs=3 * np.sqrt(0.25 / 10_000 + 0.25 / 20_000))


# --- Two splits ---


def test_unpaired_difference_is_that_of_scipy():
    a, b = skewed(300), 1.3 * skewed(150, seed=1)
    found = unpaired_difference(as_rows(a), as_rows(b), "MAD")
    assert found.mean == pytest.approx(b.mean() - a.mean())
    test = scipy.stats.bootstrap(
        (b, a), lambda x, y, axis: x.mean(axis) - y.mean(axis), n_resamples=9999, method="BCa", random_state=1
    )
    low, high = test.confidence_interval
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.05 * (high - low))
    assert (found.n, found.n_a, found.n_b, found.wins, found.p) == (0, 300, 150, None, None)


def test_unpaired_difference_of_few():
    assert unpaired_difference(as_rows([1.0]), as_rows([2.0, 4.0]), "MAD").mean == 2
    assert unpaired_difference(as_rows([1.0]), as_rows([2.0, 4.0]), "MAD").low is None
    assert unpaired_difference(as_rows([None]), as_rows([2.0, 4.0]), "MAD").mean is None


def test_privacy_gap_is_np_minus_p():
    p = {"metrics": {"MAD": 2.0, "SAD": 1.0}, "per_image": as_rows([1.0, 3.0])}
    other = {"metrics": {"MAD": 6.0, "MSE": 1.0}, "per_image": as_rows([5.0, 7.0])}
    gap = privacy_gap(p, other)
    assert set(gap) == {"MAD"}
    assert gap["MAD"].mean == 4
    assert 2 <= gap["MAD"].low <= 4 <= gap["MAD"].high <= 6
