"""From a picture to its matte as ``zoo predict`` asks for it: shrunk first, in tiles, refined."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from registry import UsageError
from zoo.data.opencv import cv2
from zoo.engine import resize
from zoo.engine.predictor import Predictor
from zoo.predict.refine import guided
from zoo.predict.tiles import in_tiles

REFINEMENTS = ("none", "guided")


@dataclass(frozen=True)
class Answerer:
    """A model with what is done around it.

    Attributes:
        predictor: The model.
        max_side: Longest side that the model is shown, in pixels; None: any.
        tile: Side of the tiles in which soft regions are answered again, in pixels; None: whole pictures only.
        refine: One of `REFINEMENTS`.

    Raises:
        UsageError: Tiles and a longest side, which undo each other.
    """

    predictor: Predictor
    max_side: int | None = None
    tile: int | None = None
    refine: str = "none"

    def __post_init__(self) -> None:
        if self.tile is not None and self.max_side is not None:
            raise UsageError("--tile and --max-side undo each other: one looks closer, the other less close; take one")

    def __call__(self, image: np.ndarray, trimap: np.ndarray | None = None) -> np.ndarray:
        """The matte, (H, W) float32 in [0, 1], of a (H, W, 3) uint8 picture.

        Args:
            image: RGB.
            trimap: (H, W) uint8, for models that need one.
        """
        if self.refine == "guided" and self.tile is None:
            return guided(image, self._small(image, trimap))
        alpha = self._whole(image, trimap)
        if self.tile is not None:
            alpha = in_tiles(self.predictor.predict, image, trimap, alpha, self.tile)
            if self.refine == "guided":
                alpha = guided(image, alpha)
        return alpha

    def _whole(self, image: np.ndarray, trimap: np.ndarray | None) -> np.ndarray:
        height, width = image.shape[:2]
        size = self._limited(height, width)
        if size == (height, width):
            return self.predictor.predict(image, trimap)
        alpha = self.predictor.predict(*_shrunk(image, trimap, size))
        return np.clip(cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1)

    def _small(self, image: np.ndarray, trimap: np.ndarray | None) -> np.ndarray:
        """The matte in the size that the network works in, where nothing of it was made up by enlarging."""
        height, width = image.shape[:2]
        size = self._limited(height, width)
        if self.predictor.takes_planes:
            wanted = resize.input_size(height, width, self.predictor.config)
            size = (min(size[0], wanted[0]), min(size[1], wanted[1]))
        if size == (height, width):
            return self.predictor.predict(image, trimap)
        return self.predictor.predict(*_shrunk(image, trimap, size))

    def _limited(self, height: int, width: int) -> tuple[int, int]:
        longest = max(height, width)
        if self.max_side is None or longest <= self.max_side:
            return height, width
        scale = self.max_side / longest
        return max(1, round(height * scale)), max(1, round(width * scale))


def _shrunk(
    image: np.ndarray, trimap: np.ndarray | None, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray | None]:
    """Both in another size; a pixel of the trimap stays known where all that became it was."""
    high, wide = size
    small = cv2.resize(image, (wide, high), interpolation=cv2.INTER_AREA)
    if trimap is None:
        return small, None
    mean = cv2.resize(trimap.astype(np.float32), (wide, high), interpolation=cv2.INTER_AREA)
    return small, np.where(mean <= 0, 0, np.where(mean >= 255, 255, 128)).astype(np.uint8)
