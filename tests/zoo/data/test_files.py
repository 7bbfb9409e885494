from pathlib import Path

import pytest

from registry import DataError
from zoo.data.files import pair, pictures_by_stem, pictures_in


def touch(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_pictures_are_sorted_and_the_rest_is_passed_over(tmp_path):
    touch(tmp_path, "b.JPG", "a.png", "c.jpeg", ".hidden.png", "notes.txt", "model.ckpt", "d")
    (tmp_path / "folder.png").mkdir()
    assert [p.name for p in pictures_in(tmp_path)] == ["a.png", "b.JPG", "c.jpeg"]


def test_stem_keeps_inner_dots(tmp_path):
    assert list(pictures_by_stem(touch(tmp_path, "a.b.png", "a.png"))) == ["a", "a.b"]


def test_folder_that_cannot_be_listed(tmp_path):
    with pytest.raises(DataError, match=r"gone: cannot be listed \(No such file or directory\)"):
        pictures_in(tmp_path / "gone")


def test_pairs(tmp_path):
    images = touch(tmp_path / "image", "a.jpg", "b.jpg")
    alphas = touch(tmp_path / "alpha", "b.bmp")
    first, second = pair(images, alphas, touch(tmp_path / "trimap", "a.png"))
    assert (first.name, first.image, first.alpha) == ("a", images / "a.jpg", alphas / "a.png")  # expected there
    assert first.trimap == tmp_path / "trimap" / "a.png"
    assert (second.alpha, second.trimap) == (alphas / "b.bmp", None)
    assert [s.alpha for s in pair(images)] == [None, None]
