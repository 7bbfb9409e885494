"""Which weights plugins name, and under which names they are found."""

from __future__ import annotations

import pytest

from registry import BackboneSpec, Card, ModelSpec, NotFoundError, Plugin, PluginError, Registry, Weights
from zoo.weights.offers import Offer, named, of_user, offers, unknown

ONE = Weights("one", ["https://a.invalid/dir/one%2B.ckpt?download=1#top"], license="MIT", data_license="CC0")
TWO = Weights("two", ["https://a.invalid/uc?id=7", "https://b.invalid/two_v2.pth"], trained_on=["People/train"])


def model(name, *weights):
    return ModelSpec(name, print, Card("T", code_license="BSD", weights=weights, trained_on=["P3M-10k/train"]))


def registry(**plugins):
    return Registry(tuple(Plugin(name, specs=tuple(specs)) for name, specs in plugins.items()))


def test_what_is_named_twice_is_one_offer():
    found = registry(p=[model("m", ONE, TWO), BackboneSpec("b", print, [TWO]), model("n", ONE)])
    first, second = offers(found)
    assert (first.name, first.users, first.code_license, first.trained_on) == (
        "one",
        ("m", "n"),
        "BSD",
        ("P3M-10k/train",),
    )
    assert (second.name, second.users, second.trained_on) == ("two", ("m", "p/b"), ("People/train",))
    assert first.licenses == {"code": "BSD", "weights": "MIT", "data": "CC0", "trained on": "P3M-10k/train"}
    assert second.licenses["weights"] == second.licenses["data"] == "not stated"
    assert [offer.name for offer in of_user(found, "m")] == ["one", "two"]
    assert [offer.name for offer in of_user(found, "b")] == [offer.name for offer in of_user(found, "p/b")] == ["two"]
    assert of_user(found, "nothing") is None
    assert named(found, "p/two") == named(found, "two") == second
    assert named(found, "m") is None


def test_one_name_for_two_files_is_the_plugins_mistake():
    with pytest.raises(PluginError, match="it gives the name 'one' to two different weights"):
        offers(registry(p=[model("m", ONE), model("n", Weights("one", ["https://elsewhere.invalid"]))]))


def test_two_plugins_with_one_name():
    found = registry(p=[model("m", ONE)], q=[model("n", ONE)])
    with pytest.raises(NotFoundError, match="not unique; say which: p/one, q/one"):
        named(found, "one")
    assert named(found, "q/one").plugin.name == "q"
    assert [offer.plugin.name for offer in of_user(found, "n")] == ["q"]
    two = registry(p=[BackboneSpec("b", print, [ONE])], q=[BackboneSpec("b", print, [TWO])])
    with pytest.raises(NotFoundError, match="not unique"):
        of_user(two, "b")


def test_a_backbone_has_the_licence_of_its_distribution():
    # pluggy is here in any case; its metadata say MIT.
    plugin = Plugin("p", "pluggy", "1", specs=(BackboneSpec("b", print, [ONE]),))
    assert offers(Registry((plugin,)))[0].code_license == "MIT"
    gone = Plugin("p", "not-installed-at-all", "1", specs=(BackboneSpec("b", print, [ONE]),))
    assert offers(Registry((gone,)))[0].licenses["code"] == "not stated"


@pytest.mark.parametrize(
    ("urls", "name"),
    [
        (ONE.urls, "one+.ckpt"),
        (TWO.urls, "two_v2.pth"),
        (["https://a.invalid/uc?export=download&id=a.ckpt"], "w"),
        (["https://a.invalid/..%2F..%2Fetc%2Fpasswd.x", "https://a.invalid/.hidden.ckpt", "https://a.invalid/"], "w"),
        ([], "w"),
    ],
)
def test_the_name_of_the_file(urls, name):
    assert Offer(Weights("w", urls), Plugin("p"), ("m",), "", ()).file_name == name


@pytest.mark.parametrize("name", ["", "../w", "a/b", ".w", "a b"])
def test_a_name_that_is_no_folder(name):
    with pytest.raises(ValueError, match="weights name"):
        Weights(name, ["https://a.invalid/w"])


def test_an_unknown_name():
    broken = Plugin("q", value="q.py", status="failed", cause="no module")
    found = Registry((Plugin("p", specs=(model("mod", ONE, TWO),)), broken))
    text = unknown(found, "won")
    assert text.startswith("no weights named 'won', nor a model or backbone; weights: one, two (2 in all).")
    assert "Not loaded: q (q.py) (see zoo plugins)" in text
    assert "Did you mean 'two'?" in unknown(found, "tow")
