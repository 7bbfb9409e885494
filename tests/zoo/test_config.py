"""The configuration: merging, refusals with file, line and key, and the round trip through a checkpoint."""

from __future__ import annotations

import pytest
import yaml

from registry import NotFoundError, UsageError
from zoo.config import Config, from_dict, resolve, resolve_saved


@pytest.fixture
def default(tmp_path):
    path = tmp_path / "default.yaml"
    path.write_text("model:\n  backbone: a/b\n  options:\n    width: 32\n    deep: {x: 1, y: 2}\ntrain:\n  lr: 1e-2\n")
    return path


def test_later_sources_win_and_say_so(tmp_path, default):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("# how to run\ntrain:\n  epochs: 3\n  lr: 0.02\n")
    found = resolve(default, recipe, ["train.epochs=5", "model.options.deep.x=7"], [("data.root", "/d", "--data-root")])
    assert found.config.train.epochs == 5
    assert found.config.train.lr == 0.02
    assert found.config.model.options == {"width": 32, "deep": {"x": 7, "y": 2}}
    assert found.config.data.root == "/d"
    assert found.origins["train.lr"] == f"{recipe}:4"
    assert found.origins["train.epochs"] == "--set train.epochs=5"
    assert found.origins["model.backbone"] == f"{default}:2"
    assert "seed" not in found.origins
    assert f"lr: 0.02  # {recipe}:4" in found.explain()
    assert "seed: 0  # default" in found.explain()
    assert f"    width: 32  # {default}:3" in found.explain()
    assert "    deep: {x: 7, y: 2}  # --set model.options.deep.x=7" in found.explain()
    assert yaml.safe_load(found.explain()) == yaml.safe_load(found.config.to_yaml()) == found.config.to_dict()


def test_round_trip():
    config = resolve(None, None, ["data.transforms=[{crop: {min: 0.5}}]", "model.mean=[0, 0.5, 1]"]).config
    assert from_dict(config.to_dict(), "x") == config
    assert config.model.mean == (0.0, 0.5, 1.0)
    assert from_dict(yaml.safe_load(config.to_yaml()), "x") == config
    assert from_dict(Config().to_dict(), "x") == Config()


def test_saved_config_keeps_options(tmp_path, default):
    config = resolve(default).config
    path = tmp_path / "config.yaml"
    path.write_text(config.to_yaml())
    assert resolve_saved(path).config == config


REFUSED = {
    "train.learning_rate=1": "unknown key train.learning_rate. Did you mean 'train.lr'?",
    "trian.lr=1": "unknown key trian.lr. Did you mean 'train.lr'?",
    "lr=1": "unknown key lr. Did you mean 'train.lr'?",
    "train.lr=fast": "train.lr must be a number, not 'fast'",
    "train.lr=true": "train.lr must be a number, not True",
    "train.lr=.nan": "train.lr must be at least 0, not nan",
    "train.lr=-1": "train.lr must be at least 0, not -1.0",
    "train.epochs=1.5": "train.epochs must be a whole number, not 1.5",
    "train.epochs=0": "train.epochs must be at least 1, not 0",
    "train.epochs=": "train.epochs must be a whole number, not None",
    "train.optimizer=no": "train.optimizer must be a text, not False",
    "train.schedule=cosin": "one of constant, step, cosine, polynomial, not 'cosin'. Did you mean 'cosine'?",
    "eval.mattes=1": "eval.mattes must be true or false, not 1",
    "data.transforms=flip": "data.transforms must be a list, not 'flip'",
    "data.transforms=[flip]": "data.transforms[0] must be a mapping, not 'flip'",
    "model.mean=[1, 2]": "model.mean must have 3 values, not 2",
    "model.std=[1, 0, 1]": "model.std must be above 0",
    "model.options.widht=3": "the model has no option 'widht'; its options: deep, width. Did you mean 'width'?",
    "train.lr.x=1": "train.lr is a single value, it has no key 'x'",
    "train.lr": "write it as section.key=value",
    "train.lr=[": "the value is no YAML",
}


@pytest.mark.parametrize("setting", REFUSED)
def test_refused_settings(default, setting):
    with pytest.raises(UsageError) as caught:
        resolve(default, None, [setting])
    assert REFUSED[setting] in str(caught.value)
    assert str(caught.value).startswith(f"--set {setting}")
    assert "\n" not in str(caught.value)


FILES = {
    "train:\n  lr: 1\n  lerning: 2\n": ":3: unknown key train.lerning",
    "training:\n  lr: 1\n": ":1: unknown section 'training'; sections: model, data, train, eval. Did you mean 'train'?",
    "train:\n  lr: 1\n  lr: 2\n": ":3: lr is there twice",
    "train: 3\n": "expected 'key: value' lines",
    "- a\n": "expected 'key: value' lines",
    "train:\n  lr: [1\n": "no valid YAML (line",
    "train:\n  lr: !!python/object:os.system x\n": "no valid YAML",
    "model:\n  options: {new: 1}\n": ":2: the model has no option 'new'",
}


@pytest.mark.parametrize("text", FILES)
def test_refused_files_are_named_with_their_line(tmp_path, default, text):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(text)
    with pytest.raises(UsageError) as caught:
        resolve(default, recipe)
    assert str(caught.value).startswith(str(recipe))
    assert FILES[text] in str(caught.value)


def test_empty_sections_and_files_change_nothing(tmp_path, default):
    recipe = tmp_path / "recipe.yaml"
    for text in ("", "# only a comment\n", "train:\n"):
        recipe.write_text(text)
        assert resolve(default, recipe).config == resolve(default).config


def test_missing_recipe(tmp_path, default):
    with pytest.raises(NotFoundError, match="no recipe"):
        resolve(default, tmp_path / "absent.yaml")
