"""``zoo data check``: every defect found and named, nothing else, and nothing written."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from broken_set import break_it, picture, save, write_clean, write_split

from zoo.data.rules import RULES
from zoo.engine import workers


@pytest.fixture(autouse=True)
def quick(monkeypatch, request):
    """Threads do the work, which start at once; a test that asks for ``processes`` gets the real ones."""
    if "processes" not in request.fixturenames:
        real = workers.executor
        monkeypatch.setattr(workers, "executor", lambda count: real(0))


@pytest.fixture
def processes() -> None:
    """The processes that a user gets."""


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Path:
    """A set with nothing wrong; not to be changed."""
    return write_clean(tmp_path_factory.mktemp("set") / "mine")


@pytest.fixture
def mine(clean, tmp_path) -> Path:
    """A copy of it to be broken."""
    return Path(shutil.copytree(clean, tmp_path / "mine"))


def found(report: dict) -> set[tuple[str, str, tuple[str, ...]]]:
    return {(f["code"], f["split"], tuple(item["name"] for item in f["items"])) for f in report["findings"]}


def state(root: Path) -> dict[str, tuple[int, bytes]]:
    return {str(p): (p.stat().st_mtime_ns, p.read_bytes()) for p in sorted(root.rglob("*")) if p.is_file()}


def test_a_clean_set_is_clean(zoo, clean, processes):
    before = state(clean)
    done = zoo("data", "check", clean)
    assert (done.code, done.err) == (0, "")
    assert f"folder at {clean}\n" in done.out
    assert "44 pictures read in" in done.out
    assert done.out.endswith(": nothing wrong\n")
    assert state(clean) == before


def test_every_defect_is_found_and_named_and_nothing_else(zoo, mine, processes):
    expected = break_it(mine)
    before = state(mine)
    done = zoo("data", "check", "--data-root", mine, "--json")
    report = json.loads(done.out)
    assert found(report) == expected
    assert done.code == 1
    assert state(mine) == before
    # Each rule but those of whole splits, which have tests of their own, is met here.
    whole = {"split-broken", "split-absent", "count", "same-pictures", "no-masks", "no-masks-train", "no-trimaps"}
    # A plugin's data set may name files that are not there; masks and trimaps are damaged as images are.
    others = {"no-image", "no-trimap", "partly-labelled"} | {
        f"{p}-{d}" for p in ("mask", "trimap") for d in ("damaged", "stray")
    }
    assert {code for code, _, _ in expected} == set(RULES) - whole - others

    details = {item["name"]: item["detail"] for f in report["findings"] for item in f["items"]}
    assert details["p000"] == "is truncated"
    assert details["p001"].startswith("Corrupt JPEG data")
    assert details["p002"] == "expected p002.png"
    assert "no alpha, it has colours" in details["p004"]
    assert "a cut-out with transparency" in details["p005"]
    assert details["p006"] == "128x95 pixels, its image 128x96"
    assert details["p007"].endswith("turned by its EXIF orientation (6), the mask is not")
    assert details["p013"].startswith("p012, a copy, ")
    assert details["p030"] == "train/p018, the same file"
    assert details["p041"].startswith("train/p020, a copy, ")
    assert details["p040"].startswith("train/p019, mirrored, ")
    assert details["p042"].startswith("no trimap, it has the value ")

    # Worst first.
    levels = [finding["level"] for finding in report["findings"]]
    assert levels == sorted(levels, key=["error", "warning", "note"].index)
    assert report["counts"] == {level: levels.count(level) for level in ("error", "warning", "note")}
    errors = report["counts"]["error"]
    assert done.err.splitlines()[-1] == (
        f"zoo: these {errors} errors must be put right before folder is trained or scored on"
    )

    text = zoo("data", "check", mine).out
    assert text.index("Errors: ") < text.index("Warnings: ") < text.index("Good to know")
    assert "  train: 2 masks are no mattes\n      p004: no alpha, it has colours" in text
    assert "  train: 1 mask is binary, next to nothing between 0 and 1\n      p008\n      -> binary masks spoil" in text


def test_json_tells_everything(zoo, clean):
    report = json.loads(zoo("data", "check", clean, "--json", "--workers", 1).out)
    assert report["dataset"] == "folder"
    assert report["root"] == str(clean)
    assert (report["findings"], report["counts"]) == ([], {"error": 0, "warning": 0, "note": 0})
    assert report["workers"] == 1
    train, val, test = report["splits"]
    assert [split["name"] for split in (train, val, test)] == ["train", "val", "test"]
    assert [split["pictures"] for split in (train, val, test)] == [30, 4, 10]
    assert [split["trimaps"] for split in (train, val, test)] == [0, 4, 10]
    assert train["sizes"] == {"smallest": [128, 96], "median": [128, 96], "largest": [128, 96]}
    # Shares counted here on what was drawn, in 8 bits as it was saved.
    levels = [np.rint(picture(seed)[1] * 255) for seed in range(40, 50)]
    assert test["alpha"]["zero"] == pytest.approx(np.mean([(level == 0).mean() for level in levels]))
    assert test["alpha"]["one"] == pytest.approx(np.mean([(level == 255).mean() for level in levels]))
    assert len(test["alpha"]["histogram"]) == 10
    assert sum(test["alpha"]["histogram"]) == pytest.approx(test["alpha"]["between"])
    assert test["alpha"]["zero"] + test["alpha"]["between"] + test["alpha"]["one"] == pytest.approx(1)


def test_warnings_alone_leave_the_exit_code_0(zoo, mine):
    save(mine / "train" / "alpha" / "p003.png", np.zeros((96, 128), np.uint8))
    done = zoo("data", "check", mine, "--json")
    assert found(json.loads(done.out)) == {("mask-empty", "train", ("p003",))}
    assert done.code == 0


# --- Splits as a whole ---


def test_a_broken_split_and_one_without_masks_or_trimaps(zoo, tmp_path):
    write_split(tmp_path, "train", range(3))
    write_split(tmp_path, "test", range(3, 5))
    (tmp_path / "val").mkdir()
    shutil.rmtree(tmp_path / "test" / "alpha")
    done = zoo("data", "check", tmp_path)
    assert done.code == 1
    assert f"  val: there, but cannot be opened: {tmp_path} has no split 'val'; there is: train, test\n" in done.out
    assert "  test: no masks, so nothing to score against\n" in done.out
    assert "  test: no trimaps\n" in done.out


def test_two_files_of_one_name(zoo, mine):
    shutil.copy(mine / "train" / "alpha" / "p001.png", mine / "train" / "alpha" / "p001.bmp")
    done = zoo("data", "check", mine, "--json")
    (finding,) = json.loads(done.out)["findings"]
    assert (done.code, finding["code"], finding["split"]) == (1, "split-broken", "train")
    assert "p001.bmp and p001.png have the same name" in finding["items"][0]["detail"]


def test_one_set_of_pictures_serves_as_two_splits(zoo, mine):
    done = zoo("data", "check", mine / "train", "--dataset", "folder", "--json")
    assert done.code == 0
    assert found(json.loads(done.out)) == {("same-pictures", "test", ("test",))}
    report = json.loads(done.out)
    assert [(s["name"], s["state"], s["same_as"]) for s in report["splits"]] == [
        ("train", "present", None),
        ("val", "absent", None),
        ("test", "present", "train"),
    ]


def test_unlabelled_pictures_are_good_to_know(zoo, tmp_path):
    write_split(tmp_path, "train", range(3))
    shutil.rmtree(tmp_path / "train" / "alpha")
    done = zoo("data", "check", tmp_path, "--json")
    assert (done.code, found(json.loads(done.out))) == (0, {("no-masks-train", "train", ("train",))})


def test_published_counts_and_absent_splits(zoo, tmp_path):
    write_split(tmp_path, "train", range(3))
    (tmp_path / "train" / "image").rename(tmp_path / "train" / "blurred_image")
    (tmp_path / "train" / "alpha").rename(tmp_path / "train" / "mask")
    done = zoo("data", "check", tmp_path)
    assert done.code == 0
    assert f"P3M-10k at {tmp_path}\n" in done.out
    assert "  train: not the published count: 3 of 9421 pictures\n" in done.out
    assert "  P3M-500-NP: published, but not there: P3M-10k at" in done.out
    # A level too deep, where some splits are found all the same.
    (tmp_path / "validation" / "P3M-500-NP").mkdir(parents=True)
    (tmp_path / "train").rename(tmp_path / "validation" / "P3M-500-P")
    (tmp_path / "train").mkdir()
    done = zoo("data", "check", tmp_path / "validation")
    assert f"there is: P3M-500-P, P3M-500-NP. Did you mean {tmp_path}?\n" in done.out


def test_renamed_sub_folders(zoo, mine):
    for split in ("train", "val", "test"):
        (mine / split / "image").rename(mine / split / "photos")
    settings = ("--set", "data.options.image_dir=photos")
    assert zoo("data", "check", mine, *settings).code == 0
    refused = zoo("data", "check", mine, "--set", "train.lr=1")
    assert (refused.code, refused.err) == (2, "zoo: --set train.lr=1: this command reads data.options only\n")


# --- Not there ---


def test_nothing_there(zoo, tmp_path):
    (tmp_path / "empty").mkdir()
    done = zoo("data", "check", tmp_path / "empty")
    assert done.code == 4
    assert done.err.startswith(f"zoo: no P3M-10k at {tmp_path / 'empty'}: neither train nor validation is there.")
    assert zoo("data", "check", tmp_path / "nowhere").code == 4
    assert "draw it (seconds, no download) with: zoo data demo" in zoo("data", "check", "--dataset", "demo").err
    assert zoo("data", "check", "--dataset", "nothing").code == 4


@pytest.mark.parametrize("given", ["", "mine/train/image", "mine/train/alpha"])
def test_a_level_too_high_or_too_low(zoo, mine, given):
    done = zoo("data", "check", mine.parent / given, "--dataset", "folder")
    assert done.code == 4
    assert done.err.endswith(f" Did you mean {mine}?\n") or done.err.endswith(f" Did you mean {mine / 'train'}?\n")


def test_two_folders_named(zoo, mine):
    done = zoo("data", "check", mine, "--data-root", mine.parent)
    assert (done.code, done.err) == (2, f"zoo: {mine} and --data-root {mine.parent}: name one folder\n")


# --- Scale ---


def test_500_small_pictures_take_seconds(zoo, tmp_path, processes):
    write_split(tmp_path, "train", range(500), height=24, width=32)
    started = time.perf_counter()
    done = zoo("data", "check", tmp_path, "--json")
    report = json.loads(done.out)
    assert report["splits"][0]["pictures"] == 500
    assert done.code == 0
    # Measured: 2 s on two busy cores, most of it for starting the processes.
    assert time.perf_counter() - started < 30
    assert cv2.imread(str(tmp_path / "train" / "image" / "p499.jpg")) is not None
