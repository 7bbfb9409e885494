"""Listing commands, shared options, and predict."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from disc_set import disc, write_discs


def test_list(zoo):
    done = zoo("list", "--json")
    rows = json.loads(done.out)
    who = {(row["name"], row["kind"], row["plugin"]) for row in rows}
    assert ("tiny", "model", "tiny_plugin") in who
    assert ("tiny_plugin/encoder", "backbone", "tiny_plugin") in who
    assert ("P3M-10k", "dataset", "core") in who
    assert [r["name"] for r in json.loads(zoo("list", "MAD*", "--json").out)] == ["MAD", "MAD-T"]
    assert [r["kind"] for r in json.loads(zoo("list", "--kind", "model", "--json").out)] == ["model"]
    nothing = zoo("list", "zzz*")
    assert (nothing.code, nothing.out) == (4, "")
    nothing = zoo("list", "zzz*", "--json")
    assert (nothing.code, nothing.out) == (4, "[]\n")
    assert zoo("list", "encoder").code == 0


MANY = """
from zoo import BackboneSpec, Card, ModelSpec, Objective, Weights, hookimpl

CARD = Card("M", code_license="MIT", parameters=6_487_075, macs=15_465_971_712)
FREE = Card("F", code_license="GPL-3.0-or-later", weights=[Weights("free-one", [])])

@hookimpl
def register_models(register):
    register(ModelSpec("trained", print, CARD, objectives={"first": Objective(print), "second": Objective(print)}))
    register(ModelSpec("classic", print, FREE, needs_trimap=True))

@hookimpl
def register_backbones(register):
    for number in range(13):
        register(BackboneSpec(f"net{number}", print, [Weights("net-0", [])] if number == 0 else ()))
"""


@pytest.fixture
def listing(zoo, tmp_path):
    (tmp_path / "many.py").write_text(MANY)
    return lambda *words: zoo("list", *words, "--plugin", "many.py")


def test_list_says_what_a_card_declares(listing):
    rows = {row["name"]: row for row in json.loads(listing("--json").out)}
    assert rows["trained"] == {
        "name": "trained",
        "kind": "model",
        "plugin": "many",
        "trainable": True,
        "stages": ["first", "second"],
        "parameters": 6_487_075,
        "macs": 15_465_971_712,
        "license": "MIT",
        "needs_trimap": False,
        "weights": [],
    }
    assert (rows["classic"]["trainable"], rows["classic"]["weights"]) == (False, ["free-one"])
    assert rows["many/net0"]["weights"] == ["net-0"]
    assert sum(row["plugin"] == "many" for row in rows.values()) == 15
    lines = listing("--kind", "model").out.splitlines()
    assert lines == [
        "models   plugin       stages              parameters    MACs  licence           trimap",
        "classic  many         not trained                             GPL-3.0-or-later  needed",
        "tiny     tiny_plugin  supervised, binary                      not stated        no",
        "trained  many         first, second           6.49 M  15.5 G  MIT               no",
    ]


def test_many_backbones_do_not_drown_the_models(listing):
    text = listing().out
    assert 'many/*: 13 backbones (zoo list "many/*" --kind backbone)' in text
    assert "many/net1" not in text
    assert "tiny_plugin/encoder" in text
    for words in (["many/*", "--kind", "backbone"], ["--kind", "backbone"], ["net*"]):
        assert "many/net12" in listing(*words).out, words


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["--trainable"], ["tiny", "trained"]),
        (["--not-trainable"], ["classic"]),
        (["--license", "gpl*"], ["classic"]),
        (["--license", "not stated"], ["tiny"]),
        (["t*", "--trainable", "--license", "*"], ["tiny", "trained"]),
        (["c*", "--kind", "model", "--license", "*"], ["classic"]),
    ],
)
def test_list_filters(listing, words, names):
    assert [row["name"] for row in json.loads(listing(*words, "--json").out)] == names


def test_list_filters_that_fit_nothing_or_make_no_sense(listing):
    done = listing("t*", "--not-trainable", "--license", "MIT")
    assert (done.code, done.err) == (4, "zoo: no model matches 't*' with --not-trainable and --license 'MIT'\n")
    done = listing("--kind", "metric", "--trainable")
    assert done.code == 2
    assert "choose among models, not --kind metric" in done.err


@pytest.mark.parametrize(("width", "longest"), [("60", 60), ("80", 80), ("160", None)])
def test_list_fits_the_terminal(listing, monkeypatch, width, longest):
    monkeypatch.setenv("COLUMNS", width)
    lines = listing().out.splitlines()
    if longest is None:
        assert lines == _without_columns(listing, monkeypatch)
        return
    tables = [line for line in lines if not line.startswith("many/*")]
    assert max(map(len, tables)) <= longest
    cut = [line for line in tables if "…" in line]
    assert bool(cut) == (max(map(len, _without_columns(listing, monkeypatch))) > longest)
    for name in ("classic", "trained", "tiny_plugin/encoder", "P3M-10k"):  # names are never cut
        assert any(line.startswith(name + " ") for line in tables)


def _without_columns(listing, monkeypatch):
    monkeypatch.delenv("COLUMNS")
    return listing().out.splitlines()


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, ""),
        (0, "0"),
        (999, "999"),
        (1000, "1.00 k"),
        (9_994, "9.99 k"),
        (9_996, "10.0 k"),
        (99_960, "100 k"),
        (999_400, "999 k"),
        (999_600, "1.00 M"),
        (38_965_060, "39.0 M"),
        (15_465_971_712, "15.5 G"),
        (1_234_000_000_000, "1234 G"),
    ],
)
def test_large_numbers_have_three_digits(number, text):
    from zoo.cli.figures import short

    assert short(number) == text


def test_columns_by_hand():
    from zoo.cli.columns import columns

    rows = [["a", "", "中文字", "1"], ["bc", "", "long text", "22"]]
    assert columns(["n", "empty", "text", "count"], rows, None, ["count"]).splitlines() == [
        "n   text       count",
        "a   中文字         1",
        "bc  long text     22",
    ]
    assert columns(["n", "empty", "text", "count"], rows, 18, ["count"]).splitlines() == [
        "n   text     count",
        "a   中文字       1",
        "bc  long t…     22",
    ]


def test_options_stand_before_or_after(zoo):
    file = str(Path(__file__).parents[2] / "support" / "tiny_plugin.py")
    for words in (["--plugin", file, "list", "tiny"], ["list", "tiny", "--plugin", file]):
        assert zoo(*words, tiny=False).code == 0
    for words in (["--no-plugins", "list", "tiny"], ["list", "--no-plugins", "tiny"]):
        assert zoo(*words, tiny=False).code == 4
    assert zoo("list", "-p", "tiny").code == 2
    assert zoo("list", "--plugin", "gone.py").code == 4


def test_info(zoo):
    facts = json.loads(zoo("info", "tiny", "--json").out)
    assert (facts["kind"], facts["title"], facts["stages"]) == ("model", "Tiny", ["supervised", "binary"])
    assert json.loads(zoo("info", "P3M-10k", "--json").out)["splits"]["train"] == 9421
    assert "9421" in zoo("info", "P3M-10k").out
    for name in ("encoder", "tiny_plugin/encoder", "MAD", "BIAS"):
        assert zoo("info", name).code == 0, name
    done = zoo("info", "tinny")
    assert done.code == 4
    assert "Did you mean 'tiny'?" in done.err


def test_plugins_shows_causes(zoo, tmp_path):
    (tmp_path / "broken.py").write_text("import not_there_at_all")
    done = zoo("plugins", "--plugin", "broken.py", "--json")
    assert done.code == 0
    found = {p["name"]: p for p in json.loads(done.out)}
    assert found["core"]["status"] == found["tiny_plugin"]["status"] == "loaded"
    assert found["broken"]["status"] == "failed"
    assert "not_there_at_all" in found["broken"]["cause"]
    assert found["broken"]["offers"] == {}
    text = zoo("plugins", "--plugin", "broken.py").out
    assert "not_there_at_all" in text
    assert "to be rid of it: leave out --plugin broken.py" in text


def test_a_slow_import_is_named(zoo, tmp_path):
    slow = (Path(__file__).parents[2] / "support" / "tiny_plugin.py").read_text().replace('"tiny"', '"slow"')
    (tmp_path / "tiny.yaml").touch()
    (tmp_path / "slow.py").write_text(slow + "\nimport time\n\ntime.sleep(1.05)\n")
    for words in (("list",), ("plugins",)):
        done = zoo(*words, "--plugin", "slow.py")
        assert done.code == 0
        assert "note: plugin slow (slow.py) takes 1." in done.err
        assert "-p no:slow" in done.err
    assert "note:" not in zoo("list", "--plugin", "slow.py", "--quiet").err


def test_strict_plugins_raise(zoo, tmp_path, monkeypatch):
    (tmp_path / "broken.py").write_text("import not_there_at_all")
    monkeypatch.setenv("ZOO_STRICT_PLUGINS", "1")
    done = zoo("list", "--plugin", "broken.py")
    assert done.code == 3
    assert len(done.err.splitlines()) == 1
    assert "Traceback" in zoo("list", "--plugin", "broken.py", "--debug").err


def test_a_failed_plugin_leaves_everything_else_working(zoo, tmp_path):
    (tmp_path / "broken.py").write_text("raise SystemExit(9)")
    done = zoo("list", "--plugin", "broken.py")
    assert done.code == 0
    assert "tiny" in done.out
    assert "not loaded: broken (see zoo plugins)" in done.err


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["bench", "throughput", "-h"], ["--version"]])
def test_help(zoo, words):
    done = zoo(*words, tiny=False)
    assert done.code == 0
    assert done.out
    assert not done.err


def test_no_command_is_wrong_usage(zoo):
    assert zoo(tiny=False).code == 2
    assert zoo("data", tiny=False).code == 2


def test_demo_set_from_the_command_line(zoo, tmp_path):
    done = zoo("data", "demo", "here", "--count", 3, "--size", 64, "--seed", 5)
    assert done.code == 0, done.err
    assert len(list((tmp_path / "here" / "train" / "mask").iterdir())) == 3
    assert zoo("data", "demo", "here", "--count", 4, "--size", 64).code == 2
    assert zoo("data", "demo", "--count", 1, "--size", 64, "--quiet").err == ""
    assert (tmp_path / "home" / "demo" / "train").is_dir()
    assert zoo("data", "demo", "x", "--size", 3).code == 2
    (tmp_path / "empty").mkdir()
    before = (tmp_path / "empty").stat().st_ino
    assert zoo("data", "demo", "empty", "--count", 1, "--size", 64).code == 0
    assert (tmp_path / "empty").stat().st_ino == before
    assert (tmp_path / "empty" / "demo.json").is_file()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A checkpoint of one step of training."""
    from zoo.cli import run

    root = tmp_path_factory.mktemp("trained")
    write_discs(root / "discs", 2)
    plugin = Path(__file__).parents[2] / "support" / "tiny_plugin.py"
    words = ["train", "tiny", "--data-root", root / "discs", "--output", root / "run", "--plugin", plugin, "--quiet"]
    words += ["--no-plugins", "--set", "train.epochs=1", "--set", "data.val=0"]
    assert run([str(word) for word in words]) == 0
    return root / "run"


def test_predict_goes_on_past_a_bad_picture(zoo, tmp_path, trained):
    folder = tmp_path / "photos" / "ä b"
    folder.mkdir(parents=True)
    sizes = {"one": (40, 60), "two": (64, 33)}
    for name, size in sizes.items():
        data = cv2.imencode(".jpg", disc(1, *size)[0])[1]
        (folder / f"{name}.jpg").write_bytes(data.tobytes())
    (folder / "torn.jpg").write_bytes((folder / "one.jpg").read_bytes()[:300])
    (folder / "notes.txt").write_text("not a picture")
    done = zoo("predict", "tiny", folder, "-o", "out", "--checkpoint", trained)
    assert done.code == 1
    assert "torn.jpg" in done.err
    assert "1 of 3 inputs failed; the others are in out" in done.err
    assert sorted(p.name for p in Path("out").iterdir()) == ["one.png", "two.png"]
    for name, size in sizes.items():
        alpha = cv2.imread(f"out/{name}.png", cv2.IMREAD_UNCHANGED)
        assert (alpha.shape, alpha.dtype) == (size, np.uint8)


def test_predict_takes_patterns_and_keeps_two_of_one_name_apart(zoo, tmp_path, trained):
    for folder in ("a", "b"):
        Path(folder).mkdir()
        cv2.imwrite(f"{folder}/x.png", disc(1)[0])
    assert zoo("predict", "tiny", "a/*.png", "-o", "out", "--checkpoint", trained).code == 0
    assert [p.name for p in Path("out").iterdir()] == ["x.png"]
    done = zoo("predict", "tiny", "a", "b", "-o", "other", "--checkpoint", trained)
    assert done.code == 0, done.err
    assert sorted(Path("other").rglob("*.png")) == [Path("other/a/x.png"), Path("other/b/x.png")]
    done = zoo("predict", "tiny", "a", "gone.png", "-o", "half", "--checkpoint", trained)
    assert done.code == 1
    assert "gone.png: no such picture" in done.err
    assert Path("half/x.png").exists()
    before = Path("a/x.png").read_bytes()
    assert zoo("predict", "tiny", "a", "-o", "a", "--checkpoint", trained).code == 2
    assert Path("a/x.png").read_bytes() == before
    assert zoo("predict", "tiny", "a/*.jpg", "-o", "out", "--checkpoint", trained).code == 4
    assert zoo("predict", "tiny", "a", "-o", "a/x.png", "--checkpoint", trained).code == 2


def test_python_and_command_line_agree(zoo, tmp_path, trained, monkeypatch):
    import zoo as package
    from registry import load
    from zoo import api

    plugin = str(Path(__file__).parents[2] / "support" / "tiny_plugin.py")
    monkeypatch.setattr(api, "_registry", lambda: load(only=[], extra=[plugin]))
    image, _ = disc(3)
    cv2.imwrite("x.png", image[..., ::-1])
    assert zoo("predict", "tiny", "x.png", "-o", "out", "--checkpoint", trained).code == 0
    model = package.load("tiny", checkpoint=trained)
    alpha = model.predict(image)
    assert np.array_equal(np.rint(alpha * 255), cv2.imread("out/x.png", cv2.IMREAD_UNCHANGED))
    assert list(package.models()) == ["tiny"]
    assert package.score(alpha, alpha)["SAD"] == 0
    assert model.network is not None


def test_fresh_weights_are_said(zoo, monkeypatch, caplog):
    import zoo as package
    from registry import load
    from zoo import api

    plugin = str(Path(__file__).parents[2] / "support" / "tiny_plugin.py")
    monkeypatch.setattr(api, "_registry", lambda: load(only=[], extra=[plugin]))
    package.load("tiny")
    assert "tiny has fresh, untrained weights" in caplog.text
