import numpy as np
import pytest

from zoo.metrics import grad as module
from zoo.metrics.grad import grad


def test_kernels_are_those_of_scipy():
    # An impulse through SciPy's filters gives back the kernels (the derivative's sign does not matter: it is squared).
    ndimage = pytest.importorskip("scipy.ndimage")
    impulse = np.zeros(31)
    impulse[15] = 1
    gaussian, derivative = module._kernels()
    assert len(gaussian) == 13
    assert ndimage.gaussian_filter1d(impulse, 1.4)[9:22] == pytest.approx(gaussian, rel=1e-12)
    assert ndimage.gaussian_filter1d(impulse, 1.4, order=1)[9:22] == pytest.approx(derivative, rel=1e-12)


def test_a_ramp_against_a_flat_matte():
    # Inside a ramp of slope s the gradient is s times sum(-x d(x)) = sum(x^2 G(x)) / sigma^2, and 0 across. Its value:
    # the variance of the 13 taps over 1.96. So one inner pixel adds (s v)^2 / 10. The image is 1 pixel high;
    # a ramp of 200 pixels, of which those next to the two ends (6 each) are mirrored: they are left out below
    # by the difference between a ramp of 200 and one of 100 pixels.
    x = np.arange(-6, 7)
    taps = np.exp(-(x**2) / (2 * 1.4**2))
    v = (x**2 * taps).sum() / taps.sum() / 1.4**2
    slope = 1 / 256

    def of(length):
        return grad(np.arange(length)[None] * slope, np.full((1, length), 0.25))

    assert of(200) - of(100) == pytest.approx(100 * (slope * v) ** 2 / 10, rel=1e-9)


def test_direction_of_the_gradient_is_not_seen():
    # Magnitudes are compared (unlike the 2009 report): a matte and its complement are alike.
    alpha = np.random.default_rng(0).random((40, 50))
    assert grad(alpha, 1 - alpha) == pytest.approx(0, abs=1e-25)


def test_axioms():
    rng = np.random.default_rng(1)
    alpha, target = rng.random((2, 45, 37))
    assert grad(alpha, alpha) == 0
    assert grad(alpha, target) == pytest.approx(grad(target, alpha), rel=1e-14)
    assert grad(alpha, target) == pytest.approx(grad(alpha[::-1], target[::-1]), rel=1e-12)
    assert grad(alpha, target) == pytest.approx(grad(alpha.T, target.T), rel=1e-12)
    assert grad(np.full((9, 70), 0.1), np.full((9, 70), 0.7)) == 0


def related(size, seed):
    """Two mattes with flat and sloped parts, partly in the same places."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[0], : size[1]]
    target = np.clip((size[1] / 3 - np.hypot(y - size[0] / 2, x - size[1] / 2)) / 6, 0, 1)
    alpha = np.where(x < size[1] / 2, rng.random(size), target)
    return alpha, target


@pytest.mark.parametrize("wide", [3, 4, 9, 1000])
def test_parts_leave_no_trace(wide, monkeypatch):
    pairs = [related(size, 0) for size in [(70, 53), (64, 48), (33, 9)]]
    expected = [grad(*pair) for pair in pairs]
    monkeypatch.setattr(module, "_WIDE", wide)
    assert [grad(*pair) for pair in pairs] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("rows", [1, 8, 16, 64])
def test_rows_of_a_product_leave_no_trace(rows, monkeypatch):
    pair = related((70, 53), 1)
    expected = grad(*pair)
    monkeypatch.setattr(module, "_ROWS", rows)
    down = np.stack([module._matrix(kernel, rows) for kernel in module._kernels()])[:, None]
    monkeypatch.setattr(module, "_DOWN", down)
    assert grad(*pair) == pytest.approx(expected, rel=1e-12)


def test_only_sloped_blocks_are_filtered(monkeypatch):
    # Flat but for one pixel, in cell (12, 12). Filters see it from cells 11 to 13 at most: of blocks that are eight
    # cells high and one wide, three in the second row.
    matte = np.zeros((320, 320))
    matte[100, 100] = 1
    seen = []
    original = module._gradients

    def spy(cells, blocks, room):
        seen.append(np.argwhere(blocks).tolist())
        return original(cells, blocks, room)

    monkeypatch.setattr(module, "_gradients", spy)
    assert grad(matte, np.zeros((320, 320))) > 0
    assert seen == [[[1, 11], [1, 12], [1, 13]], [], [], []]


@pytest.mark.parametrize("place", ["top", "bottom", "left", "right", "corner"])
def test_errors_at_the_border_against_scipy(plain, place):
    # Height and width leave a rest in the blocks, so that what is past the edge must not count.
    target = np.zeros((75, 61))
    alpha = target.copy()
    where = {"top": np.s_[0, 20:40], "bottom": np.s_[-1, 20:40], "left": np.s_[20:40, 0], "right": np.s_[20:40, -1]}
    alpha[where.get(place, np.s_[-1, -1])] = 0.7
    assert grad(alpha, target) == pytest.approx(plain.grad(alpha, target), rel=1e-12)
    assert grad(target, alpha) == pytest.approx(plain.grad(alpha, target), rel=1e-12)
