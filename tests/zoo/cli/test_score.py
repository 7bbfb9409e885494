"""``zoo score`` on folders of small files."""

import csv
import json

import numpy as np
import pytest
from click.testing import CliRunner

from registry import DataError, NotFoundError, UsageError, ZooError
from zoo.cli.score import command
from zoo.data.images import write_png
from zoo.metrics.definitions import NAMES
from zoo.metrics.score import score


@pytest.fixture
def folders(tmp_path):
    """Three pairs with trimaps; the arrays by stem, as (prediction, target, trimap) uint8."""
    rng = np.random.default_rng(0)
    arrays = {}
    for name in ("pred", "target", "trimap"):
        (tmp_path / name).mkdir()
    for stem in ("p_1", "p_2", "p_3"):
        alpha, target = rng.integers(0, 256, (2, 20, 24), np.uint8)
        trimap = rng.choice(np.array([0, 128, 255], np.uint8), (20, 24))
        arrays[stem] = alpha, target, trimap
        for name, array in zip(("pred", "target", "trimap"), arrays[stem], strict=True):
            write_png(tmp_path / name / f"{stem}.png", array)
    return arrays


@pytest.fixture
def zoo_score(tmp_path, monkeypatch):
    """``zoo_score(*arguments)``: stdout, stderr and the error it ended with, in the folder of the pictures."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        result = CliRunner().invoke(
            command, ["--no-plugins", *map(str, arguments)], standalone_mode=False, catch_exceptions=True
        )
        if result.exception is not None and not isinstance(result.exception, ZooError):
            raise result.exception
        return result.stdout, result.stderr, result.exception

    return run


def test_json_is_what_score_says_of_each_pair(folders, zoo_score):
    out, err, error = zoo_score("pred", "target", "--trimap", "trimap", "--json")
    report = json.loads(out)
    assert error is None
    assert "not scored" not in err
    assert [row["image"] for row in report["per_image"]] == ["p_1", "p_2", "p_3"]
    for row in report["per_image"]:
        assert (row["height"], row["width"]) == (20, 24)
        expected = score(*folders[row["image"]])
        assert {name: row[name] for name in NAMES} == pytest.approx(expected, rel=1e-12)
    means = {name: np.mean([row[name] for row in report["per_image"]]) for name in NAMES}
    assert report["metrics"] == pytest.approx(means, rel=1e-12)
    assert (report["n_images"], report["undefined"], report["problems"]) == (3, {}, [])
    assert (report["dialect"], report["rounding"]) == ("p3m", "float")


def test_without_trimaps_regions_are_null(folders, zoo_score):
    out, _, error = zoo_score("pred", "target", "--json")
    report = json.loads(out)
    assert error is None
    regional = [name for name in NAMES if name.endswith(("-T", "-FG", "-BG"))]
    for values in (report["metrics"], *report["per_image"]):
        assert all(values[name] is None for name in regional)
        assert values["SAD"] > 0
    assert report["undefined"] == dict.fromkeys(regional, 3)


def test_table(folders, zoo_score):
    out, _, error = zoo_score("pred", "target", "--quiet")
    assert error is None
    lines = out.splitlines()
    assert lines[0].split() == ["|", "metric", "|", "mean", "|", "images", "|"]
    assert [line.split()[1] for line in lines[2:7]] == ["SAD", "MSE", "MAD", "GRAD", "CONN"]
    assert lines[7] == "dialect p3m, rounding float, at native size"


def test_pairs_by_stem_whatever_the_extension(folders, zoo_score, tmp_path):
    import cv2

    for stem, (alpha, _, _) in folders.items():
        (tmp_path / "pred" / f"{stem}.png").unlink()
        cv2.imwrite(str(tmp_path / "pred" / f"{stem}.BMP"), alpha)
    (tmp_path / "pred" / "notes.txt").write_text("not a picture")
    out, _, error = zoo_score("pred", "target", "--json")
    assert error is None
    assert json.loads(out)["n_images"] == 3


def test_missing_extra_broken_and_wrongly_sized_files_are_named_and_the_rest_is_scored(folders, zoo_score, tmp_path):
    blank = np.zeros((10, 12), np.uint8)
    write_png(tmp_path / "pred" / "p_1.png", blank)
    write_png(tmp_path / "pred" / "extra.png", blank)
    write_png(tmp_path / "target" / "missing.png", blank)
    (tmp_path / "pred" / "p_2.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    out, err, error = zoo_score("pred", "target", "--json", "--output", "result")
    report = json.loads(out)
    assert [row["image"] for row in report["per_image"]] == ["p_3"]
    reasons = {problem["image"]: problem["reason"] for problem in report["problems"]}
    assert list(reasons) == ["extra", "missing", "p_1", "p_2"]
    assert reasons["p_1"] == (
        "alpha has shape (10, 12), target has (20, 24): resize the prediction before computing metrics"
    )
    assert reasons["missing"] == "no prediction of that name in pred"
    assert reasons["extra"] == "no target of that name in target"
    for image, reason in reasons.items():
        assert f"not scored: {image}: {reason}" in err
    assert type(error) is ZooError
    assert str(error) == "4 of 5 files failed: extra, missing, p_1, ..."
    assert json.loads((tmp_path / "result" / "report.json").read_text())["problems"] == report["problems"]


def test_a_missing_trimap_is_a_failure_too(folders, zoo_score, tmp_path):
    (tmp_path / "trimap" / "p_2.png").unlink()
    out, _, error = zoo_score("pred", "target", "--trimap", "trimap", "--json")
    report = json.loads(out)
    assert [row["image"] for row in report["per_image"]] == ["p_1", "p_3"]
    assert report["problems"] == [{"image": "p_2", "reason": "no trimap of that name in trimap"}]
    assert str(error) == "1 of 3 files failed: p_2"


def test_nothing_to_score(folders, zoo_score, tmp_path):
    for arguments, message in [
        (("absent", "target"), r"^no folder absent$"),
        (("pred", "absent"), r"^no folder absent$"),
        (("pred", "target", "--trimap", "absent"), r"^no folder absent$"),
        (("empty", "target"), r"^no pictures in empty$"),
        (("other", "target"), r"^no picture of other has the name of one of target: q.png there, p_1.png here"),
    ]:
        (tmp_path / "empty").mkdir(exist_ok=True)
        (tmp_path / "other").mkdir(exist_ok=True)
        write_png(tmp_path / "other" / "q.png", np.zeros((2, 2), np.uint8))
        out, _, error = zoo_score(*arguments)
        assert out == ""
        assert type(error) is NotFoundError
        with pytest.raises(NotFoundError, match=message):
            raise error


def test_every_pair_failing_still_gives_a_report(folders, zoo_score, tmp_path):
    for stem in folders:
        write_png(tmp_path / "pred" / f"{stem}.png", np.zeros((3, 3), np.uint8))
    out, _, error = zoo_score("pred", "target", "--json")
    report = json.loads(out)
    assert report["metrics"] == dict.fromkeys(NAMES)
    assert report["n_images"] == 0
    assert str(error) == "3 of 3 files failed: p_1, p_2, p_3"


def test_two_files_of_one_stem_are_refused(folders, zoo_score, tmp_path):
    (tmp_path / "pred" / "p_1.bmp").write_bytes(b"")
    _, _, error = zoo_score("pred", "target")
    assert type(error) is DataError
    assert "p_1.bmp and p_1.png have the same name" in str(error)


def test_limit_takes_the_first_targets(folders, zoo_score, tmp_path):
    # Predictions made with the same limit: the third is not there and is not missed.
    (tmp_path / "pred" / "p_3.png").unlink()
    out, _, error = zoo_score("pred", "target", "--limit", 2, "--json")
    assert error is None
    assert [row["image"] for row in json.loads(out)["per_image"]] == ["p_1", "p_2"]


def test_rounding_and_dialect(folders, zoo_score):
    out, _, _ = zoo_score("pred", "target", "--rounding", "truncated", "--json")
    # Predictions from 8-bit files are what they were.
    assert json.loads(out)["metrics"] == pytest.approx(json.loads(zoo_score("pred", "target", "--json")[0])["metrics"])
    assert json.loads(out)["rounding"] == "truncated"
    _, _, error = zoo_score("pred", "target", "--dialect", "dimm")
    assert type(error) is UsageError
    assert str(error).startswith("no dialect 'dimm'; dialects: p3m, ")
    assert str(error).endswith("Did you mean 'dim'?")


def test_output_folder(folders, zoo_score, tmp_path):
    out, _, error = zoo_score("pred", "target", "--output", "result/here", "--json")
    assert error is None
    saved = json.loads((tmp_path / "result" / "here" / "report.json").read_text())
    assert saved["metrics"] == json.loads(out)["metrics"]
    rows = list(csv.DictReader((tmp_path / "result" / "here" / "per_image.csv").read_text().splitlines()))
    assert list(rows[0]) == ["image", "height", "width", *NAMES]
    assert (rows[0]["image"], rows[0]["SAD-T"]) == ("p_1", "")
    page = (tmp_path / "result" / "here" / "report.html").read_text()
    assert page.count("data:image/jpeg") == 3 * 3, "target, matte and error of three pairs"


def test_the_page_shows_the_pictures_where_they_are_given(folders, zoo_score, tmp_path):
    (tmp_path / "images").mkdir()
    write_png(tmp_path / "images" / "p_2.png", np.zeros((20, 24, 3), np.uint8))
    _, _, error = zoo_score("pred", "target", "--images", "images", "--output", "result")
    assert error is None
    assert (tmp_path / "result" / "report.html").read_text().count("data:image/jpeg") == 3 * 3 + 2
    _, _, error = zoo_score("pred", "target", "--images", "images")
    assert type(error) is UsageError


def test_an_output_folder_that_cannot_be_made(folders, zoo_score, tmp_path):
    (tmp_path / "file").write_text("")
    _, _, error = zoo_score("pred", "target", "--output", "file/here")
    assert str(error).startswith("file/here: the report cannot be written (")


def test_mattes_of_any_tool_become_a_row_of_the_table(folders, zoo_score, tmp_path):
    words = ("--model", "another tool", "--dataset", "P3M-10k", "--split", "p3m_500_p", "--given-trimap")
    out, _, error = zoo_score("pred", "target", *words, "--output", "result", "--json")
    assert error is None
    report = json.loads(out)
    assert (report["model"], report["dataset"], report["split"]) == ("another tool", "P3M-10k", "P3M-500-P")
    assert (report["n_published"], report["complete"], report["needs_trimap"]) == (500, False, True)
    from zoo.cli.bench_accuracy import accuracy

    done = CliRunner().invoke(
        accuracy, ["--no-plugins", "--records", "result", "--split", "P3M-500-P", "--json"], standalone_mode=False
    )
    assert done.exception is None
    (row,) = [row for row in json.loads(done.stdout)["splits"][0]["rows"] if row["kind"] == "record"]
    assert (row["method"], row["given"], row["comparable"], row["n_images"]) == ("another tool", "trimap", False, 3)
    assert row["metrics"]["SAD"] == report["metrics"]["SAD"]
    assert row["source"].startswith("mattes from files, ")


def test_half_an_origin_is_refused(folders, zoo_score):
    _, _, error = zoo_score("pred", "target", "--model", "x", "--split", "P3M-500-P")
    assert type(error) is UsageError
    assert str(error).endswith("--dataset is missing")
    _, _, error = zoo_score("pred", "target", "--model", "x", "--dataset", "P3M-10k", "--split", "P3M-500-Q")
    assert type(error) is NotFoundError
