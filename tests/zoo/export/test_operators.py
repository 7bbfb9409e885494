"""Every operator that the export knows, against MindSpore's own, at a size and a batch that were not traced."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

STRIDE = 4
SEEN: set[str] = set()
"""Operators that the networks of this file were made of."""


@pytest.fixture(scope="module", autouse=True)
def _started():
    from zoo.engine import device

    device.start("CPU")


def network(functions):
    """A cell (N, 3, H, W) -> a tuple, one entry for each function of the image or cell."""
    from mindspore import nn

    class Several(nn.Cell):
        def __init__(self):
            super().__init__()
            self.parts = nn.CellList([each for each in functions if isinstance(each, nn.Cell)])
            self.functions = tuple(each for each in functions if not isinstance(each, nn.Cell))

        def construct(self, image):
            found = ()
            for part in self.parts:
                found += (part(image),)
            for function in self.functions:
                found += (function(image),)
            return found

    cell = Several()
    randomise(cell)
    return cell.set_train(False)


def randomise(cell):
    """Other numbers in every parameter, so that none is mistaken for another: norms begin as the identity."""
    from mindspore import Tensor, ops

    rng = np.random.default_rng(7)
    for parameter in cell.get_parameters():
        ops.assign(parameter, Tensor(rng.uniform(0.2, 1.0, parameter.shape).astype(np.float32)))


def exported(cell):
    """The cell in ONNX Runtime: image -> list of arrays."""
    import onnxruntime

    from zoo.export import mindir
    from zoo.export.onnx_graph import to_model, write
    from zoo.export.sheet import Sheet
    from zoo.export.sizes import trace_inputs

    sheet = Sheet(trace_inputs(STRIDE))
    graphs = [mindir.trace(cell, shape) for shape in (sheet.inputs.first, sheet.inputs.second)]
    SEEN.update(operator.kind for operator in graphs[0].operators)
    answers = write(*graphs, sheet)
    if not isinstance(answers, tuple):
        answers = (answers,)
    model = to_model(sheet, {f"out{number}": each for number, each in enumerate(answers)}, "test", {})
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return lambda image: session.run(None, {"image": image})


def agree(*functions, shape=(2, 3, 12, 20), tolerance=2e-5):
    """Every function answers the same in both; a shape with another batch and other sides than the traces."""
    from mindspore import Tensor

    cell = network(functions)
    answer = exported(cell)
    for each in (shape, (1, 3, 20, 8)):
        image = np.random.default_rng(3).standard_normal(each, np.float32)
        theirs, ours = cell(Tensor(image)), answer(image)
        theirs = theirs if isinstance(theirs, tuple) else (theirs,)
        assert len(theirs) == len(ours) == len(functions)
        for number, (truth, other) in enumerate(zip(theirs, ours, strict=True)):
            truth = truth.asnumpy()
            assert truth.shape == other.shape, number
            assert np.abs(truth - other).max() <= tolerance * max(1.0, np.abs(truth).max()), number


def test_convolutions():
    from mindspore import nn

    def conv(kernel, *rest, **settings):
        return nn.Conv2d(3, 6, kernel, *rest, has_bias=True, **settings)

    agree(
        conv(3, pad_mode="pad", padding=1),
        conv(3, 2, pad_mode="same"),
        conv(2, pad_mode="valid"),
        conv(3, pad_mode="pad", padding=2, dilation=2, group=3),
        conv((3, 1), pad_mode="pad", padding=(2, 0, 0, 1)),  # top, bottom, left, right
        nn.Conv2d(3, 3, 3, group=3, pad_mode="same"),
    )


def test_transposed_convolutions():
    from mindspore import nn

    agree(
        nn.Conv2dTranspose(3, 4, 2, 2, has_bias=True),
        nn.Conv2dTranspose(3, 4, 4, 2, pad_mode="pad", padding=1),
        nn.Conv2dTranspose(3, 4, 3, 2, pad_mode="pad", padding=1, output_padding=1),
        nn.Conv2dTranspose(3, 4, 3, 1, pad_mode="valid"),
    )


def test_norms():
    from mindspore import nn, ops

    class Rows(nn.Cell):
        """An instance norm written as a layer norm of rows."""

        def __init__(self):
            super().__init__()
            self.norm = ops.LayerNorm(begin_norm_axis=1, begin_params_axis=2, epsilon=1e-5)

        def construct(self, x):
            n, c, h, w = x.shape
            one, zero = ops.ones((1,), x.dtype), ops.zeros((1,), x.dtype)
            return self.norm(x.reshape((n * c, h * w, 1)), one, zero)[0].reshape((n, c, h, w))

    class Columns(nn.Cell):
        """An instance norm written as a batch norm of one picture with many channels."""

        def __init__(self):
            super().__init__()
            self.norm = ops.BatchNorm(is_training=True, epsilon=1e-5, momentum=0.0)

        def construct(self, x):
            n, c, h, w = x.shape
            ones, zeros = ops.ones((n * c,), x.dtype), ops.zeros((n * c,), x.dtype)
            return self.norm(x.reshape((1, n * c, h, w)), ones, zeros, zeros, ones)[0].reshape((n, c, h, w))

    class Channels(nn.Cell):
        """A layer norm over channels that stand last."""

        def __init__(self):
            super().__init__()
            self.norm = nn.LayerNorm((3,))

        def construct(self, x):
            return self.norm(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)

    class Scaled(nn.Cell):
        """A layer norm over two axes with a scale for one."""

        def __init__(self):
            super().__init__()
            self.norm = ops.LayerNorm(begin_norm_axis=2, begin_params_axis=3, epsilon=1e-5)

        def construct(self, x):
            x = x.transpose(0, 2, 3, 1)
            return self.norm(x, ops.ones((3,), x.dtype) * 2, ops.ones((3,), x.dtype))[0]

    class ByHand(nn.Cell):
        """An instance norm of means and differences."""

        def construct(self, x):
            mean = x.mean(axis=(2, 3), keep_dims=True)
            square = ops.square(x - mean).mean(axis=(2, 3), keep_dims=True)
            return (x - mean) * ops.rsqrt(square + 1e-5) + (x - mean) / ops.sqrt(square + 1e-5)

    agree(nn.BatchNorm2d(3), Rows(), Columns(), Channels(), Scaled(), ByHand(), nn.GroupNorm(3, 3), tolerance=1e-4)


def test_activations():
    from mindspore import nn, ops

    def clamp(x):
        return ops.clamp(x, -0.5, 0.5)

    def clamp_above(x):
        return ops.clamp(x, None, 0.5)

    def log(x):
        return ops.log(ops.abs(x) + 1)

    def rest(x):
        return ops.floor(x) + ops.ceil(x) + ops.neg(x) + ops.exp(x) + ops.erf(x) + ops.reciprocal(ops.exp(x))

    agree(
        nn.ReLU(),
        nn.ReLU6(),
        nn.Sigmoid(),
        nn.Tanh(),
        nn.LeakyReLU(0.1),
        nn.ELU(),
        nn.PReLU(3),
        nn.HSwish(),
        nn.HSigmoid(),
        nn.SiLU(),
        nn.Mish(),
        nn.GELU(),
        nn.GELU(approximate=False),
        nn.Softmax(1),
        nn.LogSoftmax(1),
        ops.softplus,
        clamp,
        clamp_above,
        log,
        rest,
        tolerance=1e-4,
    )


def test_arithmetic():
    from mindspore import float32, mint, ops

    def several(x):
        return (x + 1) * (2 - x) / 3 + x**2 - ops.maximum(x, 0.5) + ops.minimum(x, x * x)

    def compared(x):
        both = ops.logical_and(x > 0.1, x < 0.9)
        either = ops.logical_or(x >= 1.0, ops.logical_not(x <= -1.0))
        return both.astype(float32) + either.astype(float32) * 2

    def equal(x):
        rounded = ops.floor(x)
        return (
            (rounded == ops.ceil(x)).astype(float32) * 4
            + (rounded == 0).astype(float32)
            + (rounded != 1).astype(float32) * 2
        )

    def chosen(x):
        return ops.where(x > 0, x, x * 2.0)

    def added(x):
        return ops.addn((x, x, x))

    def in_place(x):
        y = x * 2
        y += x
        return y

    def squared(x):
        return ops.SquaredDifference()(x, x * 2) + ops.RealDiv()(x, x * x + 1)

    def less(x):
        return (x < x * x).astype(float32) + (ops.softsign(x) > ops.sign(x)).astype(float32)

    def newer(x):
        return mint.add(x, x * 3) - mint.sub(x, x * 2)

    agree(several, compared, equal, chosen, added, in_place, squared, less, newer)


def test_constants_that_grow_with_the_input():
    from mindspore import ops

    def variance(x):
        return x.var(axis=(2, 3))  # H W stands in the graph as a number

    def spread(x):
        return x * ops.full((x.shape[0], 1, x.shape[2], 1), 2.0, dtype=x.dtype) + ops.ones_like(x)

    def pixels(x):
        return x.sum(axis=(2, 3)) / (x.shape[2] * x.shape[3])

    agree(variance, spread, pixels)


def test_moving():
    from mindspore import Tensor, mint, ops

    def halves(x):
        h = x.shape[2]
        return ops.concat((x[:, :, : h // 2], x[:, :, h // 2 :]), axis=1)

    def some(x):
        return x[:, 1:, ::2, 1:-1]

    def one(x):
        return x[:, 0]

    def last(x):
        return x[:, -1]

    def parts(x):
        first, second = ops.split(ops.concat((x, x * 2), axis=1), 3, axis=1)
        return second - first

    def shuffled(x):
        n, c, h, w = x.shape
        y = x.reshape((n, c, h // 2, 2, w // 2, 2)).transpose((0, 1, 3, 5, 2, 4))
        return y.reshape((n, c * 4, h // 2, w // 2))

    def tokens(x):
        n, c, h, w = x.shape
        rows = x.reshape((n, c, h * w)).transpose((0, 2, 1))
        return ops.matmul(rows.transpose((0, 2, 1)), rows) / 100

    def windows(x):
        n, c, h, w = x.shape
        y = x.reshape((n * c, h // 4, 4, w // 4, 4)).transpose((0, 1, 3, 2, 4)).reshape((-1, 16))
        return y.reshape((n, c, h // 4, w // 4, 4, 4)).transpose((0, 1, 2, 4, 3, 5)).reshape((n, c, h, w))

    def stacked(x):
        return ops.stack((x, x * 2), axis=1).sum(axis=1)

    def axes(x):
        return ops.squeeze(ops.expand_dims(x, 1), 1) + x.flatten(start_dim=1).sum(axis=1).reshape((-1, 1, 1, 1))

    def spread(x):
        return ops.broadcast_to(x.mean(axis=(2, 3), keep_dims=True), x.shape)

    def tiled(x):
        return ops.tile(x, (1, 2, 1, 1))

    numbers = Tensor([2, 0])

    def sliced(x):
        return ops.slice(x, (0, 1, 0, 0), (x.shape[0], 2, x.shape[2], x.shape[3]))

    def newer(x):
        return mint.flatten(mint.unsqueeze(x, 2), 1, 2)

    def picked(x):
        return ops.gather(x, numbers, 1)

    agree(
        halves, some, one, last, parts, shuffled, tokens, windows, stacked, axes, spread, tiled, sliced, newer, picked
    )


def test_padding():
    from mindspore import nn, ops

    def reflected(x):
        return ops.pad(x, (1, 1, 2, 2), mode="reflect")

    def repeated(x):
        return ops.pad(x, (1, 0, 0, 2), mode="replicate")

    agree(
        nn.ZeroPad2d((1, 2, 0, 3)),
        nn.Pad(((0, 0), (0, 0), (1, 2), (3, 0)), "CONSTANT"),
        nn.Pad(((0, 0), (0, 0), (1, 1), (2, 2)), "REFLECT"),
        reflected,
        repeated,
    )


def test_resizing():
    from mindspore import mint, ops

    def double(x):
        return ops.interpolate(x, size=(x.shape[2] * 2, x.shape[3] * 2), mode="bilinear")

    def quarter(x):
        return ops.interpolate(x, size=(x.shape[2] // 4, x.shape[3] // 4), mode="bilinear")

    def three_halves(x):
        return ops.interpolate(x, size=(x.shape[2] // 2 * 3, x.shape[3] // 2 * 3), mode="bilinear")

    def fixed(x):
        return ops.interpolate(x, size=(7, 9), mode="bilinear")

    def aligned(x):
        return ops.interpolate(x, size=(x.shape[2] * 2, x.shape[3] * 2), mode="bilinear", align_corners=True)

    def nearest(x):
        return ops.interpolate(x, size=(x.shape[2] * 2, x.shape[3] * 2), mode="nearest")

    def nearest_fixed(x):
        return ops.ResizeNearestNeighbor((8, 8))(x)

    def newer(x):
        return mint.nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")

    agree(double, quarter, three_halves, fixed, aligned, nearest, nearest_fixed, newer)


def test_pooling():
    from mindspore import nn, ops

    class Back(nn.Cell):
        """Maxima put back where they were found, windows overlapping: SegNet's unpooling as P3M-Net has it."""

        def __init__(self):
            super().__init__()
            from mindspore import int64

            self.pool = ops.MaxPoolWithArgmaxV2(kernel_size=3, strides=2, pads=1, argmax_type=int64)

        def construct(self, x):
            values, places = self.pool(x)
            return ops.max_unpool2d(values, places, kernel_size=2, stride=2)

    agree(
        nn.MaxPool2d(2, 2),
        nn.MaxPool2d(3, 2, pad_mode="same"),
        nn.MaxPool2d(3, 2, pad_mode="pad", padding=1),
        nn.AvgPool2d(2, 2),
        nn.AvgPool2d(3, 2, pad_mode="pad", padding=1),
        nn.AvgPool2d(3, 2, pad_mode="pad", padding=1, count_include_pad=False),
        nn.AvgPool2d(3, 2, pad_mode="same"),
        nn.AdaptiveAvgPool2d(1),
        nn.AdaptiveMaxPool2d(1),
        Back(),
    )


def test_reductions_and_products():
    from mindspore import Tensor, float32, mint, nn, ops

    weights, offsets = Tensor(np.arange(15, dtype=np.float32).reshape(5, 3)), Tensor(np.arange(5, dtype=np.float32))

    def reduced(x):
        return x.mean(axis=1) + x.sum(axis=1) / 3 + ops.amax(x, axis=1) + ops.amin(x, axis=1)

    def others(x):
        return ops.ReduceSum(True)(x, (1, 2)) + mint.mean(x, 1, True) + x.max(axis=1, keepdims=True)

    def newer(x):
        rows = x.reshape((x.shape[0], 3, -1)).swapaxes(1, 2)
        return ops.dense(rows, weights, offsets)

    def everything(x):
        return x.mean()

    def largest(x):
        return x.argmax(axis=1).astype(float32)

    def attention(x):
        rows = x.reshape((x.shape[0], 3, x.shape[2] * x.shape[3]))
        return ops.softmax(ops.bmm(rows, rows.swapaxes(1, 2)) / 100, axis=-1)

    class Head(nn.Cell):
        def __init__(self):
            super().__init__()
            self.first, self.second = nn.Dense(3, 5), nn.Dense(5, 3, has_bias=False)

        def construct(self, x):
            weight = self.second(self.first(x.mean(axis=(2, 3))))
            return x * weight.reshape((x.shape[0], x.shape[1], 1, 1))

    agree(reduced, others, newer, everything, largest, attention, Head(), tolerance=1e-4)


def test_no_operator_of_the_table_is_untested():
    from zoo.export.table import functions

    missing = sorted(set(functions()) - SEEN)
    assert not missing, ", ".join(missing)
