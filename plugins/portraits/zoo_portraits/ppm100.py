"""PPM-100, the photographic portrait matting benchmark of Ke et al. (MODNet, AAAI 2022).

    ROOT/image/   ROOT/matte/       the release, ZHKKKe/PPM
    ROOT/val/fg/  ROOT/val/alpha/   the copy that PaddleSeg's examples use

100 pictures of 1080p to 4k, for testing only; no trimaps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zoo import DatasetSpec, Sample
from zoo_portraits.layout import Layout, check, find, samples

NAME, SPLITS = "PPM-100", {"test": 100}

LAYOUTS = (Layout("image", "matte"), Layout("val/fg", "val/alpha"))

_SOURCE = (
    "Get it from https://github.com/ZHKKKe/PPM (pictures: Flickr, Creative Commons; mattes: CC BY-NC-SA 4.0, so for "
    "non-commercial use)"
)


def open_ppm100(root: Any, split: str, options: Mapping[str, Any]) -> list[Sample]:
    """The pictures of PPM-100.

    Args:
        root: Its folder.
        split: ``test``.
        options: None are known.

    Raises:
        NotFoundError: The data, or the split, is not there.
        DataError: Two files of a folder have the same stem.
        UsageError: There is an option.
    """
    check(NAME, SPLITS, split, options)
    return samples(*find(NAME, root, LAYOUTS, _SOURCE))


_PROMPT = "given a box or a point around the subject"

PUBLISHED: tuple[Mapping[str, Any], ...] = (
    {
        "method": "Matting Anything ViT-B",
        "split": "test",
        "MSE": 0.0046,
        "source": "SHI-Labs/Matting-Anything, issue 18 (the authors, on table 1 of their paper)",
        "setting": _PROMPT,
        "dialect": "not stated",
        "given": "mask",
    },
    {
        "method": "Matting Anything ViT-L",
        "split": "test",
        "MSE": 0.0025,
        "source": "SHI-Labs/Matting-Anything, issue 18 (a user's evaluation)",
        "setting": _PROMPT,
        "dialect": "not stated",
        "given": "mask",
    },
)
"""Results that could be read at a source; those of a model that a plugin offers are on its card."""

SPEC = DatasetSpec(NAME, SPLITS, open_ppm100, published=PUBLISHED)
