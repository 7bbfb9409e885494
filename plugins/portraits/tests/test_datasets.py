"""Both data sets in the layouts in which they are handed round, and what is said where something is missing."""

import pytest
from zoo_portraits.aim500 import open_aim500
from zoo_portraits.ppm100 import open_ppm100

from zoo import DataError, NotFoundError, UsageError


@pytest.mark.parametrize("folders", [("image", "matte"), ("val/fg", "val/alpha")])
def test_ppm100_in_both_layouts(tmp_path, drawn, folders):
    drawn.ppm100(tmp_path, *folders)
    samples = open_ppm100(str(tmp_path), "test", {})
    assert [sample.name for sample in samples] == ["0_o", "1_o", "2_o"]
    assert samples[1].image == tmp_path / folders[0] / "1_o.jpg"
    assert samples[1].alpha == tmp_path / folders[1] / "1_o.jpg"
    assert samples[1].trimap is None


@pytest.mark.parametrize("below", ["", "validation"])
def test_aim500_in_both_layouts(tmp_path, drawn, below):
    drawn.aim500(tmp_path, below)
    samples = open_aim500(tmp_path, "test", {})
    assert [sample.name for sample in samples] == ["o_one", "o_three", "o_two"]
    assert samples[0].trimap == tmp_path / below / "trimap" / "o_one.png"
    assert [sample.name for sample in open_aim500(tmp_path, "portrait", {})] == ["o_one", "o_three"]


def test_a_copy_without_trimaps_opens(tmp_path, drawn):
    import shutil

    shutil.rmtree(drawn.aim500(tmp_path) / "trimap")
    assert [sample.trimap for sample in open_aim500(tmp_path, "test", {})] == [None] * 3


def test_a_missing_matte_is_the_path_where_it_was_expected(tmp_path, drawn):
    (drawn.ppm100(tmp_path) / "matte" / "1_o.jpg").unlink()
    assert open_ppm100(tmp_path, "test", {})[1].alpha == tmp_path / "matte" / "1_o.png"


def test_portraits_need_the_file_of_categories_and_the_whole_set_does_not(tmp_path, drawn):
    drawn.aim500(tmp_path, categories=False)
    assert len(open_aim500(tmp_path, "test", {})) == 3
    with pytest.raises(NotFoundError, match=r"no .*aim_category_type\.json, which says what the pictures show"):
        open_aim500(tmp_path, "portrait", {})


@pytest.mark.parametrize("text", ["[]", "{", '{"o_one": "portrait"}', '{"o_one": {"type": "SO"}}'])
def test_a_file_of_categories_that_is_none_is_named(tmp_path, drawn, text):
    (drawn.aim500(tmp_path) / "aim_category_type.json").write_text(text)
    with pytest.raises(DataError, match=r"aim_category_type\.json: not the categories of AIM-500"):
        open_aim500(tmp_path, "portrait", {})


def test_a_copy_without_portraits_says_so(tmp_path, drawn):
    (drawn.aim500(tmp_path) / "aim_category_type.json").write_text('{"o_two": {"type": "SO", "category": "animal"}}')
    with pytest.raises(NotFoundError, match=r"none of the 3 pictures at .* is a portrait"):
        open_aim500(tmp_path, "portrait", {})


@pytest.mark.parametrize(("opens", "name"), [(open_ppm100, "PPM-100"), (open_aim500, "AIM-500")])
def test_what_is_not_there_is_said(tmp_path, opens, name):
    with pytest.raises(NotFoundError, match=f"{name} needs --data-root DIR with DIR/.* Get it from https://github.com"):
        opens(None, "test", {})
    with pytest.raises(
        NotFoundError, match=f"no {name} at .*: expected DIR/.* and DIR/.*, or DIR/.* and DIR/.* Get it from"
    ):
        opens(tmp_path, "test", {})
    with pytest.raises(NotFoundError, match=f"{name} has no split 'train'; splits: test"):
        opens(tmp_path, "train", {})
    with pytest.raises(UsageError, match=rf"data\.options: {name} has no options, and there is image_dir"):
        opens(tmp_path, "test", {"image_dir": "x"})


def test_the_folder_within_the_archive_is_pointed_at(tmp_path, drawn):
    drawn.ppm100(tmp_path / "PPM-100")
    with pytest.raises(NotFoundError, match=r"Did you mean .*PPM-100\?"):
        open_ppm100(tmp_path, "test", {})


def test_an_empty_folder_and_two_files_of_one_stem_are_refused(tmp_path, drawn):
    (tmp_path / "image").mkdir()
    (tmp_path / "matte").mkdir()
    (tmp_path / "image" / ".hidden.jpg").touch()
    (tmp_path / "image" / "notes.txt").touch()
    with pytest.raises(NotFoundError, match=r"no pictures in .*image"):
        open_ppm100(tmp_path, "test", {})
    for name in ("a.jpg", "a.png"):
        (tmp_path / "image" / name).touch()
    with pytest.raises(DataError, match=r"a\.jpg and a\.png have the same name; keep one of them"):
        open_ppm100(tmp_path, "test", {})
