from __future__ import annotations

import base64

import cv2
import numpy as np
import pytest

from registry import ShapeError
from zoo.report.thumbnails import BACKDROP, ERROR_COLOURS, composite, error_map, grey, reduce, thumbnails

JPEG = 4
"""Grey levels that compression may cost."""


def _decode(uri: str) -> np.ndarray:
    head, data = uri.split(",")
    assert head == "data:image/jpeg;base64"
    return cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_UNCHANGED)


@pytest.fixture
def arrays():
    image = np.full((300, 640, 3), (200, 100, 50), np.uint8)
    target = np.zeros((300, 640), np.float32)
    target[:, :320] = 1.0
    return image, target, np.full((300, 640), 0.75, np.float32)


def test_views_in_order_and_reduced(arrays):
    pictures = thumbnails(*arrays)
    assert list(pictures) == ["image", "target", "matte", "error", "composite"]
    shapes = [_decode(uri).shape for uri in pictures.values()]
    assert shapes == [(150, 320, 3), (150, 320), (150, 320), (150, 320, 3), (150, 320, 3)]


def test_what_the_pictures_show(arrays):
    pictures = {name: _decode(uri).astype(int) for name, uri in thumbnails(*arrays).items()}
    np.testing.assert_allclose(pictures["image"][75, 80], (50, 100, 200), atol=JPEG)
    np.testing.assert_allclose(pictures["target"][75, [80, 240]], (255, 0), atol=JPEG)
    np.testing.assert_allclose(pictures["matte"][75, 80], 191, atol=JPEG)
    # |0.75 - 1| is half the scale, |0.75 - 0| beyond it.
    np.testing.assert_allclose(pictures["error"][75, 80], ERROR_COLOURS[4][::-1], atol=JPEG)
    np.testing.assert_allclose(pictures["error"][75, 240], ERROR_COLOURS[8][::-1], atol=JPEG)
    over = 0.75 * np.array((200, 100, 50)) + 0.25 * np.array(BACKDROP)
    np.testing.assert_allclose(pictures["composite"][75, 80], over[::-1], atol=JPEG)


def test_without_a_target_there_is_no_error_map(arrays):
    image, _, matte = arrays
    assert list(thumbnails(image, None, matte)) == ["image", "matte", "composite"]


@pytest.mark.parametrize(
    ("size", "side", "reduced"),
    [((10, 20), 320, (10, 20)), ((320, 320), 320, (320, 320)), ((1, 4000), 320, (1, 320)), ((600, 300), 64, (64, 32))],
)
def test_reduce(size, side, reduced):
    assert reduce(np.zeros((*size, 3), np.uint8), side).shape == (*reduced, 3)
    assert reduce(np.zeros(size, np.float64), side).shape == reduced


def test_reduce_averages():
    board = np.indices((64, 64)).sum(axis=0) % 2
    np.testing.assert_allclose(reduce(board.astype(np.float32), 32), 0.5)


def test_error_map_at_known_points():
    error = np.array([[0.0, 0.125, 0.25, 0.5, 0.9, 1.0]])
    found = error_map(error)[0].astype(int)
    # 0.125 lies between two of the 256 levels: 64 of 255 is 0.1255.
    np.testing.assert_allclose(found, [ERROR_COLOURS[i] for i in (0, 2, 4, 8, 8, 8)], atol=1)


def test_error_colours_are_inferno():
    table = cv2.applyColorMap(np.arange(256, dtype=np.uint8)[:, None], cv2.COLORMAP_INFERNO)[:, 0, ::-1].astype(int)
    ours = error_map(np.linspace(0, 0.5, 256)[None])[0].astype(int)
    assert np.abs(ours - table).max() <= 16  # linear between nine points
    lightness = ours @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(lightness) >= 0).all()


def test_composite_and_grey_keep_to_their_range():
    image = np.full((1, 3, 3), 255, np.uint8)
    alpha = np.array([[-0.5, 0.5, 1.5]])
    assert composite(image, alpha)[0, 0].tolist() == list(BACKDROP)
    assert composite(image, alpha)[0, 2].tolist() == [255, 255, 255]
    assert grey(alpha).tolist() == [[0, 128, 255]]


def test_shapes_must_agree(arrays):
    image, target, matte = arrays
    with pytest.raises(ShapeError, match=r"matte has shape \(299, 640\), image has \(300, 640\)"):
        thumbnails(image, target, matte[1:])
    with pytest.raises(ShapeError, match="target has shape"):
        thumbnails(image, target[1:], matte)
