"""A user's folder of discs before textured grounds, whole or with every defect that `zoo data check` knows."""

from __future__ import annotations

import struct
from pathlib import Path

import cv2
import numpy as np
from disc_set import disc

LATITUDE = (0x8825, {0x0002: 1})
MODEL = (0x0110, 1)


def picture(seed: int, height: int = 96, width: int = 128) -> tuple[np.ndarray, np.ndarray]:
    """(H, W, 3) uint8 RGB and (H, W) float32 alpha. Bare discs look alike to a perceptual hash; these do not."""
    image, alpha = disc(seed, height, width)
    coarse = np.random.default_rng([seed, 1]).uniform(0, 255, (12, 16, 3)).astype(np.float32)
    ground = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    mixed = 0.3 * image + 0.7 * (alpha[..., None] * image + (1 - alpha[..., None]) * np.clip(ground, 0, 255))
    return mixed.astype(np.uint8), alpha


def trimap_of(alpha: np.ndarray) -> np.ndarray:
    return np.where(alpha >= 1, 255, np.where(alpha <= 0, 0, 128)).astype(np.uint8)


def save(path: Path, array: np.ndarray, *settings: int) -> Path:
    """Write RGB, RGBA or grey; an alpha in [0, 1] as 8 bits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if array.dtype != np.uint8:
        array = np.rint(array * 255).astype(np.uint8)
    if array.ndim == 3:
        array = cv2.cvtColor(array, cv2.COLOR_RGB2BGR if array.shape[2] == 3 else cv2.COLOR_RGBA2BGRA)
    path.write_bytes(cv2.imencode(path.suffix, array, list(settings))[1].tobytes())
    return path


def write_split(root: Path, split: str, seeds: range, trimaps: bool = False, **size: int) -> None:
    """root/SPLIT/{image,alpha,trimap}/pNNN; images are JPEG."""
    for seed in seeds:
        image, alpha = picture(seed, **size)
        save(root / split / "image" / f"p{seed:03d}.jpg", image, cv2.IMWRITE_JPEG_QUALITY, 95)
        save(root / split / "alpha" / f"p{seed:03d}.png", alpha)
        if trimaps:
            save(root / split / "trimap" / f"p{seed:03d}.png", trimap_of(alpha))


def exif(*entries: tuple[int, object], order: str = "<") -> bytes:
    """An EXIF block of (tag, number) entries; a mapping in place of the number is a table that the entry points to."""
    first = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8)
    tables, at = b"", 8 + 2 + 12 * len(entries) + 4
    body = struct.pack(f"{order}H", len(entries))
    for tag, value in sorted(entries):
        if isinstance(value, dict):
            body += struct.pack(f"{order}HHII", tag, 4, 1, at + len(tables))
            tables += struct.pack(f"{order}H", len(value))
            for inner, number in sorted(value.items()):
                tables += struct.pack(f"{order}HHIHxx", inner, 3, 1, number)
            tables += bytes(4)
        else:
            body += struct.pack(f"{order}HHIHxx", tag, 3, 1, value)
    return first + body + bytes(4) + tables


def add_exif(path: Path, block: bytes) -> None:
    """Put an EXIF block into a JPEG file."""
    data = path.read_bytes()
    segment = b"Exif\0\0" + block
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + data[2:])


def write_clean(root: Path) -> Path:
    """30 pictures to train on, 4 to choose by, 10 with trimaps to test on; nothing is wrong with them."""
    write_split(root, "train", range(30))
    write_split(root, "val", range(30, 34), trimaps=True)
    write_split(root, "test", range(40, 50), trimaps=True)
    return root


def break_it(root: Path) -> set[tuple[str, str, tuple[str, ...]]]:
    """Put every defect of a picture into a clean set.

    Returns:
        What is to be found: (code, split, names).
    """
    train, val, test = (root / split for split in ("train", "val", "test"))

    def image(name: str) -> Path:
        return train / "image" / f"{name}.jpg"

    def mask(name: str) -> Path:
        return train / "alpha" / f"{name}.png"

    image("p000").write_bytes(image("p000").read_bytes()[:1500])
    whole = image("p001").read_bytes()
    image("p001").write_bytes(whole[: len(whole) // 2] + whole[-400:])
    image("p021").write_bytes(image("p021").read_bytes()[:-2] + bytes(64) + b"\xff\xd9")
    mask("p002").unlink()
    mask("p003").write_bytes(b"")
    save(mask("p004"), picture(4)[0])
    save(mask("p005"), np.dstack([picture(5)[0], np.rint(picture(5)[1] * 255).astype(np.uint8)]))
    save(mask("p006"), picture(6)[1][:-1])
    add_exif(image("p007"), exif((0x0112, 6)))
    save(mask("p008"), (picture(8)[1] > 0.5).astype(np.float32))
    save(mask("p009"), np.zeros_like(picture(9)[1]))
    save(mask("p010"), np.ones_like(picture(10)[1]))
    image("p011").rename(train / "image" / "p011.heic")
    save(image("p013"), cv2.convertScaleAbs(picture(12)[0], alpha=1.2))
    save(mask("p013"), picture(12)[1])
    add_exif(image("p014"), exif((0x0112, 3), order=">"))
    add_exif(image("p015"), exif((0x0112, 8)))
    save(mask("p015"), np.ascontiguousarray(np.rot90(picture(15)[1])))
    add_exif(image("p016"), exif(LATITUDE))
    add_exif(image("p017"), exif(MODEL))

    save(val / "image" / "p030.jpg", picture(18)[0])
    save(val / "alpha" / "p030.png", picture(18)[1])
    save(val / "trimap" / "p030.png", trimap_of(picture(18)[1]))

    mirrored = [np.ascontiguousarray(part[:, ::-1]) for part in picture(19)]
    for name, parts in {"p040": mirrored, "p041": [cv2.resize(part, (64, 48)) for part in picture(20)]}.items():
        save(test / "image" / f"{name}.jpg", parts[0], cv2.IMWRITE_JPEG_QUALITY, 60)
        save(test / "alpha" / f"{name}.png", parts[1])
        save(test / "trimap" / f"{name}.png", trimap_of(parts[1]))
    save(test / "trimap" / "p042.png", picture(42)[1])
    save(test / "trimap" / "p043.png", trimap_of(picture(43)[1])[:, 1:])
    (test / "trimap" / "p044.png").write_bytes((test / "trimap" / "p044.png").read_bytes()[:40])
    save(test / "trimap" / "p045.png", trimap_of(1 - picture(45)[1]))
    (test / "trimap" / "p046.png").rename(test / "trimap" / "p099.png")
    return {
        ("image-unreadable", "train", ("p000",)),
        ("image-damaged", "train", ("p001",)),
        ("image-stray", "train", ("p021",)),
        ("no-mask", "train", ("p002",)),
        ("mask-unreadable", "train", ("p003",)),
        ("mask-values", "train", ("p004", "p005")),
        ("mask-size", "train", ("p006", "p007")),
        ("mask-binary", "train", ("p008",)),
        ("mask-empty", "train", ("p009",)),
        ("mask-full", "train", ("p010",)),
        ("mask-without-image", "train", ("p011.png",)),
        ("other-files", "train", ("p011.heic",)),
        ("copies-within", "train", ("p013",)),
        ("turned-unsure", "train", ("p014",)),
        ("turned", "train", ("p015",)),
        ("place", "train", ("p016",)),
        ("camera", "train", ("p017",)),
        ("copies-across", "val", ("p030",)),
        ("train-in-test", "test", ("p040", "p041")),
        ("trimap-values", "test", ("p042",)),
        ("trimap-size", "test", ("p043",)),
        ("trimap-unreadable", "test", ("p044",)),
        ("trimap-contradicts", "test", ("p045",)),
        ("some-trimaps", "test", ("p046",)),
        ("trimap-without-image", "test", ("p099.png",)),
    }
