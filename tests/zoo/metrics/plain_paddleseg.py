"""The matting metrics of PaddleSeg written a second time, in plain loops.

Independent of zoo: nothing is imported from it. Source: PaddlePaddle/PaddleSeg Matting/ppmatting/metrics/metric.py.
Its comparisons in float32 are those of exact tenths for every 8-bit matte; ``precision`` float32 does all of CONN in
float32, to show what that changes. Mattes are (H, W) float64 in [0, 1], the trimap is uint8.
"""

from __future__ import annotations

import math

import numpy as np


def scores(
    alpha: np.ndarray, target: np.ndarray, trimap: np.ndarray | None = None, precision: type = np.float64
) -> dict[str, float | None]:
    """All four, by name."""
    height, width = target.shape
    alpha = alpha.copy()
    unknown = []
    for y in range(height):
        for x in range(width):
            if trimap is None or trimap[y, x] == 128:
                unknown.append((y, x))
            else:
                alpha[y, x] = 1.0 if trimap[y, x] == 255 else 0.0
    errors = [alpha[pixel] - target[pixel] for pixel in unknown]
    return {
        "SAD": math.fsum(abs(error) for error in errors) / 1000,
        "MSE": math.fsum(error * error for error in errors) / len(errors) if errors else 0.0,
        "GRAD": grad(alpha, target, unknown),
        "CONN": conn(alpha.astype(precision), target.astype(precision), unknown),
    }


def grad(alpha: np.ndarray, target: np.ndarray, unknown: list[tuple[int, int]]) -> float:
    """Each tap of the kernel is a shifted copy of the matte, whose edge pixels are repeated."""
    height, width = target.shape

    def magnitude(matte: np.ndarray) -> np.ndarray:
        low, high = matte.min(), matte.max()
        if low == high:
            return np.zeros((height, width))
        padded = np.pad((matte - low) / (high - low), 4, mode="edge")
        dx, dy, squares = np.zeros((height, width)), np.zeros((height, width)), 0.0
        for i in range(-4, 5):
            for j in range(-4, 5):
                weight = j * math.exp(-(i * i + j * j) / (2 * 1.4 * 1.4))
                squares += weight * weight
                dx += weight * padded[4 + i : 4 + i + height, 4 + j : 4 + j + width]
                dy += weight * padded[4 + j : 4 + j + height, 4 + i : 4 + i + width]
        return np.sqrt((dx * dx + dy * dy) / squares)

    ours, truth = magnitude(alpha), magnitude(target)
    return math.fsum((ours[pixel] - truth[pixel]) ** 2 for pixel in unknown) / 1000


def conn(alpha: np.ndarray, target: np.ndarray, unknown: list[tuple[int, int]], neighbours: int = 4) -> float:
    """Components by walking from pixel to pixel. ``neighbours`` 8 gives what this dialect does not do."""
    number = alpha.dtype.type
    levels = [number(k / 10) for k in range(11)]
    level = np.full(alpha.shape, number(-1))
    for k in range(1, 11):
        inside = _largest((alpha >= levels[k]) & (target >= levels[k]), neighbours)
        for y in range(alpha.shape[0]):
            for x in range(alpha.shape[1]):
                if level[y, x] == -1 and (y, x) not in inside:
                    level[y, x] = levels[k - 1]
    level[level == -1] = 1

    def phi(value: np.floating, at: np.floating) -> np.floating:
        return number(1) - (value - at) if value - at >= number(0.15) else number(1)

    differences = (abs(phi(alpha[p], level[p]) - phi(target[p], level[p])) for p in unknown)
    return math.fsum(float(difference) for difference in differences) / 1000


def _largest(both: np.ndarray, neighbours: int) -> set[tuple[int, int]]:
    """Pixels of the largest component, the first found from the top left in rows; empty if there is none."""
    steps = [(-1, 0), (0, -1), (0, 1), (1, 0)] + ([(-1, -1), (-1, 1), (1, -1), (1, 1)] if neighbours == 8 else [])
    rest = {(int(y), int(x)) for y, x in np.argwhere(both)}
    best: set[tuple[int, int]] = set()
    for start in sorted(rest):
        if start not in rest:
            continue
        component, edge = {start}, [start]
        rest.remove(start)
        while edge:
            y, x = edge.pop()
            for dy, dx in steps:
                near = (y + dy, x + dx)
                if near in rest:
                    rest.remove(near)
                    component.add(near)
                    edge.append(near)
        if len(component) > len(best):
            best = component
    return best
