"""A plugin that fails is set aside whole, with its cause, and harms nobody."""

from __future__ import annotations

import pytest
from plugin_source import model

from registry import NotFoundError, PluginError

GOOD = model("good")

FAILURES = {
    "import error": ("import no_such_module_anywhere", "No module named 'no_such_module_anywhere'"),
    "syntax error": ("def (", "SyntaxError"),
    "exit at import": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "exception at import": ("raise RuntimeError('two\\nlines')", "RuntimeError: two lines"),
    "misspelt hook": (model("x", "register_model"), "unknown hook 'register_model'"),
    "undecorated hook": ("def register_models(register): pass", "put @hookimpl above it"),
    "wrong parameter": (
        "from registry import hookimpl\n@hookimpl\ndef register_models(registry): pass",
        "PluginValidationError",
    ),
    "offers nothing": ("VALUE = 1", "it offers nothing"),
    "hook without a thing": (
        "from registry import hookimpl\n@hookimpl\ndef register_models(register): pass",
        "it offers nothing",
    ),
    "other API": ("ZOO_API = 2\n", "written for plugin API 2, this zoo offers API 1"),
    "wrong object": (
        "from registry import hookimpl\n@hookimpl\ndef register_models(register): register('modnet')",
        "register_models got str, expected ModelSpec",
    ),
    "wrong kind": (
        "from registry import hookimpl, MetricSpec\n@hookimpl\n"
        "def register_models(register): register(MetricSpec('m', lambda a, t, m: 0.0))",
        "register_models got MetricSpec, expected ModelSpec",
    ),
    "half way": (model("half") + "\n            raise OSError('gone')", "OSError: gone"),
    "twice in one plugin": (
        model("twin") + "\n            register(ModelSpec('twin', build=print, card=Card('t')))",
        "registers model 'twin' twice",
    ),
    "bad name": (model("a b"), "model name 'a b'"),
    "not callable": (
        "from registry import hookimpl, MetricSpec\n@hookimpl\n"
        "def register_metrics(register): register(MetricSpec('m', 3))",
        "compute is int, not callable",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_failure_is_set_aside_with_its_cause(shelf, case):
    source, cause = FAILURES[case]
    shelf.add("bad", source, version="0.3")
    shelf.add("good", GOOD)
    found = shelf.load()
    bad, good = found.plugins
    assert (bad.status, good.status) == ("failed", "loaded")
    assert cause in bad.cause
    assert "\n" not in bad.cause
    assert bad.label == "bad (zoo-bad 0.3)"
    assert bad.removal == "pip uninstall zoo-bad"
    assert not bad.specs
    assert list(found.models) == ["good"]


def test_an_unknown_name_leads_to_the_plugin_that_would_have_offered_it(shelf):
    shelf.add("acme", model("sharp") + "\n            raise OSError('no licence file')")
    shelf.add("good", GOOD)
    found = shelf.load()
    assert found.plugins[0].attempted == ("sharp",)
    with pytest.raises(NotFoundError) as refused:
        found.get("model", "sharp")
    assert "Plugin acme (zoo-acme 1.0) was not loaded: OSError: no licence file." in str(refused.value)


def test_strict_raises_the_cause(shelf):
    shelf.add("bad", "import no_such_module_anywhere")
    with pytest.raises(PluginError, match=r"plugin bad \(zoo-bad 1\.0\): ModuleNotFoundError"):
        shelf.load(strict=True)


def test_keyboard_interrupt_is_not_swallowed(shelf):
    shelf.add("slow", "raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        shelf.load()


def test_api_1_may_be_stated(shelf):
    shelf.add("good", "ZOO_API = 1\n" + __import__("textwrap").dedent(GOOD))
    assert shelf.load().plugins[0].status == "loaded"


def test_only_and_blocked(shelf):
    shelf.add("a", model("a"))
    shelf.add("b", model("b"))
    assert list(shelf.load(only=["b"]).models) == ["b"]
    assert list(shelf.load(only=[]).models) == []
    left = shelf.load(blocked=["b"])
    assert list(left.models) == ["a"]
    assert [(p.name, p.status) for p in left.plugins] == [("a", "loaded"), ("b", "blocked")]
    assert "-p no:b" in left.plugins[1].cause
