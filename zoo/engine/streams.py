"""Random streams outside the data: a function of seed, process and step, so that a resumed run draws the same."""

from __future__ import annotations

import random

import numpy as np


def reseed(seed: int, rank: int, step: int) -> None:
    """Put the global streams of Python, NumPy and MindSpore to where a step begins.

    Plugin code that draws between two steps then draws the same in a run that was interrupted. What draws inside a
    compiled graph (``nn.Dropout``) keeps its stream in the graph, out of reach; see `zoo.engine.dropout`.

    Args:
        seed: ``train.seed``.
        rank: Number of this process.
        step: Steps done.
    """
    import mindspore as ms

    number = int(np.random.SeedSequence([seed, rank, step + 1]).generate_state(1)[0])
    ms.set_seed(number % 2**31)  # seeds NumPy too
    random.seed(number)
