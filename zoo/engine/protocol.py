"""Protocols of evaluation: how a picture becomes the network's input and the answer a matte of the picture's size.

Published figures differ in this as much as in their metrics. Each way is an entry of `PROTOCOLS`, chosen by
``eval.protocol``; metrics are always taken at the picture's own size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Protocol:
    """One way from a picture to the network and back.

    Attributes:
        size: ``short side``: the short side becomes ``eval.short_side``, also by enlarging; ``half``: each side is
            halved on its own, to at most `MAX_SIDE` pixels; ``full``: each side as it is, to at most as many.
        fit: How both sides become multiples of ``model.stride``: ``cut`` resizes the whole picture to the next
            smaller multiples (the aspect changes by less than one stride); ``pad`` keeps the aspect and mirrors the
            picture beyond its right and lower edge, which is cut off the answer again.
        shrink: Filter of the picture where the input is smaller than it, one of those in `zoo.engine.resize`.
        grow: Filter of the picture where the input is larger.
        restore: Filter of the answer on its way back.
        source: Whose way this is.
        detail: Protocol of a second look at the picture, which gives the detail where this one leaves it open; "": one
            look gives the alpha. See `zoo.engine.hybrid`.
    """

    size: str
    fit: str
    shrink: str
    grow: str
    restore: str
    source: str
    detail: str = ""


MAX_SIDE = 1600
"""Longest side of the input under ``half`` and ``full``, in pixels (JizhiziLi/P3M, core/config.py)."""

PROTOCOLS: Mapping[str, Protocol] = MappingProxyType(
    {
        "cut": Protocol(
            "short side", "cut", "area", "linear", "area or linear", "the MODNet paper: arXiv 2011.11961, section 4.1"
        ),
        "pad": Protocol(
            "short side", "pad", "area", "linear", "area or linear", "as cut, with the aspect of the picture kept"
        ),
        "half": Protocol(
            "half",
            "cut",
            "linear in zeros",
            "linear in zeros",
            "linear in zeros",
            "JizhiziLi/P3M, core/test.py, RESIZE, with the scikit-image 0.14.5 that it pins: no smoothing before "
            "shrinking, and zeros mixed in at the edge of the answer",
        ),
        "half-smoothed": Protocol(
            "half",
            "cut",
            "linear, smoothed and mirrored",
            "linear, smoothed and mirrored",
            "linear, smoothed and mirrored",
            "the same script with scikit-image 0.15 and later, whose defaults feed the network another picture",
        ),
        "full": Protocol(
            "full",
            "cut",
            "linear in zeros",
            "linear in zeros",
            "linear in zeros",
            "the second look of hybrid, alone",
        ),
        "hybrid": Protocol(
            "half",
            "cut",
            "linear in zeros",
            "linear in zeros",
            "linear in zeros",
            "JizhiziLi/P3M, core/test.py, HYBRID: known regions as half, the detail of the rest as full",
            detail="full",
        ),
        # Its code asks for an area filter, but passes it where OpenCV expects the output array: what runs is the
        # default, bilinear without smoothing. The answer's way back names its filter and gets it.
        "mindspore18": Protocol(
            "short side",
            "cut",
            "linear",
            "linear",
            "area",
            "mindspore-ai/models, research/cv, the MindSpore 1.8 port of the network that reports 0.0044 / 0.0072",
        ),
    }
)
"""Protocols by name, the default first."""

DEFAULT_PROTOCOL = "cut"
"""What ``eval.protocol`` is unless it is set."""


def label(name: str, short_side: int) -> str:
    """``cut 512`` or ``half``: the name with the number that it depends on."""
    return f"{name} {short_side}" if PROTOCOLS[name].size == "short side" else name
