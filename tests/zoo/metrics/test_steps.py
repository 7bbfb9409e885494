import numpy as np
import pytest

from zoo.metrics.definitions import DIALECTS
from zoo.metrics.score import score
from zoo.metrics.steps import exact

EIGHT = np.arange(256).reshape(16, 16)
SIXTEEN = np.arange(65536).reshape(256, 256)


def test_float32_steps_of_8_bit_files_are_taken_as_uint8():
    # However they were made: divided in float32, or in float64 and cast. All 256 of them, and a few alone.
    for matte in (EIGHT.astype(np.float32) / np.float32(255), (EIGHT / 255).astype(np.float32)):
        found = exact(matte)
        assert found.dtype == np.uint8
        assert (found == EIGHT).all()
        assert (exact(matte[::-3, ::5]) == EIGHT[::-3, ::5]).all()


def test_float32_steps_of_16_bit_files_are_taken_as_float64():
    found = exact(SIXTEEN.astype(np.float32) / np.float32(65535))
    assert found.dtype == np.float64
    assert (found == SIXTEEN / 65535).all()


def test_anything_else_is_left_alone():
    rng = np.random.default_rng(0)
    matte = (rng.integers(0, 256, (50, 60)) / 255).astype(np.float32)
    one_off = matte.copy()
    one_off[17, 23] = np.nextafter(one_off[17, 23], np.float32(0.5))  # not among the pixels looked at first
    for other in (
        rng.random((50, 60), np.float32),
        one_off,
        matte.astype(np.float64),
        matte.astype(np.float16),
        (255 * matte).astype(np.uint8),
        np.full((4, 4), np.nan, np.float32),
        np.full((4, 4), -1, np.float32),
        np.full((4, 4), 2, np.float32),
        np.zeros((0, 3), np.float32),
        np.zeros(4, np.float32),
    ):
        assert exact(other) is other


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_file_scores_the_same_however_it_is_held(dialect):
    rng = np.random.default_rng(1)
    alpha, target = rng.integers(0, 256, (2, 24, 31)).astype(np.uint8)
    alpha[:, :5] = target[:, 5:9] = 153
    trimap = rng.choice(np.array([0, 128, 255], np.uint8), alpha.shape)
    expected = score(alpha, target, trimap, dialect)
    for dtype in (np.float32, np.float64):
        held = [matte.astype(dtype) / dtype(255) for matte in (alpha, target)]
        assert score(*held, trimap, dialect) == expected
