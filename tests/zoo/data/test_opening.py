"""A data set's own val split: only one that is really absent is replaced by a slice of train."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from disc_set import write_discs

from registry import DataError, DatasetSpec, Registry, load
from zoo.config import Config, resolve
from zoo.data.opening import open_split, open_training, split_folder


@pytest.fixture
def registry() -> Registry:
    return load(only=[])


def config(root: Path, **data: object) -> Config:
    return resolve().config.override(data={"dataset": "folder", "root": str(root), **data})


def names(samples) -> list[str]:
    return [sample.name for sample in samples]


def test_absent_val_is_a_slice(registry, tmp_path):
    train, val = open_training(registry, config(write_discs(tmp_path)))
    assert (len(train), len(val)) == (8, 1)


def test_own_val_wins(registry, tmp_path):
    root = write_discs(write_discs(tmp_path), 2, "val")
    train, val = open_training(registry, config(root))
    assert (len(train), names(val)) == (9, ["d00", "d01"])
    assert val[0].image.parent == root / "val" / "image"
    assert names(open_split(registry, config(root), "val")) == ["d00", "d01"]
    # Training without validation is asked for by a number, which looks at no split.
    assert open_training(registry, config(root, val=0))[1] == []


@pytest.mark.parametrize("broken", ["no image folder", "no picture", "an empty folder", "a file", "a dead link"])
def test_own_val_that_is_there_but_broken_is_refused(registry, tmp_path, broken):
    root = write_discs(write_discs(tmp_path), 2, "val")
    place = root / "val"
    if broken == "no image folder":
        (place / "image").rename(place / "images")
    elif broken == "no picture":
        for file in (place / "image").iterdir():
            file.unlink()
    else:
        shutil.rmtree(place)
        if broken == "an empty folder":
            place.mkdir()
        elif broken == "a file":
            place.touch()
        else:
            place.symlink_to(root / "moved")
    with pytest.raises(DataError) as caught:
        open_training(registry, config(root))
    text = str(caught.value)
    assert text.startswith(f"the data set's own val split ({place}) cannot be used: ")
    assert text.endswith(
        "Repair it, remove it to have a slice of train set apart instead, or set data.val to 0 to train without"
    )
    assert len(open_training(registry, config(root, val=0))[0]) == 9


def test_own_val_without_pictures_is_refused_wherever_it_lies(registry, tmp_path):
    class Own:
        """The registry with a plugin's data set that declares a val and has none in it."""

        spec = DatasetSpec(
            "own", {"train": None, "val": None}, lambda root, split, options: [1] if split == "train" else []
        )

        def get(self, kind, name, prefer=None):
            return self.spec

    with pytest.raises(DataError, match=r"^the data set's own val split cannot be used: it holds no picture\. Repair"):
        open_training(Own(), config(tmp_path))


def test_split_folder(tmp_path):
    (tmp_path / "validation" / "P3M-500-P").mkdir(parents=True)
    (tmp_path / "train").mkdir()
    assert split_folder(tmp_path, "train") == tmp_path / "train"
    assert split_folder(str(tmp_path), "P3M-500-P") == tmp_path / "validation" / "P3M-500-P"
    assert split_folder(tmp_path, "val") is None
    assert split_folder(None, "train") is None
