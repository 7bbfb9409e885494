"""Comparisons, gates and their text, on made-up reports."""

from __future__ import annotations

import made_up
import pytest

from registry import NotFoundError, UsageError
from zoo.metrics.comparable import column, same_number
from zoo.metrics.definitions import DIALECTS, Definition, Dialect
from zoo.metrics.statistics import interval
from zoo.report.compare import Side, circumstances, compare, gap_within, read_side
from zoo.report.compare_text import compare_text, gate_line
from zoo.report.gate import check_gates, parse_gate
from zoo.report.reading import read_checked, reports_in

BETTER = {"SAD": True, "MSE": True, "MAD": True, "CONN": True}
P, NP = "P3M-500-P", "P3M-500-NP"


def side(mads, name="x", **changes) -> Side:
    truth = changes.pop("truth", "t")
    report = made_up.report(made_up.rows(mads, truth), **changes)
    return Side(name, {report["split"] or "": report})


# --- Reading ---


def test_sides_are_files_and_folders(tmp_path):
    made_up.write(tmp_path / "one")
    for split in (NP, P):
        made_up.write(tmp_path / "two" / split, split=split)
    assert list(read_side(tmp_path / "one").reports) == list(read_side(tmp_path / "one" / "report.json").reports) == [P]
    assert list(read_side(tmp_path / "two").reports) == [P, NP]
    assert reports_in(tmp_path / "two") == [tmp_path / "two" / split / "report.json" for split in (NP, P)]


def test_nothing_to_read(tmp_path):
    with pytest.raises(NotFoundError, match=r"no file or folder .*gone"):
        read_side(tmp_path / "gone")
    (tmp_path / "run" / "checkpoints").mkdir(parents=True)
    with pytest.raises(NotFoundError, match="evaluate it with `zoo eval`"):
        read_side(tmp_path / "run")
    for stamp in ("a", "b"):
        made_up.write(tmp_path / "eval" / stamp)
    with pytest.raises(UsageError, match=r"two reports on split P3M-500-P: name one, .*a and .*b"):
        read_side(tmp_path / "eval")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"metrics": {"MAD": 0.5}}, "it states MAD 0.5, but the mean of its rows is 0.02"),
        ({"metrics": {"MAD": None}}, "it states MAD None, but the mean of its rows is 0.02"),
        ({"metrics": {"MAD": True}}, "metrics: MAD is True, no finite number"),
        ({"n_images": 500}, "it states n_images 500, but has 3 rows"),
        ({"per_image": made_up.rows([0.01]) * 2}, "image 'p0' is there twice"),
        ({"per_image": made_up.rows([0.01], SAD="x"), "metrics": {}}, "p0: SAD is 'x', no finite number"),
        ({"checkpoint_sha256": 7}, "checkpoint_sha256 is 7, no text"),
        ({"config": []}, r"config is \[\], no mapping"),
        ({"per_image": made_up.rows([0.01], target_sha256=1)}, "target_sha256 is 1, no text"),
    ],
)
def test_a_report_that_its_rows_do_not_bear_out(tmp_path, change, says):
    with pytest.raises(UsageError, match=says):
        read_checked(made_up.write(tmp_path, **change))


def test_a_number_too_large_for_a_float_is_none(tmp_path):
    made_up.write(tmp_path)
    file = tmp_path / "report.json"
    file.write_text(file.read_text().replace('"MAD": 0.01', '"MAD": 1e999'))
    with pytest.raises(UsageError, match="MAD is inf, no finite number"):
        read_checked(tmp_path)


def test_means_added_up_in_another_order_are_the_same(tmp_path):
    report = made_up.report()
    report["metrics"]["MAD"] *= 1 + 1e-12
    assert (
        read_checked(made_up.write(tmp_path, metrics=report["metrics"]))["metrics"]["MAD"] == report["metrics"]["MAD"]
    )


# --- Paired ---


def test_paired_by_hand():
    a, b = side([0.01, 0.02, 0.03, 0.5]), side({"p0": 0.02, "p1": 0.02, "p2": 0.01, "q": 0.7}, checkpoint_sha256="cd")
    found = compare(a, b, lower_is_better=BETTER)
    assert (found["schema"], found["kind"], found["metrics"]) == (
        "zoo-compare/1",
        "paired",
        ["SAD", "MSE", "MAD", "CONN"],
    )
    (part,) = found["parts"]
    assert (part["n_a"], part["n_b"], part["n_paired"], part["only_a"], part["only_b"]) == (4, 4, 3, ["p3"], ["q"])
    entry = part["metrics"]["MAD"]
    # Means are over the pairs only.
    assert (entry["a"], entry["b"]) == (pytest.approx(0.02), pytest.approx(0.05 / 3))
    assert entry["a_interval"] == list(interval([0.01, 0.02, 0.03]))
    difference = entry["difference"]
    assert difference["mean"] == pytest.approx(-0.01 / 3)
    assert [difference[key] for key in ("n", "wins", "losses", "ties")] == [3, 1, 1, 1]
    assert part["mattes_identical"] == 1  # p1
    changed = part["changed"]
    assert changed["by"] == "MAD"
    assert [(c["image"], c["difference"]) for c in changed["better"]] == [("p2", pytest.approx(-0.02))]
    assert [(c["image"], c["difference"]) for c in changed["worse"]] == [("p0", pytest.approx(0.01))]
    assert [c["what"] for c in part["circumstances"]] == ["checkpoint_sha256"]


def test_images_that_changed_most_are_five_each_way():
    changes = [-0.01 * i for i in range(1, 8)] + [0.001 * i for i in range(1, 8)]
    a, b = side([0.5] * 14), side([0.5 + change for change in changes])
    changed = compare(a, b, ["SAD", "MAD"])["parts"][0]["changed"]
    assert changed["by"] == "SAD"
    assert [c["image"] for c in changed["better"]] == ["p6", "p5", "p4", "p3", "p2"]
    assert [c["image"] for c in changed["worse"]] == ["p13", "p12", "p11", "p10", "p9"]


def test_a_metric_where_more_is_better():
    def with_sharp(values):
        rows = [row | {"SHARP": value} for row, value in zip(made_up.rows([0.1] * 3), values, strict=True)]
        return Side("x", {P: made_up.report(rows)})

    a, b = with_sharp([1.0, 1.0, 1.0]), with_sharp([2.0, 3.0, 0.5])
    (part,) = compare(a, b, ["SHARP"], {"SHARP": False})["parts"]
    assert part["metrics"]["SHARP"]["difference"]["wins"] == 2
    assert [c["image"] for c in part["changed"]["better"]] == ["p1", "p0"]
    assert [c["image"] for c in part["changed"]["worse"]] == ["p2"]
    unknown = compare(a, b, ["SHARP"])
    assert unknown["parts"][0]["metrics"]["SHARP"]["difference"]["wins"] == 1
    assert "SHARP (lower taken as better)" in compare_text(unknown)


def test_images_scored_against_another_truth_are_left_out():
    a = side([0.01, 0.02, 0.03])
    b = side([0.01, 0.02, 0.03])
    b.reports[P]["per_image"][1]["target_sha256"] = "other"
    b.reports[P]["per_image"][2]["height"] = 999
    (part,) = compare(a, b)["parts"]
    assert (part["truth_differs"], part["n_paired"]) == (["p1", "p2"], 1)
    assert "Scored against another truth, left out: 2 images, p1, p2." in compare_text(compare(a, b))
    with pytest.raises(UsageError, match="another truth on every image"):
        compare(a, side([0.01, 0.02, 0.03], truth="u"))


def test_older_reports_without_digests_are_compared_and_it_is_said():
    a, b = side([0.01, 0.02]), side([0.01, 0.03])
    for row in a.reports[P]["per_image"]:
        del row["target_sha256"], row["matte_sha256"]
    found = compare(a, b)
    assert (found["parts"][0]["truth_not_stated"], found["parts"][0]["mattes_identical"]) == (2, 0)
    assert "No digest shows that 2 images had the same truth on both sides." in compare_text(found)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"rounding": "truncated"}, "another rounding, x has float and y has truncated"),
        ({"dataset": "demo"}, "another data set, x has P3M-10k and y has demo"),
        ({"resolution": "512"}, "another size, x has native and y has 512"),
        ({"split": NP, "model": "other"}, "x is on P3M-500-P and y on P3M-500-NP; .* these have model tiny and other"),
        ({"split": NP, "protocol": "half"}, "these have protocol cut 512 and half"),
        ({"split": NP, "checkpoint_sha256": "cd" * 32}, "checkpoint_sha256 abababababab and cdcdcdcdcdcd"),
    ],
)
def test_what_cannot_be_compared(change, says):
    with pytest.raises(UsageError, match=says):
        compare(side([0.1, 0.2]), side([0.1, 0.2], "y", **change))


def test_no_image_in_common():
    with pytest.raises(UsageError, match="x and y have no image in common"):
        compare(side([0.1]), side({"q": 0.1}, "y"))


def test_several_splits():
    a = Side("a", {P: made_up.report(), NP: made_up.report(split=NP)})
    b = Side("b", {NP: made_up.report(split=NP), "val": made_up.report(split="val")})
    found = compare(a, b)
    assert [part["split_a"] for part in found["parts"]] == [NP]
    assert found["splits_not_shared"] == [P, "val"]
    assert "Only one side has: P3M-500-P, val." in compare_text(found)
    with pytest.raises(UsageError, match="no split in common: a has P3M-500-P, P3M-500-NP, c has val"):
        compare(a, Side("c", {"val": made_up.report(split="val")}))


def test_scored_files_beside_an_evaluation():
    files = {"model": None, "dataset": None, "split": None, "protocol": None}
    found = compare(side([0.01, 0.02]), side([0.02, 0.03], "files", **files))
    assert (found["kind"], found["parts"][0]["n_paired"]) == ("paired", 2)
    two = compare(side([0.01, 0.02], **files), side([0.02, 0.03], "files", **files))
    assert compare_text(two).count("Scored mattes: 2 images on both sides") == 1
    without = side([0.02, 0.03], "files", **files)
    del without.reports[""]["per_image"][0]["target_sha256"]
    with pytest.raises(UsageError, match=r"only one of x and files names its dataset, .* score the other again"):
        compare(side([0.01, 0.02]), without)


# --- Dialects ---


@pytest.fixture
def dialects(monkeypatch):
    """``whole`` has SAD, MSE and MAD of ``p3m`` and a CONN of its own, ``region`` nothing of it."""
    shared = [d for d in DIALECTS["p3m"].metrics if d.name in ("SAD", "MSE", "MAD")]
    own = [Definition(name, f"elsewhere:{name.lower()}", "") for name in ("SAD", "MSE", "MAD", "CONN")]
    found = {"p3m": DIALECTS["p3m"], "whole": Dialect("w", (*shared, own[3])), "region": Dialect("r", tuple(own))}
    monkeypatch.setattr("zoo.metrics.comparable.DIALECTS", found)


def test_only_what_two_dialects_mean_alike_is_compared(dialects):
    a, b = side([0.01, 0.02]), side([0.01, 0.03], dialect="whole")
    found = compare(a, b)
    assert found["metrics"] == ["SAD", "MSE", "MAD"]
    assert found["left_out"] == {"CONN": "dialects p3m and whole mean different numbers by it"}
    assert "Not compared: CONN, dialects p3m and whole" in compare_text(found)
    with pytest.raises(UsageError, match="CONN cannot be compared: dialects p3m and whole"):
        compare(a, b, ["MAD", "CONN"])
    with pytest.raises(UsageError, match="not comparable by any metric: dialects p3m and region mean"):
        compare(a, side([0.01, 0.03], dialect="region"))
    assert same_number("CONN", "whole", "whole")
    with pytest.raises(UsageError, match="--fail-on 'CONN': CONN is not compared"):
        check_gates([parse_gate("CONN")], found)


def test_real_dialects_that_share_no_number():
    a = [{**row, "unknown_width": 9.0} for row in made_up.rows([0.01, 0.02])]
    with pytest.raises(UsageError, match="dialects p3m and mmagic mean different numbers"):
        compare(Side("a", {P: made_up.report(a)}), side([0.01, 0.03], dialect="mmagic"))
    # PaddleSeg's are over the unknown region with a trimap, over the whole image without.
    with_trimaps = Side("a", {P: made_up.report(a, dialect="paddleseg")})
    without = side([0.01, 0.03], dialect="paddleseg")
    assert compare(with_trimaps, with_trimaps)["metrics"] == ["SAD", "MSE", "MAD", "CONN"]
    assert set(compare(with_trimaps, without)["left_out"]) == {"SAD", "MSE", "CONN"}
    assert column("SAD", "paddleseg") == "SAD (paddleseg)"
    assert column("SAD", "paddleseg", trimaps=False) == "SAD (paddleseg, without trimaps)"
    assert column("SAD", "p3m", trimaps=False) == "SAD"


def test_columns(dialects):
    assert [column(name, "p3m") for name in ("SAD", "MAD", "CONN", "SAD-T")] == [
        "SAD",
        "MAD",
        "CONN (p3m)",
        "SAD-T (p3m)",
    ]
    assert [column(name, "whole") for name in ("SAD", "CONN")] == ["SAD", "CONN (whole)"]
    assert [column(name, "region") for name in ("SAD", "CONN")] == ["SAD (region)", "CONN (region)"]
    assert [column(name, "not stated") for name in ("MSE", "GRAD")] == ["MSE", "GRAD (dialect not stated)"]
    assert column("SAD", "never heard of") == "SAD (never heard of)"
    assert column("acme/SHARP", "p3m") == column("acme/SHARP", "region") == "acme/SHARP"
    assert same_number("acme/SHARP", "p3m", "region")
    assert not same_number("MAD", "p3m", "never heard of")


# --- Metrics asked for ---


def test_metrics_asked_for():
    a, b = side([0.01, 0.02]), side([0.01, 0.03])
    assert compare(a, b, ["MAD"])["metrics"] == ["MAD"]
    with pytest.raises(UsageError, match=r"no metric 'MADD' in these reports; .* Did you mean 'MAD'\?"):
        compare(a, b, ["MADD"])
    with pytest.raises(UsageError, match="SAD-T cannot be compared: neither has a value"):
        compare(a, b, ["SAD-T"])


def test_a_metric_that_one_side_lacks():
    rows = [row | {"SAD-T": 1.0} for row in made_up.rows([0.01, 0.02])]
    a, b = Side("a", {P: made_up.report(rows)}), side([0.01, 0.03])
    assert compare(a, b)["left_out"] == {"SAD-T": "only A has a value"}
    assert compare(b, a)["left_out"] == {"SAD-T": "only B has a value"}


# --- Gaps ---


def test_the_privacy_gap_of_one_model():
    both = Side("out", {NP: made_up.report(made_up.rows({"n": 0.05, "m": 0.07}), split=NP), P: made_up.report()})
    a, b = gap_within(both)
    assert (a.name, b.name) == ("out/P3M-500-P", "out/P3M-500-NP")
    found = compare(a, b)
    (part,) = found["parts"]
    assert (found["kind"], part["split_a"], part["split_b"], part["n_paired"]) == ("gap", P, NP, 0)
    assert part["metrics"]["MAD"]["difference"]["mean"] == pytest.approx(0.04)
    assert "P3M-10k P3M-500-NP minus P3M-500-P: 3 and 2 images, none of them the same" in compare_text(found)


def test_two_results_on_both_splits_show_both_gaps():
    def result(name, shift, **changes):
        other = made_up.report(made_up.rows([0.05 + shift, 0.07 + shift]), split=NP, **changes)
        return Side(name, {P: made_up.report(made_up.rows([0.01, 0.03])), NP: other})

    gaps = compare(result("a", 0), result("b", 0.01))["privacy_gaps"]
    assert gaps["a"]["MAD"]["mean"] == pytest.approx(0.04)
    assert gaps["b"]["MAD"]["mean"] == pytest.approx(0.05)
    assert "Privacy gap: P3M-500-NP minus P3M-500-P" in compare_text(compare(result("a", 0), result("b", 0.01)))
    # Two splits of different weights are no gap of one model.
    assert "privacy_gaps" not in compare(result("a", 0), result("b", 0, checkpoint_sha256="cd"))


def test_a_folder_of_other_splits():
    first, second = gap_within(Side("out", {"val": made_up.report(split="val"), "test": made_up.report(split="test")}))
    assert (list(first.reports), list(second.reports)) == (["test"], ["val"])
    with pytest.raises(UsageError, match="out has only P3M-500-P: name a second result"):
        gap_within(Side("out", {P: made_up.report()}))
    with pytest.raises(UsageError, match="out has the splits a, b, c"):
        gap_within(Side("out", dict.fromkeys("abc", made_up.report())))


# --- Circumstances ---


def test_circumstances():
    a = made_up.report(versions={"numpy": "1.26"}, config={"eval": {"short_side": 512}, "data": {"root": "here"}})
    b = made_up.report(
        versions={"numpy": "1.25", "torch": "2"},
        config={"eval": {"short_side": 256}, "data": {"root": "there"}},
        protocol="pad 512",
        started="2027-01-01T00:00:00+0000",
    )
    assert circumstances(a, b) == [
        {"what": "protocol", "a": "cut 512", "b": "pad 512"},
        {"what": "config.eval.short_side", "a": 512, "b": 256},
        {"what": "versions.numpy", "a": "1.26", "b": "1.25"},
        {"what": "versions.torch", "a": None, "b": "2"},
    ]
    assert circumstances(a, a) == []


# --- Gates ---


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("MAD", ("MAD", ">", 0, False)),
        (" acme/X-T > 5e-4", ("acme/X-T", ">", 0.0005, False)),
        ("SAD-T", ("SAD-T", ">", 0, False)),
        ("SAD-T-2", ("SAD-T", "-", 2, False)),
        ("MAD+0.001", ("MAD", "+", 0.001, False)),
        ("forward_p50 + 10%", ("forward_p50", "+", 10, True)),
        ("images_per_s-2.5 %", ("images_per_s", "-", 2.5, True)),
    ],
)
def test_gates_are_read(text, parts):
    gate = parse_gate(text)
    assert (gate.metric, gate.sign, gate.number, gate.percent) == parts


@pytest.mark.parametrize(
    "text", ["", ">1", "MAD>", "MAD>x", "MAD>-1", "MAD>nan", "MAD>inf", "MAD>1>2", "MAD+", "MAD-", "M%"]
)
def test_gates_that_mean_nothing(text):
    with pytest.raises(UsageError, match=r"write METRIC, METRIC\+NUMBER"):
        parse_gate(text)


@pytest.mark.parametrize(
    ("gate", "b", "passed"),
    [
        ("MAD>0.02", [0.12, 0.12, 0.12], True),  # worse by exactly the threshold, but for rounding
        ("MAD>0.019", [0.12, 0.12, 0.12], False),
        ("MAD>0", [0.1, 0.1, 0.1], True),
        ("MAD>0", [0.1, 0.1, 0.10001], False),  # the number alone decides
        ("MAD+0", [0.1, 0.1, 0.10001], True),  # beyond the number, but the interval holds zero
        ("MAD>0", [0.10001, 0.10002, 0.10001], False),
        ("MAD+10%", [0.12, 0.12, 0.12], False),
        ("MAD+21%", [0.12, 0.12, 0.12], True),
        ("MAD-0.01", [0.12, 0.12, 0.12], True),
        ("MAD-0.01", [0.08, 0.08, 0.08], False),  # better, but that is not what was asked
        ("MAD", [0.12, 0.12, 0.12], False),
        ("MAD", [0.05, 0.15, 0.11], True),  # worse on the mean, but the interval holds zero
        ("MAD", [0.01, 0.02, 0.01], True),
    ],
)
def test_gates_by_hand(gate, b, passed):
    found = compare(side([0.1, 0.1, 0.1]), side(b))
    (outcome,) = check_gates([parse_gate(gate.replace("0.02", "0.0200001"))], found)
    assert outcome["passed"] is passed
    assert gate_line(outcome).startswith("passed" if passed else "FAILED")


def test_a_gate_on_a_metric_where_more_is_better():
    def with_sharp(values):
        rows = [row | {"SHARP": value} for row, value in zip(made_up.rows([0.1] * 3), values, strict=True)]
        return Side("x", {P: made_up.report(rows)})

    a = with_sharp([2.0, 2.0, 2.0])
    lower = compare(a, with_sharp([1.0, 1.0, 1.0]), ["SHARP"], {"SHARP": False})
    higher = compare(a, with_sharp([3.0, 3.0, 3.0]), ["SHARP"], {"SHARP": False})
    (bad,), (good,) = (check_gates([parse_gate("SHARP")], found) for found in (lower, higher))
    assert (bad["passed"], bad["worse_by"], bad["low"], bad["high"]) == (False, 1, 1, 1)
    assert (good["passed"], good["worse_by"]) == (True, -1)
    assert gate_line(good) == "passed: SHARP on P3M-500-P: better by 1"


def test_one_image_has_no_interval_and_still_a_gate():
    (outcome,) = check_gates([parse_gate("MAD")], compare(side([0.1]), side([0.2])))
    assert (outcome["passed"], outcome["low"]) == (False, None)


def test_a_gate_that_nothing_can_be_held_against_fails():
    a = [row | {"SAD-T": value} for row, value in zip(made_up.rows([0.1, 0.1]), (1.0, None), strict=True)]
    b = [row | {"SAD-T": value} for row, value in zip(made_up.rows([0.1, 0.1]), (None, 1.0), strict=True)]
    found = compare(Side("a", {P: made_up.report(a)}), Side("b", {P: made_up.report(b)}))
    (outcome,) = check_gates([parse_gate("SAD-T>9")], found)
    assert (outcome["passed"], outcome["worse_by"]) == (False, None)
    assert gate_line(outcome) == "FAILED: SAD-T>9 on P3M-500-P: no image has it on both sides"
    with pytest.raises(UsageError, match=r"no metric 'MADD' is compared; .* Did you mean 'MAD'\?"):
        check_gates([parse_gate("MADD")], found)


def test_gates_count_for_every_split_and_for_a_gap():
    a = Side("a", {P: made_up.report(), NP: made_up.report(split=NP)})
    worse = made_up.report(made_up.rows([0.02, 0.03, 0.04]), split=NP)
    outcomes = check_gates([parse_gate("MAD")], compare(a, Side("b", {P: made_up.report(), NP: worse})))
    assert [(o["split"], o["passed"]) for o in outcomes] == [(P, True), (NP, False)]
    (outcome,) = check_gates([parse_gate("MAD>0.001")], compare(side([0.1, 0.1]), side([0.2, 0.2], split=NP)))
    assert (outcome["split"], outcome["passed"]) == ("P3M-500-P to P3M-500-NP", False)


# --- Text ---


def test_the_text_says_what_b_is():
    text = compare_text(compare(side([0.1, 0.1, 0.1]), side([0.2, 0.21, 0.22], "y"), lower_is_better=BETTER))
    assert "A: x (tiny 1.0, checkpoint abababababab, dialect p3m, rounding float, protocol cut 512)" in text
    line = next(line for line in text.splitlines() if line.startswith("| MAD "))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[1] == "0.10000 [0.10000, 0.10000]"
    assert cells[3].startswith("+0.11000 [+0.1")
    assert cells[4:] == ["worse", "3", "0", "3", "0", "0.250"]  # p: 2 of 8 assignments of signs
    assert "Nothing else differs between the two." in text
    assert "With 3 images intervals are rough, and no p-value is below 0.25." in text
    assert "intervals are rough" not in compare_text(compare(side([0.1] * 10), side([0.2] * 10)))
    assert compare_text(compare(side([0.1, 0.1]), side([0.1, 0.1]), ["MAD"])).count("| same |") == 1
    assert "| not clear |" in compare_text(compare(side([0.1, 0.2]), side([0.2, 0.1]), ["MAD"]))
    assert "| better |" in compare_text(compare(side([0.1, 0.2]), side([0.05, 0.1]), ["MAD"]))


def test_long_lists_are_cut():
    a, b = side([0.1] * 15), side([0.1])
    assert "Only in A, left out: 14 images, p1, p2, p3, p4, p5, p6, p7, p8, p9, p10 and 4 more." in compare_text(
        compare(a, b)
    )


def test_a_name_that_is_no_unicode_can_be_printed():
    a, b = side({"p\udcff": 0.1, "q": 0.1}), side({"p\udcff": 0.2, "q": 0.1})
    assert r"p\udcff" in compare_text(compare(a, b))
