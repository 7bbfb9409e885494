"""``zoo compare`` on made-up reports."""

from __future__ import annotations

import json
from pathlib import Path

import made_up
import pytest

P, NP = "P3M-500-P", "P3M-500-NP"


@pytest.fixture
def results(tmp_path):
    """``a`` and ``b`` on both splits, b better on the first and worse on the second; ``one`` is b's first alone."""
    for name, first, second in (("a", [0.02, 0.03, 0.04], [0.05, 0.06]), ("b", [0.01, 0.02, 0.03], [0.06, 0.08])):
        sha = name * 64
        made_up.write(tmp_path / name / P, made_up.rows(first), checkpoint_sha256=sha)
        made_up.write(tmp_path / name / NP, made_up.rows(second, "u"), checkpoint_sha256=sha, split=NP)
    made_up.write(tmp_path / "one", made_up.rows([0.01, 0.02, 0.03]))


def test_two_results(zoo, results):
    done = zoo("compare", "a", "b", "--json")
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    assert [part["split_a"] for part in found["parts"]] == [P, NP]
    means = [part["metrics"]["MAD"]["difference"]["mean"] for part in found["parts"]]
    assert means == [pytest.approx(-0.01), pytest.approx(0.015)]
    text = zoo("compare", "a", "b").out
    assert "## P3M-10k P3M-500-P: 3 images on both sides" in text
    assert "| MAD " in text


def test_a_split_of_a_folder_and_a_file(zoo, results):
    for path in ("one", "one/report.json"):
        done = zoo("compare", "a", path, "--metric", "MAD", "--json")
        assert done.code == 0, done.err
        found = json.loads(done.out)
        assert (found["metrics"], found["splits_not_shared"]) == (["MAD"], [NP])


@pytest.mark.parametrize("words", [["a"], ["a", "a"], ["a", "./a"], [f"a/{P}", f"a/{NP}"]])
def test_the_privacy_gap(zoo, results, words):
    found = json.loads(zoo("compare", *words, "--json").out)
    assert (found["kind"], found["parts"][0]["split_b"]) == ("gap", NP)
    assert found["parts"][0]["metrics"]["MAD"]["difference"]["mean"] == pytest.approx(0.055 - 0.03)


def test_gates(zoo, results):
    assert zoo("compare", "a", "one", "--fail-on", "MAD", "--fail-on", "SAD>0").code == 0
    done = zoo("compare", "a", "b", "--fail-on", "MAD>0.01", "--json")
    assert done.code == 1
    assert done.err == "zoo: --fail-on MAD>0.01 on P3M-500-NP: worse by 0.01500 [0.01000, 0.02000]\n"
    gates = json.loads(done.out)["gates"]
    assert [(gate["split"], gate["passed"]) for gate in gates] == [(P, True), (NP, False)]
    assert "FAILED: MAD>0.01 on P3M-500-NP" in zoo("compare", "a", "b", "--fail-on", "MAD>0.01").out
    assert zoo("compare", "a", "b", "--fail-on", "MAD>0.016").code == 0


def test_the_direction_of_a_registered_metric_is_known(zoo, tmp_path):
    plugin = tmp_path / "sharp.py"
    plugin.write_text(
        "from zoo import MetricSpec, hookimpl\n\n\n@hookimpl\ndef register_metrics(register):\n"
        "    register(MetricSpec('SHARP', lambda alpha, target, trimap: 1.0, lower_is_better=False))\n"
    )
    for name, sharp in (("a", 2.0), ("b", 1.0)):
        made_up.write(tmp_path / name, made_up.rows([0.1, 0.1], SHARP=sharp))
    assert zoo("compare", "a", "b", "--fail-on", "SHARP").code == 0  # not registered: lower is taken as better
    done = zoo("compare", "a", "b", "--fail-on", "SHARP", "--plugin", plugin)
    assert done.code == 1
    assert "SHARP on P3M-500-P: worse by 1" in done.err


def test_output(zoo, results):
    for _ in range(2):  # its own files are written again
        done = zoo("compare", "a", "b", "--output", "out", "--fail-on", "MAD>0.01")
        assert done.code == 1
        assert Path("out/compare.md").read_text(encoding="utf-8") == done.out
        assert json.loads(Path("out/compare.json").read_text())["schema"] == "zoo-compare/1"
    done = zoo("compare", "a", "b", "--output", "one/report.json")
    assert done.code == 2
    assert "that is a file" in done.err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["a", "gone"], 4, "no file or folder gone"),
        (["a", "empty"], 4, "no report.json in empty"),
        (["a", "empty/x.json"], 2, "x.json: it states schema 'zoo-bench/1'"),
        (["a", "empty/torn.json"], 2, "torn.json: no valid JSON"),
        (["a", "empty/nan.json"], 2, "NaN is no JSON number"),
        (["a", "half"], 2, "another rounding"),
        (["a", "b", "--metric", "MADD"], 2, "Did you mean 'MAD'?"),
        (["a", "b", "--fail-on", "MAD>"], 2, "write METRIC, METRIC+NUMBER"),
        (["a", "b", "--fail-on", "SAD-T"], 2, "no metric 'SAD-T' is compared"),
        (["one"], 2, "one has only P3M-500-P"),
        ([], 2, "Missing argument 'A'"),
    ],
)
def test_bad_input_is_one_line(zoo, results, tmp_path, words, code, says):
    (tmp_path / "empty").mkdir()
    text = (tmp_path / "one" / "report.json").read_text()
    (tmp_path / "empty" / "x.json").write_text('{"schema": "zoo-bench/1"}')
    (tmp_path / "empty" / "torn.json").write_text(text[:100])
    (tmp_path / "empty" / "nan.json").write_text(text.replace('"MAD": 0.01,', '"MAD": NaN,'))
    made_up.write(tmp_path / "half", rounding="truncated")
    done = zoo("compare", *words, "--output", "out")
    assert (done.code, done.out, len(done.err.splitlines())) == (code, "", 1)
    assert says in done.err
    assert not (tmp_path / "out").exists()


def test_an_evaluation_compared_with_itself_by_its_mattes(zoo, tmp_path):
    """Real reports: an evaluation of the constant model, and the mattes it left scored by hand."""
    from disc_set import write_discs

    write_discs(tmp_path / "discs", 4, split="test")
    plugin = Path(__file__).parents[2] / "fixtures" / "constant" / "zoo_constant" / "__init__.py"
    words = ["--dataset", "folder", "--data-root", "discs", "--output", "eval", "--rounding", "rounded"]
    assert zoo("eval", "constant", *words, "--plugin", plugin).code == 0
    found = zoo("score", "eval/mattes", "discs/test/alpha", "--output", "scored", "--rounding", "rounded")
    assert found.code == 0, found.err
    done = zoo("compare", "eval", "scored", "--metric", "MAD", "--metric", "CONN", "--json")
    assert done.code == 0, done.err
    (part,) = json.loads(done.out)["parts"]
    assert (part["n_paired"], part["truth_differs"], part["mattes_identical"]) == (4, [], 4)
    for name in ("MAD", "CONN"):
        assert part["metrics"][name]["difference"]["mean"] == pytest.approx(0, abs=1e-9)


def test_two_bench_records(zoo, tmp_path):
    size = ("--height", 48, "--width", 64, "--repeat", 3, "--warmup", 0, "--one-process", "--folder", 0)
    for name in ("old", "new"):
        done = zoo("bench", "throughput", "--models", "tiny", *size, "--runtime", "mindspore", "--output", name)
        assert done.code == 0, done.err
    done = zoo("compare", "old", "new/record.json", "--fail-on", "forward_p50+100000%", "--json")
    assert (done.code, done.err) == (0, "")
    found = json.loads(done.out)
    assert (found["schema"], found["gates"][0]["passed"]) == ("zoo-bench-compare/1", True)
    assert {"forward_p50", "forward_cpu_p50", "encode_p50", "images_per_s"} <= set(found["parts"][0]["metrics"])
    record = json.loads((tmp_path / "new" / "record.json").read_text())
    for row in record["rows"]:
        row["samples_ms"] = [1000 * value for value in row["samples_ms"]]
    (tmp_path / "slow.json").write_text(json.dumps(record))
    done = zoo("compare", "old", "slow.json", "--fail-on", "forward_p50+10%", "--output", "out")
    assert (done.code, len(done.err.splitlines())) == (1, 1)
    assert done.err.startswith("zoo: --fail-on forward_p50+10% on tiny 64 × 48: higher by ")
    assert "FAILED: forward_p50+10% on tiny" in (tmp_path / "out" / "compare.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["bench.json", "bench.json", "--fail-on", "forwards+1%"], 2, "has no 'forwards' on both sides"),
        (["bench.json", "bench.json", "--metric", "MAD"], 2, "--metric is for reports"),
        (["bench.json", "torn.json"], 2, "torn.json: no valid JSON"),
        (["bench.json", "a"], 2, "bench.json: it states schema 'zoo-bench/1', a bench record, and a is none"),
        (["a", "bench.json"], 2, "bench.json: it states schema 'zoo-bench/1', a bench record, and a is none"),
        (["bench.json", "gone"], 4, "no file gone"),
        (["bench.json"], 2, "bench.json is a bench record: name a second one"),
    ],
)
def test_bad_bench_records_are_one_line(zoo, results, tmp_path, words, code, says):
    row = {"model": "m", "height": 1, "width": 1, "batch": 1, "samples_ms": [1.0, 2.0]}
    rows = [row | {"stage": stage} for stage in ("end_to_end", "forward")]
    text = json.dumps({"schema": "zoo-bench/1", "rows": rows})
    (tmp_path / "bench.json").write_text(text)
    (tmp_path / "torn.json").write_text(text[:60])
    done = zoo("compare", *words)
    assert (done.code, done.out, len(done.err.splitlines())) == (code, "", 1), done.err
    assert says in done.err
