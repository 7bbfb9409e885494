"""The golden vectors are what their generator makes, and zoo meets them, from Python and on the command line."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from zoo.data.images import _ANY, _decode, read_alpha, read_trimap
from zoo.metrics.definitions import DIALECTS
from zoo.metrics.golden import FOLDER, expected
from zoo.metrics.score import score

PARTS = ("prediction", "target", "trimap")

DOCUMENT = expected()

RECORDS = DOCUMENT["expected"]

RUNS = sorted({(record["dialect"], record["trimap"], record["rounding"]) for record in RECORDS})


def meets(metric, found, value):
    """Within the tolerance that expected.json states."""
    if found is None or value is None:
        return found is value
    relative = DOCUMENT["tolerance"].get(metric, DOCUMENT["tolerance"]["pixel"])
    return found == pytest.approx(value, rel=relative, abs=DOCUMENT["tolerance"]["absolute"])


def matching(*run):
    return [record for record in RECORDS if (record["dialect"], record["trimap"], record["rounding"]) == run]


def test_the_files_are_what_the_generator_makes(make_golden):
    cases = make_golden.cases()
    for part in PARTS:
        assert sorted(path.name for path in (FOLDER / part).iterdir()) == sorted(f"{case.name}.png" for case in cases)
        for case in cases:
            pixels, drawn = _decode(FOLDER / part / f"{case.name}.png", _ANY), getattr(case, part)
            assert pixels.dtype == drawn.dtype, (part, case.name)
            assert pixels.shape == drawn.shape, (part, case.name)
            assert (pixels == drawn).all(), (part, case.name)


def test_the_values_are_what_the_generator_works_out(make_golden):
    made = make_golden.document()
    assert {key: value for key, value in made.items() if key != "expected"} == {
        key: value for key, value in DOCUMENT.items() if key != "expected"
    }
    assert len(made["expected"]) == len(RECORDS)
    for ours, theirs in zip(made["expected"], RECORDS, strict=True):
        # The last digits of a sum may depend on the machine.
        for metric, value in ours.pop("values").items():
            same = theirs["values"][metric]
            assert value is same if None in (value, same) else value == pytest.approx(same, rel=1e-12, abs=1e-15)
        for contrast, other in zip(ours.pop("contrast", []), theirs.get("contrast", []), strict=True):
            assert contrast == {**other, "value": pytest.approx(other["value"], rel=1e-12)}
        assert ours.items() <= theirs.items()


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_zoo_meets_them(run):
    dialect, with_trimap, rounding = run
    for record in matching(*run):
        alpha, target = (read_alpha(FOLDER / part / f"{record['case']}.png") for part in PARTS[:2])
        trimap = read_trimap(FOLDER / "trimap" / f"{record['case']}.png") if with_trimap else None
        found = score(alpha, target, trimap, dialect, rounding)
        assert list(found) == list(record["values"])
        for metric, value in record["values"].items():
            assert meets(metric, found[metric], value), (record["case"], metric, found[metric], value)


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_the_command_line_meets_them(zoo, run):
    dialect, with_trimap, rounding = run
    folders = [FOLDER / "prediction", FOLDER / "target", *(["--trimap", FOLDER / "trimap"] if with_trimap else [])]
    result = zoo("score", *folders, "--dialect", dialect, "--rounding", rounding, "--json", tiny=False)
    assert result.code == 0, result.err
    report = json.loads(result.out)
    assert (report["dialect"], report["rounding"]) == (dialect, rounding)
    rows = {row["image"]: row for row in report["per_image"]}
    assert len(rows) == len(DOCUMENT["cases"])
    for record in matching(*run):
        for metric, value in record["values"].items():
            found = rows[record["case"]][metric]
            assert meets(metric, found, value), (record["case"], metric, found, value)


def test_every_case_is_in_every_dialect_and_says_where_its_values_come_from():
    assert DOCUMENT["schema"] == "zoo-golden/1"
    names = [case["name"] for case in DOCUMENT["cases"]]
    with_trimap = [(record["case"], record["dialect"]) for record in matching_all(trimap=True, rounding="float")]
    assert sorted(with_trimap) == sorted((name, dialect) for name in names for dialect in DIALECTS)
    for record in RECORDS:
        assert record["derivation"].keys() == record["values"].keys()
        for metric, why in record["derivation"].items():
            assert why.startswith(("by hand: ", "plain: plain", "undefined: "))
            assert (record["values"][metric] is None) == why.startswith("undefined: ")


def matching_all(**words):
    return [record for record in RECORDS if words.items() <= record.items()]


def test_they_are_small():
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 100_000


def test_153_is_in_one_case_only(make_golden):
    having = {case.name for case in make_golden.cases() for part in PARTS if (getattr(case, part) == 153).any()}
    assert having == {"value-153"}


def test_contrasts_are_what_other_definitions_give(make_golden, load_beside):
    dim, mmagic, paddleseg = (load_beside(f"plain_{name}") for name in ("dim", "mmagic", "paddleseg"))
    cases = {case.name: case for case in make_golden.cases()}

    def other(record, what):
        case = cases[record["case"]]
        mattes = case.prediction / 255, case.target / 255
        unknown = case.trimap == 128
        # p3m is dim over the whole image and with ties by rows; these cases are unknown everywhere.
        plain = {
            "p3m": lambda **words: dim.conn(*mattes, np.ones_like(unknown), **{"by": "rows", **words}),
            "dim": lambda **words: dim.conn(*mattes, unknown, **words),
            "mmagic": lambda **words: mmagic.conn(*mattes, unknown, **words),
            "paddleseg": lambda **words: paddleseg.conn(*mattes, [tuple(p) for p in np.argwhere(unknown)], **words),
        }[record["dialect"]]
        return {
            "8-connected components": lambda: plain(neighbours=8),
            "ties by column order": lambda: plain(by="columns"),
            "ties by row order": lambda: plain(by="rows"),
            # No set is empty there, so mmagic's rule for that does not matter.
            "levels from numpy.arange, compared in float64": lambda: mmagic.conn(*mattes, unknown),
            "levels exactly k / 10, or compared in float32": lambda: plain(arange=False),
            "edge pixels mirrored instead of repeated": lambda: dim.grad(*mattes, unknown, beyond="reflect"),
            "zeros beyond the edge": lambda: dim.grad(*mattes, unknown, beyond="constant"),
        }[what]()

    seen = set()
    for record in RECORDS:
        for contrast in record.get("contrast", ()):
            assert contrast["value"] == pytest.approx(other(record, contrast["if"]), rel=1e-9)
            assert not meets(contrast["metric"], contrast["value"], record["values"][contrast["metric"]])
            seen.add((record["case"], record["dialect"]))
    assert {("diagonal", dialect) for dialect in DIALECTS} <= seen
    assert {("value-153", dialect) for dialect in DIALECTS} <= seen
    assert {("tie", "p3m"), ("tie", "dim"), ("border", "dim")} <= seen


def test_the_script_of_the_documentation_runs():
    text = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    lines = result.stdout.splitlines()
    assert len(lines) == 2 * len(DOCUMENT["cases"])
    assert {line[:4] for line in lines} == {"ok  "}
    # It must be able to fail.
    wrong = script.replace("trimap == 128", "trimap < 255")
    result = subprocess.run([sys.executable, "-c", wrong], capture_output=True, text=True, check=True)
    assert "FAIL" in result.stdout


def test_the_documentation_names_every_dialect_metric_and_case():
    text = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
    for dialect, definition in DIALECTS.items():
        assert f"| `{dialect}`" in text
        for metric in definition.metrics:
            assert metric.name.replace("SAD-FG", "-FG").replace("SAD-BG", "-BG") in text
    for case in DOCUMENT["cases"]:
        assert f"| `{case['name']}` | {case['height']} x {case['width']} | {case['about']} |" in text
