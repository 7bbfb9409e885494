"""Make ``table.json``: which of MindCV's networks are encoders, and what they give.

    python -m zoo_mindcv.tabulate [NAME]...

Every network of the installed MindCV, or those that are named, is built with ``features_only`` and asked: a picture of
two sizes goes in, maps come out, and of each stride the last one is taken. ``features_only`` presumes that the
outermost layers run in the order of their registration and each once, so the maps are compared with what the same
layers give inside the classifier. What fails is not offered and stands in the table with the reason.
"""

from __future__ import annotations

import gc
import json
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TABLE = Path(__file__).with_name("table.json")

_SIZES = ((64, 64), (96, 160))
"""Pictures to try, in pixels; a network made for one size fails at one of them at least."""

_ALL = range(1000)
"""More maps than any network has."""


def main(names: Sequence[str]) -> None:
    """Ask networks and write the table, after each of them anew.

    Args:
        names: Whose rows to replace; none: all, and rows of networks that are no longer there go.
    """
    # Before MindSpore's first operator: on AVX-512 its convolutions are many times slower than with AVX2.
    os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")
    import mindcv
    import mindspore
    from mindcv.models import list_models

    held = json.loads(TABLE.read_text(encoding="utf-8")) if names else {"backbones": {}, "left_out": {}}
    held["made_with"] = {"mindcv": mindcv.__version__, "mindspore": mindspore.__version__}
    for name in names or list_models():
        held["backbones"].pop(name, None)
        held["left_out"].pop(name, None)
        try:
            held["backbones"][name] = ask(name)
        except Exception as error:
            held["left_out"][name] = _reason(error)
        print(f"{name}: {held['left_out'].get(name, 'an encoder')}", file=sys.stderr)
        TABLE.write_text(_text(held), encoding="utf-8")
        gc.collect()


def ask(name: str) -> dict[str, Any]:
    """The row of a network.

    Returns:
        ``indices`` of the maps to ask MindCV for, one per stride; their ``channels`` and ``strides``; the number of
        ``parameters``; parts of the classifier that are left ``unused`` in it; ``url`` of the published weights, "" if
        there are none.

    Raises:
        ValueError: It gives no maps, or not those it says; other errors are MindCV's own.
    """
    from mindcv.models import create_model
    from mindcv.models.registry import get_pretrained_cfg

    from zoo_mindcv.encoder import assemble, cut

    found = cut(name, _ALL)
    found.set_train(False)
    sizes = [[tuple(each.shape) for each in found(_picture(*size))] for size in _SIZES]
    strides = [_SIZES[0][0] // shape[2] for shape in sizes[0]]
    if len(strides) != len(found.out_channels):
        raise ValueError("features_only gives fewer maps than it names")
    last = {stride: index for index, stride in enumerate(strides)}
    row = {
        "indices": list(last.values()),
        "channels": [sizes[0][index][1] for index in last.values()],
        "strides": list(last),
        "unused": sorted({name.partition(".")[0] for name in _idle(found.net)}) if found.is_rewritten else [],
    }
    if found.is_rewritten and len(last) != len(strides):
        raise ValueError("it gives several maps of one stride")
    taps = None if found.is_rewritten else [found.return_index[index] for index in last.values()]
    encoder = assemble(found.net, taps, row)
    encoder.set_train(False)
    if idle := _idle(encoder):
        raise ValueError(f"parameters of {idle[0]} have no part in its maps")
    _check_maps(encoder)
    _check_against_classifier(encoder, create_model(name))
    count = sum(parameter.size for parameter in encoder.trainable_params())
    return {**row, "parameters": count, "url": get_pretrained_cfg(name).get("url", "")}


def _picture(height: int, width: int) -> Any:
    import numpy as np
    from mindspore import Tensor

    return Tensor(np.random.default_rng(0).normal(size=(1, 3, height, width)).astype(np.float32))


def _check_maps(encoder: Any) -> None:
    for height, width in _SIZES:
        shapes = [tuple(each.shape) for each in encoder(_picture(height, width))]
        wanted = [
            (1, count, height // stride, width // stride)
            for count, stride in zip(encoder.channels, encoder.strides, strict=True)
        ]
        if shapes != wanted:
            raise ValueError("its maps do not follow the size of the picture")


def _check_against_classifier(encoder: Any, classifier: Any) -> None:
    """The encoder's parameters are some of the classifier's, and its maps are what the same layers give there."""
    import mindspore as ms
    import numpy as np
    from mindspore import ops

    classifier.set_train(False)
    whole = {parameter.name: parameter for parameter in classifier.get_parameters()}
    for parameter in encoder.get_parameters():
        if parameter.name not in whole or whole[parameter.name].shape != parameter.shape:
            raise ValueError("its parameters are not those of the classifier")
        ops.assign(whole[parameter.name], parameter)
    if not hasattr(encoder, "taps"):
        return  # it has a forward pass of its own, which presumes nothing
    cells = {id(cell): name for name, cell in encoder.cells_and_names()}
    places = [cells[id(encoder.layers[tap])] for tap in encoder.taps]
    with _recorded(classifier, places) as seen:
        classifier(_picture(*_SIZES[1]))
    for place, found in zip(places, encoder(_picture(*_SIZES[1])), strict=True):
        if len(seen[place]) != 1 or not np.array_equal(seen[place][0], found.astype(ms.float32).asnumpy()):
            raise ValueError("features_only runs its layers otherwise than the classifier does")


@contextmanager
def _recorded(network: Any, places: list[str]) -> Iterator[dict[str, list[Any]]]:
    """What some cells of a network give while the block runs, by name."""
    seen: dict[str, list[Any]] = defaultdict(list)
    hooks = []
    for name, cell in network.cells_and_names():
        if name in places:
            hooks.append(cell.register_forward_hook(lambda _, __, found, name=name: seen[name].append(found.asnumpy())))
    yield seen
    for hook in hooks:
        hook.remove()


def _idle(network: Any) -> list[str]:
    """Cells of a network that have parameters of their own and do not run."""
    run: set[str] = set()
    hooks = [
        cell.register_forward_pre_hook(lambda _, __, name=name: run.add(name))
        for name, cell in network.cells_and_names()
        if name
    ]
    network(_picture(*_SIZES[0]))
    for hook in hooks:
        hook.remove()
    return [name for name, cell in network.cells_and_names() if name not in run and cell._params]


def _reason(error: Exception) -> str:
    """One sentence without sizes, so that networks with one fault share it."""
    text = re.sub(r"\[[\d, ]*\]", "[...]", " ".join(str(error).split())).split(". ")[0]
    if re.search(r"argument '(features_only|out_indices)'|`feature_only` is not implemented", text):
        return "it has no features_only"
    if "proposed_shape" in text:
        return "it takes pictures of one size alone"
    return text if isinstance(error, ValueError) else f"it cannot be built or run: {type(error).__name__}: {text}"


def _text(held: dict[str, Any]) -> str:
    """JSON with one line per network, so that a new MindCV is a short diff."""
    parts = [f'  "made_with": {json.dumps(held["made_with"])}']
    for part in ("backbones", "left_out"):
        lines = ",\n".join(f"    {json.dumps(name)}: {json.dumps(row)}" for name, row in sorted(held[part].items()))
        parts.append(f'  "{part}": {{\n{lines}\n  }}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    main(sys.argv[1:])
