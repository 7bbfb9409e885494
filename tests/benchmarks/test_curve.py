"""The picture of a training's course."""

from __future__ import annotations

import csv
import json
import sys

import curve
import numpy as np
import pytest

from zoo.data.images import read_image


@pytest.fixture
def run(tmp_path):
    records = [{"step": step, "loss": 2.0 if step % 2 else 1.0} for step in range(1, 101)]
    records[49]["loss"] = None  # a step that mixed precision skipped
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records) + '{"step": 101, "lo')
    with open(tmp_path / "metrics.csv", "w", newline="") as file:
        csv.writer(file).writerows([["step", "epoch", "MAD", "EXTRA"], [50, 1, 0.5, ""], [100, 2, 0.25, 7]])
    return tmp_path


def draw(monkeypatch, *words: object) -> np.ndarray:
    monkeypatch.setattr(sys, "argv", ["curve.py", *(str(word) for word in words)])
    curve.main()
    return read_image(words[words.index("-o") + 1])


def test_values_lie_where_the_axes_say(monkeypatch, run, capsys):
    page = draw(monkeypatch, run, "-o", run / "curve.png")
    assert capsys.readouterr().out == f"{run}/curve.png: 99 steps, 2 validations\n"
    assert page.shape == (2 * curve.HEIGHT, curve.WIDTH, 3)
    # The lower axes go from 0 to 0.6 (0.525 rounded up) and to step 100: half the width, 5 sixths of the height.
    inner = (curve.WIDTH - curve.LEFT - curve.RIGHT, curve.HEIGHT - curve.TOP - curve.BOTTOM)
    x, y = curve.LEFT + inner[0] // 2, 2 * curve.HEIGHT - curve.BOTTOM - round(inner[1] * 0.5 / 0.6)
    assert tuple(page[y, x]) == curve.STRONG
    assert tuple(page[y + 20, x]) != curve.STRONG


def test_a_column_that_is_not_there_is_told(monkeypatch, run):
    assert len(curve.read_metric(run, "EXTRA")) == 1  # empty where undefined
    with pytest.raises(SystemExit, match="no metric 'SAAD'; there are MAD, EXTRA"):
        draw(monkeypatch, run, "-o", run / "x.png", "--metric", "SAAD")
    (run / "metrics.csv").unlink()
    assert draw(monkeypatch, run, "-o", run / "x.png").shape[0] == curve.HEIGHT
    (run / "log.jsonl").write_text("")
    with pytest.raises(SystemExit, match="no step has been done yet"):
        draw(monkeypatch, run, "-o", run / "x.png")


@pytest.mark.parametrize(
    ("top", "ticks"), [(3.9, [0, 1, 2, 3, 4]), (0.525, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), (150, [0, 50, 100, 150])]
)
def test_ticks_are_round(top, ticks):
    assert curve.nice_ticks(top).tolist() == pytest.approx(ticks)


def test_the_running_mean_is_that_of_the_neighbours():
    values = np.arange(100.0) ** 2
    found = curve.running_mean(values)
    assert found[50] == pytest.approx(values[48:53].mean())  # 5 % of 100, two on each side
    assert found[0] == pytest.approx(values[:3].mean())
