"""``zoo data prepare``: makes what is missing and only that, so that no figure changes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from broken_set import write_split

from zoo.data.images import read_alpha, read_image, read_trimap
from zoo.data.trimap import evaluation_trimap
from zoo.engine import workers

FIXED = """
import numpy as np
from zoo import Card, ModelSpec, hookimpl

class Fixed:
    def predict(self, image, trimap=None):
        return (image.astype(np.float32) / 255).mean(axis=2)

@hookimpl
def register_models(register):
    register(ModelSpec("fixed", build=lambda config, backbone: Fixed(), card=Card("Fixed")))
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch, request):
    """Threads do the work, which start at once; a test that asks for ``processes`` gets the real ones."""
    if "processes" not in request.fixturenames:
        real = workers.executor
        monkeypatch.setattr(workers, "executor", lambda count: real(0))


@pytest.fixture
def processes() -> None:
    """The processes that a user gets."""


@pytest.fixture
def mine(tmp_path) -> Path:
    """Four pictures to train on, three to test on, without trimaps."""
    root = tmp_path / "mine"
    write_split(root, "train", range(4))
    write_split(root, "test", range(10, 13))
    return root


def files(root: Path) -> dict[str, tuple[int, bytes]]:
    return {str(p.relative_to(root)): (p.stat().st_mtime_ns, p.read_bytes()) for p in root.rglob("*") if p.is_file()}


def test_trimaps_of_the_test_splits_are_made_once(zoo, mine, processes):
    before = files(mine)
    planned = zoo("data", "prepare", mine, "--dry-run")
    assert (planned.code, planned.out) == (0, "test trimap: 3 to make, 0 there already\n")
    assert files(mine) == before

    done = zoo("data", "prepare", mine)
    assert (done.code, done.out, done.err) == (0, "test trimap: 3 made, 0 there already\n", "")
    made = files(mine)
    assert made.keys() - before.keys() == {f"test/trimap/p{number:03d}.png" for number in (10, 11, 12)}
    for number in (10, 11, 12):
        alpha = read_alpha(mine / "test" / "alpha" / f"p{number:03d}.png", np.float64)
        assert np.array_equal(read_trimap(mine / "test" / "trimap" / f"p{number:03d}.png"), evaluation_trimap(alpha))

    again = zoo("data", "prepare", mine)
    assert (again.code, again.out) == (0, "test trimap: 0 made, 3 there already\n")
    assert files(mine) == made
    assert zoo("data", "check", mine).code == 0


def test_figures_with_prepared_trimaps_are_those_without(zoo, mine, tmp_path):
    (tmp_path / "fixed.py").write_text(FIXED)
    words = (
        "eval",
        "fixed",
        "--dataset",
        "folder",
        "--data-root",
        mine,
        "--plugin",
        "fixed.py",
        "--workers",
        0,
        "--json",
    )
    without = json.loads(zoo(*words, "--output", "a", tiny=False).out)
    assert without["trimaps_made"] == 3
    assert zoo("data", "prepare", mine).code == 0
    prepared = json.loads(zoo(*words, "--output", "b", tiny=False).out)
    assert prepared["trimaps_made"] == 0
    assert prepared["metrics"]["SAD-T"] is not None
    for key in ("metrics", "per_image", "intervals", "undefined"):
        assert prepared[key] == without[key]


def test_an_interrupted_run_goes_on(zoo, mine):
    assert zoo("data", "prepare", mine, "--limit", 1).out == "test trimap: 1 made, 0 there already\n"
    first = files(mine)
    done = json.loads(zoo("data", "prepare", mine, "--json").out)
    assert done["splits"] == {"test": {"trimap": {"there": 1, "to make": 2}}}
    assert done["made"] == {"test": {"trimap": 2}}
    assert (done["dataset"], done["root"], done["dry_run"], done["problems"]) == ("folder", str(mine), False, [])
    assert first.items() <= files(mine).items()


def test_what_is_there_is_replaced_only_by_force(zoo, mine):
    (mine / "test" / "trimap").mkdir()
    theirs = mine / "test" / "trimap" / "p010.png"
    cv2.imwrite(str(theirs), np.zeros((96, 128), np.uint8))
    kept = theirs.read_bytes()
    assert zoo("data", "prepare", mine).code == 0
    assert theirs.read_bytes() == kept
    assert zoo("data", "prepare", mine, "--force").out == "test trimap: 3 made, 0 there already\n"
    assert theirs.read_bytes() != kept

    theirs.rename(theirs.with_suffix(".bmp"))
    done = zoo("data", "prepare", mine, "--force")
    assert done.code == 1
    assert (
        done.err.splitlines()[-1]
        == f"zoo: failed: test p010: {theirs.with_suffix('.bmp')} is in the way of p010.png; remove it"
    )
    assert not theirs.exists()


def test_colours_of_all_splits(zoo, mine, processes):
    pytest.importorskip("pymatting")
    done = zoo("data", "prepare", mine, "--foreground", "--splits", "all", "--quiet")
    assert (done.code, done.err) == (0, "")
    expected = "".join(
        f"{split} {kind}: {count} made, 0 there already\n"
        for split, count in (("train", 4), ("test", 3))
        for kind in ("trimap", "foreground", "background")
    )
    assert done.out == expected
    image = read_image(mine / "train" / "image" / "p002.jpg")
    alpha = read_alpha(mine / "train" / "alpha" / "p002.png")[..., None]
    foreground, background = (read_image(mine / "train" / kind / "p002.png") for kind in ("foreground", "background"))
    assert np.abs(alpha * foreground + (1 - alpha) * background - image).mean() < 2
    # One of the two lost: made again, the other is left alone.
    kept = (mine / "train" / "foreground" / "p002.png").stat().st_mtime_ns
    (mine / "train" / "background" / "p002.png").unlink()
    done = zoo("data", "prepare", mine, "--foreground", "--splits", "train", "--quiet")
    assert "train foreground: 0 made, 4 there already\ntrain background: 1 made, 3 there already\n" in done.out
    assert (mine / "train" / "foreground" / "p002.png").stat().st_mtime_ns == kept


# --- What goes wrong ---


def test_bad_pictures_are_reported_at_the_end_and_the_others_are_done(zoo, mine):
    (mine / "test" / "alpha" / "p010.png").write_bytes(b"")
    (mine / "test" / "alpha" / "p011.png").unlink()
    done = zoo("data", "prepare", mine)
    assert (done.code, done.out) == (1, "test trimap: 1 made, 0 there already\n")
    assert [path.name for path in (mine / "test" / "trimap").iterdir()] == ["p012.png"]
    empty = f"{mine / 'test' / 'alpha' / 'p010.png'}: is empty"
    assert done.err.splitlines() == [
        f"not made: test: p010: {empty}",
        f"not made: test: p011: p011: no mask; expected {mine / 'test' / 'alpha' / 'p011.png'}",
        f"zoo: 2 failed, the first is test p010: {empty}",
    ]


def test_a_mask_of_another_size_makes_no_trimap(zoo, mine):
    cv2.imwrite(str(mine / "test" / "alpha" / "p010.png"), np.zeros((96, 100), np.uint8))
    done = zoo("data", "prepare", mine)
    assert (done.code, done.out) == (1, "test trimap: 2 made, 0 there already\n")
    assert "the image is 128x96 pixels and the mask 100x96" in done.err


def test_a_folder_that_cannot_be_made_is_one_line(zoo, mine):
    # What a read-only file system or missing rights do to who is not root.
    (mine / "test" / "trimap").touch()
    done = zoo("data", "prepare", mine)
    assert done.code == 1
    assert done.err == (
        f"zoo: {mine / 'test' / 'trimap'}: cannot make the folder (File exists); what is prepared lies beside the "
        "masks, so the data set must lie where you may write\n"
    )


def test_a_file_that_cannot_be_written_ends_it_in_one_line(zoo, mine):
    (mine / "test" / "trimap").mkdir()
    (mine / "test" / "trimap" / "p010.png").mkdir()  # no picture, so it is not there; and in the way
    done = zoo("data", "prepare", mine)
    assert done.code == 1
    assert done.err == f"zoo: {mine / 'test' / 'trimap' / 'p010.png'}: cannot be written (Is a directory)\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("--splits", "nope"), 4, "folder has no split 'nope'; splits: train, val, test."),
        (("--splits", "val"), 4, "has no split 'val'; there is: train, test"),
        (("--limit", "0"), 2, "--limit"),
        (("--workers", "0"), 2, "--workers"),
    ],
)
def test_wrong_words(zoo, mine, words, code, message):
    done = zoo("data", "prepare", mine, *words)
    assert done.code == code
    assert message in done.err


def test_splits_that_are_broken_or_have_no_masks(zoo, mine):
    shutil.rmtree(mine / "test" / "alpha")
    done = zoo("data", "prepare", mine)
    assert (done.code, done.err.splitlines()[-1]) == (1, "zoo: failed: test test: has no masks to make anything from")
    shutil.rmtree(mine / "test" / "image")
    done = zoo("data", "prepare", mine)
    assert done.code == 1
    assert "has no split 'test'" in done.err


def test_a_plugins_data_set_is_left_alone(zoo, mine, tmp_path):
    (tmp_path / "own.py").write_text(
        "from zoo import DatasetSpec, hookimpl\n"
        "@hookimpl\ndef register_datasets(register):\n"
        "    register(DatasetSpec('own', {'train': None}, open=lambda root, split, options: []))\n"
    )
    done = zoo("data", "prepare", mine, "--dataset", "own", "--plugin", "own.py")
    assert done.code == 2
    assert done.err == "zoo: own belongs to a plugin, which alone knows where its trimaps lie\n"


def test_ctrl_c_leaves_whole_files_only(mine, tmp_path):
    write_split(mine, "test", range(100, 130), height=480, width=640)
    command = [sys.executable, "-m", "zoo.cli", "data", "prepare", str(mine), "--workers", "1", "--no-plugins"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env={**os.environ})
    folder = mine / "test" / "trimap"
    end = time.monotonic() + 60
    while time.monotonic() < end and not (folder.is_dir() and any(folder.iterdir())):
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == 130, error
    made = sorted(folder.iterdir())
    assert 0 < len(made) < 33
    for path in made:
        assert not path.name.startswith(".")
        alpha = read_alpha(mine / "test" / "alpha" / path.name, np.float64)
        assert np.array_equal(read_trimap(path), evaluation_trimap(alpha))
