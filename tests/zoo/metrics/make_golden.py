"""Draws the golden vectors of `zoo/metrics/golden` and works out what they must score.

    python tests/zoo/metrics/make_golden.py

writes the pictures and expected.json anew. Nothing is imported from zoo: a value is a number by hand, or comes from the
plain implementations beside this file. Where a value by hand is given, the plain one must agree with it.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np

FOLDER = Path(__file__).parents[3] / "zoo" / "metrics" / "golden"

SCHEMA = "zoo-golden/1"

TOLERANCE = {"pixel": 1e-9, "GRAD": 1e-6, "CONN": 1e-6, "absolute": 1e-12}
"""Relative, by metric ("pixel": SAD, MSE, MAD and their regions); or absolute, for a value that is zero."""

PLAIN = {"p3m": "plain.py", "dim": "plain_dim.py", "mmagic": "plain_mmagic.py", "paddleseg": "plain_paddleseg.py"}

ALL = "p3m dim mmagic paddleseg"

Hand = Mapping[tuple[str, str], tuple[Fraction | int, str]]
"""(dialects, metrics), each a list of words -> value and how it comes about. With the trimap."""


@dataclass(frozen=True)
class Case:
    """Three pictures, and what is known of their scores without a program.

    Attributes:
        name: Stem of the files.
        about: What it is there for.
        prediction: (H, W) uint8, or uint16.
        target: (H, W) uint8.
        trimap: (H, W) uint8.
        hand: Values by hand.
        contrasts: (dialects, metric, what another definition would do, its value).
        alone: Also scored without the trimap.
        roundings: How the prediction is rounded first.
    """

    name: str
    about: str
    prediction: np.ndarray
    target: np.ndarray
    trimap: np.ndarray
    hand: Hand = field(default_factory=dict)
    contrasts: tuple[tuple[str, str, str, Fraction | float], ...] = ()
    alone: bool = False
    roundings: tuple[str, ...] = ("float",)


def load_beside(name: str) -> ModuleType:
    """A module of this folder."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- Drawing --------------------------------------------------------------------------------------


def grey(rows: list[list[int]]) -> np.ndarray:
    return np.array(rows, np.uint8)


def twice(row: list[int]) -> np.ndarray:
    """Two equal rows: some code fails on a picture one pixel high."""
    return grey([row, row])


def flat(height: int, width: int, value: int) -> np.ndarray:
    return np.full((height, width), value, np.uint8)


def disc(height: int, width: int, centre: tuple[float, float], radius: float, soft: float) -> np.ndarray:
    """A disc whose edge falls from 255 to 0 over ``soft`` pixels."""
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(y - centre[0], x - centre[1])
    return without_153(np.clip(np.rint(255 * (radius - distance) / soft), 0, 255).astype(np.uint8))


def without_153(matte: np.ndarray) -> np.ndarray:
    """152 instead: code that treats 153 in another way shall differ in the case about it, and in no other."""
    return np.where(matte == 153, 152, matte).astype(np.uint8)


def band(target: np.ndarray, width: int) -> np.ndarray:
    """The trimap of a truth: unknown where it is soft and ``width`` pixels around, by dilation with a square."""
    trimap = np.where(target == 255, 255, 0).astype(np.uint8)
    for y, x in np.argwhere((target > 0) & (target < 255)):
        trimap[max(0, y - width) : y + width + 1, max(0, x - width) : x + width + 1] = 128
    return trimap


# --- Cases ----------------------------------------------------------------------------------------


def cases() -> list[Case]:
    return [
        nothing(),
        full(),
        perfect(),
        empty_truth(),
        empty_prediction(),
        one_pixel(),
        one_row(),
        odd_size(),
        border(),
        no_unknown(),
        contradiction(),
        low_contrast(),
        flat_prediction(),
        value_153(),
        tie(),
        diagonal(),
        sixteen_bit(),
    ]


def nothing() -> Case:
    zero = flat(6, 7, 0)
    why = "no difference anywhere"
    return Case("nothing", "Empty prediction, empty truth.", zero, zero, flat(6, 7, 128), zeros(why))


def zeros(why: str) -> Hand:
    return {(ALL, "SAD MSE MAD GRAD CONN SAD-T MSE-T MAD-T SAD-FG SAD-BG"): (0, why)}


def full() -> Case:
    # 30 pixels of 0.8 against 1. All are one component up to the level 0.8; at 0.9 the set is empty.
    error = Fraction(1, 5)
    return Case(
        "full",
        "Truth 1 everywhere, prediction 204 = 0.8 everywhere: no gradient; from the level 0.9 on CONN's set is empty.",
        flat(5, 6, 204),
        flat(5, 6, 255),
        flat(5, 6, 128),
        {
            (ALL, "SAD SAD-T"): (30 * error / 1000, "30 pixels x 0.2 / 1000"),
            (ALL, "MSE MSE-T"): (error**2, "0.2 squared at every pixel, all of them unknown"),
            (ALL, "MAD MAD-T"): (error, "0.2 at every pixel, all of them unknown"),
            (ALL, "SAD-FG SAD-BG"): (0, "the trimap has no such pixel"),
            (ALL, "GRAD"): (0, "both mattes are constant"),
            ("p3m dim", "CONN"): (0, "levels 0.9 and 1 are passed over, so l = 1 and phi = 1 everywhere"),
            ("mmagic paddleseg", "CONN"): (
                30 * error / 1000,
                "all 30 pixels are lost at 0.9, l = 0.8: phi(a) = 1, phi(g) = 1 - 0.2; 30 x 0.2 / 1000",
            ),
        },
    )


def perfect() -> Case:
    target = disc(11, 9, (5, 4), 4.5, 3)
    return Case(
        "perfect", "Prediction and truth are the same soft disc.", target, target, band(target, 1), zeros("a = g")
    )


def empty_truth() -> Case:
    prediction = flat(8, 10, 0)
    prediction[2:6, 3:7] = 128
    value = Fraction(128, 255)
    return Case(
        "empty-truth",
        "Truth 0 everywhere, prediction 128 in a square of 16 pixels: the definitions of CONN part here.",
        prediction,
        flat(8, 10, 0),
        flat(8, 10, 128),
        {
            (ALL, "SAD SAD-T"): (16 * value / 1000, "16 pixels x 128/255 / 1000"),
            (ALL, "MSE MSE-T"): (16 * value**2 / 80, "16 pixels x (128/255)^2 over 80 pixels, all of them unknown"),
            (ALL, "MAD MAD-T"): (16 * value / 80, "16 pixels x 128/255 over 80 pixels, all of them unknown"),
            (ALL, "SAD-FG SAD-BG"): (0, "the trimap has no such pixel"),
            ("p3m dim", "CONN"): (0, "every level is passed over, so l = 1 and phi = 1 everywhere"),
            ("mmagic paddleseg", "CONN"): (
                16 * value / 1000,
                "every pixel is lost at 0.1, l = 0: phi(a) = 1 - 128/255, phi(g) = 1; 16 x 128/255 / 1000",
            ),
        },
        alone=True,
    )


def empty_prediction() -> Case:
    target = flat(7, 7, 0)
    target[2:5, 2:5] = 255
    return Case(
        "empty-prediction",
        "Prediction 0 everywhere, truth 1 in a square of 9 pixels.",
        flat(7, 7, 0),
        target,
        flat(7, 7, 128),
        {
            (ALL, "SAD SAD-T"): (Fraction(9, 1000), "9 pixels x 1 / 1000"),
            (ALL, "MSE MSE-T MAD MAD-T"): (Fraction(9, 49), "9 of 49 pixels, all of them unknown"),
            ("p3m dim", "CONN"): (0, "every level is passed over, so l = 1 and phi = 1 everywhere"),
            ("mmagic paddleseg", "CONN"): (
                Fraction(9, 1000),
                "every pixel is lost at 0.1, l = 0: phi(a) = 1, phi(g) = 0 at 9 pixels; 9 / 1000",
            ),
        },
    )


def one_pixel() -> Case:
    return Case(
        "one-pixel",
        "1 x 1 pixels, 51 = 0.2 against 204 = 0.8.",
        grey([[51]]),
        grey([[204]]),
        grey([[128]]),
        {
            (ALL, "SAD SAD-T"): (Fraction(6, 10000), "0.6 / 1000"),
            (ALL, "MSE MSE-T"): (Fraction(36, 100), "0.6 squared"),
            (ALL, "MAD MAD-T"): (Fraction(6, 10), "0.6"),
            (ALL, "GRAD"): (0, "a single pixel is constant"),
            ("p3m dim", "CONN"): (0, "in omega up to 0.2; from 0.3 on levels are passed over, so l = 1"),
            ("mmagic paddleseg", "CONN"): (
                Fraction(6, 10000),
                "lost at 0.3, l = 0.2: phi(a) = 1, phi(g) = 1 - 0.6; 0.6 / 1000",
            ),
        },
        alone=True,
    )


def one_row() -> Case:
    # Pixels 0 to 2 are 1 in both; pixel 3 is cut off by nothing, pixels 5 and 6 by the gap at 4.
    return Case(
        "one-row",
        "1 x 7 pixels, a gap cuts off the two at the right.",
        grey([[255, 255, 255, 102, 0, 204, 204]]),
        grey([[255, 255, 255, 204, 0, 255, 255]]),
        flat(1, 7, 128),
        {
            (ALL, "SAD SAD-T"): (Fraction(8, 10000), "(0.4 + 0.2 + 0.2) / 1000"),
            (ALL, "MSE MSE-T"): (Fraction(24, 700), "(0.16 + 0.04 + 0.04) / 7"),
            (ALL, "MAD MAD-T"): (Fraction(8, 70), "(0.4 + 0.2 + 0.2) / 7"),
            (ALL, "CONN"): (
                Fraction(8, 10000),
                "pixel 3 is lost at 0.5, l = 0.4: phi 1 and 0.6; pixels 5 and 6 at 0.1, l = 0: phi 0.2 and 0; "
                "0 to 2 never; (0.4 + 0.2 + 0.2) / 1000",
            ),
        },
    )


def odd_size() -> Case:
    height, width = 37, 23
    target = np.maximum(disc(height, width, (15, 11), 9, 4), disc(height, width, (36, 10), 10, 5))
    # Strands, a hole and a stray island, by arithmetic on the coordinates: no random numbers, the same everywhere.
    y, x = np.mgrid[:height, :width]
    ripple = ((7 * y + 11 * x) % 61) - 30
    soft = (target > 0) & (target < 255)
    prediction = without_153(np.clip(target.astype(int) + np.where(soft, ripple, 0), 0, 255))
    prediction[13:16, 9:12] = 140
    prediction[2:5, 18:21] = 230
    return Case(
        "odd-size",
        "37 x 23 pixels: two soft discs; the prediction has ripples, a hole and an island.",
        prediction,
        target,
        band(target, 2),
        alone=True,
    )


def border() -> Case:
    target = disc(21, 17, (20, 0), 13, 5)
    prediction = disc(21, 17, (20, 1), 12.25, 7)
    trimap = band(target, 3)
    mattes = value_of(prediction), value_of(target), trimap == 128
    grad = load_beside("plain_dim").grad
    return Case(
        "border",
        "The subject touches two edges of the picture; so does the unknown region: what lies beyond the edge matters.",
        prediction,
        target,
        trimap,
        contrasts=(
            ("dim", "GRAD", "edge pixels mirrored instead of repeated", grad(*mattes, beyond="reflect")),
            ("dim", "GRAD", "zeros beyond the edge", grad(*mattes, beyond="constant")),
        ),
        alone=True,
    )


def no_unknown() -> Case:
    prediction, target = twice([204, 51, 255, 0, 51]), twice([255, 0, 255, 0, 102])
    trimap = twice([255, 0, 255, 0, 0])
    # errors as given: 0.2 0.2 0 0 0.2; with the trimap given to the prediction: 0 0 0 0 0.4
    return Case(
        "no-unknown",
        "A trimap without an unknown pixel: means over the unknown region are 0 / 0. Two equal rows.",
        prediction,
        target,
        trimap,
        {
            ("p3m", "SAD"): (Fraction(12, 10000), "2 x (0.2 + 0.2 + 0.2) / 1000"),
            ("p3m", "MSE"): (Fraction(12, 500), "3 x 0.04 / 5"),
            ("p3m", "MAD"): (Fraction(6, 50), "3 x 0.2 / 5"),
            ("p3m", "SAD-T"): (Fraction(8, 10000), "a becomes 1 0 1 0 0: 2 x 0.4 / 1000"),
            ("p3m", "SAD-FG"): (Fraction(4, 10000), "2 x 0.2 / 1000"),
            ("p3m", "SAD-BG"): (Fraction(8, 10000), "2 x (0.2 + 0 + 0.2) / 1000"),
            ("mmagic", "SAD"): (Fraction(8, 10000), "a becomes 1 0 1 0 0, whole image: 2 x 0.4 / 1000"),
            ("mmagic paddleseg", "MSE"): (0, "defined as 0 without an unknown pixel"),
            ("dim paddleseg", "SAD"): (0, "a sum over nothing"),
            ("dim mmagic paddleseg", "GRAD CONN"): (0, "a sum over nothing"),
        },
        alone=True,
    )


def contradiction() -> Case:
    prediction, target = twice([204, 255, 102, 51, 0, 0]), twice([255, 102, 102, 0, 255, 255])
    trimap = twice([255, 255, 128, 0, 128, 0])
    # errors as given:    0.2  0.6  0  0.2  1  1
    # trimap given first: 0    0.6  0  0    1  1     of which unknown: 0 and 1
    return Case(
        "contradiction",
        "The trimap says foreground where the truth is 0.4, and background where it is 1. Two equal rows.",
        prediction,
        target,
        trimap,
        {
            ("p3m", "SAD"): (Fraction(6, 1000), "2 x (0.2 + 0.6 + 0.2 + 1 + 1) / 1000"),
            ("p3m", "MSE"): (Fraction(244, 600), "(0.04 + 0.36 + 0.04 + 1 + 1) / 6"),
            ("p3m", "MAD"): (Fraction(3, 6), "(0.2 + 0.6 + 0.2 + 1 + 1) / 6"),
            ("p3m", "SAD-T"): (Fraction(52, 10000), "a becomes 1 1 0.4 0 0 0: 2 x (0.6 + 1 + 1) / 1000"),
            ("p3m", "MSE-T"): (Fraction(236, 200), "per row (0.36 + 1 + 1) / 2 unknown pixels"),
            ("p3m", "MAD-T"): (Fraction(26, 20), "per row (0.6 + 1 + 1) / 2 unknown pixels"),
            ("p3m", "SAD-FG"): (Fraction(16, 10000), "2 x (0.2 + 0.6) / 1000"),
            ("p3m", "SAD-BG"): (Fraction(24, 10000), "2 x (0.2 + 1) / 1000"),
            ("dim paddleseg", "SAD"): (Fraction(2, 1000), "unknown pixels only: 2 x (0 + 1) / 1000"),
            ("dim paddleseg", "MSE"): (Fraction(1, 2), "unknown pixels only: (0 + 1) / 2"),
            ("mmagic", "SAD"): (Fraction(52, 10000), "a becomes 1 1 0.4 0 0 0, whole image: 2 x (0.6 + 1 + 1) / 1000"),
            ("mmagic", "MSE"): (Fraction(236, 200), "whole image, per row over 2 unknown pixels: (0.36 + 1 + 1) / 2"),
        },
    )


def low_contrast() -> Case:
    # Multiples of 5, so that 51 + 3/5 of a value is a whole number.
    target = (disc(15, 14, (7, 6), 6, 4) // 5 * 5).astype(np.uint8)
    prediction = (51 + target.astype(int) * 3 // 5).astype(np.uint8)
    return Case(
        "low-contrast",
        "The prediction is the truth squeezed into 0.2 ... 0.8: stretching to [0, 1] hides it from GRAD.",
        prediction,
        target,
        flat(15, 14, 128),
        {("dim mmagic paddleseg", "GRAD"): (0, "stretched, prediction and truth are the same")},
    )


def flat_prediction() -> Case:
    target = disc(16, 15, (7, 7), 6, 4)
    return Case(
        "flat-prediction",
        "Prediction 128 everywhere: stretching a constant must not divide by zero.",
        flat(16, 15, 128),
        target,
        band(target, 2),
    )


def value_153() -> Case:
    hand: Hand = {
        (ALL, "SAD SAD-T"): (Fraction(8, 10000), "2 pixels x 0.4 / 1000"),
        (ALL, "MSE MSE-T"): (Fraction(16, 200), "2 x 0.16 / 4"),
        (ALL, "MAD MAD-T"): (Fraction(4, 20), "2 x 0.4 / 4"),
        ("p3m dim paddleseg", "CONN"): (
            Fraction(8, 10000),
            "153/255 reaches 0.6 and is lost at 0.7, l = 0.6: phi(a) = 1 - 0.4, phi(g) = 1; 2 x 0.4 / 1000",
        ),
        ("mmagic", "CONN"): (
            Fraction(10, 10000),
            "153/255 fails 0.6000000000000001, l = 0.5: phi(a) = 1 - 0.5, phi(g) = 1; 2 x 0.5 / 1000",
        ),
    }
    return Case(
        "value-153",
        "153/255 is 0.6, and numpy.arange(0, 1.1, 0.1)[6] is 0.6000000000000001. No other case has this value.",
        twice([255, 255]),
        twice([255, 153]),
        twice([128, 128]),
        hand,
        (
            ("p3m dim paddleseg", "CONN", "levels from numpy.arange, compared in float64", Fraction(10, 10000)),
            ("mmagic", "CONN", "levels exactly k / 10, or compared in float32", Fraction(8, 10000)),
        ),
    )


def tie() -> Case:
    # Two bars of three pixels. The right one begins in row 0, the left one in column 0.
    left = np.zeros((4, 4), bool)
    left[1:, 0] = True
    right = np.zeros((4, 4), bool)
    right[:3, 3] = True
    prediction = np.where(left, 102, np.where(right, 204, 0)).astype(np.uint8)
    by_rows = "the right bar is omega up to 0.8; the left one is lost at 0.1, l = 0: phi 0.6 and 0"
    by_columns = (
        "the left bar is omega up to 0.4 and lost at 0.5, l = 0.4: phi 1 and 0.4; "
        "the right one is lost at 0.1, l = 0: phi 0.2 and 0; 3 x (0.6 + 0.2) / 1000"
    )
    hand: Hand = {
        (ALL, "SAD SAD-T"): (Fraction(24, 10000), "3 x (0.6 + 0.2) / 1000"),
        ("p3m", "CONN"): (Fraction(18, 10000), f"{by_rows}; 0.9 and 1 are passed over; 3 x 0.6 / 1000"),
        ("dim", "CONN"): (Fraction(24, 10000), by_columns),
        ("mmagic paddleseg", "CONN"): (
            Fraction(24, 10000),
            f"{by_rows}; at 0.9 it is lost itself, l = 0.8: phi 1 and 0.8; 3 x (0.6 + 0.2) / 1000",
        ),
    }
    return Case(
        "tie",
        "Two components of equal size: in row order the right one is first, in column order the left one.",
        prediction,
        np.where(left | right, 255, 0).astype(np.uint8),
        flat(4, 4, 128),
        hand,
        (
            ("p3m", "CONN", "ties by column order", Fraction(24, 10000)),
            ("dim", "CONN", "ties by row order", Fraction(18, 10000)),
        ),
    )


def diagonal() -> Case:
    target = flat(6, 6, 0)
    target[:3, :3] = target[3:5, 3:5] = 255
    prediction = target.copy()
    prediction[3:5, 3:5] = 217
    error = Fraction(38, 255)
    hand: Hand = {
        (ALL, "SAD SAD-T"): (4 * error / 1000, "4 pixels x 38/255 / 1000"),
        (ALL, "CONN"): (
            4 * error / 1000,
            "the 4 pixels touch omega at a corner only and are lost at 0.1, l = 0: 4 x (1 - 217/255) / 1000",
        ),
    }
    return Case(
        "diagonal",
        "A square of 9 pixels and one of 4 that touches it at a corner: one component only if 8-connected.",
        prediction,
        target,
        flat(6, 6, 128),
        hand,
        ((ALL, "CONN", "8-connected components", Fraction(8, 10000)),),
    )


def sixteen_bit() -> Case:
    prediction = np.array([[0, 16384, 32768, 65535]], np.uint16)
    return Case(
        "sixteen-bit",
        "A prediction of 16 bits; 16384 and 32768 lie between the 8-bit steps 63 and 64, 127 and 128.",
        prediction,
        grey([[0, 64, 128, 255]]),
        flat(1, 4, 128),
        roundings=("float", "truncated", "rounded"),
    )


_FLOAT = "(64/255 - 16384/65535 + 128/255 - 32768/65535) / 1000"

_ROUNDED: Mapping[str, Mapping[str, tuple[Fraction, str]]] = {
    "float": {
        "SAD SAD-T": (Fraction(64 + 128, 255) / 1000 - Fraction(16384 + 32768, 65535) / 1000, _FLOAT),
    },
    "truncated": {"SAD SAD-T": (Fraction(2, 255000), "63, 127 against 64, 128: 2/255 / 1000")},
    "rounded": {"SAD SAD-T": (Fraction(0), "64, 128 against the same")},
}
"""By hand, for the case of 16 bits: what rounding does."""


# --- Values ---------------------------------------------------------------------------------------


def value_of(pixels: np.ndarray, rounding: str = "float") -> np.ndarray:
    """A picture as float64 in [0, 1]."""
    matte = pixels / np.iinfo(pixels.dtype).max
    if rounding == "float":
        return matte
    return (np.floor(matte * 255) if rounding == "truncated" else np.rint(matte * 255)) / 255


def expected(case: Case) -> list[dict[str, Any]]:
    """The records of a case: one for each dialect, with the trimap or without, and rounding."""
    records = []
    for dialect, file in PLAIN.items():
        scores = load_beside(Path(file).stem).scores
        for trimap in (True, False) if case.alone else (True,):
            for rounding in case.roundings:
                records.append(_record(case, dialect, file, scores, trimap, rounding))
    return records


def _record(
    case: Case, dialect: str, file: str, scores: Callable[..., dict[str, Any]], trimap: bool, rounding: str
) -> dict[str, Any]:
    mattes = value_of(case.prediction, rounding), value_of(case.target)
    values = scores(*mattes, case.trimap if trimap else None)
    hand = _by_hand(case, dialect, trimap, rounding)
    derivation = {}
    for name, value in values.items():
        if value is None:
            what = "means over the unknown region are undefined without one" if trimap else "needs a trimap"
            derivation[name] = f"undefined: {what}"
        elif name in hand:
            number, why = hand[name]
            # The plain value must be the one by hand, or one of them is wrong.
            assert abs(value - number) <= 1e-9 * abs(number) + 1e-15, (case.name, dialect, name, value, float(number))
            values[name], derivation[name] = float(number), f"by hand: {why}"
        else:
            derivation[name] = f"plain: {file}"
            values[name] = float(value) if abs(value) > 1e-15 else 0.0
    record = {"case": case.name, "dialect": dialect, "trimap": trimap, "rounding": rounding, "values": values}
    record["derivation"] = derivation
    others = [
        {"metric": metric, "if": what, "value": float(value)}
        for dialects, metric, what, value in case.contrasts
        if trimap and dialect in dialects.split()
    ]
    return {**record, "contrast": others} if others else record


def _by_hand(case: Case, dialect: str, trimap: bool, rounding: str) -> dict[str, tuple[Fraction | int, str]]:
    if not trimap:
        return {}
    hand = {
        metric: found
        for (dialects, metrics), found in case.hand.items()
        if dialect in dialects.split()
        for metric in metrics.split()
    }
    if len(case.roundings) > 1:
        hand |= {metric: found for names, found in _ROUNDED[rounding].items() for metric in names.split()}
    return hand


def document() -> dict[str, Any]:
    """What expected.json holds."""
    drawn = cases()
    return {
        "schema": SCHEMA,
        "about": "What prediction/NAME.png scores against target/NAME.png with trimap/NAME.png; see docs/metrics.md.",
        "plain": "Implementations named by a derivation are in tests/zoo/metrics of the repository.",
        "tolerance": TOLERANCE,
        "cases": [
            {"name": case.name, "about": case.about, "height": len(case.target), "width": len(case.target[0])}
            for case in drawn
        ],
        "expected": [record for case in drawn for record in expected(case)],
    }


def text(contents: Mapping[str, Any]) -> str:
    """JSON with one case or record a line."""
    parts = []
    for key, value in contents.items():
        if isinstance(value, list):
            lines = ",\n".join("  " + json.dumps(entry, allow_nan=False) for entry in value)
            parts.append(f" {json.dumps(key)}: [\n{lines}\n ]")
        else:
            parts.append(f" {json.dumps(key)}: {json.dumps(value, allow_nan=False)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def write(folder: Path = FOLDER) -> None:
    """Write the pictures and expected.json into a folder."""
    for case in cases():
        for part in ("prediction", "target", "trimap"):
            (folder / part).mkdir(parents=True, exist_ok=True)
            _, data = cv2.imencode(".png", getattr(case, part), [cv2.IMWRITE_PNG_COMPRESSION, 9])
            (folder / part / f"{case.name}.png").write_bytes(data.tobytes())
    (folder / "expected.json").write_text(text(document()), encoding="utf-8")


if __name__ == "__main__":
    write()
