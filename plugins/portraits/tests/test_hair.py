"""MAD-HAIR by hand, and what must hold of it."""

import cv2
import numpy as np
import pytest
from zoo_portraits.hair import band, mad_hair

SIDE = 40
"""Short side in pixels; the disc is then the smallest, a cross of three by three pixels."""


def strand():
    """A line of one pixel, 20 long."""
    target = np.zeros((SIDE, 50))
    target[10, 15:35] = 1
    return target


def body():
    """A soft half plane, as the edge of clothes is."""
    return np.repeat(np.clip((np.arange(50) - 20) / 6, 0, 1)[None], SIDE, 0)


def test_the_band_of_a_strand_is_the_strand_and_a_pixel_around_it():
    # A cross moved along 20 pixels covers these, 20 above, 20 below and one at either end.
    expected = np.zeros((SIDE, 50), np.uint8)
    expected[9:12, 15:35] = 1
    expected[10, [14, 35]] = 1
    assert np.array_equal(band(strand()), expected)
    assert expected.sum() == 62


def test_values_by_hand():
    target = strand()
    assert mad_hair(target, target) == 0
    assert mad_hair(np.zeros_like(target), target) == pytest.approx(20 / 62)  # the strand is lost
    assert mad_hair(0.5 * target, target) == pytest.approx(10 / 62)
    assert mad_hair(1 - target, target) == pytest.approx(1)
    smeared = target.copy()
    smeared[9, 15:35] = 0.25  # 20 pixels in the band
    smeared[20:30] = 1  # far from it
    assert mad_hair(smeared, target) == pytest.approx(20 * 0.25 / 62)


def test_a_body_has_no_hair():
    assert mad_hair(np.zeros((SIDE, 50)), body()) is None
    assert not band(body()).any()
    for level in (0.0, 0.5, 1.0):
        assert mad_hair(np.zeros((SIDE, 50)), np.full((SIDE, 50), level)) is None


def test_corners_of_a_body_are_no_hair_and_nor_are_specks():
    target = np.zeros((1080, 1080))
    target[400:, 300:800] = 1  # an opening rounds its corners off
    target[100:104, 100:104] = 1  # a speck as wide as it is long, shorter than the disc
    assert not band(target).any()
    target[200, 100:111] = 1  # 11 pixels long: as long as the disc is wide
    assert band(target).any()


def test_faint_strands_do_not_count():
    # 0.1 is the least contrast; 25 and 26 of 255 lie around it.
    assert not band(strand() * 25 / 255).any()
    assert band(strand() * 26 / 255).any()


def test_strands_count_on_a_body_too_and_only_there():
    target = body()
    target[10, 5:22] = 1
    inside = band(target).astype(bool)
    assert inside[10, 5:20].all()
    assert not inside[20:].any()


@pytest.mark.parametrize(("short_side", "across"), [(40, 3), (540, 5), (1080, 11), (3000, 11)])
def test_the_disc_grows_with_the_picture_up_to_1080_pixels(short_side, across):
    # 2 floor(11 / 2 * share) + 1: 11 / 2 * 0.5 = 2.75, so 5. A line as wide as the disc is none; one pixel less is.
    target = np.zeros((short_side, 4 * 11 + short_side))
    target[:, 20 : 20 + across] = 1
    assert not band(target).any()
    target[:, 20 + across - 1] = 0
    assert band(target).any()


def test_turned_and_mirrored_it_is_the_same():
    target = np.zeros((60, 60))
    for end in ((5, 50), (30, 4), (55, 20)):
        cv2.line(target, (25, 30), end, 1.0, 1)
    alpha = np.clip(target + np.random.default_rng(0).normal(0, 0.2, target.shape), 0, 1)
    value = mad_hair(alpha, target)
    for turn in (np.fliplr, np.flipud, np.transpose):
        assert mad_hair(turn(alpha), turn(target)) == pytest.approx(value, rel=1e-12)


def test_it_sees_what_sad_does_not():
    # A body with strands, three answers: strands lost, and the same error spread along the body's edge instead.
    target = body()
    target[5:36:6, 4:22] = 1
    lost, blunt = body(), target.copy()
    missing = np.abs(lost - target).sum()
    edge = (target > 0) & (target < 1) & ~band(target).astype(bool)
    blunt[edge] -= missing / edge.sum() * np.sign(blunt[edge] - 0.5)
    blunt = np.clip(blunt, 0, 1)
    assert np.abs(blunt - target).sum() == pytest.approx(missing, rel=0.35)  # SAD takes them for alike
    assert mad_hair(blunt, target) == 0
    assert mad_hair(lost, target) > 0.2


def test_float64_is_kept():
    target = strand()
    alpha = target.copy()
    alpha[10, 20] -= 1e-9
    assert mad_hair(alpha, target) == pytest.approx(1e-9 / 62, rel=1e-6)


def test_targets_of_float32_and_views_are_taken():
    target = strand()
    assert mad_hair(np.zeros_like(target), target.astype(np.float32)) == pytest.approx(20 / 62)
    assert mad_hair(np.zeros_like(target).T, target.T) == pytest.approx(20 / 62)
