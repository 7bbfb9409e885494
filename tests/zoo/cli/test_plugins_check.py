"""``zoo plugins check``: the conformance checks from the command line."""

from __future__ import annotations

import json
import re

import pytest


@pytest.fixture
def measure(tmp_path, zoo):
    """A plugin with a metric of its own in the current folder; ``rule`` is its formula."""

    def write(rule: str, more: str = "") -> str:
        (tmp_path / "measure.py").write_text(
            "import numpy as np\nfrom zoo import MetricSpec, hookimpl\n"
            f"{more}\n"
            "def compute(alpha, target, trimap):\n"
            "    print('computing')\n"
            f"    return {rule}\n"
            "@hookimpl\ndef register_metrics(register):\n    register(MetricSpec('X', compute))\n"
        )
        return "measure.py"

    return write


def test_a_sound_plugin_passes(zoo, measure):
    done = zoo("plugins", "check", "measure", "--plugin", measure("float(np.abs(alpha - target).mean())"))
    assert done.code == 0
    rows = [line.split()[:4] for line in done.out.splitlines()]
    plugin = [[name, "plugin", "measure", "ok"] for name in ("loads", "import-light", "declined")]
    names = ("values", "perfect", "mirror", "pure", "ordering", "float64")
    assert rows == [*plugin, *([name, "metric", "X", "ok"] for name in names)]
    # What the plugin prints is no part of the table.
    assert done.err.splitlines()[-1] == "plugin measure (measure.py): 9 ok"
    assert "computing" in done.err


def test_a_failed_check_is_said_and_ends_with_1(zoo, measure):
    done = zoo("plugins", "check", "measure", "--plugin", measure("1.0 + float(np.abs(alpha - target).mean())"))
    assert done.code == 1
    (line,) = [line for line in done.out.splitlines() if "FAILED" in line]
    assert re.fullmatch(
        r"perfect +metric X +FAILED +\d+\.\d s  the truth itself, the portrait, has 1; expected 0", line
    )
    assert done.err.splitlines()[-1] == ("zoo: plugin measure (measure.py): 1 of 9 checks failed: metric X: perfect")
    assert "Traceback" not in done.err
    assert "Unmet" in zoo("plugins", "check", "measure", "--plugin", "measure.py", "--debug").err


def test_declined_and_skipped_checks_are_shown_with_their_reason(zoo, measure):
    file = measure("1.0 + float((alpha > 0.5).mean())", "ZOO_DECLINED = {'X:perfect': 'it counts from one'}")
    done = zoo("plugins", "check", "measure", "--only", "X:[pf]*", "--plugin", file)
    assert [re.sub(" +", " ", line) for line in done.out.splitlines()] == [
        "perfect metric X declined 0.0 s it counts from one",
        "pure metric X ok 0.0 s",
        "float64 metric X skipped 0.0 s it does not change with small changes of an alpha: it counts rather than "
        "measures",
    ]
    assert (done.code, done.err.splitlines()[-1]) == (0, "plugin measure (measure.py): 1 ok, 1 declined, 1 skipped")


def test_json_is_all_that_is_printed(zoo, measure):
    file = measure("1.0 + float(np.abs(alpha - target).mean())")
    done = zoo("plugins", "check", "measure", "--only", "p*", "--json", "--plugin", file)
    assert done.code == 1
    record = json.loads(done.out)
    assert {key: record[key] for key in ("plugin", "distribution", "version")} == {
        "plugin": "measure",
        "distribution": "",
        "version": "",
    }
    assert [(row["check"], row["status"]) for row in record["checks"]] == [("perfect", "failed"), ("pure", "ok")]
    failed = record["checks"][0]
    assert (failed["kind"], failed["subject"]) == ("metric", "X")
    assert failed["reason"] == "the truth itself, the portrait, has 1; expected 0"
    assert failed["seconds"] >= 0


def test_settings_reach_the_model(zoo):
    """The card is held against the model as it comes, the rest against the model with the settings."""
    done = zoo("plugins", "check", "tiny_plugin", "--only", "tiny:con*", "--set", "data.crop_size=36")
    assert done.code == 1
    assert "data.crop_size is 36; expected a multiple of model.stride, 8" in done.out
    done = zoo("plugins", "check", "tiny_plugin", "--only", "tiny:config", "--set", "data.crop=36")
    assert done.code == 1
    assert "unknown key data.crop" in done.out


def test_a_data_root_opens_data_sets(zoo):
    assert zoo("data", "demo", "here", "--count", 2, "--size", 64, "--quiet").code == 0
    done = zoo("plugins", "check", "core", "--only", "demo", "--data-root", "here")
    assert [line.split()[3] for line in done.out.splitlines()] == ["ok"] * 6
    done = zoo("plugins", "check", "core", "--only", "demo", "--data-root", "gone")
    assert done.code == 0
    assert "skipped     0.0 s  nothing opens at gone: no demo set at gone" in done.out


def test_what_cannot_be_checked_is_said(zoo, tmp_path):
    done = zoo("plugins", "check", "tiny_plugn")
    assert done.code == 4
    assert "no plugin 'tiny_plugn'; plugins: " in done.err
    assert done.err.endswith("Did you mean 'tiny_plugin'?\n")
    done = zoo("plugins", "check", "core", "--only", "nothing")
    assert done.code == 1
    assert done.err.startswith("zoo: no check fits 'nothing'; checks: loads, import-light, declined, splits, ")
    (tmp_path / "broken.py").write_text("import not_there_at_all")
    done = zoo("plugins", "check", "broken", "--plugin", "broken.py")
    assert done.code == 1
    assert "loads               plugin broken                FAILED      0.0 s  it was not loaded: Mod" in done.out


def test_the_list_of_plugins_is_as_before(zoo):
    assert "tiny_plugin  loaded " in zoo("plugins").out
    assert "core" in [row["name"] for row in json.loads(zoo("plugins", "--json").out)]
    assert zoo("plugins", "chek", "x").code == 2
