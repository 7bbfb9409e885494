"""What the model is shown, and what its answer becomes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from registry import UsageError
from zoo.config import Config
from zoo.predict.answer import Answerer, _shrunk


class Model:
    """Brightness, and a note of what was shown; in the place of a Predictor."""

    def __init__(self, takes_planes: bool = False) -> None:
        self.takes_planes = takes_planes
        self.config = replace(Config(), eval=replace(Config().eval, short_side=64))
        self.shown: list[tuple[int, ...]] = []

    def predict(self, image, trimap=None):
        assert trimap is None or trimap.shape == image.shape[:2]
        self.shown.append(image.shape[:2])
        return image.max(axis=2).astype(np.float32) / np.float32(255)


@pytest.fixture
def image() -> np.ndarray:
    """A soft slope from black to white, 200 x 300."""
    ramp = np.clip(np.linspace(-1, 2, 300), 0, 1)
    return np.rint(np.tile(ramp, (200, 1))[..., None] * (255, 200, 100)).astype(np.uint8)


def asked(image, takes_planes=False, **options) -> tuple[list[tuple[int, ...]], np.ndarray]:
    model = Model(takes_planes)
    alpha = Answerer(model, **options)(image)
    assert alpha.shape == image.shape[:2]
    assert alpha.dtype == np.float32
    assert 0 <= alpha.min() <= alpha.max() <= 1
    return model.shown, alpha


def test_the_longest_side_is_kept_to(image):
    expected = image.max(axis=2) / 255
    assert asked(image)[0] == [(200, 300)]
    for refine in ("none", "guided"):
        shown, alpha = asked(image, max_side=150, refine=refine)
        assert shown == [(100, 150)]
        assert np.abs(alpha - expected).max() < 0.02
    assert asked(image, max_side=300)[0] == [(200, 300)]
    assert asked(image[:1], max_side=100)[0] == [(1, 100)]


def test_a_network_is_shown_its_own_size_to_be_refined(image):
    # Short side 64, multiples of the stride, by `zoo.engine.resize`: 64 x 96.
    assert asked(image, True, refine="guided")[0] == [(64, 96)]
    assert asked(image, True, refine="guided", max_side=48)[0] == [(32, 48)]
    assert asked(image[:40, :60], True, refine="guided")[0] == [(40, 60)]  # never enlarged: the network does that


def test_tiles_look_again_where_it_is_soft(image):
    shown, alpha = asked(image, tile=128)
    assert shown[0] == (200, 300)
    assert set(shown[1:]) == {(128, 128)}
    assert np.abs(alpha - image.max(axis=2) / 255).max() < 1e-6  # the model answers parts as it answers the whole
    assert len(asked(image, tile=128, refine="guided")[0]) == len(shown)
    with pytest.raises(UsageError, match="undo each other"):
        Answerer(Model(), max_side=100, tile=128)


def test_a_trimap_shrinks_to_what_is_known_of_all_its_pixels():
    trimap = np.array([[0, 0, 0, 255], [0, 0, 255, 255]], np.uint8)
    small, shrunk = _shrunk(np.zeros((2, 4, 3), np.uint8), trimap, (1, 2))
    assert small.shape == (1, 2, 3)
    assert shrunk.tolist() == [[0, 128]]
    assert _shrunk(np.zeros((2, 4, 3), np.uint8), np.full((2, 4), 255, np.uint8), (1, 2))[1].tolist() == [[255, 255]]
