"""Two looks at a picture: at a coarse one is decided what is known, at a fine one the detail of the rest.

JizhiziLi/P3M, core/test.py, HYBRID: the semantic answer of the picture at half its size, enlarged; where that is
neither exactly background nor foreground, the detail of the picture at its full size.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from registry import Plugin, PluginError, UsageError
from zoo.config import Config
from zoo.engine import resize
from zoo.engine.protocol import PROTOCOLS

_KNOWN = 1e-6
"""How far an enlarged trimap's value may lie from 0 or 1, by rounding, and still be known."""


class Hybrid:
    """The two looks of one network.

    Args:
        network: ``nn.Cell`` with ``parts(image) -> (trimap, detail)``, see `registry.ModelSpec`.
        config: Whole resolved config; its ``eval.protocol`` has a protocol for the detail.
        plugin: Owner of the network, named when it fails.

    Raises:
        UsageError: The network has no ``parts``.
    """

    def __init__(self, network: Any, config: Config, plugin: Plugin) -> None:
        name = config.eval.protocol
        if not callable(getattr(network, "parts", None)):
            single = ", ".join(each for each, protocol in PROTOCOLS.items() if not protocol.detail)
            raise UsageError(
                f"eval.protocol {name} looks twice, for networks that decide known regions and detail apart: "
                f"{config.model.name} has no parts(image); protocols for it: {single}"
            )
        self._coarse = config
        self._fine = replace(config, eval=replace(config.eval, protocol=PROTOCOLS[name].detail))
        self._plugin = plugin
        self._parts = _as_cell(network)

    def predict(self, image: np.ndarray) -> np.ndarray:
        """The (H, W) float32 alpha of an (H, W, 3) uint8 picture.

        Raises:
            PluginError: What the network answers is no trimap and detail.
        """
        trimap = self._look(image, self._coarse)[0]
        detail = self._look(image, self._fine)[1]
        alpha = np.where(trimap >= 1 - _KNOWN, np.float32(1), detail)
        return np.where(trimap <= _KNOWN, np.float32(0), alpha)

    def _look(self, image: np.ndarray, config: Config) -> tuple[np.ndarray, np.ndarray]:
        import mindspore as ms

        from zoo.engine.build import blame

        planes = resize.prepare(image, config)
        with blame(self._plugin, f"parts of model {config.model.name!r}"):
            trimap, detail = (part.asnumpy() for part in self._parts(ms.Tensor(planes)))
        for part in (trimap, detail):
            if part.shape != (1, 1, *planes.shape[2:]) or not (part.min() >= 0 and part.max() <= 1):
                raise PluginError(
                    f"plugin {self._plugin.label}: parts of {config.model.name!r} answered {part.shape} from "
                    f"{part.min():g} to {part.max():g}; expected {(1, 1, *planes.shape[2:])} within [0, 1]"
                )
        trimap, detail = (resize.restore(part[0, 0], *image.shape[:2], config) for part in (trimap, detail))
        return trimap, detail


def _as_cell(network: Any) -> Any:
    """``network.parts`` as a cell of its own, which is told that the input's size varies."""
    import mindspore as ms
    from mindspore import nn

    class Parts(nn.Cell):
        def __init__(self) -> None:
            super().__init__(auto_prefix=False)
            self.network = network

        def construct(self, image: Any) -> Any:
            return self.network.parts(image)

    cell = Parts()
    cell.set_train(False)
    cell.set_inputs(ms.Tensor(shape=[None, 3, None, None], dtype=ms.float32))
    return cell
