"""The commands know these models by what they registered; nothing in the core is for them."""

import json

import cv2
import numpy as np
import pytest

from zoo.cli import run


@pytest.fixture
def folder(tmp_path, monkeypatch, draw):
    """A user's test set of two discs, with trimaps."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZOO_LOAD_PLUGINS", "pymatting")
    for number in range(2):
        image, alpha, trimap = draw(40 + 8 * number, 60)
        for name, array in (("image", image[..., ::-1]), ("alpha", np.rint(alpha * 255)), ("trimap", trimap)):
            (tmp_path / "set" / name).mkdir(parents=True, exist_ok=True)
            assert cv2.imwrite(str(tmp_path / "set" / name / f"{number}.png"), array)
    return tmp_path / "set"


def test_eval_says_that_it_was_given_the_trimap(folder, capsys):
    words = ["eval", "closed-form", "--dataset", "folder", "--data-root", str(folder), "--output", "out", "--quiet"]
    assert run(words) == 0
    assert "closed-form (given a trimap)" in capsys.readouterr().out
    report = json.loads((folder.parent / "out" / "report.json").read_text())
    assert report["needs_trimap"] is True
    assert report["n_images"] == 2
    # The trimaps' own SAD, half of every unknown pixel, is at least four times as large: see test_methods.
    unknown = [int((cv2.imread(str(file), 0) == 128).sum()) for file in (folder / "trimap").iterdir()]
    assert report["metrics"]["SAD"] < 0.06 * np.mean(unknown) / 1000
    assert report["metrics"]["SAD-FG"] == report["metrics"]["SAD-BG"] == 0


def test_predict_takes_trimaps_by_stem(folder, capsys):
    words = ["predict", "knn-matting", str(folder / "image"), "-o", "mattes", "--quiet"]
    assert run(words) == 2
    assert "this model needs trimaps" in capsys.readouterr().err
    assert run([*words, "--trimap", str(folder / "trimap")]) == 0
    matte = cv2.imread(str(folder.parent / "mattes" / "1.png"), cv2.IMREAD_UNCHANGED)
    assert (matte.shape, matte.dtype) == ((48, 60), np.uint8)


def test_train_says_that_it_is_not_trained(folder, capsys):
    assert run(["train", "closed-form", "--dataset", "folder", "--data-root", str(folder), "--quiet"]) == 2
    assert "'closed-form' cannot be trained" in capsys.readouterr().err
