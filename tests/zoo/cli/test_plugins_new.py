"""``zoo plugins new``: what it writes passes the checks, and what cannot be written leaves nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from registry import load
from zoo.templates import write
from zoo.testing import checks
from zoo.testing.check import FAILED, OK, SKIPPED

POINTS = [EntryPoint("core", "zoo.builtin", "zoo")]


@pytest.mark.parametrize(
    ("kind", "checked"),
    [("backbone", (7, 0)), ("metric", (9, 0)), ("dataset", (4, 5))],
)
def test_what_is_written_passes_as_it_is(zoo, tmp_path, monkeypatch, kind, checked):
    name = f"fresh-{kind}"
    done = zoo("plugins", "new", name, "--kind", kind, tiny=False)
    assert done.code == 0, done.err
    assert f"zoo-{name}/zoo_fresh_{kind}/__init__.py" in done.out.splitlines()
    assert f"next: pip install -e zoo-{name}, then: zoo plugins check {name}" in done.err
    monkeypatch.syspath_prepend(tmp_path / f"zoo-{name}")
    found = load(points=[*POINTS, EntryPoint(name, f"zoo_fresh_{kind}", "zoo")], strict=True)
    outcomes = [(check.blame(outcome), outcome) for check in checks(found, name) for outcome in [check.run()]]
    assert not [text for text, outcome in outcomes if outcome.status == FAILED]
    statuses = [outcome.status for _, outcome in outcomes]
    assert (statuses.count(OK), statuses.count(SKIPPED)) == checked


def test_the_model_that_is_written_is_the_one_its_card_describes(zoo, tmp_path, monkeypatch):
    """The whole of its checks is run by the test of the guide; here those of which a template holds figures."""
    zoo("plugins", "new", "fresh-model", tiny=False)
    monkeypatch.syspath_prepend(tmp_path / "zoo-fresh-model")
    found = load(points=[*POINTS, EntryPoint("fresh-model", "zoo_fresh_model", "zoo")], strict=True)
    wanted = ("config", "builds", "options", "recipe", "card", "parameters", "macs")
    outcomes = {check.name: check.run() for check in checks(found, "fresh-model") if check.name in wanted}
    assert {name: outcome.reason for name, outcome in outcomes.items()} == dict.fromkeys(wanted, "")
    readme = (tmp_path / "zoo-fresh-model" / "README.md").read_text()
    card = found.models["fresh-model"].card
    assert f"| parameters | {card.parameters:,} |" in readme
    assert f"| multiply-accumulates at 256 x 256 | {card.macs:,} |" in readme


def test_the_tests_of_a_data_set_open_the_pictures_they_draw(zoo, tmp_path):
    zoo("plugins", "new", "shots", "--kind", "dataset", tiny=False)
    folder = tmp_path / "zoo-shots"
    (folder / "zoo_shots-0.1.0.dist-info").mkdir()
    (folder / "zoo_shots-0.1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: zoo-shots\nVersion: 0.1.0\n"
    )
    (folder / "zoo_shots-0.1.0.dist-info" / "entry_points.txt").write_text("[zoo]\nshots = zoo_shots\n")
    environment = {name: value for name, value in os.environ.items() if name != "ZOO_LOAD_PLUGINS"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "-c", "/dev/null", "tests"],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "9 passed" in done.stdout


@pytest.mark.parametrize("kind", ["model", "backbone", "dataset", "metric"])
def test_every_file_is_in_the_projects_style(tmp_path, kind):
    write.write_plugin(tmp_path / "out", "fresh", kind)
    ruff = Path(sys.executable).with_name("ruff")
    config = Path(__file__).parents[3] / "pyproject.toml"
    for words in (("format", "--check"), ("check",)):
        done = subprocess.run(
            [ruff, *words, "--no-cache", "--config", config, tmp_path / "out"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    every = [file.read_text() for file in (tmp_path / "out").rglob("*") if file.is_file()]
    assert not [text for text in every if "$" in text or "NAME" in text.replace("/NAME.*", "").replace("zoo_NAME", "")]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["Hazel"], "'Hazel' cannot be the name of a plugin: use small letters, digits and single '-', begin with"),
        (["1st"], "'1st' cannot be the name of a plugin"),
        (["a--b"], "'a--b' cannot be the name of a plugin"),
        (["a_b"], "'a_b' cannot be the name of a plugin"),
        (["../up"], "'../up' cannot be the name of a plugin"),
        (
            ["x" * 41],
            "cannot be the name of a plugin: use small letters, digits and single '-', begin with a letter, 40",
        ),
        (["zoo-hazel"], "the distribution of 'zoo-hazel' would be zoo-zoo-hazel: leave out the prefix zoo-"),
        (["core"], "the plugin name 'core' is taken by core (matting-zoo"),
        (["tiny"], "the model name 'tiny' is taken by tiny_plugin ("),
        (["mad", "--kind", "metric"], "the metric name 'MAD' is taken by core (matting-zoo"),
        (["folder", "--kind", "dataset"], "the dataset name 'folder' is taken by core (matting-zoo"),
    ],
)
def test_a_name_that_is_malformed_or_taken_is_refused(zoo, tmp_path, words, reason):
    before = sorted(tmp_path.iterdir())
    done = zoo("plugins", "new", *words)
    assert done.code == 2
    assert reason in done.err
    assert len(done.err.splitlines()) == 1
    assert sorted(tmp_path.iterdir()) == before


def test_a_package_that_is_there_is_no_name_for_a_new_one(zoo, tmp_path, monkeypatch):
    (tmp_path / "zoo_hazel").mkdir()
    (tmp_path / "zoo_hazel" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    done = zoo("plugins", "new", "hazel")
    assert (done.code, done.err) == (2, "zoo: a package zoo_hazel is installed already; take another name\n")


def test_a_folder_that_is_there_is_left_alone(zoo, tmp_path):
    (tmp_path / "zoo-hazel").mkdir()
    done = zoo("plugins", "new", "hazel")
    assert (done.code, done.err) == (2, "zoo: zoo-hazel is there already; give another folder with --output\n")
    assert not list((tmp_path / "zoo-hazel").iterdir())
    (tmp_path / "nowhere").symlink_to("gone")
    assert zoo("plugins", "new", "hazel", "--output", "nowhere").code == 2
    done = zoo("plugins", "new", "hazel", "--output", "a/b")
    assert done.code == 0
    assert (tmp_path / "a" / "b" / "pyproject.toml").is_file()


def test_nothing_half_written_stays(tmp_path, monkeypatch):
    rename = os.rename

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(write.ZooError, match="cannot be written: No space left on device"):
        write.write_plugin(tmp_path / "out", "hazel", "model")
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(os, "rename", rename)
    (tmp_path / "file").touch()
    with pytest.raises(write.ZooError, match="cannot be written: Not a directory"):
        write.write_plugin(tmp_path / "file" / "out", "hazel", "model")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
