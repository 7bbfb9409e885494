"""The demo data set on disk: the folders and names of P3M-10k, filled with drawn portraits.

ROOT/demo.json
ROOT/train/{blurred_image,mask}/p_XXXXXXXX.{jpg,png}
ROOT/validation/P3M-500-P/{blurred_image,mask,trimap}/
ROOT/validation/P3M-500-NP/{original_image,mask,trimap}/
"""

from __future__ import annotations

import json
import tempfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from registry import UsageError, ZooError
from zoo.data.demo.portrait import draw_portrait
from zoo.data.opencv import cv2

# Raised whenever a seed draws another picture than before.
GENERATOR = 2
JPEG_QUALITY = 92
SMALLEST = 64


@dataclass(frozen=True)
class _Split:
    folder: str
    images: str
    blurred: bool
    trimaps: bool


# The place in this list is part of a picture's seed.
_SPLITS = (
    _Split("train", "blurred_image", blurred=True, trimaps=False),
    _Split("validation/P3M-500-P", "blurred_image", blurred=True, trimaps=True),
    _Split("validation/P3M-500-NP", "original_image", blurred=False, trimaps=True),
)


def write_demo(
    root: Path, count: int = 128, size: int = 256, seed: int = 0, progress: Callable[[int, int], None] | None = None
) -> Path:
    """Draw the demo set, or find it drawn already.

    The same arguments give the same bytes, and a larger ``count`` adds pictures without changing the others.
    Nothing half-written is left behind: the set is drawn beside ``root`` and moved there when it is complete.

    Args:
        root: Folder to write; missing, empty, or holding this very set.
        count: Pictures to train on; each test split gets a sixth as many, at least 4.
        size: Short side of the pictures in pixels.
        seed: Which set to draw, 0 or more.
        progress: Called with the pictures done and their total, after each.

    Returns:
        The folder.

    Raises:
        UsageError: An argument is out of range, or the folder holds something else.
        ZooError: The folder cannot be written.
    """
    _check(count, size, seed)
    root = Path(root).absolute()
    made = {"generator": GENERATOR, "count": count, "size": size, "seed": seed}
    if _found(root, made):
        return root
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{root.name}-", dir=root.parent) as workshop:
            # Inside the private temporary folder, so that the set itself gets ordinary permissions.
            draft = Path(workshop) / "demo"
            _draw(draft, count, size, seed, progress)
            (draft / "demo.json").write_text(json.dumps(made, indent=2) + "\n")
            # Somebody may have drawn it meanwhile.
            if not _found(root, made):
                _move(draft, root)
    except OSError as error:
        raise ZooError(f"cannot write the demo set to {root}: {error.strerror or error}") from error
    return root


def _move(draft: Path, root: Path) -> None:
    """Put the finished set in its place; an empty folder that is there stays, as a shell may stand in it."""
    if not root.is_dir():
        draft.rename(root)
        return
    for part in ("train", "validation", "demo.json"):  # what says that the set is whole comes last
        (draft / part).rename(root / part)


def trimap_of(mask: np.ndarray) -> np.ndarray:
    """The trimap of a matte.

    Args:
        mask: (H, W) uint8.

    Returns:
        (H, W) uint8: 255 well inside the opaque part, 0 well outside, 128 in the band between, which is about
        a fortieth of the short side wide around everything soft.
    """
    side = max(3, round(min(mask.shape) / 40) | 1)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    subject = cv2.erode((mask == 255).astype(np.uint8), kernel)
    background = cv2.erode((mask == 0).astype(np.uint8), kernel)
    return np.where(subject > 0, 255, np.where(background > 0, 0, 128)).astype(np.uint8)


def _check(count: int, size: int, seed: int) -> None:
    if count < 1:
        raise UsageError(f"the demo set cannot have {count} training pictures: ask for 1 or more")
    if size < SMALLEST:
        raise UsageError(f"demo pictures cannot be {size} pixels on the short side: ask for {SMALLEST} or more")
    if seed < 0:
        raise UsageError(f"the seed of the demo set cannot be {seed}: give 0 or more")


def _found(root: Path, made: dict[str, int]) -> bool:
    """Whether the folder holds this set; raises UsageError if it holds anything else."""
    if not root.exists():
        return False
    if not root.is_dir():
        raise UsageError(f"{root} is a file: give a folder for the demo set")
    try:
        there = json.loads((root / "demo.json").read_text())
    except FileNotFoundError:
        if any(root.iterdir()):
            raise UsageError(f"{root} is not empty and holds no demo set: give another folder") from None
        return False
    except ValueError:
        there = None
    if there != made:
        held = ", ".join(f"{k} {v}" for k, v in there.items()) if isinstance(there, dict) else "unreadable demo.json"
        asked = ", ".join(f"{k} {v}" for k, v in made.items())
        raise UsageError(f"{root} holds another demo set ({held}), not {asked}: remove it or give another folder")
    return True


def _draw(draft: Path, count: int, size: int, seed: int, progress: Callable[[int, int], None] | None) -> None:
    counts = (count, max(4, count // 6), max(4, count // 6))
    done = 0
    for number, (split, pictures) in enumerate(zip(_SPLITS, counts, strict=True)):
        folder = draft / split.folder
        for sub in (split.images, "mask", *(["trimap"] if split.trimaps else [])):
            (folder / sub).mkdir(parents=True)
        for index in range(pictures):
            image, alpha = draw_portrait([seed, number, index], size, split.blurred)
            mask = np.round(alpha * 255).astype(np.uint8)
            name = _name(seed, number, index)
            _save(folder / split.images / f"{name}.jpg", image[..., ::-1])
            _save(folder / "mask" / f"{name}.png", mask)
            if split.trimaps:
                _save(folder / "trimap" / f"{name}.png", trimap_of(mask))
            done += 1
            if progress is not None:
                progress(done, sum(counts))


def _name(seed: int, split: int, index: int) -> str:
    """``p_`` and 8 hexadecimal digits; looks random, yet no two pictures of a set share one."""
    start = zlib.crc32(str(seed).encode())
    # Multiplication by an odd number (Knuth's 2^32 / golden ratio) is a permutation of the 32-bit integers.
    return f"p_{(start + index * len(_SPLITS) + split) * 0x9E3779B1 % 2**32:08x}"


def _save(path: Path, picture: np.ndarray) -> None:
    """Encode by the suffix and write; unlike ``cv2.imwrite``, says why it could not."""
    _, data = cv2.imencode(
        path.suffix, picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY] if path.suffix == ".jpg" else []
    )
    path.write_bytes(data.tobytes())
