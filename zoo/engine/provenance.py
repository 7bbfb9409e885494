"""Where converted weights come from and under which licence: what a checkpoint records of its source."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlparse

from registry import Card, Weights
from zoo.engine.foreign import ForeignFile

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Provenance:
    """Origin of a file of weights. Nothing in it depends on the clock or on folders.

    Attributes:
        file: Name of the file, without its folder.
        sha256: Hex digest of the file.
        format: ``PyTorch``, ``safetensors`` or ``ONNX``.
        weights: The card's entry with that digest, None: no such entry.
        license: The entry's licence, else the user's word, else ``unknown``.
        data_license: The same for the data they were trained on.
    """

    file: str
    sha256: str
    format: str
    weights: str | None
    license: str
    data_license: str

    def to_dict(self) -> dict[str, Any]:
        """As a mapping for JSON."""
        return asdict(self)


def trace(
    source: ForeignFile, card: Card, license: str | None = None, data_license: str | None = None
) -> tuple[Provenance, list[str]]:
    """The origin of a file, and what a reader must know about it.

    Args:
        source: The file.
        card: The model's card; its weights with the file's digest decide.
        license: What the user says of the licence, taken where the card says nothing.
        data_license: The same for the training data.

    Returns:
        The origin, and one sentence for each doubt.
    """
    entry = next((each for each in card.weights if each.sha256 == source.sha256), None)
    notes = [] if entry else _doubts(source, card)
    origin = Provenance(
        file=source.path.name,
        sha256=source.sha256,
        format=source.format,
        weights=entry.name if entry else None,
        license=(entry.license if entry else "") or license or UNKNOWN,
        data_license=(entry.data_license if entry else "") or data_license or UNKNOWN,
    )
    for option, said, kept in (
        ("--license", license, origin.license),
        ("--data-license", data_license, origin.data_license),
    ):
        if said and said != kept:
            notes.append(f"{option} {said!r} is not taken: the card says {kept!r} of {origin.weights}")
    return origin, notes


def _doubts(source: ForeignFile, card: Card) -> list[str]:
    """A file that has the name of published weights and is not known to be them."""
    notes = []
    for entry in card.weights:
        if _plain(source.path.name) not in _names(entry):
            continue
        if entry.sha256 is None:
            notes.append(f"the card names {entry.name} without a digest: whether this is that file cannot be told")
        else:
            notes.append(
                f"this is not the card's {entry.name} in spite of its name: sha256 {source.sha256}, the card's "
                f"{entry.sha256}"
            )
    return notes


def _names(entry: Weights) -> set[str]:
    """What a file of these weights is called: as at its addresses, or as the entry with any ending."""
    return {_plain(entry.name)} | {_plain(PurePosixPath(urlparse(url).path).name) for url in entry.urls}


def _plain(name: str) -> str:
    """A file name without its ending, ``-`` and ``_`` and case levelled."""
    return PurePosixPath(name).stem.lower().replace("_", "-")
