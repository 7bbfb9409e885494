"""What a plugin says of published weights can be acted on."""

from __future__ import annotations

import re
from collections.abc import Iterable

from registry import Weights
from zoo.testing.check import expect

_DIGEST = re.compile(r"[0-9a-f]{64}")
_ADDRESS = re.compile(r"https?://[^/\s]+/\S*")


def check_published(weights: Iterable[Weights], whose: str) -> None:
    """Each has an address that ``zoo download`` takes, and a digest that is one or is not there.

    Args:
        weights: What the plugin names.
        whose: For messages, ``the card's``.
    """
    for each in weights:
        expect(bool(each.urls), f"{whose} weights {each.name!r} have no address")
        for url in each.urls:
            expect(
                bool(_ADDRESS.fullmatch(url)),
                f"{whose} weights {each.name!r} are at {url!r}; expected an address of http or https",
            )
        expect(
            each.sha256 is None or bool(_DIGEST.fullmatch(each.sha256)),
            f"sha256 of {whose} weights {each.name!r} is {each.sha256!r}; expected 64 hexadecimal digits in lower "
            "case, or None",
        )
