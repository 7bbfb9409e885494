"""Weights that are there already: whether a file is what the card names, or what its user has once confirmed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from zoo.files import write_text
from zoo.home import weights_home
from zoo.weights.offers import Offer

ABSENT, GOOD, WRONG, UNCONFIRMED = "absent", "good", "wrong", "unconfirmed"
"""No file; the right one; another or a damaged one; one whose digest is published nowhere and not confirmed here."""

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Kept:
    """A place for weights and what lies there.

    Attributes:
        path: The file, there or not.
        state: `ABSENT`, `GOOD`, `WRONG` or `UNCONFIRMED`.
        sha256: Hex digest of the file, "" where there is none.
    """

    path: Path
    state: str
    sha256: str = ""


def cache_folder(offer: Offer) -> Path:
    """Where these weights are kept."""
    return weights_home() / offer.name


def look(offer: Offer, folder: Path) -> Kept:
    """Read the file that is there, if any, and tell what it is.

    Raises:
        OSError: It cannot be read.
    """
    path = folder / offer.file_name
    if not path.is_file():
        return Kept(path, ABSENT)
    found = digest(path)
    wanted = offer.weights.sha256 or _confirmed(offer, path)
    if wanted is None:
        return Kept(path, UNCONFIRMED, found)
    return Kept(path, GOOD if found == wanted else WRONG, found)


def is_there(offer: Offer) -> Path | None:
    """The file in the cache, not read: of the size that the card states, or any where it states none."""
    path = cache_folder(offer) / offer.file_name
    if not path.is_file() or offer.weights.bytes not in (None, path.stat().st_size):
        return None
    return path


def remember(offer: Offer, path: Path, sha256: str) -> None:
    """Note beside the file that somebody confirmed its digest, since no card has one to compare with."""
    about = {"plugin": offer.plugin.name, "weights": offer.name, "sha256": sha256}
    write_text(_record(path), json.dumps(about, indent=2) + "\n")


def digest(path: Path) -> str:
    """sha256 of a file, as 64 hexadecimal digits."""
    import hashlib  # 2 ms, which `zoo info` does without

    found = hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def _record(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _confirmed(offer: Offer, path: Path) -> str | None:
    """The digest that was confirmed for these very weights of this very plugin."""
    try:
        about = json.loads(_record(path).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(about, dict) or (about.get("plugin"), about.get("weights")) != (offer.plugin.name, offer.name):
        return None
    found = about.get("sha256")
    return found if isinstance(found, str) else None
