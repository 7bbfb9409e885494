"""Small pictures and trees to read; each test gets its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest

HEIGHT, WIDTH = 24, 32


def save(path: Path, array: np.ndarray) -> Path:
    """Write an array with OpenCV (RGB to BGR), so that zoo's own writer is not what tests its reader."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if array.ndim == 3:
        array = cv2.cvtColor(array, cv2.COLOR_RGB2BGR if array.shape[2] == 3 else cv2.COLOR_RGBA2BGRA)
    done, data = cv2.imencode(path.suffix, array)
    assert done
    path.write_bytes(data.tobytes())
    return path


def draw(seed: int, height: int = HEIGHT, width: int = WIDTH) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An image with a soft disc, its 8-bit alpha, and a trimap."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot(rows - height / 2, columns - width / 2)
    alpha = np.clip((height / 3 - distance) / 6 + 0.5, 0, 1)
    image = rng.integers(0, 80, (height, width, 3)) + (alpha[..., None] * 150)
    trimap = np.where(alpha == 1, 255, np.where(alpha == 0, 0, 128))
    return image.astype(np.uint8), np.rint(alpha * 255).astype(np.uint8), trimap.astype(np.uint8)


def fill(
    folder: Path, names: Iterable[str], image_dir: str, alpha_dir: str | None, trimap_dir: str | None = None
) -> None:
    """A folder of a split: PNG images (so that values are exact), alphas, trimaps."""
    for seed, name in enumerate(names):
        image, alpha, trimap = draw(seed)
        save(folder / image_dir / f"{name}.png", image)
        if alpha_dir:
            save(folder / alpha_dir / f"{name}.png", alpha)
        if trimap_dir:
            save(folder / trimap_dir / f"{name}.png", trimap)


TRAIN = ("p_00000001", "p_00000002", "p_00000003", "p_00000004", "p_00000005")
TEST = ("p_0000000a", "p_0000000b")


@pytest.fixture
def tree(tmp_path: Path) -> Callable[..., Path]:
    """``tree(validation=True, trimaps=True)``: a P3M-10k tree of nine pictures; gives its root."""

    def make(validation: bool = True, trimaps: bool = True, root: str = "P3M-10k") -> Path:
        top = tmp_path / root
        below = top / "validation" if validation else top
        trimap = "trimap" if trimaps else None
        fill(top / "train", TRAIN, "blurred_image", "mask")
        fill(below / "P3M-500-P", TEST, "blurred_image", "mask", trimap)
        fill(below / "P3M-500-NP", TEST, "original_image", "mask", trimap)
        return top

    return make
