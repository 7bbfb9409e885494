"""``zoo bench accuracy``: records found here and handed in."""

from __future__ import annotations

import json
from pathlib import Path

import made_up
import pytest
from disc_set import write_discs

P, NP = "P3M-500-P", "P3M-500-NP"


def methods(done, split=P, kind="record"):
    part = next(part for part in json.loads(done.out)["splits"] if part["split"] == split)
    return [row["method"] for row in part["rows"] if row["kind"] == kind]


def test_published_rows_need_no_records(zoo):
    done = zoo("bench", "accuracy")
    assert (done.code, done.err) == (0, "")
    assert f"## P3M-10k {P}" in done.out
    assert "P3M-Net ViTAE-S" in done.out
    assert methods(zoo("bench", "accuracy", "--json")) == []


def test_our_newest_records_and_those_of_others(zoo, tmp_path):
    evaluations = tmp_path / "runs" / "tiny" / "eval"
    made_up.write(evaluations / "1", made_up.rows([0.5]), started="2026-01-01T00:00:00+0000")
    made_up.write(evaluations / "2" / P, made_up.rows([0.25]), started="2026-01-02T00:00:00+0000")
    made_up.write(evaluations / "2" / NP, made_up.rows([0.125]), started="2026-01-02T00:00:00+0000", split=NP)
    made_up.write(tmp_path / "inbox" / "from" / "ada", made_up.rows([0.1]), model="hers")
    made_up.write(tmp_path / "inbox" / "copy", made_up.rows([0.25]), started="2026-01-02T00:00:00+0000")
    done = zoo("bench", "accuracy", "--records", "inbox", "--json")
    assert (done.code, done.err) == (0, "")
    assert methods(done) == ["hers", "tiny"]
    assert methods(done, NP) == ["tiny"]
    (mine,) = (r for r in json.loads(done.out)["splits"][0]["rows"] if r["method"] == "tiny")
    assert mine["metrics"]["MAD"] == 0.25
    assert mine["file"] == f"runs/tiny/eval/2/{P}/report.json"
    assert methods(zoo("bench", "accuracy", "--records", "inbox", "--models", "her*", "--json")) == ["hers"]
    text = zoo("bench", "accuracy", "--records", "inbox/from", "--split", "p3m_500_p").out
    assert "| **hers** " in text
    assert NP not in text


def test_output(zoo):
    for _ in range(2):
        done = zoo("bench", "accuracy", "--output", "out")
        assert Path("out/accuracy.md").read_text(encoding="utf-8") == done.out
    assert json.loads(Path("out/accuracy.json").read_text())["schema"] == "zoo-accuracy/1"
    assert zoo("bench", "accuracy", "--output", "out/accuracy.md").code == 2


def test_another_data_set(zoo, tmp_path):
    made_up.write(tmp_path / "x", dataset="demo", n_published=None, complete=None)
    done = zoo("bench", "accuracy", "--dataset", "demo", "--records", "x", "--json")
    assert methods(done) == ["tiny"]
    assert methods(done, kind="published") == []


def test_what_is_not_in_the_table_is_said(zoo, tmp_path):
    made_up.write(tmp_path / "r" / "1", dataset="demo")
    made_up.write(tmp_path / "r" / "2", split="train")
    made_up.write(tmp_path / "r" / "3", model=None, dataset=None, split=None)
    done = zoo("bench", "accuracy", "--records", "r", "--json")
    assert done.code == 0
    assert [line.partition(": ")[2] for line in done.err.splitlines()] == [
        "r/1/report.json: it is on demo",
        "r/2/report.json: it is on split train",
        "r/3/report.json: it names no model, data set or split; `zoo score` takes --model, --dataset and --split",
    ]


def test_a_record_that_lies_is_refused_and_the_others_stand(zoo, tmp_path):
    made_up.write(tmp_path / "r" / "good")
    means = made_up.report()["metrics"]
    made_up.write(tmp_path / "r" / "bad", metrics={**means, "MAD": 0.001})
    done = zoo("bench", "accuracy", "--records", "r", "--json")
    assert done.code == 1
    assert methods(done) == ["tiny"]
    assert "not in the table: r/bad/report.json: it states MAD 0.001" in done.err
    assert done.err.splitlines()[-1].startswith("zoo: 1 of 2 records cannot be used: r/bad")


def test_a_torn_report_of_ours_is_said_and_no_failure(zoo, tmp_path):
    made_up.write(tmp_path / "runs" / "tiny" / "eval" / "1")
    torn = tmp_path / "runs" / "tiny" / "eval" / "2"
    torn.mkdir()
    (torn / "report.json").write_text("{")
    done = zoo("bench", "accuracy", "--json")
    assert (done.code, methods(done)) == (0, ["tiny"])
    assert "not in the table: runs/tiny/eval/2/report.json: no valid JSON" in done.err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--dataset", "P3M-10"], 4, "Did you mean"),
        (["--split", "P3M-NP"], 4, "has no split 'P3M-NP'"),
        (["--models", "zzz*"], 4, "no model matches 'zzz*'; installed: tiny"),
        (["--records", "gone"], 4, "--records gone: no such file"),
        (["--records", "."], 4, "--records .: no report.json below it"),
    ],
)
def test_bad_input_is_one_line(zoo, words, code, says):
    done = zoo("bench", "accuracy", *words)
    assert (done.code, done.out, len(done.err.splitlines())) == (code, "", 1)
    assert says in done.err


def test_throughput_is_still_there(zoo):
    assert zoo("bench", "throughput", "--help").code == 0
    assert zoo("bench").code == 2


HALF = """
import numpy as np
from zoo import Card, ModelSpec, hookimpl

class Half:
    def predict(self, image, trimap=None):
        return np.full(image.shape[:2], 0.5, np.float32)

@hookimpl
def register_models(register):
    register(ModelSpec("tin-half", build=lambda config, backbone: Half(), card=Card("half of everything")))
"""


def test_models_are_scored_first_where_asked(zoo, tmp_path):
    (tmp_path / "half.py").write_text(HALF)
    write_discs(tmp_path / "discs", 3, "test")
    words = ("--dataset", "folder", "--data-root", "discs", "--limit", 2, "--plugin", "half.py", "--models", "tin*")
    done = zoo("bench", "accuracy", "--evaluate", *words, "--json")
    assert done.code == 1
    assert "tiny was not scored: no run of 'tiny'" in done.err
    assert done.err.endswith("zoo: 1 of 2 models could not be scored: tiny\n")
    (row,) = (row for part in json.loads(done.out)["splits"] for row in part["rows"])
    assert row["method"] == "tin-half"
    report = json.loads((tmp_path / row["file"]).read_text())
    assert report["n_images"] == 2
    assert row["metrics"]["MAD"] == report["metrics"]["MAD"]


def test_what_only_scoring_can_use_is_refused_without_it(zoo):
    done = zoo("bench", "accuracy", "--limit", 2)
    assert done.code == 2
    assert "--evaluate" in done.err
