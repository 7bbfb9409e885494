import logging
import re

import cv2
import numpy as np
import pytest

from registry import DataError, NotFoundError, UsageError
from zoo.data.p3m10k import SPEC, open_p3m10k
from zoo.data.samples import load

TRAIN = [f"p_{i:08x}" for i in range(1, 6)]
TEST = ["p_0000000a", "p_0000000b"]


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(path.suffix, array)[1].tobytes())


def names(samples):
    return [sample.name for sample in samples]


@pytest.mark.parametrize("validation", [True, False])
def test_splits(tree, validation):
    root = tree(validation=validation)
    assert names(open_p3m10k(root, "train", {})) == TRAIN
    for split in ("P3M-500-P", "P3M-500-NP", "P3M_500_NP"):
        samples = open_p3m10k(str(root), split, {})
        assert names(samples) == TEST
        loaded = load(samples[0])
        assert loaded.image.shape == (24, 32, 3)
        assert loaded.alpha.shape == loaded.trimap.shape == (24, 32)


def test_train_has_no_trimaps(tree):
    assert open_p3m10k(tree(), "train", {})[0].trimap is None


def test_image_folders_are_those_published(tree):
    root = tree()
    assert open_p3m10k(root, "P3M-500-P", {})[0].image.parent.name == "blurred_image"
    assert open_p3m10k(root, "P3M-500-NP", {})[0].image.parent.name == "original_image"


def test_either_image_folder_will_do(tree):
    root = tree()
    (root / "train" / "blurred_image").rename(root / "train" / "original_image")
    folder = root / "validation" / "P3M-500-NP"
    (folder / "original_image").rename(folder / "blurred_image")
    assert names(open_p3m10k(root, "train", {})) == TRAIN
    assert names(open_p3m10k(root, "P3M-500-NP", {})) == TEST


def test_pairs_by_stem_whatever_the_extension(tree):
    root = tree()
    folder = root / "train" / "blurred_image"
    for name, suffix in zip(TRAIN, (".JPG", ".jpeg", ".webp", ".bmp", ".tif"), strict=True):
        (folder / f"{name}.png").unlink()
        save(folder / f"{name}{suffix.lower()}", np.zeros((24, 32, 3), np.uint8))
        (folder / f"{name}{suffix.lower()}").rename(folder / f"{name}{suffix}")
    samples = open_p3m10k(root, "train", {})
    assert names(samples) == TRAIN
    assert all(load(sample).alpha.shape == (24, 32) for sample in samples)


def test_masks_and_trimaps_of_three_channels(tree):
    root = tree()
    expected = load(open_p3m10k(root, "P3M-500-P", {})[0])
    for part in ("mask", "trimap"):
        for path in (root / "validation" / "P3M-500-P" / part).iterdir():
            save(path, cv2.cvtColor(cv2.imread(str(path), 0), cv2.COLOR_GRAY2BGR))
    loaded = load(open_p3m10k(root, "P3M-500-P", {})[0])
    np.testing.assert_array_equal(loaded.alpha, expected.alpha)
    np.testing.assert_array_equal(loaded.trimap, expected.trimap)


def test_hidden_and_foreign_files_are_passed_over(tree):
    root = tree()
    folder = root / "train" / "blurred_image"
    for name in (".DS_Store", "._p_00000001.png", "Thumbs.db", "readme.txt", "noextension"):
        (folder / name).touch()
    (folder / "folder.png").mkdir()
    (root / "train" / "mask" / ".part.png").touch()
    assert names(open_p3m10k(root, "train", {})) == TRAIN


def test_extra_folders_of_newer_archives_do_no_harm(tree):
    root = tree()
    for name in ("fg_blurred", "bg", "facemask"):
        (root / "train" / name).mkdir()
    assert names(open_p3m10k(root, "train", {})) == TRAIN


def test_names_beyond_ascii(tree):
    root = tree()
    for part in ("blurred_image", "mask"):
        (root / "train" / part / "p_00000001.png").rename(root / "train" / part / "人像 é.png")
    sample = open_p3m10k(root, "train", {})[-1]
    assert sample.name == "人像 é"
    assert load(sample).alpha is not None


def test_missing_trimaps(tree):
    assert all(s.trimap is None for s in open_p3m10k(tree(trimaps=False), "P3M-500-P", {}))
    root = tree()
    (root / "validation" / "P3M-500-P" / "trimap" / "p_0000000a.png").unlink()
    assert [s.trimap is None for s in open_p3m10k(root, "P3M-500-P", {})] == [True, False]


def test_missing_mask_is_reported_when_read(tree):
    root = tree()
    path = root / "train" / "mask" / "p_00000002.png"
    path.unlink()
    samples = open_p3m10k(root, "train", {})
    assert names(samples) == TRAIN
    with pytest.raises(DataError, match=re.escape(f"p_00000002: no mask; expected {path}")):
        load(samples[1])


def test_mask_without_an_image_is_told(tree, caplog):
    root = tree()
    (root / "train" / "blurred_image" / "p_00000003.png").unlink()
    with caplog.at_level(logging.WARNING, "zoo"):
        assert len(open_p3m10k(root, "train", {})) == 4
    assert "mask: 1 file has no image of that name, so not used (p_00000003)" in caplog.text
    for name in TRAIN[1:2] + TRAIN[3:]:
        (root / "train" / "blurred_image" / f"{name}.png").unlink()
    caplog.clear()
    with caplog.at_level(logging.WARNING, "zoo"):
        open_p3m10k(root, "train", {})
    assert "4 files have no image of that name, so not used (p_00000002, p_00000003, p_00000004, ...)" in caplog.text


def test_two_files_of_one_stem(tree):
    root = tree()
    save(root / "train" / "mask" / "p_00000001.bmp", np.zeros((24, 32), np.uint8))
    with pytest.raises(DataError, match=r"mask: p_00000001\.bmp and p_00000001\.png have the same name; keep one"):
        open_p3m10k(root, "train", {})


# --- Options ---


def test_sub_folders_can_be_renamed(tree):
    root = tree()
    folder = root / "validation" / "P3M-500-P"
    for old, new in (("blurred_image", "img"), ("mask", "gt"), ("trimap", "tri")):
        (folder / old).rename(folder / new)
    samples = open_p3m10k(root, "P3M-500-P", {"image_dir": "img", "alpha_dir": "gt", "trimap_dir": "tri"})
    assert names(samples) == TEST
    assert samples[0].trimap.parent.name == "tri"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_dir": "nope"}, r"no folder of images in .*train: looked for nope; there is: blurred_image, mask$"),
        ({"alpha_dir": "nope"}, r"no folder of masks in .*train: looked for nope; there is: blurred_image, mask$"),
        ({"trimap_dir": "nope"}, r"no folder of trimaps in .*train: looked for nope; there is: blurred_image, mask$"),
    ],
)
def test_named_folder_is_absent(tree, options, message):
    with pytest.raises(NotFoundError, match=message):
        open_p3m10k(tree(), "train", options)


def test_unknown_option(tree):
    with pytest.raises(UsageError) as caught:
        open_p3m10k(tree(), "train", {"images_dir": "x"})
    assert str(caught.value) == (
        "data.options: P3M-10k has no option 'images_dir'; its options: image_dir, alpha_dir, trimap_dir. "
        "Did you mean 'image_dir'?"
    )
    with pytest.raises(UsageError, match=r"^data\.options: image_dir must be the name of a folder, not 3$"):
        open_p3m10k(tree(), "train", {"image_dir": 3})


# --- Not there ---


@pytest.mark.parametrize("exists", [True, False])
def test_nothing_at_root(tmp_path, exists):
    root = tmp_path / "data"
    if exists:
        root.mkdir()
    with pytest.raises(NotFoundError) as caught:
        open_p3m10k(root, "train", {})
    text = str(caught.value)
    assert text.startswith(f"no P3M-10k at {root}: neither train nor validation is there.")
    for part in (
        "https://github.com/JizhiziLi/P3M",
        "release agreement",
        "DIR/train/{blurred_image,mask}",
        "--data-root",
    ):
        assert part in text
    assert text.endswith("`zoo data demo` and use --dataset demo")
    assert "\n" not in text


@pytest.mark.parametrize(
    ("given", "meant"), [("", "P3M-10k"), ("P3M-10k/train", "P3M-10k"), ("P3M-10k/train/mask", "P3M-10k")]
)
def test_a_level_too_high_or_too_low(tree, given, meant):
    parent = tree().parent
    with pytest.raises(NotFoundError, match=re.escape(f"Did you mean {parent / meant}?")):
        open_p3m10k(parent / given, "train", {})


def test_root_from_the_environment(tree, monkeypatch):
    monkeypatch.setenv("ZOO_DATA_DIR", str(tree().parent))
    assert names(open_p3m10k(None, "train", {})) == TRAIN


@pytest.mark.parametrize("value", [None, ""])
def test_no_root_at_all(monkeypatch, value):
    monkeypatch.delenv("ZOO_DATA_DIR", raising=False)
    if value is not None:
        monkeypatch.setenv("ZOO_DATA_DIR", value)
    with pytest.raises(
        NotFoundError, match=r"^no folder given for P3M-10k, and ZOO_DATA_DIR is not set\. Get P3M-10k from"
    ):
        open_p3m10k(None, "train", {})


def test_environment_names_a_folder_without_it(tmp_path, monkeypatch):
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path))
    with pytest.raises(NotFoundError, match=re.escape(f"no P3M-10k at {tmp_path / 'P3M-10k'}:")):
        open_p3m10k(None, "train", {})


def test_split_is_absent(tree):
    root = tree()
    (root / "train").rename(root / "elsewhere")
    with pytest.raises(NotFoundError, match=r"no folder for split 'train'; there is: P3M-500-P, P3M-500-NP$"):
        open_p3m10k(root, "train", {})


def test_unknown_split(tree):
    with pytest.raises(NotFoundError, match="P3M-10k has no split 'test'; splits: train, val, P3M-500-P, P3M-500-NP"):
        open_p3m10k(tree(), "test", {})


def test_val_is_no_split_of_its_own(tree):
    with pytest.raises(NotFoundError, match=r"P3M-10k has no split 'val' of its own: it is cut from train"):
        open_p3m10k(tree(), "val", {})


def test_missing_and_empty_folders(tree):
    root = tree()
    for path in (root / "train" / "blurred_image").iterdir():
        path.unlink()
    with pytest.raises(NotFoundError, match=r"^P3M-10k: no pictures in .*blurred_image$"):
        open_p3m10k(root, "train", {})
    (root / "train" / "blurred_image").rmdir()
    with pytest.raises(NotFoundError, match=r"looked for blurred_image and original_image; there is: mask$"):
        open_p3m10k(root, "train", {})


# --- The spec ---


def test_published_counts():
    assert dict(SPEC.splits) == {"train": 9421, "P3M-500-P": 500, "P3M-500-NP": 500}


def test_published_results():
    assert len(SPEC.published) > 30
    for row in SPEC.published:
        assert row["split"] in ("P3M-500-P", "P3M-500-NP")
        assert row["method"]
        assert row["source"]
        assert row["dialect"] == ("p3m" if row["source"] == "JizhiziLi/P3M, README" else "not stated")
        assert ("given" in row) == ("given a" in row["setting"])
        assert ("n_images" in row) == ("480 pictures" in row["setting"])
        assert set(row) <= {
            "method",
            "split",
            "source",
            "setting",
            "dialect",
            "given",
            "n_images",
            "SAD",
            "MSE",
            "MAD",
            "GRAD",
            "CONN",
            "SAD-T",
            "MSE-T",
        }
        assert all(row.get(name, 0) < 0.05 for name in ("MSE", "MAD", "MSE-T"))
    (row,) = (
        r
        for r in SPEC.published
        if r["method"] == "P3M-Net ViTAE-S" and r["split"] == "P3M-500-NP" and not r["setting"]
    )
    assert (row["SAD"], row["MSE"], row["CONN"]) == (7.59, 0.0019, 6.96)
