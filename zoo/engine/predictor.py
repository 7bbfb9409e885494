"""One function from a picture to its alpha, used by evaluation, prediction, validation and benchmark."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from registry import ModelSpec, Plugin, PluginError, ShapeError
from zoo.config import Config
from zoo.engine import resize
from zoo.engine.build import blame, is_network
from zoo.engine.hybrid import Hybrid
from zoo.engine.protocol import PROTOCOLS, label
from zoo.engine.runtimes import Runner

COMPILE_AFTER = 12
"""Pictures of one input shape before that shape is compiled: a graph costs about as much time as that many saves."""

MAX_GRAPHS = 2
"""Compiled shapes per process: each keeps some 230 MB for good."""


class Predictor:
    """A built model that answers pictures.

    Pictures come in many sizes, and each new input shape costs a graph seconds and memory that is never given
    back. So the network runs eagerly until a shape has proved common, and only a few shapes are compiled.

    Args:
        model: An ``nn.Cell`` or an object with ``predict``, as `zoo.engine.build.build_model` makes it.
        config: Whole resolved config.
        spec: The registered model.
        plugin: Its owner, named when it fails.
        runner: Answers in the network's place, see `zoo.engine.runtimes`; ``model`` may then be None.

    Raises:
        UsageError: ``eval.protocol`` looks twice, and the network cannot.
    """

    def __init__(
        self, model: Any, config: Config, spec: ModelSpec, plugin: Plugin, runner: Runner | None = None
    ) -> None:
        self.model = model
        self.config = config
        self.spec = spec
        self.plugin = plugin
        self.runner = runner
        self.network = model if model is not None and is_network(model) else None
        if self.network is not None:
            _expect_any_size(self.network)
        self._hybrid = None
        if self.network is not None and PROTOCOLS[config.eval.protocol].detail:
            self._hybrid = Hybrid(self.network, config, plugin)
        self._seen: Counter[tuple[int, ...]] = Counter()
        self._graph: Any = None
        self._compiled: set[tuple[int, ...]] = set()

    @property
    def runtime(self) -> str:
        """What runs the model: ``mindspore``, another runtime, or ``plugin`` for a model that is no network."""
        if self.runner is not None:
            return self.runner.name
        return "mindspore" if self.network is not None else "plugin"

    @property
    def takes_planes(self) -> bool:
        """Whether the model is a network, so that pictures are prepared for it and its answers restored."""
        return self.network is not None or self.runner is not None

    @property
    def protocol(self) -> str:
        """How pictures become its input, ``cut 512``; ``its own`` for a model that is no network."""
        if not self.takes_planes:
            return "its own"
        return label(self.config.eval.protocol, self.config.eval.short_side)

    def predict(self, image: np.ndarray, trimap: np.ndarray | None = None) -> np.ndarray:
        """The alpha of a picture, at the picture's own size.

        Args:
            image: (H, W, 3) uint8 RGB.
            trimap: (H, W) uint8 in {0, 128, 255}; only for models that need one.

        Returns:
            (H, W) float32 in [0, 1].

        Raises:
            ShapeError: The image is not (H, W, 3) uint8.
            PluginError: The model failed, or answered something else than an alpha.
        """
        _check_image(image)
        if not self.takes_planes:
            with blame(self.plugin, f"model {self.spec.name!r}"):
                alpha = self.model.predict(image, trimap if self.spec.needs_trimap else None)
            alpha = np.asarray(alpha, np.float32)
            self._check_alpha(alpha, image.shape[:2])
            return alpha
        if self._hybrid is not None:
            return self._hybrid.predict(image)
        planes = self.prepare(image)
        return self.restore(self.forward(planes), image)

    def prepare(self, image: np.ndarray) -> np.ndarray:
        """The network's input, (1, 3, h, w) float32 normalised, of a (H, W, 3) uint8 picture."""
        return resize.prepare(image, self.config)

    def forward(self, planes: np.ndarray) -> np.ndarray:
        """The network's answer, (N, 1, h, w) float32, to its input, (N, 3, h, w) float32."""
        with blame(self.plugin, f"model {self.spec.name!r}"):
            alpha = self.runner(planes) if self.runner is not None else self._in_mindspore(planes)
        expected = (planes.shape[0], 1, *planes.shape[2:])
        if alpha.shape != expected:
            raise PluginError(f"plugin {self.plugin.label}: alpha has shape {alpha.shape}, expected {expected}")
        return alpha

    def restore(self, alpha: np.ndarray, image: np.ndarray) -> np.ndarray:
        """The (H, W) matte of a picture from the network's (1, 1, h, w) answer."""
        self._check_alpha(alpha[0, 0], alpha.shape[2:])
        return resize.restore(alpha[0, 0], *image.shape[:2], self.config)

    def compile(self, planes: np.ndarray) -> None:
        """Compile for the shape of an input at once, for callers that will use it many times."""
        self._seen[planes.shape] = COMPILE_AFTER
        self.forward(planes)

    def _in_mindspore(self, planes: np.ndarray) -> np.ndarray:
        import mindspore as ms

        alpha: np.ndarray = self._cell(planes.shape)(ms.Tensor(planes)).asnumpy()
        return alpha

    def _cell(self, shape: tuple[int, ...]) -> Any:
        self._seen[shape] += 1
        common = self._seen[shape] > COMPILE_AFTER
        if not common or (shape not in self._compiled and len(self._compiled) >= MAX_GRAPHS):
            return self.network
        if self._graph is None:
            import mindspore as ms

            network = self.network

            def alpha_of(image: Any) -> Any:
                return network(image)

            self._graph = ms.jit(alpha_of)
        self._compiled.add(shape)
        return self._graph

    def _check_alpha(self, alpha: np.ndarray, size: tuple[int, ...]) -> None:
        who = f"plugin {self.plugin.label}: model {self.spec.name!r}"
        if alpha.shape != tuple(size):
            raise PluginError(f"{who} answered an alpha of shape {alpha.shape}, expected {tuple(size)}")
        low, high = float(alpha.min()), float(alpha.max())
        if not (low >= 0.0 and high <= 1.0):  # false for NaN too
            raise PluginError(f"{who} answered alphas from {low:g} to {high:g}; they must lie in [0, 1]")


def _expect_any_size(network: Any) -> None:
    """Tell MindSpore that the input's size varies.

    Eager operators are otherwise built anew for each size and kept: some 30 MB a size at 128 x 512, for good.
    """
    import mindspore as ms

    network.set_inputs(ms.Tensor(shape=[None, 3, None, None], dtype=ms.float32))


def _check_image(image: Any) -> None:
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        shape, kind = getattr(image, "shape", "none"), getattr(image, "dtype", type(image).__name__)
        raise ShapeError(f"image must be (H, W, 3) uint8 RGB, not {shape} {kind}")
    if 0 in image.shape:
        raise ShapeError(f"image is empty: {image.shape}")
