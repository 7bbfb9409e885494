"""Which pictures are meant, and where what is made of them goes."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from registry import DataError, NotFoundError, UsageError
from zoo.predict.inputs import Found, Job, find_pictures, partners, plan


@pytest.fixture(autouse=True)
def tree(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in (
        "a/x.jpg",
        "a/deep er/ü.PNG",
        "a/deep er/x.jpg",
        "a/notes.txt",
        "a/.hidden.png",
        "b/x.jpg",
        "one.heic",
    ):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"")
    return tmp_path


def names(*inputs: str, **options) -> list[str]:
    return [str(each.path) for each in find_pictures(inputs, **options)[0]]


def test_files_folders_patterns_and_lists():
    assert names("a") == ["a/x.jpg"]
    assert names("a", recursive=True) == ["a/x.jpg", "a/deep er/x.jpg", "a/deep er/ü.PNG"]
    assert names("*/x.jpg") == ["a/x.jpg", "b/x.jpg"]
    assert names("**/x.jpg") == ["a/deep er/x.jpg", "a/x.jpg", "b/x.jpg"]
    assert names("one.heic", "a/notes.txt", "one.heic") == ["one.heic", "a/notes.txt"]
    Path("list.txt").write_bytes("a/deep er/ü.PNG\r\n\nb\n".encode())
    assert names("@list.txt") == ["a/deep er/ü.PNG", "b/x.jpg"]


def test_a_list_on_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"b\none.heic")))
    assert names("@-") == ["b/x.jpg", "one.heic"]


def test_outputs_among_the_inputs_are_not_inputs():
    Path("a/out").mkdir()
    Path("a/out/x.png").write_bytes(b"")
    assert "a/out/x.png" in names("a", recursive=True)
    assert "a/out/x.png" not in names("a", recursive=True, without=Path("a/out"))


def test_what_is_not_there_is_said():
    assert find_pictures(["a", "gone.png", "*.gif"])[1] == ["gone.png: no such picture", "*.gif: no such picture"]
    Path("bare/below").mkdir(parents=True)
    assert find_pictures(["bare", "b"])[1] == ["bare: no picture in that folder (--recursive looks below it)"]
    with pytest.raises(NotFoundError, match=r"^gone\.png: no such picture$"):
        find_pictures(["gone.png"])
    with pytest.raises(NotFoundError, match="@gone: no list of that name"):
        find_pictures(["@gone"])
    with pytest.raises(DataError, match="@a: the list cannot be read"):
        find_pictures(["@a"])
    Path("empty").write_text("\n\n")
    with pytest.raises(DataError, match="@empty: the list is empty"):
        find_pictures(["@empty"])


def targets(*inputs: str, **options) -> list[str]:
    return [str(job.target) for job in plan(find_pictures(inputs, **options)[0], Path("out"), ".png")]


def test_outputs_keep_the_tree_and_never_meet():
    assert targets("a", recursive=True) == ["out/x.png", "out/deep er/x.png", "out/deep er/ü.png"]
    assert targets("a/x.jpg", "one.heic") == ["out/x.png", "out/one.png"]
    assert targets("a", "b") == ["out/a/x.png", "out/b/x.png"]
    Path("b/x.heic").write_bytes(b"")
    assert targets("b", "one.heic") == ["out/b/x.heic.png", "out/b/x.jpg.png", "out/one.png"]
    assert targets("b") == ["out/x.heic.png", "out/x.jpg.png"]


def test_a_name_with_dots_keeps_them():
    Path("b/v1.2.final.jpg").write_bytes(b"")
    assert "out/v1.2.final.png" in targets("b")


def test_an_input_is_never_replaced():
    Path("b/y.png").write_bytes(b"")
    with pytest.raises(UsageError, match=r"-o b/y\.png: that would replace an input"):
        plan(find_pictures(["b"])[0], Path("b"), ".png")


def test_two_that_meet_all_the_same_are_refused():
    pictures = [Found(Path(p), Path(Path(p).stem)) for p in ("b/x.jpg", "b/x.png", "b/x.jpg.gif")]
    with pytest.raises(UsageError, match=r"would both become x\.jpg\.png; predict them apart"):
        plan(pictures, Path("out"), ".png")


def test_partners_by_place_then_by_stem():
    for name in ("t/x.png", "t/deep er/x.png"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"")
    of = partners("--trimap", "t", 3)
    assert of(Job(Path("a/x.jpg"), Path("x"), Path())) == Path("t/x.png")
    assert of(Job(Path("a/deep er/x.jpg"), Path("deep er/x"), Path())) == Path("t/deep er/x.png")
    assert of(Job(Path("a/other/x.jpg"), Path("other/x"), Path())) == Path("t/x.png")
    with pytest.raises(DataError, match=r"^a/y\.jpg: no trimap of that stem$"):
        of(Job(Path("a/y.jpg"), Path("y"), Path()))
    assert partners("--trimap", None, 3) is None
    assert partners("--trimap", "t/x.png", 1)(Job(Path("q.jpg"), Path("q"), Path())) == Path("t/x.png")
    with pytest.raises(UsageError, match="one file for 2 pictures"):
        partners("--trimap", "t/x.png", 2)
    with pytest.raises(NotFoundError, match="--target gone: no such folder"):
        partners("--target", "gone", 2)
