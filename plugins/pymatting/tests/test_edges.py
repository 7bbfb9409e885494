"""Trimaps that leave nothing to solve, or too little, and solvers that fail."""

import logging

import numpy as np
import pytest

from zoo import DataError, UsageError


def test_nothing_unknown_is_the_trimap(matting, disc):
    image, _, _ = disc
    trimap = np.where(np.arange(image.shape[1]) < 20, 255, 0).astype(np.uint8) + np.zeros(image.shape[:2], np.uint8)
    assert np.array_equal(matting().predict(image, trimap), trimap / np.float32(255))


@pytest.mark.parametrize(("known", "lacks"), [(255, "background"), (0, "foreground")])
def test_without_one_of_the_two_the_other_spreads(matting, disc, caplog, known, lacks):
    # What every method minimises is 0 for the constant that agrees with all known pixels.
    image, _, trimap = disc
    trimap = np.where(trimap == known, known, 128).astype(np.uint8)
    with caplog.at_level(logging.WARNING, "zoo"):
        alpha = matting().predict(image, trimap)
    assert (alpha == known / 255).all()
    assert f"the trimap has no {lacks}" in caplog.text


def test_a_trimap_that_knows_nothing_is_refused(matting, disc):
    image, _, _ = disc
    with pytest.raises(DataError, match="closed_form: the trimap is unknown everywhere; mark some foreground and some"):
        matting().predict(image, np.full(image.shape[:2], 128, np.uint8))


def test_no_trimap_and_one_of_another_size_are_refused(matting, disc):
    image, _, trimap = disc
    with pytest.raises(UsageError, match="needs a trimap"):
        matting().predict(image, None)
    with pytest.raises(DataError, match=r"the trimap has size \(48, 59\), the picture \(48, 60\)"):
        matting().predict(image, trimap[:, :-1])


def test_a_solver_that_does_not_converge_says_so_in_one_line(matting, disc, monkeypatch):
    from zoo_pymatting import methods

    monkeypatch.setattr(methods, "ITERATIONS", 1)
    image, _, trimap = disc
    with pytest.raises(DataError) as raised:
        matting("knn").predict(image, trimap)
    assert str(raised.value) == (
        "knn: no alpha at 60x48 pixels (Conjugate gradient descent did not converge within 1 iterations): "
        "set model.options.max_side smaller"
    )


def test_too_little_memory_is_one_line(disc):
    from zoo_pymatting.matting import Matting

    def greedy(image, trimap):
        raise MemoryError

    image, _, trimap = disc
    with pytest.raises(DataError, match=r"not enough memory for 30x24 pixels: set model\.options\.max_side smaller"):
        Matting("greedy", greedy, 30).predict(image, trimap)
