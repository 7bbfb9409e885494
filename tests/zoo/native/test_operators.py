"""The native operators against NumPy in float64 and PyTorch, and that they repeat to the bit."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from zoo.native.check import first_difference
from zoo.native.ops import geometry, settings

torch = pytest.importorskip("torch")

# x, weight, stride, padding above/below/left/right, dilation, groups
CASES = [
    ((2, 35, 17, 20), (8, 35, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 1),
    ((1, 16, 9, 9), (32, 16, 3, 3), (2, 1), (0, 1, 2, 0), (1, 1), 1),
    ((2, 16, 13, 8), (16, 1, 5, 3), (1, 1), (2, 2, 1, 1), (1, 1), 16),
    ((3, 8, 20, 20), (4, 8, 3, 3), (1, 1), (4, 4, 2, 2), (4, 2), 1),
    ((2, 64, 6, 6), (48, 64, 1, 1), (2, 2), (0, 0, 0, 0), (1, 1), 1),
    ((2, 12, 10, 10), (24, 3, 3, 3), (1, 1), (1, 1, 1, 1), (1, 1), 4),
]


def tensor(array):
    import mindspore as ms

    return ms.Tensor(np.asarray(array, np.float32))


def gradients(function, arrays, towards):
    """Value, and gradients of all arrays, compiled as in a training step."""
    import mindspore as ms

    weight = tensor(towards)

    def loss(*given):
        y = function(*given)
        return (y * weight).sum(), y

    taken = ms.jit(ms.value_and_grad(loss, tuple(range(len(arrays))), has_aux=True))
    (_, y), found = taken(*map(tensor, arrays))
    return [y.asnumpy(), *(gradient.asnumpy() for gradient in found)]


def close(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert np.abs(one - other).max() <= 3e-6 * max(1.0, np.abs(other).max())


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(("x", "w", "stride", "padding", "dilation", "groups"), CASES)
def test_convolution_does_what_pytorch_does_in_float64(native, x, w, stride, padding, dilation, groups, bias):
    random = np.random.default_rng(0)
    arrays = [random.normal(size=shape).astype(np.float32) for shape in (x, w, w[:1])][: 3 if bias else 2]
    theirs = [torch.tensor(array, dtype=torch.float64, requires_grad=True) for array in arrays]
    above, below, left, right = padding
    padded = torch.nn.functional.pad(theirs[0], (left, right, above, below))
    y = torch.nn.functional.conv2d(padded, *theirs[1:], stride=stride, dilation=dilation, groups=groups)
    towards = random.normal(size=tuple(y.shape)).astype(np.float32)
    (y * torch.tensor(towards)).sum().backward()
    told = geometry(stride, padding, dilation)
    operator = native.convolution_bias if bias else native.convolution

    def ours(*given):
        return operator(*given, *told)

    found = gradients(ours, arrays, towards)
    close(found, [y.detach().numpy(), *(t.grad.numpy() for t in theirs)])


@pytest.mark.parametrize("activation", ["none", "relu", "relu6"])
@pytest.mark.parametrize("shape", [(2, 5, 7, 9), (1, 3, 40, 50), (4, 2, 1, 1)])
def test_norm_does_what_pytorch_does_in_float64(native, shape, activation):
    random = np.random.default_rng(1)
    channels = shape[1]
    x, towards = (random.normal(2.0, 3.0, shape).astype(np.float32) for _ in range(2))
    gamma, beta, mean = (random.normal(1.0, 2.0, channels).astype(np.float32) for _ in range(3))
    variance = random.random(channels).astype(np.float32)
    layer = torch.nn.BatchNorm2d(channels, eps=1e-3, momentum=0.3).double()
    for name, value in (("weight", gamma), ("bias", beta), ("running_mean", mean), ("running_var", variance)):
        getattr(layer, name).data.copy_(torch.from_numpy(value))
    given = torch.tensor(x, dtype=torch.float64, requires_grad=True)
    after = {"none": torch.nn.Identity(), "relu": torch.nn.ReLU(), "relu6": torch.nn.ReLU6()}[activation]
    y = after(layer(given))
    (y * torch.tensor(towards)).sum().backward()
    told, old = settings(1e-3, 0.3, activation), (tensor(mean), tensor(variance))

    def ours(x, gamma, beta):
        return native.norm(x, gamma, beta, *old, told)[0]

    found = gradients(ours, [x, gamma, beta], towards)
    expected = [y.detach().numpy(), *(t.grad.numpy() for t in (given, layer.weight, layer.bias))]
    for one, other in zip(found, expected, strict=True):
        assert np.abs(one - other).max() <= 2e-5 * max(1.0, np.abs(other).max())
    moved = native.norm(*map(tensor, (x, gamma, beta, mean, variance)), told)[3:]
    close([m.asnumpy() for m in moved], [layer.running_mean.numpy(), layer.running_var.numpy()])


def test_a_flat_area_is_summed_well(native):
    """512 x 512 equal values: added in float32 one after the other they come out half a percent off."""
    x = np.full((1, 1, 512, 512), 0.1, np.float32)
    one, zero = tensor([1]), tensor([0])
    mean = native.norm(tensor(x), one, zero, zero, one, settings(1e-5, 0.1))[1].asnumpy()
    assert mean[0] == pytest.approx(np.float32(0.1), rel=2e-6)


def test_the_check_agrees_and_would_see_a_difference(native):
    from dataclasses import replace

    assert first_difference(native) is None

    def wrong(*given):
        return native.convolution(*given) * 1.0001

    assert first_difference(replace(native, convolution=wrong)).startswith("convolution 3x3 of 16 channels")


PROGRAM = """
import sys, hashlib
import numpy as np
from pathlib import Path
from zoo.engine import device
device.start()
import mindspore as ms
from zoo.native import build
from zoo.native.ops import geometry, operators, settings
native = operators(build.library())
random = np.random.default_rng(0)
def draw(*shape):
    return ms.Tensor(random.normal(size=shape).astype(np.float32))
x, w, b, dy = draw(2, 35, 40, 40), draw(24, 35, 3, 3), draw(24), draw(2, 24, 40, 40)
told, kept = geometry((1, 1), (1,) * 4, (1, 1)), settings(1e-5, 0.1, "relu6")
def loss(x, w, b):
    y = native.convolution_bias(x, w, b, *told)
    return (native.norm(y, b, b, b, b, kept)[0] * dy).sum()
taken = ms.jit(ms.value_and_grad(loss, (0, 1, 2)))
for _ in range(3):
    value, found = taken(x, w, b)
    print("BITS", hashlib.sha256(b"".join(t.asnumpy().tobytes() for t in (value, *found))).hexdigest())
"""


def test_the_same_bits_again_and_in_another_process(library, tmp_path):
    program = tmp_path / "program.py"  # MindSpore reads the source of what it compiles
    program.write_text(PROGRAM)
    environment = os.environ | {"ZOO_HOME": str(library.parents[2])}
    bits = set()
    for _ in range(2):
        done = subprocess.run([sys.executable, program], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        lines = [line for line in done.stdout.splitlines() if line.startswith("BITS")]
        assert len(lines) == 3
        bits |= set(lines)
    assert len(bits) == 1


def test_a_child_made_by_fork_has_threads_of_its_own(native):
    """Data workers may be forked from a process that has trained."""
    told = geometry((1, 1), (1,) * 4, (1, 1))
    native.convolution(tensor(np.ones((1, 4, 8, 8))), tensor(np.ones((4, 4, 3, 3))), *told).asnumpy()
    pid = os.fork()
    if pid == 0:
        os._exit(0)  # the child must come this far with the pool's handlers in it
    assert os.waitpid(pid, 0)[1] == 0
    y = native.convolution(tensor(np.ones((1, 4, 8, 8))), tensor(np.ones((4, 4, 3, 3))), *told).asnumpy()
    assert y[0, 0, 4, 4] == 36  # 4 channels of 3 x 3 ones
