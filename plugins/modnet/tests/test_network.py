"""Shapes, counts and arithmetic of the network."""

from types import SimpleNamespace

import mindspore as ms
import numpy as np
import pytest
import zoo_modnet
from mindspore import Tensor, nn, ops
from zoo_modnet.network import IBNorm, InstanceNorm, MODNet

from zoo import UsageError


def names_of(network):
    return {p.name: p.asnumpy() for p in network.get_parameters()}


def test_counts(modnet):
    # Counted in the PyTorch module of the reference, whose encoder has 2,223,872 of them.
    assert sum(p.size for p in modnet.trainable_params()) == 6_487_075 == zoo_modnet.CARD.parameters
    assert sum(p.size for p in modnet.backbone.trainable_params()) == 2_223_872
    assert sum(p.size for p in modnet.get_parameters() if not p.requires_grad) == 34_832
    cells = [type(cell) for _, cell in modnet.cells_and_names()]
    assert cells.count(nn.BatchNorm2d) == 69
    assert cells.count(InstanceNorm) == 17


def test_macs_of_the_card(modnet):
    macs = {nn.Conv2d: 0, nn.Dense: 0}

    def count(cell, _, output):
        macs[type(cell)] += output.size * int(np.prod(cell.weight.shape[1:]))

    hooks = [c.register_forward_hook(count) for _, c in modnet.cells_and_names() if type(c) in macs]
    modnet(Tensor(np.zeros((1, 3, 64, 64), np.float32)))
    for hook in hooks:
        hook.remove()
    # Convolutions grow with the area; the two linear layers see one pixel whatever the size.
    assert macs[nn.Conv2d] * (512 // 64) ** 2 + macs[nn.Dense] == zoo_modnet.CARD.macs


def test_backbone_maps(modnet):
    backbone = modnet.backbone
    assert backbone.channels == (16, 24, 32, 96, 1280)
    assert backbone.strides == (2, 4, 8, 16, 32)
    maps = backbone(Tensor(np.zeros((1, 3, 64, 96), np.float32)))
    expected = [(1, c, 64 // s, 96 // s) for c, s in zip(backbone.channels, backbone.strides, strict=True)]
    assert [m.shape for m in maps] == expected


@pytest.mark.parametrize(("count", "height", "width"), [(1, 64, 64), (2, 96, 64)])
@pytest.mark.parametrize("training", [False, True])
def test_alpha_alone_in_both_modes(build, batch, count, height, width, training):
    network = build().set_train(training)
    alpha = network(Tensor(batch(count, height, width)[0]))
    assert alpha.shape == (count, 1, height, width)
    values = alpha.asnumpy()
    assert np.isfinite(values).all()
    assert 0 <= values.min() < values.max() <= 1


def test_branches(modnet, batch):
    image = Tensor(batch(2, 64, 96)[0])
    semantic, detail, alpha = modnet.branches(image)
    assert (semantic.shape, detail.shape, alpha.shape) == ((2, 1, 4, 6), (2, 1, 64, 96), (2, 1, 64, 96))
    np.testing.assert_array_equal(alpha.asnumpy(), modnet(image).asnumpy())
    for output in (semantic, detail):
        assert 0 <= output.asnumpy().min() <= output.asnumpy().max() <= 1


def test_pictures_of_a_batch_do_not_mix_in_evaluation(modnet, batch):
    image = batch(2, 64, 64)[0]
    together = modnet(Tensor(image)).asnumpy()
    apart = np.concatenate([modnet(Tensor(image[i : i + 1])).asnumpy() for i in range(2)])
    np.testing.assert_allclose(together, apart, atol=2e-5)
    # and a batch changes no parameter
    before = names_of(modnet)
    modnet(Tensor(image))
    assert all((before[name] == value).all() for name, value in names_of(modnet).items())


def test_compiled_equals_eager(modnet, batch):
    image = Tensor(batch(1, 64, 64)[0])

    @ms.jit
    def forward(image):
        return modnet(image)

    np.testing.assert_allclose(forward(image).asnumpy(), modnet(image).asnumpy(), atol=2e-5)


def test_initialisation_depends_on_the_seed_alone(build, config):
    first = names_of(build())
    ms.set_seed(123)
    np.random.seed(123)
    second = names_of(build())
    assert all((first[name] == second[name]).all() for name in first)
    other = names_of(build(config.override(train={"seed": 1})))
    weights = [name for name in first if first[name].ndim > 1]
    assert not any((first[name] == other[name]).all() for name in weights)


def test_initialisation_is_the_reference_s(build):
    for name, value in names_of(build()).items():
        if value.ndim == 4:
            bound = np.sqrt(6 / np.prod(value.shape[1:]))  # Kaiming uniform, fan-in, gain of ReLU
        elif value.ndim == 2:
            bound = np.sqrt(1 / value.shape[1])  # PyTorch's linear layer
        else:
            ones = name.endswith(("gamma", "moving_variance"))
            assert (value == (1 if ones else 0)).all(), name
            continue
        assert abs(value).max() <= bound, name
        if value.size > 1000:
            assert abs(value).max() > 0.98 * bound, name
            assert value.std() == pytest.approx(bound / np.sqrt(3), rel=0.1), name


def test_sides_must_be_multiples_of_32(modnet):
    with pytest.raises(ValueError, match="multiples of 32, not 64 and 100"):
        modnet(Tensor(np.zeros((1, 3, 64, 100), np.float32)))


def test_backbone_must_fit(config):
    with pytest.raises(UsageError, match=r"1/2, 1/4 and 1/32; this one has 1/4, 1/8"):
        zoo_modnet.build_network(config, SimpleNamespace(channels=(8, 8), strides=(4, 8)))
    with pytest.raises(UsageError, match="needs a backbone"):
        zoo_modnet.build_network(config, None)


def test_options_must_fit(config):
    encoder = SimpleNamespace(channels=(8, 8, 8), strides=(2, 4, 32))
    with pytest.raises(UsageError, match=r"not 2 and \[96, 32\]"):
        MODNet(encoder, hr_channels=2)
    with pytest.raises(UsageError, match="two whole numbers"):
        MODNet(encoder, lr_channels=(96,))
    with pytest.raises(UsageError, match="whole number"):
        MODNet(encoder, hr_channels="abc")


class Pyramid(nn.Cell):
    """An encoder of somebody else's: other channels, one map more."""

    channels = (4, 6, 5, 8)
    strides = (2, 4, 8, 32)

    def __init__(self):
        super().__init__()
        self.convolutions = nn.CellList([nn.Conv2d(3, c, 1) for c in self.channels])

    def construct(self, image):
        pooled = [ops.interpolate(image, size=(image.shape[2] // s, image.shape[3] // s), mode="area") for s in (2, 4)]
        pooled += [
            ops.interpolate(image, size=(image.shape[2] // s, image.shape[3] // s), mode="area") for s in (8, 32)
        ]
        return tuple(conv(x) for conv, x in zip(self.convolutions, pooled, strict=True))


def test_another_backbone_and_other_widths(config):
    options = {**config.model.options, "hr_channels": 8, "lr_channels": [10, 6]}
    encoder = Pyramid()
    before = encoder.convolutions[0].weight.asnumpy()
    network = zoo_modnet.build_network(config.override(model={"options": options}), encoder)
    assert network(Tensor(np.zeros((1, 3, 64, 64), np.float32))).shape == (1, 1, 64, 64)
    assert (network.backbone.convolutions[0].weight.asnumpy() == before).all(), "the backbone's weights are not ours"


# --- Norms, against NumPy in float64 ---------------------------------------------------------------


def instance_norm(x):
    centred = x - x.mean((2, 3), keepdims=True)
    return centred / np.sqrt((centred**2).mean((2, 3), keepdims=True) + 1e-5)


def instance_norm_gradient(x, dy):
    """dx of sum(dy * instance_norm(x)), by hand."""
    centred = x - x.mean((2, 3), keepdims=True)
    scale = 1 / np.sqrt((centred**2).mean((2, 3), keepdims=True) + 1e-5)
    y = centred * scale
    return scale * (dy - dy.mean((2, 3), keepdims=True) - y * (dy * y).mean((2, 3), keepdims=True))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("compiled", [False, True])
def test_instance_norm_forward_and_gradient(training, compiled):
    random = np.random.default_rng(0)
    x = random.normal(1.5, 2, (3, 5, 12, 8))
    dy = random.normal(size=x.shape)
    norm = InstanceNorm().set_train(training)
    weight = Tensor(dy.astype(np.float32))

    def loss(x):
        y = norm(x)
        return (y * weight).sum(), y

    both = ms.value_and_grad(loss, has_aux=True)
    # Twice, because what the kernel leaves behind would spoil the second call.
    run = ms.jit(both) if compiled else both
    for _ in range(2):
        (_, y), dx = run(Tensor(x.astype(np.float32)))
        np.testing.assert_allclose(y.asnumpy(), instance_norm(x), atol=2e-6)
        np.testing.assert_allclose(dx.asnumpy(), instance_norm_gradient(x, dy), atol=2e-6)


def test_instance_norm_keeps_nothing():
    assert list(InstanceNorm().get_parameters()) == []


@pytest.mark.parametrize("channels", [6, 7])
def test_ibnorm(channels):
    random = np.random.default_rng(0)
    x = random.normal(1, 2, (3, channels, 8, 8))
    half = channels // 2  # the floor goes to batch norm
    norm = IBNorm(channels)
    gamma, beta = random.uniform(0.5, 1.5, half), random.normal(size=half)
    norm.bnorm.gamma.set_data(Tensor(gamma.astype(np.float32)))
    norm.bnorm.beta.set_data(Tensor(beta.astype(np.float32)))

    def expected(mean, variance):
        affine = [v.reshape(1, -1, 1, 1) for v in (gamma, beta, mean, variance)]
        first = affine[0] * (x[:, :half] - affine[2]) / np.sqrt(affine[3] + 1e-5) + affine[1]
        return np.concatenate([first, instance_norm(x[:, half:])], axis=1)

    mean, variance = x[:, :half].mean((0, 2, 3)), x[:, :half].var((0, 2, 3))
    image = Tensor(x.astype(np.float32))
    norm.set_train(True)
    np.testing.assert_allclose(norm(image).asnumpy(), expected(mean, variance), atol=1e-5)
    # PyTorch's momentum 0.1 with the unbiased variance of 3 * 8 * 8 values.
    moving = 0.1 * mean, 0.9 + 0.1 * variance * 192 / 191
    np.testing.assert_allclose(norm.bnorm.moving_mean.asnumpy(), moving[0], atol=1e-6)
    np.testing.assert_allclose(norm.bnorm.moving_variance.asnumpy(), moving[1], rtol=1e-5)
    norm.set_train(False)
    np.testing.assert_allclose(norm(image).asnumpy(), expected(*moving), atol=1e-5)
