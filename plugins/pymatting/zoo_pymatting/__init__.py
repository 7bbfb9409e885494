"""Three methods of PyMatting as models of zoo: no networks, not trained, given the trimap."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from zoo import Card, ModelSpec, hookimpl

# PyMatting compiles itself when it is first imported, which takes the better part of a minute: builders import it.


def build(method: str, config: Any, backbone: Any) -> Any:
    """What answers pictures by a method of PyMatting.

    Args:
        method: A name in `zoo_pymatting.methods`.
        config: The resolved config; ``model.options.max_side`` bounds what is solved.
        backbone: Not used.
    """
    from zoo_pymatting import matting, methods

    return matting.Matting(config.model.name, getattr(methods, method), config.model.options["max_side"])


def _card(title: str, paper: str, authors: str, limits: str) -> Card:
    return Card(
        title=title,
        paper=f"{paper}. Implementation: PyMatting (Germer, Uelwer, Conrad, Harmeling; JOSS 5(54), 2020)",
        authors=authors,
        code_license="Apache-2.0 (PyMatting: MIT)",
        intended_use=(
            "A baseline without learning: how far colours and a trimap alone go. Any subject, not only portraits."
        ),
        limits=(
            f"Needs a trimap with some foreground and some background. {limits} Larger pictures are solved at "
            "model.options.max_side and enlarged. On one processor core: seconds for each picture."
        ),
        parameters=0,
    )


_MODELS = (
    (
        "closed-form",
        "closed_form",
        "closed-form.yaml",
        _card(
            "Closed-form matting",
            "Levin, Lischinski, Weiss: A Closed-Form Solution to Natural Image Matting, CVPR 2006, TPAMI 30(2), 2008",
            "Anat Levin, Dani Lischinski, Yair Weiss",
            "Assumes that in 3 x 3 pixels the colours of foreground and background each lie on a line.",
        ),
    ),
    (
        "knn-matting",
        "knn",
        "default.yaml",
        _card(
            "KNN matting",
            "Chen, Li, Tang: KNN Matting, CVPR 2012, TPAMI 35(9), 2013",
            "Qifeng Chen, Dingzeyu Li, Chi-Keung Tang",
            "Pixels of like colour get like alphas, wherever they are: a subject in the background's colours is lost. "
            "PyMatting's version with binary weights, in RGB.",
        ),
    ),
    (
        "learning-based-matting",
        "learning_based",
        "default.yaml",
        _card(
            "Learning-based digital matting",
            "Zheng, Kambhamettu: Learning Based Digital Matting, ICCV 2009",
            "Yuanjie Zheng, Chandra Kambhamettu",
            "Learns within the one picture, from 3 x 3 pixels at a time; only the linear local model, no kernel.",
        ),
    ),
)
"""Name, method, config, card. "Closed-form" alone is what the field calls that method; "KNN" and "learning-based" are
half of machine learning, so "-matting" is part of their names."""


@hookimpl
def register_models(register: Any) -> None:
    """The three methods."""
    for name, method, config, card in _MODELS:
        register(
            ModelSpec(
                name,
                build=partial(build, method),
                card=card,
                config=Path(__file__).with_name(config),
                needs_trimap=True,
            )
        )
