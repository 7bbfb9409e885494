"""Small drawn test sets in the layouts of PPM-100 and AIM-500."""

import json

import cv2
import numpy as np

AIM = {"o_one": "portrait", "o_two": "animal", "o_three": "portrait"}
"""Pictures of the drawn AIM-500 and their categories."""


def draw(number, height=60, width=80):
    """A soft ellipse with strands on it: (H, W, 3) uint8 BGR, (H, W) uint8 alpha, (H, W) uint8 trimap."""
    rng = np.random.default_rng(number)
    rows, columns = np.mgrid[:height, :width]
    distance = np.hypot((rows - 0.6 * height) / height, (columns - 0.5 * width) / width)
    alpha = np.rint(np.clip((0.3 - distance) / 0.05, 0, 1) * 255).astype(np.uint8)
    for end in rng.integers(5, width - 5, 4):
        cv2.line(alpha, (width // 2, height // 2), (int(end), 3), 255, 1, cv2.LINE_AA)
    image = rng.integers(0, 60, (height, width, 3)) + alpha[..., None] // 2
    trimap = np.where(
        cv2.erode(alpha, np.ones((5, 5))) == 255, 255, np.where(cv2.dilate(alpha, np.ones((5, 5))) == 0, 0, 128)
    )
    return image.astype(np.uint8), alpha, trimap.astype(np.uint8)


def write(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), array)


def ppm100(root, images="image", alphas="matte", count=3):
    """PPM-100 as it is published: pictures and mattes are JPEG files of the same name."""
    for number in range(count):
        image, alpha, _ = draw(number)
        write(root / images / f"{number}_o.jpg", image)
        write(root / alphas / f"{number}_o.jpg", alpha)
    return root


def aim500(root, below="", categories=True):
    """AIM-500: JPEG pictures, PNG masks and trimaps, and what they show."""
    for number, name in enumerate(AIM):
        image, alpha, trimap = draw(number)
        write(root / below / "original" / f"{name}.jpg", image)
        write(root / below / "mask" / f"{name}.png", alpha)
        write(root / below / "trimap" / f"{name}.png", trimap)
    if categories:
        entries = {name: {"type": "SO", "category": category} for name, category in AIM.items()}
        (root / "aim_category_type.json").write_text(json.dumps(entries))
    return root
