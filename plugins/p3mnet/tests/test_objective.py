"""The four losses against NumPy in float64, and one network that learns."""

from fnmatch import fnmatch

import mindspore as ms
import numpy as np
import pytest
import torch
import zoo_p3mnet
from mindspore import Tensor, nn
from zoo_p3mnet.laplacian import kernel

# Of ImageNet's pictures, by which the authors normalise (core/data.py).
MEAN, STD = np.array([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]])[:, :, None, None]


class Fixed(nn.Cell):
    """Stands for a network: its outputs are what the test says."""

    def __init__(self, trimap, detail, alpha, *sides):
        super().__init__()
        self.outputs = [Tensor(each.astype(np.float32)) for each in (trimap, detail, alpha)]
        self.sides = tuple(Tensor(each.astype(np.float32)) for each in sides)

    def branches(self, image):
        return (*self.outputs, self.sides)


@pytest.fixture
def example():
    """Random outputs and truth, where alpha and trimap disagree in places, as real ones do."""
    random = np.random.default_rng(3)
    logits = [random.normal(0, 2, (2, 3, 64, 96)) for _ in range(4)]
    detail, alpha = random.uniform(size=(2, 2, 1, 64, 96))
    image = (random.uniform(size=(2, 3, 64, 96)) - MEAN) / STD
    target = random.uniform(size=(2, 1, 64, 96))
    trimap = random.choice([0.0, 0.5, 1.0], (2, 1, 64, 96))
    return (logits[0], detail, alpha, *logits[1:]), image, target, trimap


def entropy(logits, trimap):
    """Minus the logarithm of the true class's probability, a mean."""
    probability = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return -np.log(np.take_along_axis(probability, (2 * trimap).astype(int), 1)).mean()


def laplacian(x):
    """Sum over the levels of the mean absolute value, of one difference of mattes."""
    weights = {}
    for i in range(-2, 3):
        for j in range(-2, 3):
            weights[i, j] = np.exp(-(i**2)) + np.exp(-(j**2))  # a sum, where a Gaussian is a product
    total, whole = 0.0, sum(weights.values())
    for _ in range(5):
        height, width = x.shape[2:]
        padded = np.pad(x, ((0, 0), (0, 0), (2, 2), (2, 2)), mode="edge")
        smooth = sum(
            w / whole * padded[:, :, 2 + i : 2 + i + height, 2 + j : 2 + j + width] for (i, j), w in weights.items()
        )
        total += abs(x - smooth).mean()
        x = sum(smooth[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)) / 4
    return total + abs(x).mean()


def tensors(*arrays):
    return [Tensor(array.astype(np.float32)) for array in arrays]


def test_terms(default_config, example):
    outputs, image, target, trimap = example
    logits, detail, alpha, *sides = outputs
    objective = zoo_p3mnet.build_supervised(Fixed(*outputs), default_config)
    loss, *terms = (float(v.asnumpy()) for v in objective(*tensors(image, target, trimap)))
    unknown = trimap == 0.5
    colours = image * STD + MEAN
    expected = [
        (3 * entropy(logits, trimap) + sum(entropy(side, trimap) for side in sides)) / 6,
        2 * (abs(detail - target)[unknown].sum() / (unknown.sum() + 1) + laplacian((detail - target) * unknown)),
        3 * (abs(alpha - target).mean() + laplacian(alpha - target)),
        (colours * abs(alpha - target)).sum(1).mean(),
    ]
    assert terms == pytest.approx(expected, rel=1e-5)
    assert loss == pytest.approx(sum(terms), rel=1e-6)


def test_terms_and_gradients_are_the_peer_s(peer, default_config, example):
    """The same through PyTorch's own cross entropy and pooling, and what each output is told."""
    outputs, image, target, trimap = example
    given = [torch.tensor(each, requires_grad=True) for each in outputs]
    trimap_logits, detail, alpha, *sides = given
    mean, std = (torch.tensor(v)[None, :, None, None] for v in (default_config.model.mean, default_config.model.std))
    fixed = peer.Outputs(trimap_logits, detail, alpha, *sides)
    terms = peer.objective(lambda _: fixed, *(torch.tensor(a) for a in (image, target, trimap)), mean, std)
    sum(terms).backward()
    network = Fixed(*outputs)
    objective = zoo_p3mnet.build_supervised(network, default_config)
    arguments = tensors(image, target, trimap)

    def loss(trimap, detail, alpha, *sides):
        network.outputs, network.sides = [trimap, detail, alpha], sides
        return objective(*arguments)

    (_, *got), gradients = ms.value_and_grad(loss, tuple(range(6)), has_aux=True)(*tensors(*outputs))
    assert [float(v.asnumpy()) for v in got] == pytest.approx([v.item() for v in terms], rel=1e-5)
    for gradient, tensor in zip(gradients, given, strict=True):
        # Where two pixels of a level differ by rounding alone, the sign of their difference is anybody's.
        difference = abs(gradient.asnumpy() - tensor.grad.numpy())
        assert np.quantile(difference, 0.999) < 1e-5 * abs(tensor.grad.numpy()).max()


def test_kernel():
    weight = kernel()[0, 0]
    assert weight.sum() == pytest.approx(1, abs=1e-6)
    # (1 + 1) / (2 * 5 * (1 + 2 / e + 2 / e^4)) in the middle, by hand.
    assert weight[2, 2] == pytest.approx(0.11284, abs=1e-5)


def test_weights_are_options(default_config, example):
    outputs, image, target, trimap = example
    scales = {"semantic_scale": 2.0, "detail_scale": 1.0, "fusion_scale": 0.0, "composition_scale": 4.0}
    other = default_config.override(model={"options": {**default_config.model.options, **scales}})
    arguments = tensors(image, target, trimap)
    usual, changed = (
        [float(v.asnumpy()) for v in zoo_p3mnet.build_supervised(Fixed(*outputs), config)(*arguments)][1:]
        for config in (default_config, other)
    )
    assert changed == pytest.approx([usual[0] * 2, usual[1] / 2, 0, usual[3] * 4], rel=1e-5)


def test_a_perfect_answer_costs_nothing(default_config, example):
    _, image, target, trimap = example
    logits = np.concatenate([np.where(trimap == value, 30.0, -30.0) for value in (0, 0.5, 1)], axis=1)
    objective = zoo_p3mnet.build_supervised(Fixed(logits, target, target, logits, logits, logits), default_config)
    # Under the root is 1e-12, so that an error of 0 counts as 1e-6: for known pixels too, which are twice as many as
    # the unknown ones.
    assert float(objective(*tensors(image, target, trimap))[0].asnumpy()) == pytest.approx(0, abs=2e-5)


def test_a_picture_without_unknown_pixels(default_config, example):
    outputs, image, target, _ = example
    certain = (target > 0.5).astype(float)
    objective = zoo_p3mnet.build_supervised(Fixed(*outputs), default_config)
    loss, _, detail, *_ = (float(v.asnumpy()) for v in objective(*tensors(image, certain, certain)))
    assert np.isfinite(loss)
    assert detail == pytest.approx(2 * certain.size * 1e-6, rel=1e-3)  # the 1e-6 of each known pixel, over 0 + 1


def test_needs_alpha_and_trimap(default_config, example):
    outputs, image, target, trimap = example
    objective = zoo_p3mnet.build_supervised(Fixed(*outputs), default_config)
    image, target, trimap = tensors(image, target, trimap)
    for arguments in ((image, None, None), (image, None, trimap), (image, target, None)):
        with pytest.raises(ValueError, match="needs an alpha and a trimap"):
            objective(*arguments)


def test_it_learns_and_every_parameter_takes_part(build, config, batch):
    """Eight compiled steps on one batch, and what the first gradient reached."""
    network = build()
    names = [p.name for p in network.get_parameters()]
    objective = zoo_p3mnet.build_supervised(network, config).set_train(True)
    assert [p.name for p in objective.get_parameters()] == names
    arguments = [Tensor(array) for array in batch(2, 64, 64)]
    parameters = objective.trainable_params()
    optimizer = nn.Adam(parameters, 1e-3)
    gradient = ms.value_and_grad(objective, None, parameters, has_aux=True)

    @ms.jit
    def step(image, alpha, trimap):
        (loss, *_), gradients = gradient(image, alpha, trimap)
        optimizer(gradients)
        return loss, gradients

    eager = float(objective(*arguments)[0].asnumpy())
    first, gradients = step(*arguments)
    assert float(first.asnumpy()) == pytest.approx(eager, rel=1e-3)
    largest = {p.name: abs(value.asnumpy()).max() for p, value in zip(parameters, gradients, strict=True)}
    assert np.isfinite(list(largest.values())).all()
    declared = {name for name in largest for pattern in network.cancelled if fnmatch(name, pattern)}
    biases = {name for name in largest if name.endswith(".bias")}
    assert declared == biases - {"decoder0_g.6.bias", "decoder_final_l.bias"}, "all but those of the last layers"
    assert all(largest[name] > 1e-6 for name in largest if name not in declared)
    losses = [float(step(*arguments)[0].asnumpy()) for _ in range(7)]
    assert losses[-1] < 0.8 * eager, losses
