"""The whole network in training mode against PyTorch in float64: outputs, losses, gradients, running statistics.

Training mode is badly conditioned: fifty norms in a row divide by what they measure, and an activation that rounding
carries across a kink of ReLU sends its gradient elsewhere. Two float32 computations differ by about a percent in their
gradients whichever frameworks they are made in, and neither is the truth. So MindSpore and PyTorch in float32 are both
held against PyTorch in float64.

As it is, MindSpore is about twice as far from float64 as PyTorch. That is one kernel: the batch norm of its oneDNN
sums in float32, PyTorch's in double (measured over 18 batches with three sets of weights: gradients 2.0 times, losses
2.1 times as far; with the sums of all norms in float64, 0.80 and 0.82 times). So there are two gates, and the sharp one
is for the network with exact sums, where nothing but this project's own work is left to differ.

The factors grant luck its part. From batch to batch the logarithm of the ratio of two distances had a standard
deviation of 0.37 for outputs, 0.72 for losses, 0.86 for gradients; the mean of six has 0.15, 0.29, 0.35. Each factor
below is about four of those or more above what was measured. What is finer is held to 1e-5 by test_parity_modules.py.
"""

import copy
from typing import NamedTuple

import mindspore as ms
import numpy as np
import pytest
import zoo_modnet
from mindspore import Tensor, nn, ops
from zoo_modnet.network import InstanceNorm, MODNet

BATCHES = 6
TERMS = ("semantic", "detail", "matte")
OUTPUTS = ("semantic", "detail", "alpha")

EXACT_SUMS = 2.0
"""Outputs with the norms' sums in float64, as a multiple of PyTorch's distance; 0.9 was measured."""

AS_IT_IS = 5.0
"""Outputs; 2.4 was measured."""

NOISY = 8.0
"""Losses and gradients; 2.1 and 2.0 were measured."""


class Pass(NamedTuple):
    """One batch in training mode.

    Attributes:
        outputs: semantic, detail, alpha.
        terms: semantic, detail, matte loss.
        gradients: By MindSpore's names.
        state: Running statistics afterwards, by MindSpore's names.
    """

    outputs: list
    terms: np.ndarray
    gradients: dict
    state: dict


class Passes(NamedTuple):
    """The batches, each in three ways; `summed` has the outputs of our network with exact sums."""

    exact: list
    theirs: list
    ours: list
    summed: list


def one_pass(peer, names, network, arrays, dtype):
    """PyTorch, forward and backward."""
    import torch

    network = copy.deepcopy(network).to(dtype).train()
    image, alpha, trimap = (torch.tensor(array).to(dtype) for array in arrays)
    outputs = network(image)
    terms = peer.losses(outputs, image, alpha, trimap)
    sum(terms).backward()
    parameters, state = dict(network.named_parameters()), network.state_dict()
    return Pass(
        [output.detach().double().numpy() for output in outputs],
        np.array([float(term.detach()) for term in terms]),
        {new: parameters[old].grad.double().numpy() for new, old in names.items() if old in parameters},
        {new: state[old].double().numpy() for new, old in names.items() if "running" in old},
    )


def one_pass_here(objective, arrays):
    """MindSpore, eager, the same. The network goes on as it is: running statistics play no part in training mode."""
    parameters = objective.trainable_params()
    outputs, branches = [], MODNet.branches

    def watched(self, image):
        outputs.extend(branches(self, image))
        return tuple(outputs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MODNet, "branches", watched)
        gradient = ms.value_and_grad(objective, None, parameters, has_aux=True)
        (_, *terms), gradients = gradient(*(Tensor(array) for array in arrays))
    state = {p.name: p.asnumpy().copy() for p in objective.network.get_parameters() if ".moving_" in p.name}
    return Pass(
        [output.asnumpy().astype(float) for output in outputs],
        np.array([float(term.asnumpy()) for term in terms]),
        {p.name: value.asnumpy().astype(float) for p, value in zip(parameters, gradients, strict=True)},
        state,
    )


def normalised(x, axes):
    """(x - mean) / sqrt(variance + eps) with everything in float64."""
    x = x.astype(ms.float64)
    x = x - x.mean(axes, keep_dims=True)
    return x * ops.rsqrt((x * x).mean(axes, keep_dims=True) + 1e-5)


def batch_norm_in_double(self, x):
    """Stands in for the ``construct`` of BatchNorm2d in training mode."""
    gamma, beta = (p.reshape((1, -1, 1, 1)).astype(ms.float64) for p in (self.gamma, self.beta))
    return (normalised(x, (0, 2, 3)) * gamma + beta).astype(ms.float32)


def instance_norm_in_double(self, x):
    """Stands in for the ``construct`` of InstanceNorm."""
    return normalised(x, (2, 3)).astype(ms.float32)


@pytest.fixture(scope="module")
def passes(peer, reference, transfer, build, config, names_of, batch):
    """Every batch in every way."""
    import torch

    names = names_of(reference)
    network = transfer(reference, build())
    objective = zoo_modnet.build_supervised(network, config).set_train(True)
    found = Passes([], [], [], [])
    for seed in range(BATCHES):
        arrays = batch(2, 128, 128, seed=seed)
        found.exact.append(one_pass(peer, names, reference, arrays, torch.float64))
        found.theirs.append(one_pass(peer, names, reference, arrays, torch.float32))
        found.ours.append(one_pass_here(objective, arrays))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(nn.BatchNorm2d, "construct", batch_norm_in_double)
            patch.setattr(InstanceNorm, "construct", instance_norm_in_double)
            found.summed.append([o.asnumpy().astype(float) for o in network.branches(Tensor(arrays[0]))])
    return found


def typical(values):
    """Geometric mean along the first axis: of distances that differ by factors, none outweighs the others."""
    return np.exp(np.log(values).mean(0))


def relative(got, expected):
    """Euclidean distance, relative to the size of what is expected."""
    return np.linalg.norm(got - expected) / np.linalg.norm(expected)


def test_outputs(passes, figures):
    """Batch by batch, output by output."""
    ways = {"PyTorch": [p.outputs for p in passes.theirs], "zoo": [p.outputs for p in passes.ours]}
    ways["zoo, norms summed in float64"] = passes.summed
    distances = {
        way: np.array([[relative(g, e.reshape(g.shape)) for g, e in zip(got, p.outputs, strict=True)]
                       for got, p in zip(outputs, passes.exact, strict=True)])
        for way, outputs in ways.items()
    }  # fmt: skip
    for index, name in enumerate(OUTPUTS):
        figures(
            f"Training mode: outputs, relative difference from float64, geometric mean of {BATCHES} batches",
            output=name,
            **{way: f"{typical(values)[index]:.1e}" for way, values in distances.items()},
        )
    theirs, ours, summed = (typical(values.ravel()) for values in distances.values())
    assert summed <= EXACT_SUMS * theirs
    assert ours <= AS_IT_IS * theirs


def test_losses(passes, figures):
    """Every term, relative difference from float64."""
    exact = np.array([p.terms for p in passes.exact])
    # A float32 may hit the exact value; half a step of float32 stands for anything nearer.
    theirs, ours = (
        np.maximum(abs(np.array([p.terms for p in way]) - exact) / exact, 2**-25)
        for way in (passes.theirs, passes.ours)
    )
    for index, term in enumerate(TERMS):
        figures(
            f"Training mode: losses, relative difference from float64, geometric mean (largest) of {BATCHES} batches",
            term=term,
            **{
                way: f"{typical(values)[index]:.1e} ({values[:, index].max():.1e})"
                for way, values in (("PyTorch", theirs), ("zoo", ours))
            },
        )
    assert ours.max() < 5e-4
    assert typical(ours.ravel()) <= NOISY * typical(theirs.ravel())


def is_cancelled(name):
    """Biases before IBNorm, and shifts of projections in the encoder, which reach nothing but convolutions with a norm.

    A norm takes back what they add, so that their gradient is 0 in exact arithmetic. Heads have no norm.
    """
    if name.endswith("layers.0.bias"):
        return not name.startswith(("lr_branch.conv_lr.", "hr_branch.conv_hr.1.", "f_branch.conv_f.1."))
    return name.endswith(("conv.7.beta", "features.1.conv.4.beta"))


def test_gradients(passes, figures):
    """Relative difference from float64, parameter by parameter; the median of them stands for a batch."""
    for exact, ours in zip(passes.exact, passes.ours, strict=True):
        sizes = {name: np.linalg.norm(gradient) for name, gradient in exact.gradients.items()}
        largest = max(sizes.values())
        assert {name for name, size in sizes.items() if size < 1e-9 * largest} == set(filter(is_cancelled, sizes))
        assert all(np.linalg.norm(ours.gradients[name]) < 1e-4 * largest for name in filter(is_cancelled, sizes))
    live = [name for name in passes.exact[0].gradients if not is_cancelled(name)]
    medians, worst = {}, {}
    for way, results in (("PyTorch", passes.theirs), ("zoo", passes.ours)):
        table = np.array(
            [
                [relative(got.gradients[name], exact.gradients[name]) for name in live]
                for got, exact in zip(results, passes.exact, strict=True)
            ]
        )
        medians[way] = np.median(table, axis=1)
        worst[way] = typical(table)
        figures(
            f"Training mode: gradients of {len(live)} parameters, relative difference from float64, {BATCHES} batches",
            float32=way,
            **{
                "geometric mean of the medians": f"{typical(medians[way]):.1e}",
                "medians": ", ".join(f"{median:.1e}" for median in medians[way]),
                "worst parameter": f"{worst[way].max():.1e}",
            },
        )
    assert typical(medians["zoo"]) <= NOISY * typical(medians["PyTorch"])
    # A wrong gradient of one parameter among two hundred moves no median.
    assert worst["zoo"].max() < 0.1, live[int(worst["zoo"].argmax())]


def test_running_statistics(passes, reference, names_of, figures):
    """What one batch adds to them, norm by norm."""
    names, before = names_of(reference), reference.state_dict()
    errors = {"mean": [], "variance": []}
    for name, exact in passes.exact[0].state.items():
        # A step of PyTorch's momentum 0.1, undone: what is left is the batch's own statistic. The other momentum, 0.9,
        # would make it ninefold, and a biased variance 1/32 smaller in the deepest norms (2 pictures of 4 x 4).
        seen, expected = (
            (after - 0.9 * before[names[name]].numpy()) / 0.1 for after in (passes.ours[0].state[name], exact)
        )
        errors[name.rpartition("_")[2]].append(relative(seen, expected))
    assert len(errors["mean"]) == len(errors["variance"]) == 69
    for statistic, values in errors.items():
        figures(
            "Training mode: what a batch adds to the running statistics of 69 norms, relative difference from float64",
            statistic=statistic,
            median=f"{np.median(values):.1e}",
            largest=f"{max(values):.1e}",
        )
        assert max(values) < 5e-3, statistic
