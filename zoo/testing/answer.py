"""Checks of what a model answers: an alpha, of any picture, the same one however and whenever it is asked."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from zoo.engine import checkpoint as checkpoints
from zoo.testing.check import NotApplicable, Unmet, expect, explain
from zoo.testing.construction import check_builds
from zoo.testing.pictures import portrait, two_sided_trimap
from zoo.testing.subject import Subject

SIZES = ((70, 45), (33, 97), (5, 7))
"""Heights and widths of pictures that are no multiple of any stride, one smaller than any."""

ALIKE = 1e-3
"""Greatest difference of two alphas calculated in another order: float32 leaves some 1e-4 in networks of 100 layers."""

SAME = 1e-5
"""Greatest difference of two alphas that are calculated in the same way."""


def checks(subject: Subject) -> list[tuple[str, Callable[[], None]]]:
    """The checks of this family, by name."""
    return [
        ("alpha", partial(subject.once.run, check_alpha)),
        ("alpha-in-training", partial(check_alpha_in_training, subject)),
        ("sizes", partial(check_sizes, subject)),
        ("batch-independence", partial(check_batch_independence, subject)),
        ("deterministic", partial(check_deterministic, subject)),
        ("compiled", partial(check_compiled, subject)),
        ("checkpoint", partial(check_checkpoint, subject)),
        ("trimap", partial(check_trimap, subject)),
    ]


def check_alpha(subject: Subject) -> None:
    """One alpha in [0, 1] for each pixel, of pictures and of plain dark and bright ones."""
    subject.once.need(check_builds)
    if not subject.is_network:
        _check_own_answer(subject)
        return
    flat = [np.full_like(subject.planes[:1], level) for level in (subject.planes.min(), subject.planes.max())]
    planes = np.concatenate([subject.planes, *flat])
    _check_alphas(ask(subject.network, planes), planes)


def check_alpha_in_training(subject: Subject) -> None:
    """The same in training mode: ``construct`` answers the alpha alone, what training needs besides is a method."""
    subject.once.need(check_builds)
    if not subject.is_network:
        raise NotApplicable("the model is not trained")
    network, planes = subject.lively(), subject.planes  # one of its own: training mode moves the statistics of norms
    network.set_train(True)
    _check_alphas(ask(network, planes), planes)


def check_sizes(subject: Subject) -> None:
    """Pictures of any size come back as alphas of that size."""
    subject.once.need(check_alpha)
    for height, width in SIZES:
        alpha = _predict(subject, portrait(1, height, width)[0])
        expect(
            alpha.shape == (height, width),
            f"a picture of {height} x {width} pixels was answered with {alpha.shape}; expected its own size",
        )


def check_batch_independence(subject: Subject) -> None:
    """In evaluation the answer to a picture does not depend on its neighbours in the batch."""
    subject.once.need(check_alpha)
    planes = subject.planes
    # Neighbours of another brightness: whoever looks at the batch's mean and variance shows it.
    together = ask(subject.network, np.concatenate([planes, planes[:1] * 0, planes[:1] * 3]))
    for index in range(2):
        alone = ask(subject.network, planes[index : index + 1])
        apart = greatest(together[index : index + 1], alone)
        expect(
            apart <= ALIKE,
            f"in evaluation mode the alpha of a picture changes by {apart:.2g} with its neighbours in the batch; "
            f"expected at most {ALIKE:g}",
        )


def check_deterministic(subject: Subject) -> None:
    """One seed gives the same fresh weights, one picture the same answer twice."""
    subject.once.need(check_alpha)
    if not subject.is_network:
        image = portrait(2, 48, 40)[0]
        apart = greatest(_predict(subject, image), _predict(subject, image))
        expect(apart <= SAME, f"asked twice about one picture, the alphas differ by {apart:.2g}")
        return
    one, other = (checkpoints.weights_of(subject.build()) for _ in range(2))
    expect(list(one) == list(other), "built twice with one seed, the networks have other parameters")
    names = [name for name in one if not np.array_equal(one[name], other[name], equal_nan=True)]
    expect(
        not names,
        f"built twice with train.seed {subject.config.train.seed}, {len(names)} of {len(one)} fresh parameters differ, "
        f"{names[0] if names else ''} first; expected the same weights",
    )
    planes = subject.planes
    apart = greatest(ask(subject.network, planes), ask(subject.network, planes))
    expect(apart <= SAME, f"asked twice about one picture, the alphas differ by {apart:.2g}; expected the same")


def check_compiled(subject: Subject) -> None:
    """The compiled network answers as the eager one does."""
    subject.once.need(check_alpha)
    import mindspore as ms

    network, planes = subject.network, subject.planes
    eager = ask(network, planes)

    def alpha_of(image: Any) -> Any:
        return network(image)

    try:
        compiled = ask(ms.jit(alpha_of), planes)
    except Exception as error:
        raise Unmet(f"it cannot be compiled: {explain(error)}") from error
    apart = greatest(eager, compiled)
    expect(apart <= ALIKE, f"compiled, the alpha differs from the eager one by {apart:.2g}; expected at most {ALIKE:g}")


def check_checkpoint(subject: Subject) -> None:
    """A network built anew answers the same with the weights of a checkpoint."""
    subject.once.need(check_alpha)
    planes = subject.planes
    before = ask(subject.network, planes)
    saved = checkpoints.read(subject.saved)
    # Another seed: what is no parameter comes out another.
    anew = subject.build(subject.config.override(train={"seed": subject.config.train.seed + 1}))
    checkpoints.load_weights(anew, saved.weights, "its own checkpoint")
    apart = greatest(before, ask(anew, planes))
    expect(
        apart <= SAME,
        f"built anew and given its checkpoint, the network's alpha differs by {apart:.2g}; expected the same: what it "
        "knows beside its seed must be in Parameters",
    )


def check_trimap(subject: Subject) -> None:
    """A model is given a trimap if it says so, and then looks at it."""
    subject.once.need(check_alpha)
    if not subject.spec.needs_trimap:
        raise NotApplicable("the model is given no trimap")
    expect(not subject.is_network, "it declares needs_trimap; a network is given the picture alone")
    height, width = 24, 36
    image, trimap = portrait(3, height, width)[0], two_sided_trimap(height, width)
    one, other = (subject.predictor.predict(image, each) for each in (trimap, np.ascontiguousarray(trimap[:, ::-1])))
    expect(
        greatest(one, other) > 0,
        "it declares needs_trimap, and its alpha is the same with foreground and background of the trimap exchanged",
    )


def _check_own_answer(subject: Subject) -> None:
    """What ``predict`` gives, before the engine makes float32 of it; it leaves the picture as it is."""
    height, width = 48, 40
    image = portrait(4, height, width)[0]
    kept, trimap = image.copy(), two_sided_trimap(height, width) if subject.spec.needs_trimap else None
    alpha = subject.model.predict(image, trimap)
    _check_array(alpha, (height, width))
    expect(np.array_equal(image, kept), "predict changes the picture that it is given")


def _check_alphas(alpha: np.ndarray, planes: np.ndarray) -> None:
    _check_array(alpha, (planes.shape[0], 1, *planes.shape[2:]))


def _check_array(alpha: Any, shape: tuple[int, ...]) -> None:
    kind = f"{getattr(alpha, 'shape', type(alpha).__name__)} {getattr(alpha, 'dtype', '')}".strip()
    ok = isinstance(alpha, np.ndarray) and alpha.shape == shape and alpha.dtype == np.float32
    expect(ok, f"the alpha is {kind}; expected {shape} float32")
    low, high = float(alpha.min()), float(alpha.max())
    # Written so that NaN is refused too.
    expect(low >= 0 and high <= 1, f"the alpha has values from {low:.3g} to {high:.3g}; expected [0, 1]")


def ask(network: Any, planes: np.ndarray) -> np.ndarray:
    """What a network, compiled or not, answers to (N, 3, H, W) float32.

    Raises:
        Unmet: It answers no single tensor.
    """
    import mindspore as ms

    answer = network(ms.Tensor(planes))
    kind = type(answer).__name__
    expect(hasattr(answer, "asnumpy"), f"construct returns {kind}; expected one tensor, the alpha (N, 1, H, W)")
    array: np.ndarray = answer.asnumpy()
    return array


def greatest(one: np.ndarray, other: np.ndarray) -> float:
    """Greatest absolute difference; infinite where the shapes differ or a value is no number."""
    if one.shape != other.shape:
        return float("inf")
    apart = float(np.abs(one.astype(np.float64) - other.astype(np.float64)).max(initial=0.0))
    return apart if apart == apart else float("inf")


def _predict(subject: Subject, image: np.ndarray) -> np.ndarray:
    trimap = two_sided_trimap(*image.shape[:2]) if subject.spec.needs_trimap else None
    return subject.predictor.predict(image, trimap)
