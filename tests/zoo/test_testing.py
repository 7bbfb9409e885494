"""The conformance checks: everything registered passes, and each flaw of the bad plugin is found for what it is."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from registry import NotFoundError, ZooError, load
from zoo.testing import Check, checks, plugin_checks
from zoo.testing.check import DECLINED, FAILED, OK, SKIPPED, NotApplicable, Outcome, Unmet
from zoo.testing.for_pytest import wanted
from zoo.testing.training import judge, shares

SUPPORT = Path(__file__).parents[1] / "support"
CONSTANT = Path(__file__).parents[1] / "fixtures" / "constant"

CORE = EntryPoint("core", "zoo.builtin", "zoo")

COMPILING = ("compiled", "compiled-step", "loss-falls")
"""Checks that compile a graph, a second each: done for the things that they are about."""


def run_all(plugin, names=None, skip=()):
    """Outcomes by ``subject:check`` (with the kind where a name is there twice)."""
    registry = load(only=[], extra=[str(SUPPORT / f"{plugin}.py")], strict=True)
    found = {}
    for check in checks(registry, plugin):
        if (names is None or check.subject in names) and check.name not in skip:
            key = f"{check.kind} {check.subject}:{check.name}"
            assert key not in found
            found[key] = check.run()
    return found


def failed(found):
    return {key: outcome.reason for key, outcome in found.items() if outcome.status == FAILED}


# --- What is right passes ------------------------------------------------------------------------------


def test_the_cores_metrics_keep_the_axioms():
    found = {c: c.run() for c in checks(load(only=[]), "core")}
    metrics = {c.name: o.status for c, o in found.items() if c.subject == "CONN"}
    assert metrics == dict.fromkeys(["values", "perfect", "mirror", "pure", "ordering", "float64"], OK)
    assert {o.status for c, o in found.items() if c.kind == "metric"} == {OK}
    assert not [c.blame(o) for c, o in found.items() if o.status == FAILED]
    opens = next(o for c, o in found.items() if (c.subject, c.name) == ("P3M-10k", "opens"))
    assert opens.status == SKIPPED
    assert opens.reason.startswith("no --data-root was given: no folder given for P3M-10k")


@pytest.mark.parametrize("name", ["demo", "P3M-10k"])
def test_the_cores_data_sets_keep_the_axioms_on_the_demo_set(tmp_path, name):
    from zoo.data.demo import write_demo

    write_demo(tmp_path / "drawn", count=3, size=64, seed=0)
    chosen = wanted(checks(load(only=[]), "core", data_root=tmp_path / "drawn"), f"{name}:*")
    outcomes = {c.name: c.run() for c in chosen}
    assert [o.status for o in outcomes.values()] == [OK] * 5 + [OK if name == "demo" else SKIPPED]
    if name == "P3M-10k":
        assert outcomes["count"].reason.startswith("this copy is not complete: train 3 of 9421")


def test_a_model_that_is_no_network_passes(monkeypatch):
    monkeypatch.syspath_prepend(CONSTANT)
    registry = load(points=[CORE, EntryPoint("constant", "zoo_constant", "zoo")], strict=True)
    outcomes = {c.name: c.run() for c in checks(registry, "constant")}
    done = ["loads", "import-light", "declined", "config", "builds", "options", "card", "alpha", "sizes"]
    assert [name for name, o in outcomes.items() if o.status == OK] == [*done, "deterministic"]
    assert not [o.reason for o in outcomes.values() if o.status == FAILED]


def test_the_tiny_plugin_keeps_all_but_what_it_does_not_care_for():
    found = run_all("tiny_plugin")
    assert failed(found) == {
        "model tiny:card": "the card lacks code_license, intended_use, limits",
        # By hand: 3 * 4 * 9 of the encoder, 2 * 4 of its norm, 4 * 9 + 1 of the head.
        "model tiny:parameters": "the card declares no parameters; measured: parameters=153",
        # 16 * 16 positions of each convolution at 32 x 32 pixels, 3 * 9 * 4 + 4 * 9 each.
        "model tiny:macs": "the card declares no macs; measured: macs=36_864",
        "metric BIAS:ordering": "an error of -0.05 on every pixel has -0.05, better than 0 of one of +0; expected no "
        "better (lower is better)",
    }
    assert found["stage tiny/binary:unlabelled"].status == OK
    assert {o.status for o in found.values()} == {OK, FAILED, SKIPPED}


# --- What is wrong is found ----------------------------------------------------------------------------

FLAWS = {
    "plugin bad_plugin:import-light": "importing it imports scipy; import inside the functions",
    "plugin bad_plugin:declined": "ZOO_DECLINED names 'good:no-such-check', and there is no such check",
    "model config:config": r"bad_config.yaml:2: unknown key train.learning_rate. Did you mean 'train.lr'\?",
    "model options:options": "default.yaml declares model.options.never_read, and nothing reads it",
    "model undeclared:options": "model.options.secret is read, and default.yaml does not declare it",
    "model recipe:recipe": r"default.yaml: train.no_decay: no parameter fits '\*.gama'",
    "model builds:builds": "building model 'builds' failed: RuntimeError: no luck",
    "model objectives:builds": "it has objectives, and build returned Constant, no nn.Cell",
    "model card:card": "the card lacks code_license, intended_use, limits",
    "model weights:card": "sha256 of the card's weights 'w' is 'abc'; expected 64 hexadecimal digits",
    "model results:card": "result 1 of the card names no source",
    "model parameters:parameters": "the card declares 120 parameters; measured: parameters=121",
    "model macs:macs": "the card declares no macs; measured: macs=458_752",
    "model loud:alpha": r"the alpha has values from -?[\d.]+ to [\d.]+; expected \[0, 1\]",
    "model loudintraining:alpha-in-training": r"the alpha has values from -?[\d.]+ to [\d.]+; expected \[0, 1\]",
    "model pair:alpha": r"construct returns tuple; expected one tensor, the alpha \(N, 1, H, W\)",
    "model square:sizes": "model 'square' failed: ValueError: square pictures only",
    "model neighbours:batch-independence": "the alpha of a picture changes by .* with its neighbours in the batch",
    "model unseeded:deterministic": "built twice with train.seed 0, 1 of 7 fresh parameters differ, first.weight first",
    "model eager:compiled": "it cannot be compiled: TypeError",
    "model forgetful:checkpoint": "given its checkpoint, the network's alpha differs by .* must be in Parameters",
    "model restless:deterministic": "asked twice about one picture, the alphas differ by",
    "model painter:alpha": "predict changes the picture that it is given",
    "model double:alpha": r"the alpha is \(48, 40\) float64; expected \(48, 40\) float32",
    "model blind:trimap": "declares needs_trimap, and its alpha is the same with foreground and background",
    "model cropped:sizes": "answered an alpha of shape|expected",
    "stage unused/supervised:gradients": "1 of 6 trainable parameters have no gradient: spare; expected every one",
    "stage cancelled/supervised:gradients": "the gradient of 1 of 6 parameters is rounding alone: first.bias; a norm",
    "stage overdeclared/supervised:gradients": r"'cancelled' holds 'last.\*', and last.\w+ has a gradient",
    "stage misspelt/supervised:gradients": "'cancelled' holds 'first.bais', which fits no trainable parameter",
    "stage stage-infinite/supervised:gradients": "the gradient of 5 of 5 parameters is not finite, first.weight first",
    "stage stage-deaf/supervised:gradients": "no parameter has a gradient: the loss does not depend on the network",
    "stage stage-bare/supervised:terms": r"construct returns Tensor; expected a tuple \(loss, \*terms\)",
    "stage stage-terms/supervised:terms": "returns the loss and 0 terms; expected 2, as declared: one, two",
    "stage stage-wordless/adapt:unlabelled": "given pictures without alphas .* it fails: TypeError",
    "backbone address:weights": "its weights 'a' are at 'ftp://example.org/a.ckpt'; expected an address of",
    "backbone undeclared:builds": r"strides is \(\); expected a tuple of whole numbers above 0",
    "backbone unsorted:builds": r"strides are \(4, 2\); expected the coarsest last",
    "backbone channels:maps": r"the map at stride 4 of .* is \(1, 6, 16, 16\); declared: \(1, 8, 16, 16\)",
    "backbone strides:maps": r"the map at stride 8 of .* is \(1, 6, 16, 16\); declared: \(1, 6, 8, 8\)",
    "backbone batch:batch-independence": "the map at stride 2 changes by .* with the neighbours in the batch",
    "backbone seed:deterministic": "built twice with one seed, 1 of 2 fresh parameters differ, half.weight first",
    "dataset opens:opens": "test holds str; expected Sample",
    "dataset empty:opens": "test opens and holds no picture",
    "dataset folders:names": "the name 'a/b' cannot be that of a file: it holds '/'",
    "dataset hidden:names": "the name '.a' cannot be that of a file: it begins with a dot",
    "dataset twice:names": "two pictures are named 'a'",
    "dataset order:order": "test: opened again, the pictures are in another order",
    "dataset alpha:pictures": r"a: mask has values from 2 to 2, outside \[0, 1\]",
    "dataset size:pictures": "the image is 6x4 pixels and the mask 6x3",
    "dataset trimap:pictures": "no trimap, it has the value 7",
    "dataset more:count": "test holds 3 pictures; declared: 2",
    "dataset splits:splits": "it opens a split 'no-such-split'; expected a NotFoundError",
    "dataset counts:splits": "split 'test' has count 2.5; expected a whole number above 0",
    "metric NAN:values": "of the empty picture, with a trimap, it is nan; expected a finite number or None",
    "metric TYPE:values": "of the portrait, with a trimap, it is float32; expected a float or None",
    "metric TRIMAP:values": "without a trimap, .* declares needs_trimap: expected None",
    "metric PERFECT:perfect": "the truth itself, the portrait, has 1; expected 0",
    "metric WRONG-WAY:perfect": "the truth itself, the portrait, has 0 and a worse matte",
    "metric MIRROR:mirror": "the portrait has .*, mirrored left to right",
    "metric PURE:pure": "computing it changes the alpha it is given, of the portrait",
    "metric RANDOM:pure": "computed twice, the portrait has",
    "metric ORDERING:ordering": "an error of .0.2 on every pixel has 0.02, better than 0.0225 of one of .0.15",
    "metric WRONG-WAY:ordering": "an error of .0.05 on every pixel has 0.05, better than 0 .*higher is better",
    "metric FLOAT:float64": "it is the same for an alpha rounded to float32; expected a calculation in float64",
}
"""What must fail, and what the reason must say."""

COMPILED_FLAWS = {
    "model eager:compiled": FLAWS["model eager:compiled"],
    "stage stage-eager/supervised:compiled-step": "the training step cannot be compiled: TypeError",
    "stage stage-uphill/supervised:loss-falls": "the loss went from .* at best in 30 steps of Adam with rate 0.001",
}


@pytest.fixture(scope="module")
def bad():
    """What came of all checks of the bad plugin, but for those that compile."""
    return run_all("bad_plugin", skip=COMPILING)


@pytest.mark.parametrize("key", [key for key in FLAWS if not key.endswith(":compiled")])
def test_a_flaw_is_found_for_what_it_is(bad, key):
    assert bad[key].status == FAILED
    assert re.search(FLAWS[key], bad[key].reason), bad[key].reason
    assert "\n" not in bad[key].reason


def test_nothing_else_is_found(bad):
    assert set(failed(bad)) == {key for key in FLAWS if not key.endswith(":compiled")}
    good = {key: o for key, o in bad.items() if re.match(r"\w+ (good|GOOD)[/:]", key)}
    assert {o.status for o in good.values()} == {OK, SKIPPED}
    skipped = {key: o.reason for key, o in good.items() if o.status == SKIPPED}
    assert skipped == {
        "model good:trimap": "the model is given no trimap",
        "stage good/supervised:unlabelled": "the stage learns from true alphas; the trainer gives it no others",
    }


def test_what_hangs_on_a_failed_check_is_skipped(bad):
    assert bad["model config:builds"] == Outcome(
        SKIPPED, "it needs what check 'config' looks at", pytest.approx(0, abs=5)
    )
    for key in ("model builds:alpha", "stage builds/supervised:gradients", "backbone unsorted:maps"):
        assert bad[key].status == SKIPPED, key
        assert bad[key].reason == "it needs what check 'builds' looks at"
    assert bad["dataset fewer:count"].reason == "this copy is not complete: test 1 of 2"
    assert bad["metric COUNTS:float64"].reason.endswith("it counts rather than measures")


def test_a_check_may_be_declined_with_a_reason(bad):
    assert bad["model declines:macs"] == Outcome(DECLINED, "a reason")
    assert bad["model declines:card"].status == OK


def test_flaws_that_only_a_graph_shows():
    names = ("eager", "stage-eager/supervised", "stage-uphill/supervised", "good", "good/supervised", "good/adapt")
    found = run_all("bad_plugin", names)
    wrong = failed(found)
    assert set(wrong) == set(COMPILED_FLAWS)
    for key, pattern in COMPILED_FLAWS.items():
        assert re.search(pattern, wrong[key]), wrong[key]
    assert found["stage stage-eager/supervised:loss-falls"].status == SKIPPED
    for name in ("model good:compiled", "stage good/supervised:loss-falls", "stage good/adapt:loss-falls"):
        assert found[name].status == OK


# --- The parts -------------------------------------------------------------------------------------------


def test_gradients_are_judged_within_their_layer():
    sizes = {"a.weight": 1e-8, "a.bias": 4e-9, "b.weight": 2.0, "b.bias": 2e-6}
    assert shares(sizes) == {"a.weight": 1.0, "a.bias": 0.4, "b.weight": 1.0, "b.bias": 1e-6}
    judge(sizes, {"b.bias": ["b.bias"]})
    with pytest.raises(Unmet, match=r"rounding alone: b\.bias"):
        judge(sizes, {})
    with pytest.raises(Unmet, match=r"'cancelled' holds 'a.\*', and a.weight has a gradient"):
        judge(sizes, {"b.bias": ["b.bias"], "a.*": ["a.weight", "a.bias"]})
    with pytest.raises(Unmet, match="1 of 1 trainable parameters have no gradient: c"):
        judge({"c": 0.0}, {})
    judge({"c": 0.0}, {"c": ["c"]})


def test_the_drawn_pictures_hold_what_is_checked_with_them():
    from zoo.config import Config
    from zoo.testing.pictures import batch, portrait, two_sided_trimap

    image, alpha, trimap = batch(Config(), 2, 64)
    assert (image.shape, alpha.shape, trimap.shape) == ((2, 3, 64, 64), (2, 1, 64, 64), (2, 1, 64, 64))
    assert {array.dtype for array in (image, alpha, trimap)} == {np.dtype(np.float32)}
    assert set(np.unique(trimap)) == {0, 0.5, 1}
    assert (alpha.min(), alpha.max()) == (0, 1)
    assert portrait(0, 5, 7)[0].shape == (5, 7, 3)
    assert set(np.unique(two_sided_trimap(5, 7))) == {0, 128, 255}


def test_a_plugin_that_was_not_loaded_fails_one_check(tmp_path):
    (tmp_path / "broken.py").write_text("import not_there_at_all")
    (only,) = checks(load(only=[], extra=[str(tmp_path / "broken.py")]), "broken")
    assert only.run().reason == ("it was not loaded: ModuleNotFoundError: No module named 'not_there_at_all'")
    assert only.blame(only.run()).startswith(
        f"plugin broken ({tmp_path / 'broken.py'}): plugin 'broken': loads: it was"
    )


def test_an_unknown_plugin_is_not_found():
    with pytest.raises(NotFoundError, match=r"no plugin 'coer'; plugins: core. Did you mean 'core'\?"):
        next(checks(load(points=[CORE]), "coer"))
    blocked = load(only=[], points=[CORE, EntryPoint("x", "zoo_x", "zoo")])
    with pytest.raises(NotFoundError, match="is not loaded: left out by"):
        next(checks(blocked, "x"))


@pytest.mark.parametrize(
    ("declined", "reason"),
    [
        ("['macs']", "ZOO_DECLINED is list; expected a mapping"),
        ("{'values': ' '}", "ZOO_DECLINED gives no reason for 'values'; a check may be declined only with"),
        ("{'X:values': 3}", "ZOO_DECLINED gives no reason for 'X:values'"),
        ("{'Y:values': 'so'}", "ZOO_DECLINED names 'Y:values', and there is no such check"),
    ],
)
def test_a_reason_is_required_to_decline(tmp_path, declined, reason):
    (tmp_path / "sly.py").write_text(
        "from zoo import MetricSpec, hookimpl\n"
        f"ZOO_DECLINED = {declined}\n"
        "@hookimpl\ndef register_metrics(register):\n"
        "    register(MetricSpec('X', lambda alpha, target, trimap: 0.0))\n"
    )
    outcomes = {c.name: c.run() for c in checks(load(only=[], extra=[str(tmp_path / "sly.py")], strict=True), "sly")}
    assert outcomes["declined"].status == FAILED
    assert outcomes["declined"].reason.startswith(reason)
    assert outcomes["values"].status == OK


def test_what_the_checked_code_prints_and_raises_is_kept_apart(capsys):
    def noisy():
        print("hello")
        raise ValueError("first line\nsecond line")

    outcome = Check("noise", "metric", "X", "p (zoo-p 1)", noisy).run()
    assert (outcome.status, outcome.reason) == (FAILED, "ValueError: first line")
    assert isinstance(outcome.error, ValueError)
    assert capsys.readouterr() == ("", "hello\n")

    def nothing():
        raise NotApplicable("not here")

    assert Check("none", "metric", "X", "p", nothing).run().status == SKIPPED


def test_options_count_as_read_however_they_are_read():
    from zoo.testing.subject import Watched

    for read in (
        lambda o: o["a"],
        lambda o: o.get("a"),
        lambda o: list(o),
        lambda o: list(o.items()),
        lambda o: list(o.values()),
        lambda o: list(o.keys()),
        lambda o: dict(**o),
    ):
        options = Watched({"a": 1})
        assert not options.read
        read(options)
        assert options.read == {"a"}


# --- pytest ----------------------------------------------------------------------------------------------


def test_two_lines_make_a_test_of_each_check(tmp_path):
    (tmp_path / "test_conformance.py").write_text(
        "from registry import load\nfrom zoo.testing import plugin_checks\n"
        f"found = load(only=[], extra=[{str(SUPPORT / 'bad_plugin.py')!r}])\n"
        "test_conformance = plugin_checks('bad_plugin', only='[GOP]*', registry=found)\n"
    )
    words = [
        "-q",
        "-rfs",
        "--import-mode=importlib",
        "-p",
        "no:cacheprovider",
        "-c",
        "/dev/null",
        "--rootdir",
        str(tmp_path),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    # GOOD, ORDERING, PERFECT, PURE and P3M-10k's like are not there: four metrics of six checks.
    assert "3 failed, 21 passed" in done.stdout
    assert re.search(r"FAILED .*test_conformance\[metric-PURE-pure\]", done.stdout)
    assert re.search(
        r"^plugin bad_plugin \(.*\): metric 'PURE': pure: computing it changes the alpha", done.stdout, re.M
    )


def test_a_pattern_picks_checks():
    every = [Check(name, "metric", subject, "p", print) for subject in ("A", "B") for name in ("mirror", "pure")]
    assert [str(c) for c in wanted(every, "mirror")] == ["metric A: mirror", "metric B: mirror"]
    assert [str(c) for c in wanted(every, "A")] == ["metric A: mirror", "metric A: pure"]
    assert [str(c) for c in wanted(every, "B:m*")] == ["metric B: mirror"]
    with pytest.raises(ZooError, match="no check fits 'C'; checks: mirror, pure"):
        wanted(every, "C")


def test_a_plugin_that_is_not_installed_is_named():
    with pytest.raises(NotFoundError, match="no plugin 'absent'"):
        plugin_checks("absent", registry=load(only=[]))


def test_importing_the_kit_is_light():
    program = "import sys, zoo.testing; sys.exit('mindspore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
