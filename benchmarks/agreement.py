"""How far zoo's metrics are from the plain implementations in tests/zoo/metrics, over the cases of the tests.

    python benchmarks/agreement.py

prints a table: the largest relative difference of each metric in each dialect, with trimap and without, over the
mattes of tests/zoo/metrics/dialect_cases.py and the golden vectors.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np

from zoo.metrics.definitions import DIALECTS
from zoo.metrics.score import score

TESTS = Path(__file__).parents[1] / "tests" / "zoo" / "metrics"

PLAIN = {"p3m": "plain", "dim": "plain_dim", "mmagic": "plain_mmagic", "paddleseg": "plain_paddleseg"}

ZERO = 1e-15
"""Values up to this are zeros with the rounding of their sums."""


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, TESTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pictures() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Prediction and truth, (H, W) float64 or uint8, and trimap."""
    for _, alpha, target, trimap in load("dialect_cases").cases():
        yield alpha, target, trimap
    from zoo.data.images import read_alpha, read_trimap
    from zoo.metrics.golden import FOLDER, expected

    for case in expected()["cases"]:
        files = [FOLDER / part / f"{case['name']}.png" for part in ("prediction", "target", "trimap")]
        alpha, target = (exact(read_alpha(file)) for file in files[:2])
        yield alpha, target, read_trimap(files[2])


def exact(matte: np.ndarray) -> np.ndarray:
    """float64 n / 65535 of a matte read from a file; an 8-bit one has n = 257 m."""
    return np.rint(matte.astype(np.float64) * 65535) / 65535


def value(matte: np.ndarray) -> np.ndarray:
    return matte / 255 if matte.dtype == np.uint8 else matte


def main() -> None:
    plain = {dialect: load(name).scores for dialect, name in PLAIN.items()}
    worst: dict[str, dict[str, float]] = {dialect: {} for dialect in DIALECTS}
    count = 0
    for alpha, target, trimap in pictures():
        for given in (trimap, None):
            count += 1
            for dialect, differences in worst.items():
                ours = score(alpha, target, given, dialect)
                theirs = plain[dialect](value(alpha), value(target), given)
                for metric, number in theirs.items():
                    found = ours[metric]
                    if (found is None) != (number is None):
                        raise SystemExit(f"{dialect} {metric}: {found} and {number}")
                    if found is not None and max(abs(found), abs(number)) > ZERO:
                        relative = abs(found - number) / max(abs(found), abs(number))
                        differences[metric] = max(differences.get(metric, 0.0), float(relative))
    names = [definition.name for definition in DIALECTS["p3m"].metrics]
    print(f"largest relative difference between zoo and the plain implementation, {count} comparisons for each")
    print("| dialect | " + " | ".join(names) + " |")
    print("| --- |" + " --- |" * len(names))
    for dialect, definition in DIALECTS.items():
        known = {metric.name for metric in definition.metrics}
        cells = [f"{worst[dialect].get(name, 0.0):.1e}" if name in known else "" for name in names]
        print(f"| {dialect} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
