import copy

import pytest

from registry import UsageError
from zoo.report.recheck import expected_rounding, recheck, verdict

ROWS = [
    {"image": name, "matte_sha256": f"m{name}", "target_sha256": f"t{name}", "SAD": value, "GRAD": value}
    for name, value in (("a", 1.0), ("b", 3.0))
]
MEANS = {"SAD": 2.0, "GRAD": 2.0, "CONN": None}
RECORD = {"per_image": ROWS, "metrics": {**MEANS, "SAD": 2.5}, "saved_metrics": MEANS, "rounding": "truncated"}
FOUND = {"per_image": ROWS, "metrics": MEANS}


def changed(base, row=None, **metrics):
    found = copy.deepcopy(base)
    found["per_image"][1].update(row or {})
    found["metrics"].update(metrics)
    return found


def test_agrees_with_the_figures_of_the_files_not_with_those_before_rounding():
    outcome = recheck(RECORD, FOUND)
    assert outcome["agrees"]
    assert outcome["metrics"]["SAD"]["recorded"] == 2.0
    assert verdict(outcome) == ["the record agrees: 2 mattes, SAD, GRAD; largest difference 0"]
    assert expected_rounding(RECORD) == "float"


def test_a_record_of_files_has_its_figures_once():
    record = {**RECORD, "saved_metrics": None, "metrics": MEANS}
    assert recheck(record, FOUND)["agrees"]
    assert expected_rounding(record) == "truncated"


@pytest.mark.parametrize(
    ("name", "relative", "agrees"),
    [("SAD", 0.5e-9, True), ("SAD", 2e-9, False), ("GRAD", 0.5e-6, True), ("GRAD", 2e-6, False)],
)
def test_tolerance(name, relative, agrees):
    outcome = recheck(RECORD, changed(FOUND, **{name: 2.0 * (1 + relative)}))
    assert outcome["agrees"] is agrees
    assert outcome["metrics"][name]["relative"] == pytest.approx(relative, rel=1e-3)


def test_other_mattes_other_truth_and_missing_ones_are_named():
    outcome = recheck(RECORD, changed(FOUND, {"matte_sha256": "x"}))
    assert (outcome["agrees"], outcome["mattes_differ"], outcome["targets_differ"]) == (False, ["b"], [])
    assert verdict(outcome)[0] == "1 of 2 mattes are not those that were recorded: b"
    outcome = recheck(RECORD, changed(FOUND, {"target_sha256": "x"}))
    assert (outcome["agrees"], outcome["targets_differ"]) == (False, ["b"])
    outcome = recheck(RECORD, {**FOUND, "per_image": ROWS[:1]})
    assert (outcome["agrees"], outcome["mattes_missing"]) == (False, ["b"])
    # A record from before targets had digests says nothing of them.
    old = changed(RECORD, {"target_sha256": None})
    assert recheck(old, changed(FOUND, {"target_sha256": "x"}))["agrees"]


def test_what_these_folders_do_not_give_is_said():
    outcome = recheck(RECORD, changed(FOUND, GRAD=None))
    assert outcome["agrees"]
    assert outcome["not_computed"] == ["GRAD"]
    assert "not computed here: GRAD" in verdict(outcome)[0]
    assert not recheck(RECORD, changed(FOUND, GRAD=None, SAD=None))["agrees"], "nothing was compared"


def test_zero_is_zero():
    assert recheck(changed(RECORD, SAD=0.0) | {"saved_metrics": {"SAD": 0.0}}, changed(FOUND, SAD=0.0))["agrees"]


def test_a_record_without_digests_cannot_be_checked():
    with pytest.raises(UsageError, match="holds no digest of b's matte"):
        expected_rounding(changed(RECORD, {"matte_sha256": None}))
    with pytest.raises(UsageError, match="holds no images"):
        expected_rounding({**RECORD, "per_image": []})
