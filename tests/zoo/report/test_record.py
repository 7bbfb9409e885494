from __future__ import annotations

import csv
import json
import os

import numpy as np
import pytest

from registry import NotFoundError, UsageError
from zoo.report.record import (
    COLUMNS,
    SCHEMA,
    completeness,
    metric_names,
    read_json,
    read_report,
    worst_first,
    write_json,
    write_report,
)


def test_round_trip_by_folder_and_by_file(tmp_path, sample):
    report = sample.report()
    write_report(tmp_path / "new" / "folder", report)
    folder = tmp_path / "new" / "folder"
    assert read_report(folder) == {"schema": SCHEMA, **report}
    assert read_report(folder / "report.json") == read_report(folder)
    assert sorted(os.listdir(folder)) == ["per_image.csv", "report.json"]


def test_numpy_scalars_tuples_and_paths_become_plain(tmp_path, sample):
    report = sample.report(
        metrics={"SAD": np.float32(0.5), "MAD": np.float64(0.25)},
        n_images=np.int64(3),
        checkpoint=tmp_path,
        config=(1,),
    )
    write_report(tmp_path, report)
    found = read_report(tmp_path)
    assert found["metrics"] == {"SAD": 0.5, "MAD": 0.25}
    assert (found["n_images"], found["checkpoint"], found["config"]) == (3, str(tmp_path), [1])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float64("nan"), np.float32("-inf")])
def test_a_number_that_is_not_finite_reaches_no_file(tmp_path, sample, value):
    write_report(tmp_path, sample.report())
    before = {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)}
    report = sample.report()
    report["per_image"][1]["SAD"] = value
    with pytest.raises(ValueError, match=r"report\.per_image\[1\]\.SAD is (nan|-?inf)"):
        write_report(tmp_path, report)
    assert {name: (tmp_path / name).read_bytes() for name in os.listdir(tmp_path)} == before


def test_what_json_cannot_hold_is_refused(tmp_path, sample):
    with pytest.raises(TypeError, match=r"report\.config is a set"):
        write_report(tmp_path, sample.report(config={1}))
    with pytest.raises(ValueError, match="schema 'other'"):
        write_report(tmp_path, sample.report(schema="other"))


def test_csv_has_the_columns_of_the_design_then_those_of_plugins(tmp_path, sample):
    rows = [sample.row('a, "b".png', 0.1), sample.row("c.png", None, **{"acme/SHARP": 0.5})]
    write_report(tmp_path, sample.report(per_image=rows))
    with open(tmp_path / "per_image.csv", encoding="utf-8", newline="") as stream:
        header, first, second = csv.reader(stream)
    assert ",".join(header) == ("image,height,width,SAD,MSE,MAD,GRAD,CONN,SAD-T,MSE-T,MAD-T,SAD-FG,SAD-BG,acme/SHARP")
    assert first == ['a, "b".png', "200", "100", "2.0", "0.25", "0.1", *[""] * 8]
    assert second == ["c.png", "200", "100", "", "0.25", *[""] * 8, "0.5"]


def test_csv_without_images_is_its_header(tmp_path, sample):
    write_report(tmp_path, sample.report(per_image=[], n_images=0))
    assert (tmp_path / "per_image.csv").read_text() == ",".join(COLUMNS) + "\n"


def test_names_in_any_script_and_in_no_valid_encoding(tmp_path, sample):
    names = ["人像.png", os.fsdecode(b"caf\xe9.png"), "line\nbreak.png"]
    write_report(tmp_path, sample.report(per_image=[sample.row(name, 0.1) for name in names]))
    assert "人像" in (tmp_path / "report.json").read_text(encoding="utf-8")
    assert [row["image"] for row in read_report(tmp_path)["per_image"]] == names


def test_absent(tmp_path):
    with pytest.raises(NotFoundError, match=r"no file .*report\.json$"):
        read_report(tmp_path)
    with pytest.raises(NotFoundError, match=r"no file .*gone$"):
        read_report(tmp_path / "gone")


def test_a_folder_of_several_splits_names_them(tmp_path, sample):
    for split in ("P3M-500-NP", "P3M-500-P"):
        write_report(tmp_path / split, sample.report())
    with pytest.raises(NotFoundError, match="name one of its folders: P3M-500-NP, P3M-500-P"):
        read_report(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no valid JSON"),
        ("\x80", "no valid JSON"),
        ('{"schema": NaN}', "NaN is no JSON number"),
        ("[1]", "it states no schema"),
        ("{}", "it states no schema"),
        ('{"schema": "zoo-report/99"}', "schema 'zoo-report/99'; this version of zoo reads 'zoo-report/1'"),
        ('{"schema": "zoo-report/1"}', "lacks metrics or per_image"),
        ('{"schema": "zoo-report/1", "metrics": {}, "per_image": [{}]}', "no image name"),
    ],
)
def test_no_report(tmp_path, text, message):
    (tmp_path / "report.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError) as caught:
        read_report(tmp_path)
    assert message in str(caught.value)
    assert str(tmp_path / "report.json") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_records_use_the_same_reader(tmp_path):
    write_json(tmp_path / "record.json", {"schema": "acme/1", "rows": []})
    assert read_json(tmp_path / "record.json", "acme/1") == {"schema": "acme/1", "rows": []}
    assert json.loads((tmp_path / "record.json").read_text())["rows"] == []
    with pytest.raises(ValueError, match=r"record\.json\.x is nan"):
        write_json(tmp_path / "record.json", {"x": float("nan")})


@pytest.mark.parametrize(
    ("n", "published", "complete", "sentence"),
    [
        (500, 500, True, "500 images: the whole split, as published"),
        (13, 500, False, "13 of 500 images: not comparable with published figures"),
        (1, None, None, "1 image; no published count to compare with: not comparable with published figures"),
        (13, None, False, "13 images, not those published: not comparable with published figures"),
        (
            501,
            500,
            False,
            "501 images, 500 published: not the published split, not comparable with published figures",
        ),
    ],
)
def test_completeness(sample, n, published, complete, sentence):
    assert completeness(sample.report(n_images=n, n_published=published, complete=complete)) == sentence


def test_worst_first_by_mad_then_name_undefined_last(sample):
    rows = [sample.row(n, m) for n, m in (("u", None), ("b", 0.1), ("a", 0.1), ("z", 0.9), ("o", 0.0))]
    found, key = worst_first({"per_image": rows})
    assert ("".join(row["image"] for row in found), key) == ("zabou", "MAD")


def test_worst_first_without_mad(sample):
    rows = [sample.row("a", None), sample.row("b", None)]
    rows[1]["SAD"] = 3.0
    assert worst_first({"per_image": rows}) == ([rows[1], rows[0]], "SAD")
    rows[1]["SAD"] = None
    assert worst_first({"per_image": rows}) == (rows, None)


def test_metric_names():
    assert metric_names([{"image": "a", "Z": 1, "MAD": 2}, {"A": 3, "Z": 1}])[10:] == ["Z", "A"]
