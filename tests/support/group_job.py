"""What two processes of a group are asked to do by the tests: each writes what came of it as ``FOLDER/RANK.pickle``.

Run it as ``python group_job.py FOLDER DISCS`` in each process; DISCS is a folder of `disc_set.write_discs`.
"""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy as np

from registry import Card, MetricSpec, ModelSpec, Plugin, Sample
from zoo.config import Config
from zoo.engine import device
from zoo.engine.evaluator import Evaluation, evaluate
from zoo.engine.group import Group, join
from zoo.engine.predictor import Predictor
from zoo.engine.sync_norm import synchronise_norms

SHAPES = ((3,), (2, 5), (1,), (4, 3, 2, 1), ())
"""Of the gradients that are averaged."""

PICTURES = 4


def gradients(rank: int) -> list[np.ndarray]:
    rng = np.random.default_rng(rank)
    return [rng.normal(size=shape).astype(np.float32) for shape in SHAPES]


def averaged(group: Group) -> list[np.ndarray]:
    """Through a compiled function, twice, as a training step does it."""
    import mindspore as ms

    average = group.average

    def step(*found):
        return average(found)

    compiled = ms.jit(step)
    for rank in (group.rank + 10, group.rank):
        found = compiled(*[ms.Tensor(array) for array in gradients(rank)])
    return [tensor.asnumpy() for tensor in found]


def words(rank: int) -> dict:
    """Longer than the first exchange for one of the processes only, and not of the same length in both."""
    return {"rank": rank, "text": "é" * (3000 * rank + 1), "nan": float("nan"), "array": np.arange(3) + rank}


def norm_network():
    """Two branches that need not wait for one another, forward or backward, between shared layers."""
    import mindspore as ms
    from mindspore import nn, ops

    class Network(nn.Cell):
        def __init__(self):
            super().__init__()
            self.first = nn.BatchNorm2d(3, eps=1e-3, momentum=0.8)
            self.left = nn.SequentialCell(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.ReLU())
            self.right = nn.SequentialCell(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.ReLU(), nn.BatchNorm2d(3))
            self.frozen = nn.BatchNorm2d(3, use_batch_statistics=False)

        def construct(self, x):
            x = self.first(x)
            return self.frozen(ops.concat((self.left(x)[:, :1], self.right(x)[:, 1:]), 1))

    network = Network()
    rng = np.random.default_rng(7)
    for parameter in network.get_parameters():
        values = rng.uniform(0.5, 1.5, parameter.shape)
        parameter.set_data(ms.Tensor(values, ms.float32))
    return network.set_train()


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """(4, 3, 5, 6) input, whose channels lie far from zero, and weights of the answer in the loss."""
    rng = np.random.default_rng(3)
    offset = np.array([0, 100, -1000]).reshape(1, 3, 1, 1) + np.arange(PICTURES).reshape(-1, 1, 1, 1)
    shape = (PICTURES, 3, 5, 6)
    return (rng.normal(size=shape) * 2 + offset).astype(np.float32), rng.normal(size=shape).astype(np.float32)


def trained_norms(group: Group, synchronised: bool = True) -> dict[str, np.ndarray]:
    """One step of `norm_network` on this process's share of the pictures, and then an answer in evaluation."""
    import mindspore as ms

    network = norm_network()
    names = [parameter.name for parameter in network.get_parameters()]
    if synchronised and group.size > 1:
        assert synchronise_norms(network, group) == 5
    assert [parameter.name for parameter in network.get_parameters()] == names
    x, weights = (ms.Tensor(np.array_split(array, group.size)[group.rank]) for array in pictures())
    learnt = network.trainable_params()

    def loss(x):
        found = network(x)
        return (found * found * weights).mean(), found

    both = ms.value_and_grad(loss, 0, learnt, has_aux=True)

    def step(x):
        return both(x)

    (value, found), (dx, steps) = ms.jit(step)(x)
    mean = {f"gradient {p.name}": np.mean(group.gather(g.asnumpy()), 0) for p, g in zip(learnt, steps, strict=True)}
    moving = {p.name: p.asnumpy() for p in network.get_parameters() if "moving" in p.name}
    network.set_train(False)
    return {
        "loss": np.array(group.mean([float(value.asnumpy())])),
        "answer": np.concatenate(group.gather(found.asnumpy())),
        # The loss of the group is the mean of the losses.
        "dx": np.concatenate(group.gather(dx.asnumpy())) / group.size,
        **mean,
        **moving,
        "evaluated": network(ms.Tensor(pictures()[0])).asnumpy(),
    }


class Brightness:
    """A model that is no network: bright is foreground."""

    def predict(self, image, trimap=None):
        return (image.mean(axis=2) / 255).astype(np.float32)


def evaluated(group: Group, discs: Path, mattes: Path, seen: list[tuple[int, int]]) -> Evaluation:
    """All discs, the second and the fourth of which have no alpha that can be read."""
    alphas = [discs / "train" / "alpha" / f"d{i:02d}.png" for i in range(5)]
    alphas[1] = alphas[3] = discs / "absent.png"
    samples = [Sample(f"d{i:02d}", discs / "train" / "image" / f"d{i:02d}.png", alphas[i]) for i in range(5)]
    spec = ModelSpec("bright", build=print, card=Card("t"))
    predictor = Predictor(Brightness(), Config(), spec, Plugin("p", "zoo-p", "1"))
    extra = {"BIAS": MetricSpec("BIAS", lambda alpha, target, _: float(alpha.mean() - target.mean()))}
    return evaluate(predictor, samples, extra, mattes, True, lambda *done: seen.append(done), group)


def main(folder: Path, discs: Path) -> None:
    device.start("CPU")
    group = join()
    seen: list[tuple[int, int]] = []
    found = {
        "group": [group.rank, group.size, group.size_here, group.leads],
        "mean": group.mean([group.rank, 1 / 3, 1e300, -0.5]),
        "any": [group.any(False), group.any(group.rank == 1), group.any(group.rank == 0), group.any(True)],
        "texts": [str(text) == str(words(rank)) for rank, text in enumerate(group.gather(words(group.rank)))],
        "averages": averaged(group),
        "norms": trained_norms(group),
        "evaluation": evaluated(group, discs, folder / "mattes", seen),
        "seen": seen,
    }
    (folder / f"{group.rank}.pickle").write_bytes(pickle.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
