"""Cut-outs."""

from __future__ import annotations

import numpy as np
import pytest

from registry import ShapeError
from zoo.data.cutout import cut_out
from zoo.data.images import encode_png, write_png


def test_by_hand():
    image = np.array([[[10, 20, 30], [40, 50, 60], [70, 80, 90]]], np.uint8)
    alpha = np.array([[0, 0.5, 1]], np.float32)
    # 0.5 x 255 is 127.5, which rounds to the even 128; what is not seen is black.
    expected = [[[0, 0, 0, 0], [40, 50, 60, 128], [70, 80, 90, 255]]]
    assert cut_out(image, alpha).tolist() == expected
    assert cut_out(image, np.array([[0, 128, 255]], np.uint8)).tolist() == expected


def test_an_alpha_that_rounds_to_nothing_shows_nothing():
    image = np.full((1, 2, 3), 200, np.uint8)
    found = cut_out(image, np.array([[0.001, 0.002]], np.float32))  # 0.255 and 0.51 of 255
    assert found.tolist() == [[[0, 0, 0, 0], [200, 200, 200, 1]]]


def test_another_size_is_refused():
    with pytest.raises(ShapeError, match=r"the picture has size \(2, 3\), the alpha \(3, 2\)"):
        cut_out(np.zeros((2, 3, 3), np.uint8), np.zeros((3, 2), np.float32))


def test_the_bytes_are_those_of_the_file(tmp_path):
    cutout = np.random.default_rng(0).integers(0, 256, (9, 7, 4)).astype(np.uint8)
    write_png(tmp_path / "x.png", cutout)
    assert (tmp_path / "x.png").read_bytes() == encode_png(cutout, "x")
