"""Whether a registered network runs on the device, forward and backward, layer by layer where it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from registry import Registry, UsageError, ZooError
from zoo.config import Config
from zoo.doctor.finding import FAILED, NOTE, OK, Finding

_AREA = "model"

_SIDE = 64
"""Pixels of the picture that goes through, or the model's stride if that is larger."""

_BATCH = 2
"""Pictures that go through: batch norms that see a single value per channel have no variance."""


def findings(registry: Registry, config: Config, device: str | None) -> Iterator[Finding]:
    """Build a model, run it, train one step of each of its stages; every layer by itself if one of these fails.

    Args:
        registry: Where the names are looked up.
        config: Whole resolved config.
        device: Value of ``--device``.
    """
    from zoo.engine.load import load_model

    name = config.model.name
    try:
        predictor = load_model(registry, config, None, device).predictor
    except ZooError as error:
        yield Finding(_AREA, name, FAILED, str(error), "zoo plugins check tells more about a plugin")
        return
    if predictor.network is None:
        yield Finding(_AREA, name, NOTE, "it is no MindSpore network: there are no operators to look at")
        return
    network = predictor.network
    side = config.model.stride * max(1, round(_SIDE / config.model.stride))
    image = np.random.default_rng(0).normal(size=(_BATCH, 3, side, side)).astype(np.float32)
    seen = _Layers()
    runs = [
        ("forward", lambda: _forward(network, image, seen)),
        ("forward, compiled", lambda: _compiled(network, image)),
    ]
    for stage in registry.get("model", name).objectives:
        runs.append(
            (f"{stage}: loss and gradients", lambda stage=stage: _stage(registry, config, network, stage, image))
        )
    failed = False
    for what, run in runs:
        found = _try(f"{name} {what}", run)
        failed = failed or found.status == FAILED
        yield found
    network.set_train(False)
    yield from seen.findings(network, always=failed)


def _try(what: str, run: Callable[[], str]) -> Finding:
    try:
        return Finding(_AREA, what, OK, run())
    except UsageError as error:  # it wants something that a look at a fresh network does not give
        return Finding(_AREA, what, NOTE, f"not looked at: {error}")
    except Exception as error:
        return Finding(_AREA, what, FAILED, _reason(error), "the layers below say which operator it is")


def _forward(network: Any, image: np.ndarray, seen: _Layers) -> str:
    import mindspore as ms

    with seen.listening(network):
        alpha = network(ms.Tensor(image)).asnumpy()
    if not np.isfinite(alpha).all():
        raise ZooError("the alpha is not finite")
    return f"{image.shape} -> {alpha.shape}"


def _compiled(network: Any, image: np.ndarray) -> str:
    import mindspore as ms

    def alpha_of(picture: Any) -> Any:
        return network(picture)

    eager = network(ms.Tensor(image)).asnumpy()
    found = ms.jit(alpha_of)(ms.Tensor(image)).asnumpy()
    return f"differs from eager by {float(np.abs(found - eager).max()):.1e} at most"


def _stage(registry: Registry, config: Config, network: Any, stage: str, image: np.ndarray) -> str:
    import mindspore as ms

    objective = registry.get("model", config.model.name).objectives[stage].build(network, config)
    network.set_train(True)
    rng = np.random.default_rng(1)
    alpha = rng.random((len(image), 1, *image.shape[2:]), np.float32)
    trimap = np.where(alpha < 0.3, 0, np.where(alpha > 0.7, 1, 0.5)).astype(np.float32)
    parameters = network.trainable_params()

    def loss(*tensors: Any) -> Any:
        return objective(*tensors)[0]

    tensors = [ms.Tensor(array) for array in (image, alpha, trimap)]
    value, gradients = ms.value_and_grad(loss, None, parameters)(*tensors)
    bad = [p.name for p, g in zip(parameters, gradients, strict=True) if not np.isfinite(g.asnumpy()).all()]
    if bad or not np.isfinite(value.asnumpy()).all():
        raise ZooError(
            f"loss {float(value.asnumpy()):g}, gradients that are not finite: {', '.join(bad[:3]) or 'none'}"
        )
    return f"loss {float(value.asnumpy()):.4g}, {len(parameters)} gradients finite"


class _Layers:
    """The innermost cells of a network and what each was given."""

    def __init__(self) -> None:
        self._given: dict[int, tuple[Any, ...]] = {}

    @contextmanager
    def listening(self, network: Any) -> Iterator[None]:
        """Note what every layer is given inside the block."""

        def note(cell: Any, inputs: Any) -> None:
            self._given[id(cell)] = inputs if isinstance(inputs, tuple) else (inputs,)

        hooks = [cell.register_forward_pre_hook(note) for _, cell in _leaves(network)]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def findings(self, network: Any, always: bool) -> Iterator[Finding]:
        """Each kind of layer, forward and backward by itself, with the layers that fail by name.

        Args:
            network: The network.
            always: Say it too where all of them run.
        """
        kinds: dict[str, list[tuple[str, str]]] = {}
        for name, cell in _leaves(network):
            if id(cell) in self._given:
                kinds.setdefault(type(cell).__name__, []).append((name, _runs(cell, self._given[id(cell)])))
        for kind, layers in kinds.items():
            broken = [(name, reason) for name, reason in layers if reason]
            if broken:
                name, reason = broken[0]
                more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
                advice = "another device, or a model without this layer"
                yield Finding(_AREA, f"layer {kind}", FAILED, f"{name}{more} of {len(layers)}: {reason}", advice)
            elif always:
                yield Finding(_AREA, f"layer {kind}", OK, f"{len(layers)} run forward and backward by themselves")
        if not always:
            total = sum(map(len, kinds.values()))
            text = f"{total} of {len(kinds)} kinds run forward and backward by themselves: {', '.join(sorted(kinds))}"
            yield Finding(_AREA, "layers", OK, text)


def _leaves(network: Any) -> Iterator[tuple[str, Any]]:
    for name, cell in network.cells_and_names():
        if not list(cell.cells()):
            yield name, cell


def _runs(cell: Any, inputs: tuple[Any, ...]) -> str:
    """Why a layer does not run by itself, forward or backward; "" if it does."""
    import mindspore as ms

    def total(*tensors: Any) -> Any:
        return cell(*tensors).sum()

    doing = "forward"
    try:
        cell(*inputs).asnumpy()
        doing = "backward"
        where = tuple(i for i, value in enumerate(inputs) if isinstance(value, ms.Tensor))
        parameters = cell.trainable_params()
        found = ms.grad(total, where[0] if len(where) == 1 else where, parameters or None)(*inputs)
        for part in _flat(found):
            part.asnumpy()
    except Exception as error:
        return f"{doing}: {_reason(error)}"
    return ""


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, (tuple, list)):
        for part in value:
            yield from _flat(part)
    elif value is not None:
        yield value


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip(" -")]
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
