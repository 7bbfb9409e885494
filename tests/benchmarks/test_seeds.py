"""The spread over seeds, from made-up evaluations."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import made_up
import pytest

P, NP = "P3M-500-P", "P3M-500-NP"


@pytest.fixture(scope="module")
def seeds():
    path = Path(__file__).parents[2] / "benchmarks" / "seeds.py"
    spec = importlib.util.spec_from_file_location("benchmark_seeds", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def result(folder, seed, mads, splits=(P, NP), **changes):
    for split in splits:
        config = {"train": {"seed": seed}}
        made_up.write(
            folder / split, made_up.rows(mads), split=split, config=config, checkpoint_sha256=str(seed), **changes
        )
    return str(folder)


def test_three_seeds_by_hand(tmp_path, seeds, capsys):
    folders = [result(tmp_path / f"s{n}", n, [0.1, 0.2 + n / 100]) for n in (1, 2, 3)]
    assert seeds.main(folders, tmp_path / "results") == 0
    record = json.loads((tmp_path / "results" / "seeds.json").read_text())
    assert (record["schema"], record["also_differs"]) == ("zoo-seeds/1", [])
    assert [entry["seed"] for entry in record["results"]] == ["seed 1", "seed 2", "seed 3"]
    assert [part["split"] for part in record["splits"]] == [P, NP]
    mad = record["splits"][0]["metrics"]["MAD"]
    # Means 0.155, 0.16, 0.165: their mean, their standard deviation with n - 1, and their range.
    assert mad["values"] == pytest.approx([0.155, 0.16, 0.165])
    assert [mad[key] for key in ("mean", "sd", "range")] == pytest.approx([0.16, 0.005, 0.01])
    assert [(pair["a"], pair["b"]) for pair in mad["pairs"]] == [
        ("seed 1", "seed 2"),
        ("seed 1", "seed 3"),
        ("seed 2", "seed 3"),
    ]
    assert [pair["mean"] for pair in mad["pairs"]] == pytest.approx([0.005, 0.01, 0.005])
    text = capsys.readouterr().out
    assert (tmp_path / "results" / "seeds.md").read_text(encoding="utf-8") == text
    assert "| MAD    | 0.16000 | 0.00500 | 0.01000 | 0.15500 | 0.16000 | 0.16500 |" in text


def test_what_else_differs_is_said(tmp_path, seeds, capsys):
    folders = [result(tmp_path / "a", 1, [0.1, 0.2]), result(tmp_path / "b", 2, [0.1, 0.2], protocol="pad 512")]
    assert seeds.main(folders, tmp_path / "results") == 0
    assert "Not only the seed differs: protocol." in capsys.readouterr().out


def test_results_that_are_no_seeds_of_one_recipe(tmp_path, seeds, capsys):
    a, b = result(tmp_path / "a", 1, [0.1, 0.2]), result(tmp_path / "b", 1, [0.1, 0.2])
    half = result(tmp_path / "half", 2, [0.1, 0.2], splits=(P,))
    third = result(tmp_path / "third", 3, [0.1, 0.2])
    assert seeds.main([a], tmp_path / "results") == 2
    assert seeds.main([a, b], tmp_path / "results") == 2
    assert "two different seeds; these are of seed 1, seed 1" in capsys.readouterr().err
    assert seeds.main([a, third, half], tmp_path / "results") == 2
    assert "not every result has split P3M-500-NP" in capsys.readouterr().err
    assert seeds.main([a, str(tmp_path / "gone")], tmp_path / "results") == 4
    assert not (tmp_path / "results").exists()
