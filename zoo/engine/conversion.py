"""From another framework's arrays to a checkpoint of zoo: match, check, write.

    SOURCE --foreign.read--> names, arrays --convert_arrays--> Conversion --checkpoint.write--> DEST

A conversion is whole (every parameter of the network), the backbone (every one of it and none of the rest), or a part.
The first two are written as such, a part only if it is asked for. What the source lacks is in no file: a checkpoint of
a part has fewer parameters, not random ones.

What makes weights of PyTorch right or wrong in MindSpore besides their names is the business of the networks: the
momentum of a batch norm (0.9 here is 0.1 there), padding, the centres of pixels in a resize.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from registry import ModelSpec, Plugin, PluginError, Registry, UsageError, ZooError
from zoo.config import Config
from zoo.engine import checkpoint
from zoo.engine.build import blame, build_model, is_network
from zoo.engine.foreign import ONNX, ForeignFile
from zoo.engine.provenance import Provenance

_PARALLEL = ("module.", "_orig_mod.")
"""What PyTorch's DataParallel and torch.compile put before every name."""

_COUNTER = "num_batches_tracked"
"""PyTorch counts the batches that a batch norm has seen, for norms without momentum; MindSpore has none of these."""

_BACKBONE = "backbone."
"""A network holds its encoder under this name, see `zoo.engine.pretrained`."""

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Conversion:
    """What of a source fits a network.

    Attributes:
        model: Name of the model.
        weights: What fits, by the network's names and in its dtypes.
        missing: Parameters of the network that the source lacks, and their shapes.
        unexpected: Arrays that the network has no place for, by the name that the plugin's conversion left them.
        shapes: Parameters that the source has in another shape: (the source's, the network's).
        ignored: Number of batch norm counters, which have no meaning here.
        casts: dtype in the source -> number of arrays that became float32.
    """

    model: str
    weights: Mapping[str, np.ndarray]
    missing: Mapping[str, Shape] = field(default_factory=dict)
    unexpected: Mapping[str, Shape] = field(default_factory=dict)
    shapes: Mapping[str, tuple[Shape, Shape]] = field(default_factory=dict)
    ignored: int = 0
    casts: Mapping[str, int] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """Number of parameters that the network has."""
        return len(self.weights) + len(self.missing) + len(self.shapes)

    @property
    def holds(self) -> str:
        """What a checkpoint of this would hold: ``network``, ``backbone`` or ``part``."""
        if not self.missing and not self.shapes:
            return checkpoint.NETWORK
        lacking = [*self.missing, *self.shapes]
        is_backbone = self.weights and all(name.startswith(_BACKBONE) for name in self.weights)
        if is_backbone and not any(name.startswith(_BACKBONE) for name in lacking):
            return checkpoint.BACKBONE
        return checkpoint.PART


def convert_arrays(
    spec: ModelSpec,
    plugin: Plugin,
    network: Any,
    arrays: Mapping[str, np.ndarray],
    dtypes: Mapping[str, str] | None = None,
    origin: str = "the source",
) -> Conversion:
    """Match arrays by PyTorch-style names with the parameters of a network, which stays as it is.

    Args:
        spec: The model; its `convert` maps the names.
        plugin: Its owner, to be named if that fails.
        network: The built ``nn.Cell``.
        arrays: The state of a PyTorch module, with or without ``module.`` before every name.
        dtypes: The dtype each has in its file, where that differs from the array's (bfloat16).
        origin: What to name in an error.

    Returns:
        What fits and what does not. Weights are float32 where the network's parameters are.

    Raises:
        UsageError: The model offers no conversion.
        PluginError: The plugin's conversion failed.
        ZooError: A weight is NaN or infinite, is not of floating point, or the source contradicts itself.
    """
    if spec.convert is None:
        raise UsageError(f"model {spec.name!r} offers no conversion")
    counted = {name: array for name, array in arrays.items() if name.rpartition(".")[2] != _COUNTER}
    converted = _converted(spec, plugin, _without_wrapper(counted))
    parameters = {p.name: (tuple(p.shape), p.asnumpy().dtype) for p in network.get_parameters()}
    weights, shapes = {}, {}
    for name, (shape, dtype) in parameters.items():
        if name not in converted:
            continue
        if converted[name].shape == shape:
            weights[name] = _as_parameter(f"{origin}: {name}", converted[name], dtype)
        else:
            shapes[name] = (converted[name].shape, shape)
    kinds = Counter((dtypes or {}).get(name, array.dtype.name) for name, array in counted.items())
    return Conversion(
        model=spec.name,
        weights=weights,
        missing={name: shape for name, (shape, _) in parameters.items() if name not in converted},
        unexpected={name: array.shape for name, array in converted.items() if name not in parameters},
        shapes=shapes,
        ignored=len(arrays) - len(counted),
        casts={kind: kinds[kind] for kind in ("float16", "bfloat16", "float64") if kinds[kind]},
    )


def _without_wrapper(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    while prefix := next((p for p in _PARALLEL if state and all(name.startswith(p) for name in state)), None):
        state = {name.removeprefix(prefix): array for name, array in state.items()}
    return state


def _converted(spec: ModelSpec, plugin: Plugin, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    assert spec.convert is not None
    with blame(plugin, f"converting weights of {spec.name!r}"):
        found = spec.convert(arrays)
        if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
            raise PluginError(f"plugin {plugin.label}: convert of {spec.name!r} did not return names and arrays")
        return {name: np.asarray(array) for name, array in found.items()}


def _as_parameter(name: str, array: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """The array in the parameter's dtype, if it means the same there."""
    if np.issubdtype(dtype, np.floating) and not np.issubdtype(array.dtype, np.floating):
        raise ZooError(f"{name} is {array.dtype}, not floating point (a quantised file?)")
    with np.errstate(over="ignore"):
        cast = np.ascontiguousarray(array.astype(dtype)).reshape(array.shape)
    if np.issubdtype(dtype, np.floating):
        if not np.isfinite(cast).all():
            raise ZooError(f"{name} holds NaN, infinite or (as {dtype}) too large numbers: no network works with those")
    elif not np.array_equal(cast, array):
        raise ZooError(f"{name} is {array.dtype} and does not fit into {dtype}")
    return cast


def build_target(registry: Registry, config: Config) -> Any:
    """The network that weights are converted for.

    Raises:
        UsageError: The model is no MindSpore network.
    """
    network = build_model(registry, config)
    if not is_network(network):
        raise UsageError(f"model {config.model.name!r} takes no weights: it is no MindSpore network")
    return network


def require_fit(found: Conversion, source: ForeignFile, partial: bool) -> None:
    """Refuse a conversion that is neither whole nor a backbone, unless a part is asked for.

    Args:
        found: The conversion.
        source: Where the arrays come from.
        partial: ``--partial`` was given.

    Raises:
        ZooError: It does not fit; the message counts and names what is wrong.
    """
    origin = f"{source.path} does not fit {found.model!r}"
    if found.shapes:
        name, (theirs, ours) = next(iter(found.shapes.items()))
        more = f" and {len(found.shapes) - 1} more" if len(found.shapes) > 1 else ""
        raise ZooError(f"{origin}: {name} has shape {theirs}, the network's {ours}{more}; nothing is written")
    if not found.weights:
        names = _some(found.unexpected) or "none"
        raise ZooError(f"{origin}: none of its {len(found.unexpected)} names is known ({names}){_advice(source)}")
    # The graph of an ONNX file keeps its constants among the weights; beside a whole network they mean nothing.
    surplus = {} if source.format == ONNX and found.holds == checkpoint.NETWORK else found.unexpected
    if partial or (found.holds != checkpoint.PART and not surplus):
        return
    faults = [
        f"{len(names)} {what} ({_some(names)})"
        for names, what in ((found.missing, "missing"), (surplus, "unexpected"))
        if names and not (what == "missing" and found.holds == checkpoint.BACKBONE)
    ]
    whole = " beside the whole backbone" if found.holds == checkpoint.BACKBONE else ""
    matched = f"{len(found.weights)} of {found.parameters} parameters matched"
    raise ZooError(
        f"{origin}: {matched}, {' and '.join(faults)}{whole}{_advice(source)}; nothing is written without --partial"
    )


def _advice(source: ForeignFile) -> str:
    if source.format != ONNX:
        return ""
    return (
        "; an ONNX exporter folds batch norms into convolutions and renames what it folds: convert the PyTorch "
        "checkpoint that it was made of instead"
    )


def _some(names: Mapping[str, Any], count: int = 3) -> str:
    return ", ".join(list(names)[:count]) + (", ..." if len(names) > count else "")


def write(
    dest: Path, found: Conversion, registry: Registry, config: Config, origin: Provenance, wrapper: str = ""
) -> None:
    """Write a conversion as a checkpoint, in one step.

    Args:
        dest: The file; its folder exists.
        found: The conversion.
        registry: Where the model's plugin is looked up.
        config: The config that the network was built with; kept in the file.
        origin: Where the weights come from; kept in the file.
        wrapper: Keys under which the source kept its state; kept in the file.

    Raises:
        ZooError: The file cannot be written; an older one is as it was.
    """
    plugin = registry.owner("model", found.model)
    counts = {"matched": len(found.weights), "missing": len(found.missing), "unexpected": len(found.unexpected)}
    meta = {
        "model": found.model,
        "plugin": plugin.name,
        "plugin_version": plugin.version,
        "step": 0,
        "epoch": 0,
        "best": None,
        "images": None,
        "config": config.to_dict(),
        "holds": found.holds,
        "source": {**origin.to_dict(), "wrapper": wrapper, **counts, "casts": dict(found.casts)},
    }
    checkpoint.write(dest, found.weights, meta)
