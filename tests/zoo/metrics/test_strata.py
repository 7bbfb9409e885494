import cv2
import numpy as np
import pytest

from registry import ShapeError
from zoo.metrics.statistics import interval
from zoo.metrics.strata import facts, strata, unknown_width


def band(width: int, start: int = 40, size: tuple[int, int] = (120, 160), upright: bool = True) -> np.ndarray:
    """A trimap with a straight unknown band between background and foreground."""
    trimap = np.zeros(size if upright else size[::-1], np.uint8)
    trimap[:, start : start + width], trimap[:, start + width :] = 128, 255
    return np.ascontiguousarray(trimap if upright else trimap.T)


@pytest.mark.parametrize("upright", [True, False])
@pytest.mark.parametrize("width", [2, 4, 10, 30])
def test_width_of_a_straight_band(width, upright):
    # By construction. Distances 1, 2, ..., w/2, w/2, ..., 1 have the mean w/4 + 1/2; OpenCV has them in float32.
    assert unknown_width(band(width, upright=upright)) == pytest.approx(width, rel=1e-6)


@pytest.mark.parametrize("width", [1, 3, 11])
def test_width_of_a_band_of_an_odd_number_of_pixels(width):
    # The mean of 1, ..., (w+1)/2, ..., 1 is (w+1)^2 / 4w, which makes w + 1/w.
    assert unknown_width(band(width)) == pytest.approx(width + 1 / width, rel=1e-6)


@pytest.mark.parametrize("angle", [17, 45, 71])
def test_width_of_a_slanted_band(angle):
    y, x = np.mgrid[:400, :400] - 199.5
    across = x * np.cos(np.radians(angle)) + y * np.sin(np.radians(angle))
    trimap = np.where(across < -10, 0, np.where(across > 10, 255, 128)).astype(np.uint8)
    assert unknown_width(trimap) == pytest.approx(20, abs=1)  # the edge of a slanted band is a staircase


def test_width_of_a_ring():
    y, x = np.mgrid[:300, :300] - 149.5
    radius = np.hypot(x, y)
    trimap = np.where(radius < 92, 255, np.where(radius < 108, 128, 0)).astype(np.uint8)
    assert unknown_width(trimap) == pytest.approx(16, abs=1)


def test_a_band_along_the_border_counts_as_mirrored():
    assert unknown_width(band(10, start=0)) == pytest.approx(20, rel=1e-6)


def test_only_what_is_near_is_looked_at():
    trimap = np.zeros((90, 120), np.uint8)
    rng = np.random.default_rng(0)
    trimap[20:50, 30:70] = rng.choice(np.array([0, 128, 255], np.uint8), (30, 40), p=[0.05, 0.9, 0.05])
    trimap[80, 3] = 128
    unknown = (trimap == 128).astype(np.uint8)
    whole = cv2.distanceTransform(unknown, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[unknown > 0].mean()
    assert unknown_width(trimap) == pytest.approx(4 * (whole - 0.5), rel=1e-6)


def test_no_width_without_unknown_or_known_pixels():
    assert unknown_width(np.zeros((4, 5), np.uint8)) is None
    assert unknown_width(np.full((4, 5), 255, np.uint8)) is None
    assert unknown_width(np.full((4, 5), 128, np.uint8)) is None
    one = np.zeros((4, 5), np.uint8)
    one[0, 0] = 128
    assert unknown_width(one) == pytest.approx(2)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
def test_area_is_the_mean_of_the_alpha(dtype):
    target = np.zeros((10, 20))
    target[:5] = 0.6
    target = target.astype(dtype) if dtype != np.uint8 else np.rint(target * 255).astype(np.uint8)
    found = facts(target, None)
    assert found == {"subject_area": pytest.approx(0.3, rel=1e-6), "unknown_width": None}
    assert type(found["subject_area"]) is float
    assert facts(target, band(4, 2, (10, 20)))["unknown_width"] == pytest.approx(4, rel=1e-6)


def test_wrong_shapes():
    with pytest.raises(ShapeError, match="trimap"):
        facts(np.zeros((4, 5), np.float32), np.zeros((5, 4), np.uint8))
    with pytest.raises(ShapeError, match="one channel"):
        facts(np.zeros((4, 5, 3), np.uint8), None)


# --- Thirds of a set ---


def row(number, width=None, area=None, mad=1.0):
    return {"image": f"p{number}", "unknown_width": width, "subject_area": area, "MAD": mad, "SAD-T": None}


def test_thirds_by_hand():
    rows = [row(i, width=float(i), mad=float(10 * i)) for i in (6, 3, 0, 1, 5, 4, 2)]
    found = strata(rows, ["MAD", "SAD-T"])
    # Seven images: the first third ends with the third of them, the second with the fifth.
    assert [(s["by"], s["low"], s["high"], s["n_images"]) for s in found] == [
        ("unknown_width", 0, 2, 3),
        ("unknown_width", 3, 4, 2),
        ("unknown_width", 5, 6, 2),
    ]
    assert [s["metrics"] for s in found] == [
        {"MAD": 10.0, "SAD-T": None},
        {"MAD": 35.0, "SAD-T": None},
        {"MAD": 55.0, "SAD-T": None},
    ]
    assert found[1]["intervals"] == {"MAD": list(interval([30.0, 40.0])), "SAD-T": None}


def test_both_facts_and_rows_that_lack_one():
    rows = [row(i, width=float(i), area=i / 10) for i in range(3)] + [row(7, width=9.0), row(8)]
    found = strata(rows, ["MAD"])
    assert [s["by"] for s in found] == ["unknown_width"] * 3 + ["subject_area"] * 3
    assert [s["n_images"] for s in found] == [2, 1, 1, 1, 1, 1]
    assert sum(s["n_images"] for s in found[:3]) == 4


def test_equal_values_are_never_parted():
    rows = [row(i, width=width) for i, width in enumerate([1.0, 1.0, 1.0, 1.0, 2.0, 3.0])]
    assert [(s["low"], s["high"], s["n_images"]) for s in strata(rows, ["MAD"])] == [(1, 1, 4), (2, 3, 2)]


def test_nothing_to_say():
    assert strata([], ["MAD"]) == []
    assert strata([row(0, width=1.0), row(1, width=2.0)], ["MAD"]) == []
    assert strata([row(i, width=1.0) for i in range(9)], ["MAD"]) == []


def test_the_order_of_rows_does_not_matter():
    rows = [row(i, width=float(i % 4), area=i / 20, mad=0.1 * i) for i in range(20)]
    assert strata(rows, ["MAD"]) == strata(rows[::-1], ["MAD"])
