"""Each method against pictures whose alpha is known."""

import numpy as np
import pytest

METHODS = ("closed_form", "knn", "learning_based")


@pytest.mark.parametrize(("method", "most"), [("closed_form", 0.005), ("knn", 0.06), ("learning_based", 0.005)])
def test_is_near_the_truth_and_far_nearer_than_the_trimap(matting, disc, method, most):
    # Two methods model soft edges as they are drawn here, so 8 bits are what is lost: half a level of a contrast of at
    # least 100. KNN matting knows no edges, only like colours: a fifth of the trimap's own error, 0.3.
    image, alpha, trimap = disc
    of_trimap = np.abs(0.5 - alpha)[trimap == 128].mean()
    error = np.abs(matting(method).predict(image, trimap) - alpha)[trimap == 128].mean()
    assert error < most < of_trimap / 4


def test_closed_form_is_exact_where_its_model_holds(matting):
    # Levin et al., section 3: where foreground and background have one colour each, the true alpha costs nothing.
    columns = np.arange(40)
    alpha = np.broadcast_to(np.clip((columns - 10) / 20, 0, 1), (24, 40))
    image = np.rint(20 + 200 * alpha)[..., None].repeat(3, -1).astype(np.uint8)
    trimap = np.broadcast_to(np.where(columns > 31, 255, np.where(columns < 8, 0, 128)), (24, 40)).astype(np.uint8)
    found = matting("closed_form").predict(image, trimap)
    # Steps of 1/20 are 10 whole levels, so nothing is rounded; the paper's epsilon is all that is between.
    assert np.abs(found - alpha).max() < 1e-3


@pytest.mark.parametrize("method", METHODS)
def test_the_same_again(matting, disc, method):
    image, _, trimap = disc
    one, other = (matting(method).predict(image, trimap) for _ in range(2))
    assert one.dtype == np.float32
    assert np.array_equal(one, other)


@pytest.mark.parametrize("method", METHODS)
def test_known_pixels_stay_as_the_trimap_says_and_inputs_as_they_are(matting, disc, method):
    image, _, trimap = disc
    kept = image.copy(), trimap.copy()
    alpha = matting(method).predict(image, trimap)
    assert (alpha[trimap == 255] == 1).all()
    assert (alpha[trimap == 0] == 0).all()
    assert np.array_equal(image, kept[0])
    assert np.array_equal(trimap, kept[1])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [(1, 9), (9, 1), (2, 3), (5, 7), (33, 97)])
def test_pictures_of_any_size(matting, method, size):
    trimap = np.full(size, 128, np.uint8)
    trimap.flat[0], trimap.flat[-1] = 255, 0
    image = np.repeat(np.linspace(250, 5, trimap.size).reshape(*size, 1), 3, -1).astype(np.uint8)
    alpha = matting(method).predict(image, trimap)
    assert alpha.shape == size
    assert np.isfinite(alpha).all()
    assert alpha.flat[0] == 1
    assert alpha.flat[-1] == 0


def test_nothing_is_printed(capsys):
    # PyMatting complains of a matrix that is not positive definite on standard output, where zoo's results go.
    from pymatting.preconditioner.ichol import ichol
    from scipy.sparse import csc_matrix
    from zoo_pymatting.methods import _preconditioner

    matrix = csc_matrix(np.array([[1.0, 2.0], [2.0, 1.0]]))
    ichol(matrix)
    assert "PERFORMANCE WARNING" in capsys.readouterr().out
    _preconditioner(matrix)
    assert capsys.readouterr().out == ""


def test_unknown_that_touches_no_foreground_is_background(matting):
    # Closed-form: its right-hand side is 0 there, and so is the solution.
    image = np.random.default_rng(0).integers(0, 256, (24, 24, 3), np.uint8)
    trimap = np.zeros((24, 24), np.uint8)
    trimap[2:6, 2:6] = 255
    trimap[14:20, 14:20] = 128
    alpha = matting("closed_form").predict(image, trimap)
    assert (alpha[14:20, 14:20] == 0).all()
    assert (alpha[2:6, 2:6] == 1).all()
