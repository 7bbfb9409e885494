"""Data sets and metric through the commands; nothing in the core is for them."""

import json

import pytest

from zoo.cli import run


@pytest.fixture
def commands(tmp_path, monkeypatch, capsys):
    """Run a command line in an empty folder, with a model that answers 0.5 everywhere beside the plugin."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ZOO_LOAD_PLUGINS", "portraits")
    monkeypatch.delenv("ZOO_DATA_DIR", raising=False)
    (tmp_path / "half.py").write_text(
        "from zoo import Card, ModelSpec, hookimpl\n\n"
        "class Half:\n"
        "    def predict(self, image, trimap=None):\n"
        "        import numpy as np\n"
        "        return np.full(image.shape[:2], 0.5, np.float32)\n\n"
        "@hookimpl\n"
        "def register_models(register):\n"
        "    register(ModelSpec('half', build=lambda config, backbone: Half(), card=Card('Half')))\n"
    )

    def command(*words, code=0):
        capsys.readouterr()
        assert run([*map(str, words), "--quiet", "--plugin", str(tmp_path / "half.py")]) == code
        return capsys.readouterr()

    return command


def test_eval_reports_the_metric_and_bench_ranks_beside_what_is_published(commands, tmp_path, drawn):
    drawn.ppm100(tmp_path / "data" / "PPM-100")
    text = commands("eval", "half", "--dataset", "PPM-100", "--data-root", tmp_path / "data" / "PPM-100").out
    assert "MAD-HAIR" in text
    assert "3 of 100" in text
    (file,) = (tmp_path / "runs" / "half" / "eval").glob("*/report.json")
    report = json.loads(file.read_text())
    assert (report["dataset"], report["split"], report["complete"]) == ("PPM-100", "test", False)
    assert all(row["MAD-HAIR"] is not None for row in report["per_image"])
    table = commands("bench", "accuracy", "--dataset", "PPM-100").out
    assert "half" in table
    assert "not comparable: 3 of 100 images" in table
    assert "Matting Anything ViT-B" in table


def test_the_parent_folder_of_the_environment_is_enough(commands, tmp_path, drawn, monkeypatch):
    drawn.aim500(tmp_path / "data" / "AIM-500")
    monkeypatch.setenv("ZOO_DATA_DIR", str(tmp_path / "data"))
    report = json.loads(commands("eval", "half", "--dataset", "AIM-500", "--split", "portrait", "--json").out)
    assert [row["image"] for row in report["per_image"]] == ["o_one", "o_three"]
    assert report["metrics"]["SAD-T"] is not None  # its trimaps are used


def test_listing_shows_them(commands):
    listed = commands("list", "--kind", "dataset").out
    assert "portraits/AIM-500" in listed
    assert "test 500, portrait 100" in listed
    assert "MAD-HAIR" in commands("info", "MAD-HAIR").out


def test_a_data_set_that_is_not_there_says_where_it_comes_from(commands, tmp_path):
    error = commands("eval", "half", "--dataset", "PPM-100", "--data-root", tmp_path, code=4).err
    assert error.startswith("zoo: no PPM-100 at ")
    assert "https://github.com/ZHKKKe/PPM" in error
