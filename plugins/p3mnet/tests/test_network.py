"""Shapes, counts and arithmetic of the network."""

from types import SimpleNamespace

import mindspore as ms
import numpy as np
import pytest
import zoo_p3mnet
from mindspore import Tensor, nn, ops
from zoo_p3mnet.network import fuse

from zoo import UsageError


def names_of(network):
    return {p.name: p.asnumpy() for p in network.get_parameters()}


@pytest.fixture(scope="module")
def published(build, default_config):
    """The network at its published width."""
    return build(default_config).set_train(False)


@pytest.fixture(scope="module")
def small(build):
    return build().set_train(False)


def test_counts(published):
    # Counted in a transcript of the authors' modules: 39,478,060 and 21,797,672, less the classifier's 513,000.
    assert sum(p.size for p in published.trainable_params()) == 38_965_060 == zoo_p3mnet.CARD.parameters
    assert sum(p.size for p in published.backbone.trainable_params()) == 21_284_672
    cells = [type(cell) for _, cell in published.cells_and_names()]
    assert cells.count(nn.BatchNorm2d) == 36 + 28 + 10  # encoder, decoders, integrations


def test_macs_of_the_card(published):
    macs = 0

    def count(cell, _, output):
        nonlocal macs
        macs += output.size * int(np.prod(cell.weight.shape[1:]))

    hooks = [c.register_forward_hook(count) for _, c in published.cells_and_names() if isinstance(c, nn.Conv2d)]
    published(Tensor(np.zeros((1, 3, 64, 64), np.float32)))
    for hook in hooks:
        hook.remove()
    assert macs * (512 // 64) ** 2 == zoo_p3mnet.CARD.macs


def test_backbone_maps(small):
    backbone = small.backbone
    assert backbone.channels == (8, 8, 8, 16, 32, 64)
    assert backbone.strides == (1, 2, 4, 8, 16, 32)
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
    assert 0 <= values.min() <= values.max() <= 1


def test_branches(small, batch):
    image = Tensor(batch(2, 64, 96)[0])
    trimap, detail, alpha, sides = small.branches(image)
    assert (trimap.shape, detail.shape, alpha.shape) == ((2, 3, 64, 96), (2, 1, 64, 96), (2, 1, 64, 96))
    assert [side.shape for side in sides] == [(2, 3, 64, 96)] * 3
    np.testing.assert_array_equal(alpha.asnumpy(), small(image).asnumpy())


def test_fusion_and_its_gradient():
    # Background, unknown, foreground, and three ties: of equal ones the first counts.
    logits = [[3, 1, 2], [1, 3, 2], [1, 2, 3], [2, 2, 1], [1, 2, 2], [2, 1, 2]]
    trimap = Tensor(np.array(logits, np.float32).T.reshape(1, 3, 2, 3))
    detail = Tensor(np.full((1, 1, 2, 3), 0.25, np.float32))
    assert fuse(trimap, detail).asnumpy().ravel().tolist() == [0, 0.25, 1, 0, 0.25, 0]
    of_trimap, of_detail = ms.grad(lambda t, d: fuse(t, d).sum(), (0, 1))(trimap, detail)
    assert not of_trimap.asnumpy().any()
    assert of_detail.asnumpy().ravel().tolist() == [0, 1, 0, 0, 1, 0]


def test_pictures_of_a_batch_do_not_mix_in_evaluation(small, batch):
    image = batch(2, 64, 64)[0]
    together = small.branches(Tensor(image))[1].asnumpy()
    apart = np.concatenate([small.branches(Tensor(image[i : i + 1]))[1].asnumpy() for i in range(2)])
    np.testing.assert_allclose(together, apart, atol=2e-5)


def test_compiled_equals_eager(small, batch):
    image = Tensor(batch(1, 64, 64)[0])

    @ms.jit
    def forward(image):
        return small.branches(image)

    for one, other in zip(forward(image)[:2], small.branches(image)[:2], strict=True):
        np.testing.assert_allclose(one.asnumpy(), other.asnumpy(), atol=2e-5)


def test_initialisation_depends_on_the_seed_alone(build, config):
    first = names_of(build())
    ms.set_seed(123)
    np.random.seed(123)
    second = names_of(build())
    assert all((first[name] == second[name]).all() for name in first)
    other = names_of(build(config.override(train={"seed": 1})))
    assert not any((first[name] == other[name]).all() for name in first if first[name].ndim > 1)


def test_initialisation_is_the_authors_s(build):
    for name, value in names_of(build()).items():
        if value.ndim == 4 and name.startswith("backbone."):
            # resnet_mp.py: Kaiming normal by the number of outputs
            assert value.std() == pytest.approx(np.sqrt(2 / (value.shape[0] * value[0, 0].size)), rel=0.15), name
        elif value.ndim == 4:
            bound = 1 / np.sqrt(value[0].size)  # PyTorch's own
            assert abs(value).max() <= bound, name
            if value.size > 1000:
                assert value.std() == pytest.approx(bound / np.sqrt(3), rel=0.1), name
        elif name.endswith(".bias"):
            assert 0 < abs(value).max() <= 1 / np.sqrt(9 * 3), name  # of a convolution, drawn as its weights are
        else:
            assert (value == (1 if name.endswith(("gamma", "moving_variance")) else 0)).all(), name


def test_sides_must_be_multiples_of_32(small):
    with pytest.raises(ValueError, match="multiples of 32, not 64 and 100"):
        small(Tensor(np.zeros((1, 3, 64, 100), np.float32)))


def test_backbone_must_fit(config):
    with pytest.raises(UsageError, match=r"1/1, 1/2, 1/4, 1/8, 1/16, 1/32; this one has 1/4, 1/8"):
        zoo_p3mnet.build_network(config, SimpleNamespace(channels=(8, 8), strides=(4, 8)))
    with pytest.raises(UsageError, match=r"halves the channels .*\[8, 8, 8, 7, 8, 8\]"):
        zoo_p3mnet.build_network(config, SimpleNamespace(channels=(8, 8, 8, 7, 8, 8), strides=(1, 2, 4, 8, 16, 32)))
    with pytest.raises(UsageError, match="needs a backbone"):
        zoo_p3mnet.build_network(config, None)


@pytest.mark.parametrize("width", [0, 7, "wide", 8.0, True])
def test_width_must_be_even(config, width):
    with pytest.raises(UsageError, match="encoder_width must be an even number of at least 2"):
        zoo_p3mnet.build_backbone(config.override(model={"options": {"encoder_width": width}}))


def test_encoder_of_another_model_has_the_published_width(config):
    assert zoo_p3mnet.build_backbone(config.override(model={"options": {}})).channels[0] == 64


class Pyramid(nn.Cell):
    """An encoder of somebody else's: channels of its own at every stride, and one map more."""

    channels = (4, 6, 10, 8, 12, 14, 2)
    strides = (1, 2, 4, 8, 16, 32, 64)

    def __init__(self):
        super().__init__()
        self.convolutions = nn.CellList([nn.Conv2d(3, c, 1) for c in self.channels])

    def construct(self, image):
        maps = ()
        for convolution, stride in zip(self.convolutions, self.strides, strict=True):
            maps = (*maps, convolution(ops.avg_pool2d(image, stride, stride)))
        return maps


def test_another_backbone(config):
    network = zoo_p3mnet.build_network(config, Pyramid())
    assert network(Tensor(np.zeros((1, 3, 64, 128), np.float32))).shape == (1, 1, 64, 128)


def test_the_parts_make_the_alpha(small):
    image = Tensor(np.random.default_rng(3).normal(size=(2, 3, 64, 96)).astype(np.float32))
    trimap, detail = (part.asnumpy() for part in small.parts(image))
    assert set(np.unique(trimap)) <= {0.0, 0.5, 1.0}
    assert 0.5 in trimap
    assert np.array_equal(np.where(trimap == 0.5, detail, trimap), small(image).asnumpy())
