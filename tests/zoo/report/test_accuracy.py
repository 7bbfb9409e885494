"""The table of accuracy on a data set, cards and records that nobody published."""

from __future__ import annotations

import made_up
import pytest

from registry import Card, DatasetSpec, ModelSpec
from zoo.data.p3m10k import SPEC
from zoo.report.accuracy import accuracy_record, contains_split, distinct, newest
from zoo.report.accuracy_text import accuracy_text

PUBLISHED = (
    {"method": "Good", "split": "test", "SAD": 5.0, "MSE": 0.001, "CONN": 4.0, "dialect": "p3m", "source": "s"},
    {"method": "Bad", "split": "test", "SAD": 9.10, "MSE": 0.003, "source": "s", "setting": "two GPUs"},
    {"method": "Part", "split": "test", "MSE": 0.0001, "n_images": 2, "source": "s"},
    {"method": "Small", "split": "test", "MAD": 0.0001, "resolution": "512 x 512", "source": "s"},
    {"method": "Leak", "split": "test", "MSE": 0.0002, "trained_on": ("made",), "source": "s"},
    {"method": "Helped", "split": "test", "SAD-T": 1.0, "given": "trimap", "dialect": "p3m", "source": "s"},
    {"method": "Masked", "split": "test", "MSE": 0.002, "given": "mask", "source": "s"},
    {"method": "Elsewhere", "split": "other", "MSE": 0.002, "source": "s"},
)
DATASET = DatasetSpec("made", {"train": 9, "test": 3, "other": None}, lambda *_: [], published=PUBLISHED)


def model(name="tiny", **card) -> dict[str, ModelSpec]:
    return {name: ModelSpec(name, build=lambda config, backbone: None, card=Card("t", **card))}


def record(mads=(0.01, 0.02, 0.03), **changes):
    changes = {"dataset": "made", "split": "test", "n_published": 3, "complete": len(mads) == 3, **changes}
    return "runs/x/report.json", made_up.report(made_up.rows(list(mads)), **changes)


def table(*records, models=None, splits=("test",)):
    return accuracy_record(DATASET, splits, models or {}, records)["splits"][0]


def row(part, method):
    (found,) = (row for row in part["rows"] if row["method"] == method)
    return found


# --- Rows ---


def test_published_rows_best_first_within_what_was_given():
    part = table()
    assert [row["method"] for row in part["rows"]] == ["Good", "Bad", "Part", "Leak", "Small", "Masked", "Helped"]
    assert part["columns"] == ["SAD", "MSE", "MAD", "CONN (p3m)", "SAD-T (p3m)"]
    assert (row(part, "Good")["dialect"], row(part, "Bad")["dialect"]) == ("p3m", "not stated")
    assert row(part, "Part")["remarks"] == ["not comparable: 2 of 3 images"]
    assert row(part, "Small")["remarks"] == ["not comparable: measured at 512 x 512"]
    assert row(part, "Leak")["remarks"] == ["its training data contain this split"]
    assert [row["comparable"] for row in part["rows"]] == [True, True, False, True, False, True, True]


def test_a_record_beside_them():
    part = table(record(), models=model())
    found = row(part, "tiny")
    assert (found["kind"], found["dialect"], found["rounding"], found["protocol"]) == (
        "record",
        "p3m",
        "float",
        "cut 512",
    )
    assert found["metrics"] == {
        "SAD": pytest.approx(0.4),
        "MSE": pytest.approx(0.005),
        "MAD": pytest.approx(0.02),
        "CONN (p3m)": pytest.approx(0.36),
    }
    assert found["intervals"]["MAD"][0] < 0.02 < found["intervals"]["MAD"][1]
    assert found["source"] == "tiny_plugin 1.0, checkpoint abababababab, 2026-01-02, runs/x/report.json"
    assert (found["remarks"], found["comparable"]) == ([], True)
    # MSE 0.001, 0.003, then ours with 0.005.
    assert [row["method"] for row in part["rows"]][:3] == ["Good", "Bad", "tiny"]


def test_results_on_a_card_are_rows_under_the_name_of_the_model_or_their_own():
    results = (
        {"dataset": "made", "split": "test", "MSE": 0.5, "source": "c"},
        {"dataset": "made", "split": "test", "MSE": 0.6, "source": "c", "method": "Tiny, retrained"},
        {"dataset": "another", "split": "test", "MSE": 0.7, "source": "c"},
    )
    part = table(models=model(results=results))
    assert row(part, "tiny")["metrics"] == {"MSE": 0.5}
    assert row(part, "Tiny, retrained")["metrics"] == {"MSE": 0.6}
    assert 0.7 not in [r["metrics"].get("MSE") for r in part["rows"]]


def test_no_column_has_two_dialects():
    part = table(record(), record(dialect="mmagic", model="other"))
    assert [name for name in part["columns"] if name.startswith(("SAD", "CONN"))] == [
        "SAD",
        "SAD (mmagic)",
        "CONN (mmagic)",
        "CONN (p3m)",
        "SAD-T (p3m)",
    ]
    assert set(row(part, "other")["metrics"]) == {"SAD (mmagic)", "MSE (mmagic)", "MAD (mmagic)", "CONN (mmagic)"}


def test_records_of_a_part_or_another_size_are_not_comparable():
    part = table(record([0.01]), record(model="half", resolution="half"))
    assert row(part, "tiny")["remarks"] == ["not comparable: 1 of 3 images"]
    assert row(part, "half")["remarks"] == ["not comparable: measured at half"]
    # Without a published count there is nothing to fall short of.
    assert accuracy_record(DATASET, ["other"], {}, [record([0.01], split="other")])["splits"][0]["rows"][1][
        "comparable"
    ]


def test_a_model_that_is_given_a_trimap_stands_in_that_group():
    part = table(record([0, 0, 0.0001], needs_trimap=True))
    assert [row["method"] for row in part["rows"]][-2:] == ["tiny", "Helped"]
    assert row(part, "tiny")["given"] == "trimap"


# --- Training data ---


@pytest.mark.parametrize(
    ("trained_on", "split", "contained"),
    [
        (["made"], "test", True),
        (["made/test"], "test", True),
        (["made/train"], "test", False),
        (["made/train"], "train", True),
        (["made/train"], "val", True),
        (["made/test"], "val", False),
        (["made-too", "mad"], "test", False),
        ([], "test", False),
    ],
)
def test_contains_split(trained_on, split, contained):
    assert contains_split(trained_on, "made", split) is contained


def test_what_the_weights_have_seen():
    def marked(report, split="test", **card):
        part = accuracy_record(DATASET, [split], model(**card), [report])["splits"][0]
        return row(part, "tiny")["trained_on_split"]

    assert not marked(record())
    assert marked(record(), trained_on=("made",))
    assert not marked(record(), trained_on=("made/train", "another"))
    # What the record says of itself goes before the card, which speaks of published weights.
    assert not marked(record(trained_on=["made/train"]), trained_on=("made",))
    assert marked(record(trained_on=["made/test"]))
    # zoo trains on `train` of the config's data set; a model without a checkpoint was not trained.
    config = {"data": {"dataset": "made"}}
    assert marked(record(split="train", config=config), "train")
    assert not marked(record(split="train", config=config, checkpoint_sha256=None), "train")
    assert not marked(record(split="train", config={"data": {"dataset": "another"}}), "train")
    # Not known, as of converted weights: nothing is made up from the config, which is the plugin's default.
    unknown = record(split="train", config=config, checkpoint_sha256="a", trained_on=None)
    assert not marked(unknown, "train")


def test_the_slice_for_choosing_checkpoints_says_so():
    part = accuracy_record(DATASET, ["val"], {}, [record(split="val")])["splits"][0]
    assert part["rows"][0]["remarks"] == ["checkpoints are chosen on this split"]


# --- Which records ---


def test_the_newest_whole_one_stands_for_all_of_a_kind():
    old, new = record(started="2026-01-01T00:00:00+0000"), record(started="2026-03-01T00:00:00+0100")
    part_of_it = record(started="2026-04-01T00:00:00+0000", complete=False)
    undated, other = record(started=None), record(protocol="pad 512")
    assert newest([undated, new, part_of_it, old, other]) == [new, other]
    assert newest([part_of_it]) == [part_of_it]
    # 23:30 in UTC is later than 00:10 on the next day an hour further east.
    early, late = record(started="2026-01-02T00:10:00+0100"), record(started="2026-01-01T23:30:00+0000")
    assert newest([early, late]) == newest([late, early]) == [late]
    for change in ({"dialect": "dim"}, {"rounding": "rounded"}, {"split": "other"}, {"model": "b"}, {"dataset": "c"}):
        assert len(newest([old, record(**change)])) == 2


def test_a_copy_is_no_second_row():
    mine = record()
    assert distinct([mine, ("copy/report.json", dict(mine[1])), record(started=None)]) == [mine, record(started=None)]


def test_records_on_other_data_are_passed_over():
    assert len(table(record(dataset="another"), record(split="other"))["rows"]) == 7


def test_other_pictures_under_the_same_name_are_marked():
    path, report = record()
    other = made_up.report(made_up.rows([0.01, 0.02, 0.03], "u"), dataset="made", split="test", model="b")
    older = made_up.report(made_up.rows([0.01, 0.02, 0.03]), dataset="made", split="test", model="c")
    del older["per_image"][0]["target_sha256"]
    part = table((path, report), (path, other), (path, older))
    assert [len(row(part, name)["remarks"]) for name in ("tiny", "b", "c")] == [1, 1, 0]
    assert row(part, "b")["remarks"][0].startswith("pictures or truth ")
    assert row(part, "b")["remarks"] != row(part, "tiny")["remarks"]


# --- Text ---


def cells(text, start):
    line = next(line for line in text.splitlines() if line.startswith(f"| {start}"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_text():
    text = accuracy_text(accuracy_record(DATASET, ["test", "other", "train"], model(), [record()]))
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## made test",
        "## made other",
        "## made train",
    ]
    assert cells(text, "method") == [
        *("method", "given", "images", "SAD", "MSE", "MAD", "CONN (p3m)", "SAD-T (p3m)"),
        *("rounding", "protocol", "remarks", "source"),
    ]
    assert cells(text, "Good")[:7] == ["Good", "", "(3)", "5", "0.001", "", "4"]
    assert cells(text, "Bad")[-1] == "s; two GPUs"
    assert cells(text, "Part")[2] == "2"
    assert cells(text, "**tiny**")[2:8] == ["3", "0.400", "0.00500", "0.02000", "0.360", ""]
    assert "No figure." in text
    assert text.endswith("no count.\n")


def test_metrics_of_regions_are_shown_only_beside_published_ones():
    rows = [r | {"SAD-T": 0.5, "SAD-FG": 0.1} for r in made_up.rows([0.01, 0.02, 0.03])]
    report = made_up.report(rows, dataset="made", split="test")
    part = table(("x", report))
    assert "SAD-FG (p3m)" in part["columns"]
    text = accuracy_text({"dataset": "made", "splits": [part]})
    assert "SAD-T (p3m)" in text
    assert "SAD-FG" not in text


# --- What is really published ---


def test_p3m10k_has_no_column_of_two_dialects_and_loses_no_figure():
    record = accuracy_record(SPEC, ["P3M-500-P", "P3M-500-NP"], {}, [])
    assert sum(len(part["rows"]) for part in record["splits"]) == len(SPEC.published)
    p, np = record["splits"]
    assert p["columns"] == ["SAD", "MSE", "MAD", "CONN (dialect not stated)", "SAD-T (p3m)", "MSE-T (p3m)"]
    assert np["columns"] == ["SAD", "MSE", "MAD", "GRAD (dialect not stated)", "CONN (dialect not stated)"]
    # The least MSE without a trimap on all pictures (ReChannel paper, table 2), and on 480 of them (SIGGRAPH 2024).
    assert p["rows"][0]["method"] == "ReChannel-9B"
    assert next(r["method"] for r in p["rows"] if not r["comparable"]) == "Matting by Generation"
    assert {r["given"] for r in p["rows"]} == {"", "mask", "trimap"}
