"""How fast a folder of mattes is scored: one after the other, in threads, in processes.

    pytest benchmarks/test_scoring.py --benchmark-only

Sixteen synthetic portraits of 1080 x 1440 with their trimaps, as PNG files: reading, all ten metrics, digests, strata.
Processes include their start, about half a second, which a whole split of 500 does not notice.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from portraits import make_pair

from zoo.data.images import write_png
from zoo.engine.scoring import Pair, score_folders, score_pair

COUNT = 16


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Folders of predictions, targets and trimaps."""
    root = tmp_path_factory.mktemp("portraits")
    places = [root / name for name in ("prediction", "target", "trimap")]
    for place, array in zip(places, make_pair("sigmoid"), strict=True):
        place.mkdir()
        for number in range(COUNT):
            write_png(place / f"p{number:02d}.png", array)
    return places


def one_by_one(folders: list[Path]) -> float:
    """Mean MAD without any help of the engine."""
    names = [f"p{number:02d}" for number in range(COUNT)]
    files = [[folder / f"{name}.png" for folder in folders] for name in names]
    rows = [
        score_pair(Pair(name, *three, None, False, "p3m", "float"))[0] for name, three in zip(names, files, strict=True)
    ]
    return sum(row["MAD"] for row in rows) / COUNT


def test_one_by_one(benchmark, folders):
    assert benchmark.pedantic(one_by_one, (folders,), rounds=3, warmup_rounds=1) > 0


@pytest.mark.parametrize("workers", [0, 1, 2], ids=["threads", "one process", "two processes"])
def test_score_folders(benchmark, folders, workers):
    report, _ = benchmark.pedantic(score_folders, folders, {"workers": workers}, rounds=3, warmup_rounds=1)
    assert report["n_images"] == COUNT
    assert report["metrics"]["MAD"] == pytest.approx(one_by_one(folders), rel=1e-12)
