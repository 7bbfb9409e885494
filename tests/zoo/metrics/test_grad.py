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


@pytest.mark.parametrize("tile", [5, 24, 64])
def test_tiles_leave_no_trace(tile, monkeypatch):
    rng = np.random.default_rng(2)
    alpha, target = rng.random((2, 70, 53))
    expected = grad(alpha, target)
    monkeypatch.setattr(module, "_TILE", tile)
    monkeypatch.setattr(module, "_WINDOW", tile + 12)
    smooth, derivative = (module._filter_matrix(kernel) for kernel in module._kernels())
    monkeypatch.setattr(module, "_SMOOTH", smooth)
    monkeypatch.setattr(module, "_DERIVATIVE", derivative)
    monkeypatch.setattr(module, "_FILTERS", np.concatenate([derivative, smooth]))
    assert grad(alpha, target) == pytest.approx(expected, rel=1e-12)
