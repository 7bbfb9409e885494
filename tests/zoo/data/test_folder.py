import re

import cv2
import numpy as np
import pytest

from registry import DataError, NotFoundError, UsageError
from zoo.data.folder import open_folder
from zoo.data.samples import load


@pytest.fixture
def make(tmp_path):
    """``make("train/image", "train/alpha")``: these folders with two pictures each."""

    def build(*folders, names=("a", "b"), suffix=".png"):
        for folder in folders:
            (tmp_path / folder).mkdir(parents=True, exist_ok=True)
            for name in names:
                array = np.zeros((4, 6) if "image" not in folder else (4, 6, 3), np.uint8)
                (tmp_path / folder / f"{name}{suffix}").write_bytes(cv2.imencode(suffix, array)[1].tobytes())
        return tmp_path

    return build


def test_split_folders(make):
    root = make("train/image", "train/alpha", "test/image", "test/alpha", "test/trimap")
    train, test = (open_folder(root, split, {}) for split in ("train", "test"))
    assert [s.name for s in train] == ["a", "b"]
    assert train[0].alpha == root / "train" / "alpha" / "a.png"
    assert train[0].trimap is None
    assert test[0].trimap == root / "test" / "trimap" / "a.png"
    assert load(test[0]).alpha.shape == (4, 6)


def test_own_val(make):
    root = make("train/image", "train/alpha", "val/image", "val/alpha")
    assert open_folder(root, "val", {})[0].image == root / "val" / "image" / "a.png"


def test_one_set_of_pictures_is_train_and_test_but_not_val(make):
    root = make("image", "alpha")
    assert open_folder(root, "train", {}) == open_folder(root, "test", {})
    with pytest.raises(NotFoundError, match=r"has no split 'val': without split folders it is train, and test$"):
        open_folder(root, "val", {})


def test_absent_split(make):
    root = make("train/image")
    with pytest.raises(NotFoundError, match=r"has no split 'test'; there is: train$"):
        open_folder(root, "test", {})


def test_one_set_beside_split_folders_is_not_mistaken_for_a_split(make):
    root = make("train/image", "image")
    with pytest.raises(NotFoundError, match="has no split 'test'; there is: train"):
        open_folder(root, "test", {})


def test_without_alphas_it_is_unlabelled(make):
    assert [s.alpha for s in open_folder(make("image"), "train", {})] == [None, None]


def test_one_missing_alpha_is_reported_when_read(make):
    root = make("image", "alpha")
    (root / "alpha" / "b.png").unlink()
    with pytest.raises(DataError, match=re.escape(f"b: no mask; expected {root / 'alpha' / 'b.png'}")):
        load(open_folder(root, "train", {})[1])


def test_extensions_need_not_agree(make):
    root = make("image", suffix=".jpg")
    make("alpha", suffix=".bmp")
    assert load(open_folder(root, "train", {})[0]).alpha.shape == (4, 6)


def test_two_files_of_one_stem(make):
    root = make("image")
    make("image", suffix=".jpg")
    with pytest.raises(DataError, match=r"image: a\.jpg and a\.png have the same name; keep one of them"):
        open_folder(root, "train", {})


def test_options(make):
    root = make("photos", "mattes", "tri")
    options = {"image_dir": "photos", "alpha_dir": "mattes", "trimap_dir": "tri"}
    assert open_folder(root, "test", options)[0].trimap == root / "tri" / "a.png"
    with pytest.raises(NotFoundError, match=r"no folder .*nope, which data\.options\.alpha_dir names"):
        open_folder(root, "test", {**options, "alpha_dir": "nope"})
    with pytest.raises(UsageError, match="folder has no option 'masks'"):
        open_folder(root, "test", {"masks": "x"})


def test_nothing_there(tmp_path):
    with pytest.raises(NotFoundError) as caught:
        open_folder(tmp_path, "train", {})
    text = str(caught.value)
    assert text.startswith(f"neither {tmp_path / 'train' / 'image'} nor {tmp_path / 'image'} exists; expected DIR/")
    assert "\n" not in text


def test_empty(make, tmp_path):
    (tmp_path / "image").mkdir()
    with pytest.raises(NotFoundError, match=r"^no pictures in .*image$"):
        open_folder(tmp_path, "train", {})


def test_no_root():
    with pytest.raises(NotFoundError, match=r"^the data set 'folder' needs --data-root DIR: expected DIR/"):
        open_folder(None, "train", {})
