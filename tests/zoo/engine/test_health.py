"""What a training is watched for: each warning provoked by a real training, and none by a healthy one."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from disc_set import write_discs
from event_files import read_events

from registry import ZooError
from zoo.config import Config
from zoo.data.loader import Batch
from zoo.engine import device
from zoo.engine.health import Health
from zoo.engine.norm_gap import Gap, measure_gap
from zoo.engine.panel import PANELS

SUPPORT = Path(__file__).parents[2] / "support"


@pytest.fixture
def discs(tmp_path):
    return write_discs(tmp_path / "discs", 9)


def variant(folder: Path, change: tuple[str, str]) -> Path:
    """The tiny plugin with some words of its source replaced."""
    folder.mkdir()
    source = (SUPPORT / "tiny_plugin.py").read_text()
    assert change[0] in source
    source = source.replace(*change)
    (folder / "tiny.yaml").write_text((SUPPORT / "tiny.yaml").read_text())
    (folder / "changed.py").write_text(source)
    return folder / "changed.py"


def warnings_of(run: Path) -> list[str]:
    """The warnings in log.txt, which must be those in the events too."""
    told = re.findall(r"warning: (.*)", (run / "log.txt").read_text())
    noted = read_events(run).texts.get("health/text_summary", {})
    assert set(noted.values()) <= set(told)
    assert len(told) == len(set(told))
    return told


def health(told: list[str], steps_per_epoch: int = 4, **train: object) -> Health:
    return Health(Config().override(train=train), steps_per_epoch, lambda step, text: told.append(f"{step}: {text}"))


def batch(count: int = 2, binary: int = 0, labelled: bool = True) -> Batch:
    plane = np.zeros((count, 1, 4, 4), np.float32) if labelled else None
    names = tuple(f"p{number}" for number in range(count))
    return Batch(names, np.zeros((count, 3, 4, 4), np.float32), plane, plane, 0, binary)


# --- A healthy run ---


def test_a_healthy_run_is_told_nothing_and_shows_its_pictures(zoo, discs):
    options = ("--data-root", discs, "--output", "run", "--set", "data.val=5", "--set", "train.epochs=8")
    done = zoo("train", "tiny", *options)
    assert done.code == 0, done.err
    assert "warning" not in done.err
    assert warnings_of(Path("run")) == []

    # 4 pictures left, batches of 2: a validation at each second step, always of the same four of five pictures.
    shown = read_events(Path("run"))
    assert len(shown.images) == PANELS == 4
    assert all(list(values) == list(range(2, 17, 2)) for values in shown.images.values())
    png = np.frombuffer(next(iter(shown.images.values()))[16], np.uint8)
    assert cv2.imdecode(png, cv2.IMREAD_COLOR).shape == (20 + 192, 4 * 256 + 3 * 4, 3)  # 48 x 64 enlarged four times
    assert re.search(r"a step takes about .+: 14 more steps, about 0:0\d, peak memory so far", done.err)
    lines = re.findall(r"step (\d+)/16 .*", done.err)
    assert lines[0] == "1"
    assert lines[-1] == "16"
    assert {re.sub(r"^.{20}", "", line) for line in Path("run/log.txt").read_text().splitlines()} <= set(
        done.err.splitlines()
    )


# --- Batch norms ---


def test_moving_statistics_that_do_not_follow_are_told_once(zoo, tmp_path, discs):
    slow = variant(tmp_path / "slow", ("nn.BatchNorm2d(4)", "nn.BatchNorm2d(4, momentum=0.9999)"))
    options = ("--data-root", discs, "--plugin", slow)
    done = zoo("train", "tiny", *options, "--output", "run", "--set", "train.epochs=8", tiny=False)
    assert done.code == 0, done.err
    (text,) = warnings_of(Path("run"))
    found = re.match(r"the last training batch has an error of ([\d.]+) instead of ([\d.]+) once", text)
    # What it says is what the user sees: learning that goes well, a validation that does not.
    assert float(found[2]) < 0.07
    assert float(found[1]) > 2 * float(found[2])
    assert "steps are too few for these statistics to settle; train longer, raise train.batch_size" in text

    # Keeping them, which the warning names, leaves nothing to be told.
    done = zoo("train", "tiny", *options, "--output", "kept", "--set", "train.freeze_norms=true", tiny=False)
    assert done.code == 0, done.err
    assert warnings_of(Path("kept")) == []


class Norms:
    """Builds the network of the gap's tests: a batch norm, its momentum, and a dropout that must not matter."""

    def __new__(cls, training: bool):
        from mindspore import nn

        class Network(nn.Cell):
            def __init__(self):
                super().__init__()
                self.norm = nn.BatchNorm2d(3, momentum=0.75)
                self.dropout = nn.Dropout(p=0.5)

            def construct(self, image):
                return self.dropout(self.norm(image))[:, :1]

        return Network().set_train(training)


def test_the_gap_of_a_batch_is_that_of_its_statistics():
    device.start()
    from mindspore import Parameter

    rng = np.random.default_rng(0)
    image = rng.normal(2.0, 3.0, (4, 3, 5, 6)).astype(np.float32)
    alpha = rng.uniform(0, 1, (4, 1, 5, 6)).astype(np.float32)
    judge, network = Norms(False), Norms(True)
    gap = measure_gap(judge, network, image, alpha)
    # By NumPy: the moving statistics begin as 0 and 1, epsilon is 1e-5.
    plane = image[:, :1].astype(np.float64)
    moved = plane / np.sqrt(1 + 1e-5)
    own = (plane - plane.mean()) / np.sqrt(plane.var() + 1e-5)
    assert gap.difference == pytest.approx(np.abs(own - moved).mean(), rel=1e-4)
    assert gap.training == pytest.approx(np.abs(own - alpha).mean(), rel=1e-4)
    assert gap.evaluation == pytest.approx(np.abs(moved - alpha).mean(), rel=1e-4)
    assert gap.rate == pytest.approx(0.25)
    assert measure_gap(judge, network, image, None).training is None
    # The judge is left as it was, and answers as before.
    assert not any(cell.training for _, cell in judge.cells_and_names())
    assert isinstance(judge.norm.moving_mean, Parameter)
    assert np.array_equal(judge.norm.moving_mean.asnumpy(), np.zeros(3))
    assert np.array_equal(judge.norm.moving_variance.asnumpy(), np.ones(3))
    # Norms that keep their statistics in training have no gap.
    network.norm.set_train(False)
    assert measure_gap(judge, network, image, alpha) is None


@pytest.mark.parametrize(
    ("gap", "wide"),
    [
        (Gap(0.2, 0.05, 0.15, 0.1), True),
        (Gap(0.2, 0.05, 0.09, 0.1), False),  # twice as much, but little
        (Gap(0.2, 0.40, 0.50, 0.1), False),  # much, but training is no better
        (Gap(0.2, 0.15, 0.05, 0.1), False),  # another answer, and a better one
        (Gap(0.2, None, None, 0.1), True),
        (Gap(0.1, None, None, 0.1), False),
    ],
)
def test_which_gap_is_wide(gap, wide):
    assert gap.is_wide is wide


def test_moving_statistics_settle_by_their_momentum():
    gap = Gap(0.2, 0.05, 0.15, rate=0.1)
    assert not gap.is_settled(43)  # 0.9 ** 43 is 0.0108
    assert gap.is_settled(44)  # 0.9 ** 44 is 0.0097


def test_a_gap_counts_once_statistics_settled_or_half_the_training_is_over(monkeypatch):
    monkeypatch.setattr("zoo.engine.health.measure_gap", lambda *_: Gap(0.2, 0.05, 0.15, 0.1))
    told: list[str] = []
    watched = health(told, steps_per_epoch=10, epochs=4)
    for number in (10, 19, 20, 30):
        watched.norms(number, None, None, None, None)
    assert len(told) == 1
    assert told[0].startswith("20: ")
    assert "20 steps are too few" in told[0]
    short = health(told, steps_per_epoch=4, epochs=4)
    for number in (4, 8, 12, 16):  # a training this short says nothing
        short.norms(number, None, None, None, None)
    watched = health(told, steps_per_epoch=100, epochs=4, batch_size=3)
    for number in (40, 44, 200):
        watched.norms(number, None, None, None, None)
    assert told[1].startswith("44: the last training batch has an error of 0.150 instead of 0.050 once")
    assert "batches of 3 differ too much from one another" in told[1]
    assert len(told) == 2


# --- Binary masks ---


def test_binary_masks_are_told_once(zoo, discs):
    for path in (discs / "train" / "alpha").iterdir():
        mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        cv2.imwrite(str(path), (mask > 127).astype(np.uint8) * 255)
    done = zoo("train", "tiny", "--data-root", discs, "--output", "run")
    assert done.code == 0, done.err
    told = [text for text in warnings_of(Path("run")) if "binary" in text]
    assert told == [
        "8 of the first 8 masks are binary, with nothing between 0 and 1: a model learns hard edges from them, no "
        "hair; point data.root or data.options to alpha mattes"
    ]


@pytest.mark.parametrize(("binary", "count"), [(60, 0), (61, 1), (64, 1)])  # 95 % of 64 are 60.8
def test_nearly_all_of_64_masks(binary, count):
    told: list[str] = []
    watched = health(told, steps_per_epoch=1000, batch_size=2)
    for number in range(32):
        watched.step(number, 1.0, [batch(2, binary=min(2, max(0, binary - 2 * number)))])
    for number in range(32, 100):
        watched.step(number, 1.0, [batch(2, binary=2)])
    assert len(told) == count
    assert all(text.startswith(f"31: {binary} of the first 64 masks") for text in told)


def test_unlabelled_pictures_are_no_binary_masks():
    told: list[str] = []
    watched = health(told, steps_per_epoch=1, batch_size=2)
    watched.step(1, 1.0, [batch(2, labelled=False)])
    assert told == []


# --- No numbers ---


def test_a_training_that_diverges_says_why(zoo, discs):
    options = ("--set", "train.lr=1e38", "--set", "train.schedule=constant")
    done = zoo("train", "tiny", "--data-root", discs, "--output", "run", *options)
    assert done.code == 1
    line = done.err.splitlines()[-1]
    assert re.match(r"zoo: the loss is nan at step \d \(everywhere nan, unknown nan\); ", line)
    assert re.search(r"the step took pictures d0\d, d0\d; whose values are all finite; ", line)
    assert re.search(r"it left . of . parameters with values that are no numbers \(the first is backbone", line)
    assert "lower train.lr (1e+38) or set train.warmup_steps or set train.clip_norm" in line


def test_weights_that_are_no_numbers_are_not_saved(zoo, tmp_path, discs):
    # The slope of a square root at 0 is infinite: times 0 it is no number, while the loss is one.
    spoiling = variant(tmp_path / "spoiling", ("everywhere = ", "everywhere = ops.sqrt((found * 0).mean()) + "))
    options = ("--data-root", discs, "--output", "run", "--set", "train.save_every=1")
    done = zoo("train", "tiny", *options, "--plugin", spoiling, tiny=False)
    assert done.code == 1
    assert re.match(
        r"zoo: step 1 left \d of \d parameters with values that are no numbers \(the first is \S+\) though its loss "
        r"was 0\.\d+: a gradient overflowed; lower train.lr \(0.5\) or set train.warmup_steps or set train.clip_norm",
        done.err.splitlines()[-1],
    )
    assert not list(Path("run").rglob("*.ckpt"))


def test_a_norm_over_one_value_is_told_apart():
    watched = health([], steps_per_epoch=1, batch_size=1)
    arrays = {"norm.moving_variance": np.array([np.nan, 1]), "norm.gamma": np.ones(2)}
    with pytest.raises(ZooError, match="a batch norm saw a single value for each channel"):
        watched.weights(3, arrays)


class Weights:
    """Stands for a network: parameters by name."""

    def __init__(self, **arrays: list[float]) -> None:
        self._arrays = arrays

    def get_parameters(self):
        return [SimpleNamespace(name=n, asnumpy=lambda a=a: np.array(a)) for n, a in self._arrays.items()]


def explain(watched: Health, number: int, network: Weights, batches: list[Batch]) -> str:
    return watched.explain(number, math.nan, [0.25, math.inf], ("first", "second"), batches, network, 0.02)


def test_a_loss_that_grew_is_told_with_its_course():
    watched = health([], clip_norm=1.0, warmup_steps=3)
    for number in range(1, 30):
        watched.step(number, 0.5, [batch()])
    watched.step(30, 700.0, [batch()])
    text = explain(watched, 31, Weights(a=[1.0], b=[math.nan, 1.0]), [batch(), batch()])
    assert text == (
        "the loss is nan at step 31 (first 0.25, second inf); the step took pictures p0, p1, p0, p1; whose values are "
        "all finite; it left 1 of 2 parameters with values that are no numbers (the first is b); the loss grew from "
        "0.5 at step 1 to 700 at step 30: lower train.lr (0.02)"
    )


def test_a_loss_that_overflows_in_float16_names_the_precision():
    watched = health([], amp="O2")
    watched.step(1, 0.5, [batch()])
    text = explain(watched, 2, Weights(a=[1.0]), [batch()])
    assert "the weights are finite; float16 holds nothing above 65504: set train.amp to O0" in text


def test_pictures_that_hold_no_numbers_are_named():
    watched = health([])
    good, bad = batch(), batch()
    bad.image[1, 2, 3, 3] = math.nan
    text = explain(watched, 1, Weights(a=[math.nan]), [good, replace(bad, names=("p2", "p3"))])
    assert "the step took pictures p0, p1, p2, p3; of which p3 hold values that are no numbers" in text
    assert text.endswith("leave those pictures out, or mend them")
