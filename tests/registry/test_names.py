"""Who owns a name, and how things are found by it."""

from __future__ import annotations

import pytest
from plugin_source import FakeDistribution, model

from registry import NotFoundError

BACKBONE = """
    from registry import BackboneSpec, hookimpl

    @hookimpl
    def register_backbones(register):
        register(BackboneSpec("net", build=lambda config: None))
"""

CORE = """
    from registry import DatasetSpec, MetricSpec, hookimpl

    @hookimpl
    def register_datasets(register):
        register(DatasetSpec("P3M-10k", {"train": 1}, lambda root, split, options: []))

    @hookimpl
    def register_metrics(register):
        register(MetricSpec("SAD", lambda a, t, m: 0.0))
"""


def test_model_belongs_to_the_distribution_of_its_name(shelf):
    shelf.add("aaa", model("modnet"), distribution="aaa-first")
    shelf.add("modnet", model("modnet"))
    found = shelf.load()
    assert found.owner("model", "modnet").distribution == "zoo-modnet"
    loser = next(p for p in found.plugins if p.name == "aaa")
    assert loser.status == "failed"
    assert "zoo-modnet" in loser.cause
    assert "aaa-first" in loser.cause


def test_otherwise_to_the_alphabetically_first(shelf):
    shelf.add("z", model("shared"), distribution="b-dist")
    shelf.add("y", model("shared"), distribution="C-dist")
    shelf.add("x", model("shared"), distribution="a_dist")
    found = shelf.load()
    assert found.owner("model", "shared").distribution == "a_dist"
    assert [p.status for p in found.plugins] == ["loaded", "failed", "failed"]


def test_who_is_set_aside_takes_nobody_with_them(shelf):
    # a-dist would own "second", but loses "first" to zoo-first and is set aside whole; so b-dist gets "second".
    both = model("first") + "\n            register(ModelSpec('second', build=print, card=Card('t')))"
    shelf.add("a", both, distribution="a-dist")
    shelf.add("b", model("second"), distribution="b-dist")
    shelf.add("first", model("first"))
    found = shelf.load()
    assert sorted(found.models) == ["first", "second"]
    assert found.owner("model", "second").distribution == "b-dist"


def test_core_names_cannot_be_taken(shelf, monkeypatch):
    monkeypatch.setattr("registry.registry._CORE_MODULE", "shelf_0_core")
    shelf.add("core", CORE, distribution="matting-zoo")
    shelf.add("thief", CORE.replace("SAD", "SAD2"))
    found = shelf.load()
    assert [(p.name, p.status) for p in found.plugins] == [("core", "loaded"), ("thief", "failed")]
    assert "dataset 'P3M-10k' belongs to core" in found.plugins[1].cause
    assert list(found.metrics) == ["SAD"]


def test_nobody_can_pose_as_the_core(shelf):
    shelf.add("core", BACKBONE)
    found = shelf.load(only=[])
    assert found.plugins[0].status == "blocked"


def test_short_form_while_unique(shelf):
    shelf.add("a", BACKBONE)
    found = shelf.load()
    assert found.get("backbone", "net") is found.get("backbone", "a/net")
    shelf.add("b", BACKBONE)
    found = shelf.load()
    assert sorted(found.backbones) == ["a/net", "b/net"]
    with pytest.raises(NotFoundError, match="not unique; say which: a/net, b/net"):
        found.get("backbone", "net")
    assert found.get("backbone", "net", prefer="b") is found.get("backbone", "b/net")


def test_unknown_names_say_what_there_is(shelf):
    shelf.add("modnet", model("modnet"))
    shelf.add("constant", model("constant"))
    with pytest.raises(NotFoundError) as caught:
        shelf.load().get("model", "modent")
    assert str(caught.value) == "no model named 'modent'; installed: constant, modnet. Did you mean 'modnet'?"
    assert caught.value.exit_code == 4


def test_unknown_name_of_a_failed_plugin_says_so(shelf):
    shelf.add("acme", "import acme_ops")
    with pytest.raises(NotFoundError, match=r"Plugin acme \(zoo-acme 1\.0\) was not loaded: .*acme_ops"):
        shelf.load().get("model", "acme")


def test_views_are_read_only(shelf):
    shelf.add("modnet", model("modnet"))
    with pytest.raises(TypeError):
        shelf.load().models["other"] = None  # type: ignore[index]


def test_an_entry_point_seen_twice_counts_once(shelf):
    shelf.add("modnet", model("modnet"))
    shelf._points *= 2
    assert [p.status for p in shelf.load().plugins] == ["loaded"]


def test_a_file_is_a_plugin(tmp_path, shelf):
    import textwrap

    file = tmp_path / "mine.py"
    file.write_text(textwrap.dedent(model("mine")))
    found = shelf.load(extra=[str(file)])
    assert list(found.models) == ["mine"]
    assert found.owner("model", "mine").removal == f"leave out --plugin {file}"
    with pytest.raises(NotFoundError, match="no such file"):
        shelf.load(extra=["absent.py"])


def test_one_distribution_cannot_register_a_model_twice(shelf):
    shelf.add("a", model("m"), distribution="same")
    shelf.add("b", model("m"), distribution="same")
    found = shelf.load()
    assert sorted(p.status for p in found.plugins) == ["failed", "loaded"]
    assert list(found.models) == ["m"]


def test_a_distribution_without_metadata_is_no_reason_to_fail(shelf):
    shelf.add("a", model("m"))
    vars(shelf._points[0])["dist"] = FakeDistribution(None, None)
    assert list(shelf.load().models) == ["m"]


def test_what_a_plugin_prints_stays_off_standard_output(shelf, capsys):
    shelf.add("loud", "print('hello')\n" + __import__("textwrap").dedent(model("loud")))
    assert list(shelf.load().models) == ["loud"]
    streams = capsys.readouterr()
    assert streams.out == ""
    assert "hello" in streams.err
