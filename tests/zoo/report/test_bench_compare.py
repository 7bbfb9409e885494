"""Two bench records side by side, and gates on times, on made-up records."""

from __future__ import annotations

import json

import numpy as np
import pytest

from registry import NotFoundError, UsageError
from zoo.report.bench_compare import change_of, compare_records, is_bench, read_bench
from zoo.report.bench_compare_text import bench_compare_text, bench_gate_line
from zoo.report.gate import parse_gate


def noisy(median: float, seed: int, count: int = 20) -> list[float]:
    """Times within 2 % of a median."""
    return (median * (1 + 0.02 * np.random.default_rng(seed).uniform(-1, 1, count))).tolist()


def record(forward=100.0, seed=0, free=1.0, cpu=150.0, runtime="mindspore", **more):
    """One model with its forward pass and the whole, which takes 20 ms more."""
    rows = []
    for stage, extra in (("end_to_end", 20.0), ("forward", 0.0)):
        row = {"model": "m", "stage": stage, "height": 10, "width": 20, "batch": 1, "runtime": runtime}
        row |= {"samples_ms": noisy(forward + extra, seed), "cpu_ms": noisy(cpu + extra, seed + 1000)}
        rows.append({**row, "free": [free] * 20, "first_call_s": 2.0, "peak_mib": 500.0, **more})
    return {"schema": "zoo-bench/1", "device": "CPU", "threads": 2, "versions": {"numpy": "1"}, "rows": rows}


def outcome(a, b, gate):
    (found,) = compare_records(a, b, [parse_gate(gate)])["gates"]
    return found


@pytest.mark.parametrize(
    ("gate", "forward", "passed"),
    [
        ("forward_p50+10%", 100.0, True),
        ("forward_p50+10%", 107.0, True),
        ("forward_p50+10%", 115.0, False),
        ("forward+10%", 115.0, False),
        ("forward_p90+10%", 115.0, False),
        ("forward_p50+20", 115.0, True),  # milliseconds
        ("forward_p50+12", 115.0, False),
        ("forward_p50-10%", 115.0, True),
        ("forward_p50-10%", 85.0, False),
        ("forward_p50>10%", 115.0, False),
        ("forward_p50>10%", 85.0, True),
        ("end_to_end_p50+10%", 115.0, False),  # 135 of 120
        ("images_per_s-10%", 115.0, False),
        ("images_per_s>10%", 115.0, False),
        ("images_per_s+10%", 115.0, True),
        ("images_per_s+10%", 85.0, False),
    ],
)
def test_gates_by_hand(gate, forward, passed):
    found = outcome(record(), record(forward, seed=7), gate)
    assert found["passed"] is passed
    assert bench_gate_line(found).startswith("passed" if passed else "FAILED")


def test_a_change_that_noise_explains_fails_nothing():
    """Medians of 100 and 130, but times from 40 to 220 in both."""
    times = {"samples_ms": [40.0, 220.0, 100.0, 60.0, 200.0], "free": [1.0] * 5}
    a, b = record(**times), record(**times)
    for row in b["rows"]:
        row["samples_ms"] = [40.0, 220.0, 130.0, 60.0, 200.0]
    found = outcome(a, b, "forward_p50+10%")
    assert (found["passed"], found["excused"]) == (True, False)
    assert found["worse_by"] == pytest.approx(30)
    assert found["low"] < 0


def test_other_programs_excuse_the_clock_and_not_the_processor():
    """Half as fast while others took half of the processors: by the clock twice as long, for no fault of ours."""
    quiet, busy = record(), record(200.0, seed=7, free=0.5)
    found = outcome(quiet, busy, "forward_p50+10%")
    assert (found["passed"], found["excused"]) == (True, True)
    assert "other programs took the processors" in bench_gate_line(found)
    assert not outcome(quiet, record(200.0, seed=7), "forward_p50+10%")["passed"]
    assert not outcome(quiet, record(200.0, seed=7, free=0.9), "forward_p50+10%")["passed"]
    assert outcome(quiet, busy, "forward_cpu_p50+10%")["passed"]
    assert not outcome(quiet, record(cpu=170.0, free=0.5), "forward_cpu_p50+10%")["passed"]


def test_records_without_what_is_newer_can_be_held_against_new_ones():
    old = record(cpu_ms=None, free=None)
    for row in old["rows"]:
        del row["cpu_ms"], row["free"]
    assert not outcome(old, record(115.0, seed=7), "forward_p50+10%")["passed"]
    with pytest.raises(UsageError, match="m 20 × 10 has no 'forward_cpu_p50' on both sides"):
        outcome(old, record(), "forward_cpu_p50+10%")


def test_figures_of_one_value_have_no_interval():
    found = outcome(record(), record(peak_mib=620.0), "peak_mib+100")
    assert (found["passed"], found["worse_by"], found["low"]) == (False, 120, None)
    assert bench_gate_line(found) == "FAILED: peak_mib+100 on m 20 × 10: higher by 120 MiB, 24.0 %"
    folders = [{"model": "m", "runtime": "mindspore", "height": 10, "width": 20, "images_per_s": n} for n in (4.0, 3.0)]
    a, b = (record() | {"folders": [folder]} for folder in folders)
    assert not outcome(a, b, "folder_images_per_s-20%")["passed"]


@pytest.mark.parametrize(
    ("gate", "says"),
    [
        ("forwrd_p50+10%", "no 'forwrd_p50' on both sides; it has .*Did you mean 'forward_p50'"),
        ("decode_p50+10%", "no 'decode_p50'"),
        ("forward_p75+10%", "no 'forward_p75'"),
        ("MAD+1", "no 'MAD'"),
    ],
)
def test_a_gate_on_what_is_not_there_is_refused(gate, says):
    with pytest.raises(UsageError, match=says):
        outcome(record(), record(), gate)


def test_rows_belong_together_by_model_size_and_runtime():
    a, b = record(), record(runtime="onnxruntime")
    (part,) = compare_records(a, b, [])["parts"]
    assert (part["runtime_a"], part["runtime_b"]) == ("mindspore", "onnxruntime")
    both = record() | {"rows": record()["rows"] + record(50.0, runtime="onnxruntime")["rows"]}
    (part,) = compare_records(both, b, [])["parts"]
    assert part["runtime_a"] == "onnxruntime"
    other = record()
    for row in other["rows"]:
        row["height"] = 11
    with pytest.raises(UsageError, match="no model at one photo size and batch in common"):
        compare_records(a, other, [])
    mixed = record() | {"rows": record()["rows"] + other["rows"]}
    found = compare_records(mixed, record(), [])
    assert (found["only_a"], found["only_b"], len(found["parts"])) == (["m 20 × 11"], [], 1)


def test_false_alarms_are_rare_and_changes_are_found():
    """Pairs of runs with a spread of 2 %; then the second one is slower by 15 %."""
    gates = [parse_gate("forward_p50+10%")]
    fails = {
        forward: sum(
            not compare_records(record(seed=2 * n), record(forward, seed=2 * n + 1), gates)["gates"][0]["passed"]
            for n in range(6)
        )
        for forward in (100.0, 115.0)
    }
    assert fails == {100.0: 0, 115.0: 6}


def test_the_interval_holds_the_difference_about_as_often_as_it_says():
    """Of medians of 20 normal values with standard deviation 5 the true difference is 0."""
    chance = np.random.default_rng(3)
    outside = 0
    for _ in range(60):
        found = change_of(chance.normal(100, 5, 20), chance.normal(100, 5, 20), 50)
        outside += not found.low <= 0 <= found.high
    assert 0 < outside <= 9  # 5 % of 60 are 3; more than 9 come about once in a thousand times


def test_one_repetition_has_no_interval():
    found = change_of(np.array([1.0]), np.array([2.0, 4.0]), 50)
    assert (found.mean, found.low, found.high) == (2.0, None, None)


def test_text():
    a, b = record(), record(115.0, seed=7, free=0.8) | {"threads": 4}
    text = bench_compare_text(compare_records(a, b, [parse_gate("forward_p50+30%")]), "old", "new")
    assert text.startswith("A: old\nB: new\n\n## m 20 × 10\n")
    assert "Other programs left 100% of the processors to A, 80% to B." in text
    assert "| threads |   2 |   4 |" in text
    assert "passed: forward_p50+30% on m 20 × 10: higher by " in text


def test_reading(tmp_path):
    path = tmp_path / "record.json"
    path.write_text(json.dumps(record()))
    assert is_bench(tmp_path)
    assert is_bench(path)
    assert read_bench(tmp_path) == read_bench(path) == record()
    assert not is_bench(tmp_path / "gone")
    with pytest.raises(NotFoundError):
        read_bench(tmp_path / "gone")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda r: r.update(rows=3), "rows is no list of rows"),
        (lambda r: r["rows"].append(4), "rows is no list of rows"),
        (lambda r: r["rows"][0].pop("height"), "m end_to_end: a row needs model, height"),
        (lambda r: r["rows"][1].update(samples_ms=[]), "m forward: samples_ms is no list of times"),
        (lambda r: r["rows"][1].update(samples_ms=["x"]), "m forward: samples_ms is no list of times"),
        (lambda r: r["rows"][1].update(cpu_ms=[None]), "m forward: cpu_ms is no list of times"),
        (lambda r: r["rows"][1].update(free="no"), "m forward: free is no list of times"),
    ],
)
def test_a_record_that_is_none_is_refused(tmp_path, change, says):
    broken = record()
    change(broken)
    (tmp_path / "record.json").write_text(json.dumps(broken))
    with pytest.raises(UsageError, match=says):
        read_bench(tmp_path)
