"""Pictures to watch a training by: what a network makes of a few validation pictures, beside the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from registry import Sample
from zoo.data.opencv import cv2
from zoo.data.samples import load_image, load_truth
from zoo.engine.measure import load_both
from zoo.engine.predictor import Predictor

PANELS = 4
"""Validation pictures shown: the first ones, so that every validation shows the same."""

_WIDTH, _HEIGHT = 256, 384
"""Largest size of one picture in a panel, in pixels."""

_GAP = 4
_STRIP = 20
"""Height of the strip with the titles, in pixels."""

_PAPER, _INK = 255, (60, 60, 60)


def panels(predictor: Predictor, samples: Sequence[Sample]) -> Iterator[tuple[str, np.ndarray]]:
    """Name and panel of the first `PANELS` samples, predicted here.

    Args:
        predictor: The model.
        samples: Validation pictures.

    Raises:
        DataError: A picture cannot be used.
        PluginError: The model failed.
    """
    for sample in samples[:PANELS]:
        image = load_image(sample)
        if predictor.spec.needs_trimap:
            truth = load_both(sample, image.shape[:2])
            target, matte = truth.alpha, predictor.predict(image, truth.trimap)
        else:
            target, matte = load_truth(sample, image.shape[:2])[0], predictor.predict(image)
        yield sample.name, panel(image, target, matte)


def panel(image: np.ndarray, target: np.ndarray | None, matte: np.ndarray) -> np.ndarray:
    """Image, target, matte and the error between these two, side by side under their titles.

    Args:
        image: (H, W, 3) uint8 RGB.
        target: (H, W) float in [0, 1]; None: neither it nor an error is shown.
        matte: (H, W) float in [0, 1].

    Returns:
        (h, w, 3) uint8 RGB, each picture at most 256 x 384 pixels. The error is the square root of the absolute
        difference, from black (none) over red to yellow (1): the root lets a difference of 0.05 be seen.
    """
    parts = {"image": image, "matte": _grey(matte)}
    if target is not None:
        error = np.abs(target - matte)
        parts = {
            "image": image,
            "target": _grey(target),
            "matte": _grey(matte),
            f"error, mean {error.mean():.4f}": _heat(np.sqrt(error)),
        }
    tiles = [_tile(title, picture) for title, picture in parts.items()]
    gap = np.full((tiles[0].shape[0], _GAP, 3), _PAPER, np.uint8)
    return np.hstack([tile for part in tiles for tile in (part, gap)][:-1])


def _tile(title: str, picture: np.ndarray) -> np.ndarray:
    """A picture brought to its size in a panel, under its title."""
    height, width = picture.shape[:2]
    scale = min(_WIDTH / width, _HEIGHT / height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    # Enlarged by repeating, so that the pixels of a small picture are seen as they are.
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST)
    tile = np.full((_STRIP + size[1], _WIDTH, 3), _PAPER, np.uint8)
    left = (_WIDTH - size[0]) // 2
    tile[_STRIP:, left : left + size[0]] = small
    cv2.putText(tile, title, (left + 2, _STRIP - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.42, _INK, 1, cv2.LINE_AA)
    return tile


def _grey(plane: np.ndarray) -> np.ndarray:
    return np.repeat(_bytes(plane)[..., None], 3, axis=2)


def _heat(plane: np.ndarray) -> np.ndarray:
    return cv2.applyColorMap(_bytes(plane), cv2.COLORMAP_INFERNO)[..., ::-1]


def _bytes(plane: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(plane, 0, 1) * 255).astype(np.uint8)
