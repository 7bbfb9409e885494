"""The three losses against NumPy in float64, and one network that learns."""

import re

import mindspore as ms
import numpy as np
import pytest
import zoo_modnet
from mindspore import Tensor, nn


class Fixed(nn.Cell):
    """Stands for a network: its three outputs are what the test says."""

    def __init__(self, *outputs):
        super().__init__()
        self.outputs = [Tensor(output.astype(np.float32)) for output in outputs]

    def branches(self, image):
        return tuple(self.outputs)


def semantic_loss(semantic, alpha):
    """Mean squared error against the blurred alpha at 1/16."""
    # Bilinear with half-pixel centres at 1/16 is the mean of the four pixels in the middle of each 16 x 16 block.
    small = sum(alpha[:, :, i::16, j::16] for i in (7, 8) for j in (7, 8)) / 4
    padded = np.pad(small, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="reflect")
    kernel = np.array([[0.0626, 0.1250, 0.0626], [0.1250, 0.2496, 0.1250], [0.0626, 0.1250, 0.0626]])
    height, width = small.shape[2:]
    blurred = sum(kernel[i, j] * padded[:, :, i : i + height, j : j + width] for i in range(3) for j in range(3))
    return ((semantic - blurred) ** 2).mean()


def detail_loss(detail, alpha, trimap):
    """Known pixels are the trimap's on both sides, so they differ by nothing but count."""
    known = trimap != 0.5
    return abs(np.where(known, trimap, detail) - np.where(known, trimap, alpha)).mean()


def matte_loss(matte, image, alpha, trimap):
    """The four terms as they are written down."""
    boundary = np.where(trimap != 0.5, trimap, matte)
    plain = abs(matte - alpha).mean() + 4 * abs(boundary - alpha).mean()
    composed = abs(image * matte - image * alpha).mean() + 4 * abs(image * boundary - image * alpha).mean()
    return plain + composed


@pytest.fixture
def example():
    """Random outputs and truth, where alpha and trimap disagree in places, as real ones do."""
    random = np.random.default_rng(3)
    outputs = (
        random.uniform(size=(2, 1, 4, 6)),
        random.uniform(size=(2, 1, 64, 96)),
        random.uniform(size=(2, 1, 64, 96)),
    )
    image = random.uniform(-1, 1, (2, 3, 64, 96))
    alpha = random.uniform(size=(2, 1, 64, 96))
    trimap = random.choice([0.0, 0.5, 1.0], (2, 1, 64, 96))
    return outputs, image, alpha, trimap


def tensors(*arrays):
    return [Tensor(array.astype(np.float32)) for array in arrays]


def test_terms_are_those_of_the_paper(config, example):
    outputs, image, alpha, trimap = example
    objective = zoo_modnet.build_supervised(Fixed(*outputs), config)
    loss, semantic, detail, matte = (float(v.asnumpy()) for v in objective(*tensors(image, alpha, trimap)))
    # The kernel above is printed to four digits.
    assert semantic == pytest.approx(10 * semantic_loss(outputs[0], alpha), rel=1e-3)
    assert detail == pytest.approx(10 * detail_loss(outputs[1], alpha, trimap), rel=1e-5)
    assert matte == pytest.approx(matte_loss(outputs[2], image, alpha, trimap), rel=1e-5)
    assert loss == pytest.approx(semantic + detail + matte, rel=1e-6)


def test_weights_are_options(config, example):
    outputs, image, alpha, trimap = example
    options = {**config.model.options, "semantic_scale": 1.0, "detail_scale": 2.0, "matte_scale": 3.0}
    objective = zoo_modnet.build_supervised(Fixed(*outputs), config.override(model={"options": options}))
    default = zoo_modnet.build_supervised(Fixed(*outputs), config)
    arguments = tensors(image, alpha, trimap)
    got = [float(v.asnumpy()) for v in objective(*arguments)][1:]
    usual = [float(v.asnumpy()) for v in default(*arguments)][1:]
    assert got == pytest.approx([usual[0] / 10, usual[1] / 5, usual[2] * 3], rel=1e-5)


def test_blur_keeps_a_flat_alpha(config):
    flat = np.full((1, 1, 64, 64), 0.7)
    outputs = np.full((1, 1, 4, 4), 0.7), flat, flat
    objective = zoo_modnet.build_supervised(Fixed(*outputs), config)
    arguments = tensors(np.ones((1, 3, 64, 64)), flat, np.full((1, 1, 64, 64), 0.5))
    assert float(objective(*arguments)[0].asnumpy()) == pytest.approx(0, abs=1e-6)


def test_perfect_known_region_costs_nothing_in_detail(config, example):
    outputs, image, alpha, _ = example
    objective = zoo_modnet.build_supervised(Fixed(*outputs), config)
    certain = (alpha > 0.5).astype(float)
    assert float(objective(*tensors(image, certain, certain))[2].asnumpy()) == 0


def test_needs_alpha_and_trimap(config, example):
    outputs, image, alpha, trimap = example
    objective = zoo_modnet.build_supervised(Fixed(*outputs), config)
    image, alpha, trimap = tensors(image, alpha, trimap)
    for arguments in ((image, None, None), (image, None, trimap), (image, alpha, None)):
        with pytest.raises(ValueError, match="needs an alpha and a trimap"):
            objective(*arguments)


def test_names_of_parameters_stay(build, config):
    network = build()
    names = [p.name for p in network.get_parameters()]
    objective = zoo_modnet.build_supervised(network, config)
    assert [p.name for p in objective.get_parameters()] == names


def cancelled(name, names):
    """Whether a norm further on takes back what this parameter does, so that its gradient is rounding alone."""
    if name.endswith("layers.0.bias"):  # of a convolution before IBNorm; the heads have no norm
        return name.replace("layers.0.bias", "layers.1.bnorm.gamma") in names
    # In the encoder: the shift of a projection, which reaches nothing but convolutions with a norm, and the scale of an
    # expansion, which passes ReLU6 (where nothing is cut) and the filtering channel by channel.
    return bool(re.search(r"features\.(1\.conv\.4\.beta|(?!1\.)\d+\.conv\.(7\.beta|1\.gamma))$", name))


def test_it_learns_and_every_parameter_takes_part(build, config, batch):
    """Eight compiled steps of the recipe's optimizer on one batch, and what the first gradient reached."""
    network = build()
    objective = zoo_modnet.build_supervised(network, config).set_train(True)
    arguments = [Tensor(array) for array in batch(2, 64, 64)]
    parameters = objective.trainable_params()
    optimizer = nn.SGD(parameters, 0.01, momentum=0.9)
    gradient = ms.value_and_grad(objective, None, parameters, has_aux=True)

    @ms.jit
    def step(image, alpha, trimap):
        (loss, *_), gradients = gradient(image, alpha, trimap)
        optimizer(gradients)
        return loss, gradients

    eager = float(objective(*arguments)[0].asnumpy())
    first, gradients = step(*arguments)
    assert float(first.asnumpy()) == pytest.approx(eager, rel=1e-4)
    names = {parameter.name for parameter in parameters}
    for parameter, value in zip(parameters, gradients, strict=True):
        largest = abs(value.asnumpy()).max()
        assert np.isfinite(largest), parameter.name
        assert cancelled(parameter.name, names) or largest > 1e-4, parameter.name
    losses = [float(step(*arguments)[0].asnumpy()) for _ in range(7)]
    assert losses[-1] < 0.8 * eager, losses
