import numpy as np
import pytest

from zoo.metrics.cells import CELL, MARGIN, TALL, cut

SIZES = [(1, 1), (1, 30), (9, 2), (8, 8), (32, 16), (33, 17), (70, 41)]


def mirrored(length, before, after):
    """Indices of a row of pixels with mirror images on both sides, the edge pixel repeated: 2 1 0 | 0 1 2 | 2 1 0."""
    there_and_back = np.concatenate([np.arange(length), np.arange(length)[::-1]])
    return there_and_back[np.arange(-before, length + after) % (2 * length)]


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_a_cut_matte(size, dtype):
    matte = (np.random.default_rng(0).random(size) * 200).astype(dtype)
    cells = cut(matte)
    rows, columns = cells.low.shape
    assert cells.shape == size
    assert rows * CELL % TALL == 0
    assert rows * CELL - size[0] < TALL
    assert columns * CELL - size[1] < CELL
    down, right = rows * CELL - size[0] + MARGIN, columns * CELL - size[1] + 2 * CELL - MARGIN
    expected = matte[mirrored(size[0], MARGIN, down)][:, mirrored(size[1], MARGIN, right)]
    assert cells.padded.dtype == dtype
    assert (cells.padded == expected).all()
    inside = expected[MARGIN : MARGIN + rows * CELL, MARGIN : MARGIN + columns * CELL]
    for row in range(rows):
        for column in range(columns):
            pixels = inside[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL]
            assert (cells.pixels[row, column] == pixels).all()
            assert cells.low[row, column] == pixels.min()
            assert cells.high[row, column] == pixels.max()
