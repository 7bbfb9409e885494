"""What the plugin offers."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from registry import load


@pytest.fixture(scope="module")
def found():
    return load(points=[EntryPoint("portraits", "zoo_portraits", "zoo")], strict=True)


def test_two_test_sets_and_a_metric(found):
    assert {name: dict(spec.splits) for name, spec in found.datasets.items()} == {
        "portraits/PPM-100": {"test": 100},  # README of ZHKKKe/PPM
        "portraits/AIM-500": {"test": 500, "portrait": 100},  # README of JizhiziLi/AIM
    }
    assert list(found.metrics) == ["portraits/MAD-HAIR"]
    assert found.get("dataset", "PPM-100").name == "PPM-100"


def test_import_needs_neither_numpy_nor_opencv():
    import zoo_portraits

    code = (
        f"import sys; sys.path.append({str(Path(zoo_portraits.__file__).parents[1])!r}); import zoo_portraits as z; "
        "z.register_datasets(lambda spec: None); z.register_metrics(lambda spec: None);"
        "sys.exit(any(name in sys.modules for name in ('numpy', 'cv2', 'mindspore')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_published_row_has_a_source_a_setting_and_a_split_that_exists(found):
    for spec in found.datasets.values():
        assert spec.published
        for row in spec.published:
            assert row["source"]
            assert row["setting"]
            assert row["split"] in spec.splits


def test_published_means_agree_with_each_other(found):
    # MSE of values in [0, 1] is at most MAD; SAD is in thousands and MAD a mean, so their ratio is the mean size of a
    # picture in thousands of pixels: the same of every row, as all are on the same pictures.
    rows = [row for row in found.get("dataset", "AIM-500").published if "MAD" in row]
    assert all(row["MSE"] < row["MAD"] for row in rows)
    sizes = [row["SAD"] / row["MAD"] for row in rows]
    assert max(sizes) / min(sizes) < 1.01
