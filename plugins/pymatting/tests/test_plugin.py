"""What the plugin offers, without building anything."""

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from registry import load
from zoo.config import resolve


@pytest.fixture(scope="module")
def found():
    return load(points=[EntryPoint("pymatting", "zoo_pymatting", "zoo")], strict=True)


def test_three_models_that_are_given_the_trimap_and_not_trained(found):
    assert list(found.models) == ["closed-form", "knn-matting", "learning-based-matting"]
    assert all(spec.needs_trimap and not spec.objectives for spec in found.models.values())


def test_import_needs_neither_pymatting_nor_numpy():
    code = (
        "import sys, zoo_pymatting; zoo_pymatting.register_models(lambda spec: None);"
        "sys.exit(any(name in sys.modules for name in ('pymatting', 'numba', 'numpy', 'cv2')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_cards_name_the_papers_and_both_licences(found):
    years = {"closed-form": "CVPR 2006", "knn-matting": "CVPR 2012", "learning-based-matting": "ICCV 2009"}
    for name, year in years.items():
        card = found.models[name].card
        assert year in card.paper
        assert "JOSS" in card.paper
        assert card.code_license == "Apache-2.0 (PyMatting: MIT)"


def test_the_working_size_is_an_option(found):
    sizes = {name: resolve(spec.config).config.model.options["max_side"] for name, spec in found.models.items()}
    assert sizes == {"closed-form": 2048, "knn-matting": 1024, "learning-based-matting": 1024}
    other = resolve(found.models["closed-form"].config, settings=["model.options.max_side=null"]).config
    assert other.model.options["max_side"] is None


@pytest.mark.parametrize("size", [0, 2, -1, 512.0, "512", True])
def test_a_size_that_is_none_is_refused(matting, size):
    from zoo import UsageError

    with pytest.raises(UsageError, match=r"model\.options\.max_side is .*; give pixels, a whole number from 3 on"):
        matting(max_side=size)
