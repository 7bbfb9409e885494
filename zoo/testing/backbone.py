"""Checks of a backbone: its maps are those it declares, whatever the size, the batch and the time."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

import numpy as np

from registry import BackboneSpec
from zoo.config import Config
from zoo.engine import device
from zoo.engine.build import is_network
from zoo.engine.checkpoint import weights_of
from zoo.testing.answer import ALIKE, SAME, greatest
from zoo.testing.check import Unmet, expect
from zoo.testing.once import Once
from zoo.testing.pictures import batch
from zoo.testing.published import check_published
from zoo.testing.subject import LEAST_SIDE, enliven


class _Encoder:
    """A backbone while it is checked. It is given the plain config: it serves the models of others."""

    def __init__(self, spec: BackboneSpec) -> None:
        self.spec, self.config, self.once = spec, Config(), Once(self)

    def build(self) -> Any:
        """The encoder with fresh weights."""
        device.start()
        import mindspore as ms

        ms.set_seed(self.config.train.seed)
        cell = self.spec.build(self.config)
        if not is_network(cell):
            raise Unmet(f"build returned {type(cell).__name__}; expected an nn.Cell")
        cell.set_train(False)
        return cell

    @cached_property
    def cell(self) -> Any:
        """The encoder once, with lively weights."""
        cell = self.build()
        enliven(cell)
        return cell

    @property
    def side(self) -> int:
        """Side of an input that every stride divides."""
        coarsest = max(self.cell.strides)
        return int(-(-LEAST_SIDE // coarsest) * coarsest)

    def maps(self, planes: np.ndarray) -> list[np.ndarray]:
        """What it answers to (N, 3, H, W) float32."""
        import mindspore as ms

        found = self.cell(ms.Tensor(planes))
        if not isinstance(found, (tuple, list)):
            raise Unmet(f"construct returns {type(found).__name__}; expected a sequence of maps, one for each stride")
        return [each.asnumpy() for each in found]


def checks(spec: BackboneSpec) -> list[tuple[str, Callable[[], None]]]:
    """The checks of this family, by name."""
    encoder = _Encoder(spec)
    published = [("weights", partial(check_published, spec.weights, "its"))] if spec.weights else []
    return [
        *published,
        ("builds", partial(encoder.once.run, check_builds)),
        ("maps", partial(check_maps, encoder)),
        ("batch-independence", partial(check_batch_independence, encoder)),
        ("deterministic", partial(check_deterministic, encoder)),
    ]


def check_builds(encoder: _Encoder) -> None:
    """It can be built, and declares channels and strides of its maps, the coarsest last."""
    for name in ("channels", "strides"):
        declared = getattr(encoder.cell, name, None)
        whole = isinstance(declared, (tuple, list)) and all(
            isinstance(n, (int, np.integer)) and n > 0 for n in declared
        )
        expect(whole and bool(declared), f"{name} is {declared!r}; expected a tuple of whole numbers above 0")
    channels, strides = encoder.cell.channels, encoder.cell.strides
    expect(
        len(channels) == len(strides),
        f"it declares {len(channels)} channels and {len(strides)} strides; expected pairs",
    )
    expect(
        list(strides) == sorted(set(strides)), f"strides are {tuple(strides)}; expected the coarsest last, each once"
    )


def check_maps(encoder: _Encoder) -> None:
    """Number, channels and sizes of the maps are those declared, for even and odd multiples of the strides."""
    encoder.once.need(check_builds)
    channels, strides = encoder.cell.channels, encoder.cell.strides
    coarsest = max(strides)
    for height, width in ((encoder.side, encoder.side), (encoder.side + coarsest, 3 * coarsest)):
        found = encoder.maps(np.zeros((1, 3, height, width), np.float32))
        expect(len(found) == len(strides), f"it answers {len(found)} maps; it declares {len(strides)}")
        for array, channel, stride in zip(found, channels, strides, strict=True):
            wanted = (1, channel, height // stride, width // stride)
            expect(
                array.shape == wanted,
                f"the map at stride {stride} of a picture of {height} x {width} is {array.shape}; declared: {wanted}",
            )


def check_batch_independence(encoder: _Encoder) -> None:
    """In evaluation the maps of a picture do not depend on its neighbours in the batch."""
    encoder.once.need(check_builds)
    planes = batch(encoder.config, 2, encoder.side)[0]
    together = encoder.maps(np.concatenate([planes, planes[:1] * 0, planes[:1] * 3]))
    for stride, many, one in zip(encoder.cell.strides, together, encoder.maps(planes[:1]), strict=True):
        apart = greatest(many[:1], one) / max(1.0, float(np.abs(one).max(initial=0)))
        expect(
            apart <= ALIKE,
            f"in evaluation mode the map at stride {stride} changes by {apart:.2g} with the neighbours in the batch; "
            f"expected at most {ALIKE:g}",
        )


def check_deterministic(encoder: _Encoder) -> None:
    """One seed gives the same fresh weights, one picture the same maps twice."""
    encoder.once.need(check_builds)
    one, other = weights_of(encoder.build()), weights_of(encoder.build())
    names = [name for name in one if not np.array_equal(one[name], other.get(name), equal_nan=True)]
    expect(
        not names and len(one) == len(other),
        f"built twice with one seed, {len(names)} of {len(one)} fresh parameters differ, {(names or [''])[0]} first",
    )
    planes = batch(encoder.config, 1, encoder.side)[0]
    for stride, first, second in zip(encoder.cell.strides, encoder.maps(planes), encoder.maps(planes), strict=True):
        apart = greatest(first, second) / max(1.0, float(np.abs(first).max(initial=0)))
        expect(apart <= SAME, f"asked twice about one picture, the maps at stride {stride} differ by {apart:.2g}")
