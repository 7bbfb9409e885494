"""docs/watching.md quotes what is really said: each text is made here, to the letter, and found there."""

from __future__ import annotations

import errno
import math
import os
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from registry import PluginError, ZooError
from zoo.config import Config
from zoo.data.loader import Batch
from zoo.engine.health import Health
from zoo.engine.journal import Journal
from zoo.engine.norm_gap import Gap
from zoo.engine.pace import Pace, line
from zoo.engine.predictor import Predictor

PAGE = Path(__file__).parents[3] / "docs" / "watching.md"


@pytest.fixture
def quotes():
    """The indented lines of the page."""
    return re.findall(r"^ {4,}(\S.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.fixture
def told(monkeypatch):
    """A monitor and what it has told so far."""
    texts: list[str] = []
    config = Config().override(train={"epochs": 1, "batch_size": 2, "lr": 0.5})
    return Health(config, 90, lambda _, text: texts.append(text)), texts


def batch(binary: int = 0) -> Batch:
    plane = np.zeros((2, 1, 4, 4), np.float32)
    return Batch(("p_1", "p_2"), np.zeros((2, 3, 4, 4), np.float32), plane, plane, 0, binary)


@pytest.mark.parametrize(
    ("gap", "number", "part"),
    [
        (Gap(0.2, 0.035, 0.137, 0.1), 100, r".*"),
        (Gap(0.2, 0.035, 0.137, 1e-4), 48, r"\d+ steps are too few .*train.batch_size"),
        (Gap(0.213, None, None, 0.1), 100, r".*as validation does"),
    ],
)
def test_the_gap_of_batch_norms(monkeypatch, told, quotes, gap, number, part):
    watched, texts = told
    monkeypatch.setattr("zoo.engine.health.measure_gap", lambda *_: gap)
    watched.norms(number, None, None, None, None)
    assert re.search(part, texts[0])[0] in quotes


def test_binary_masks(told, quotes):
    watched, texts = told
    for number in range(1, 33):
        watched.step(number, 1.0, [batch(2)])
    assert texts[0] in quotes


def test_no_numbers(told, quotes):
    watched, _ = told
    for number in range(1, 31):
        watched.step(number, 0.5 if number < 30 else 700.0, [batch()])
    parameters = [
        SimpleNamespace(name=n, asnumpy=lambda v=v: np.array(v)) for n, v in (("head.weight", math.nan), ("b", 1))
    ]
    network = SimpleNamespace(get_parameters=lambda: parameters)
    text = watched.explain(31, math.nan, [0.25, math.inf], ("semantic", "matte"), [batch()], network, 0.02)
    assert text in quotes
    with pytest.raises(ZooError) as caught:
        watched.weights(30, {"backbone.weight": np.array(math.inf), "backbone.bias": np.zeros(3)})
    assert str(caught.value) in quotes


def test_causes_are_those_of_the_page():
    page = " ".join(PAGE.read_text(encoding="utf-8").split())
    network = SimpleNamespace(get_parameters=lambda: [])
    for amp, spoilt, says in (
        ("O0", False, "it came at once"),
        ("O2", False, "float16 holds nothing above 65504"),
        ("O0", True, "leave those pictures out, or mend them"),
    ):
        watched = Health(Config().override(train={"amp": amp}), 100, lambda *_: None)
        given = batch()
        given.image[:] = math.nan if spoilt else 0
        assert says in watched.explain(1, math.nan, [], (), [given], network, 0.1)
        assert f"`{says}`" in page


def test_lines_of_the_terminal(quotes):
    """The page's are those of a run with MODNet; here the same words around other numbers."""
    pace = Pace(150, 0)
    pace.count(9.0, 0.0, 8)
    pace.count(1.9, 0.0, 8)
    record = {"step": 96, "epoch": 7, "loss": 1.3, "lr": 0.0011, "semantic": 0.1, "detail": 0.9, "matte": 0.3}
    for text in (pace.opening(2150.0), line(record, ("semantic", "detail", "matte"), 150, 10, pace)):
        assert without_numbers(text) in [without_numbers(quote) for quote in quotes]


def without_numbers(text: str) -> str:
    return re.sub(r"\d+([.:]\d+)*", "#", text)


def test_alphas_that_leave_their_range(quotes):
    from registry import Card, ModelSpec

    model = SimpleNamespace(predict=lambda image, trimap: np.linspace(-0.5, 1.25, 4).reshape(2, 2))
    spec = ModelSpec("x", build=lambda *_: model, card=Card("X"))
    with pytest.raises(PluginError) as caught:
        Predictor(model, Config(), spec, SimpleNamespace(label="x")).predict(np.zeros((2, 2, 3), np.uint8))
    assert str(caught.value).partition("'x' ")[2] in quotes


class Full:
    """Stands for a file on a full disk."""

    def write(self, _: str) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        self.write("")


def test_a_full_disk(tmp_path, monkeypatch, quotes):
    monkeypatch.chdir(tmp_path)
    run = Path("runs/modnet/x")
    run.mkdir(parents=True)
    with pytest.raises(ZooError) as caught, Journal(run) as journal:  # noqa: PT012 - closing must not hide it
        journal._log.close()
        monkeypatch.setattr(journal, "_log", Full())
        journal.step({"step": 1, "epoch": 1, "loss": 0.5})
    assert str(caught.value) in quotes
