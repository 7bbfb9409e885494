"""A method as a model: any picture with any trimap to an alpha, or one line that says why not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from zoo import DataError, UsageError
from zoo_pymatting.working_size import BACKGROUND, FOREGROUND, LEAST_SIDE, enlarge, shrink

_log = logging.getLogger("zoo")


class Matting:
    """A model that is no network: it answers pictures itself.

    Args:
        name: Name of the model, for messages.
        method: A function of `zoo_pymatting.methods`.
        max_side: Longest side of what is solved, in pixels; None: the picture's own.

    Raises:
        UsageError: ``max_side`` is no size.
    """

    def __init__(self, name: str, method: Callable[[np.ndarray, np.ndarray], np.ndarray], max_side: Any) -> None:
        whole = isinstance(max_side, int) and not isinstance(max_side, bool)
        if max_side is not None and not (whole and max_side >= LEAST_SIDE):
            raise UsageError(
                f"model.options.max_side is {max_side!r}; give pixels, a whole number from {LEAST_SIDE} on, or null "
                "for the picture's own size"
            )
        self._name, self._method, self._max_side = name, method, max_side

    def predict(self, image: np.ndarray, trimap: np.ndarray | None) -> np.ndarray:
        """The alpha of a picture.

        Where the trimap has nothing unknown, it is the alpha. Where it has no foreground (or no background) at all,
        what is unknown becomes background (foreground): the least of what the methods minimise.

        Args:
            image: (H, W, 3) uint8 RGB.
            trimap: (H, W) uint8: 255 foreground, 0 background, anything else unknown.

        Returns:
            (H, W) float32 in [0, 1], 1 and 0 exactly where the trimap knows.

        Raises:
            UsageError: There is no trimap.
            DataError: The trimap has another size or knows nothing; or the method failed.
        """
        if trimap is None:
            raise UsageError(f"model {self._name!r} needs a trimap")
        if trimap.shape != image.shape[:2]:
            raise DataError(f"{self._name}: the trimap has size {trimap.shape}, the picture {image.shape[:2]}")
        plain = self._without_solving(trimap)
        if plain is not None:
            return plain
        small, known = shrink(image, trimap, self._max_side)
        return enlarge(self._solve(small, known), trimap, self._max_side)

    def _without_solving(self, trimap: np.ndarray) -> np.ndarray | None:
        """The alpha where no system has to be solved."""
        foreground, background = trimap == FOREGROUND, trimap == BACKGROUND
        if not (foreground.any() or background.any()):
            raise DataError(f"{self._name}: the trimap is unknown everywhere; mark some foreground and some background")
        if (foreground | background).all():
            return foreground.astype(np.float32)
        if foreground.any() and background.any():
            return None
        lacks = "background" if foreground.any() else "foreground"
        _log.warning("%s: the trimap has no %s, so the alpha is the same everywhere", self._name, lacks)
        return np.full(trimap.shape, float(foreground.any()), np.float32)

    def _solve(self, image: np.ndarray, trimap: np.ndarray) -> np.ndarray:
        at = f"{image.shape[1]}x{image.shape[0]} pixels"
        smaller = "set model.options.max_side smaller"
        try:
            return self._method(image, trimap)
        except ValueError as error:  # PyMatting's solver and preconditioner; sizes and values were checked above
            reason = " ".join(str(error).split()).rstrip(".")
            raise DataError(f"{self._name}: no alpha at {at} ({reason}): {smaller}") from error
        except MemoryError as error:
            raise DataError(f"{self._name}: not enough memory for {at}: {smaller}") from error
