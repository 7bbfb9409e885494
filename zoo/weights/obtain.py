"""Get weights to their place: from what is kept, from a file, or from their addresses, each checked alike."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from registry import NotFoundError, UsageError, ZooError
from zoo.weights.aside import aside
from zoo.weights.fetch import BrokenError, UnusableError, fetch, is_page
from zoo.weights.kept import GOOD, UNCONFIRMED, WRONG, Kept, digest, look, remember
from zoo.weights.offers import Offer
from zoo.weights.part import Part

_CHUNK = 1 << 20

_STEP = 1 << 20
"""Bytes that a round must have brought to count as one that got on."""


@dataclass(frozen=True)
class Patience:
    """How long a download goes on trying.

    Attributes:
        timeout: Seconds without a byte after which a try has failed.
        rounds: Rounds over all addresses without getting on.
        pause: Seconds before the second round, doubled for each one after it.
    """

    timeout: float = 20.0
    rounds: int = 4
    pause: float = 1.0


class Guide(ABC):
    """What a download asks and tells; a command fills it in."""

    @abstractmethod
    def say(self, text: str) -> None:
        """A line on how it goes."""

    @abstractmethod
    def progress(self, doing: str) -> AbstractContextManager[Callable[[int, int | None], None]]:
        """What is called with the bytes that are here and that there are."""

    @abstractmethod
    def confirm(self, path: Path, sha256: str, size: int) -> bool:
        """Whether a file is to be kept whose digest nobody publishes."""


@dataclass(frozen=True)
class Obtained:
    """Weights in their place.

    Attributes:
        path: The file.
        sha256: Its digest, as the card's or as confirmed.
        size: Its bytes.
        source: Address or file that it was taken from now, "" if it was there.
    """

    path: Path
    sha256: str
    size: int
    source: str = ""


def obtain(
    offer: Offer,
    folder: Path,
    guide: Guide,
    source: Path | None = None,
    replace: bool = True,
    patience: Patience | None = None,
) -> Obtained:
    """Have weights in a folder, taking them from somewhere only if they are not there.

    Args:
        offer: The weights.
        folder: Where to; made if absent.
        guide: Asks and tells.
        source: File to take them from; None: their addresses.
        replace: Another file of that name gives way once the right one is here whole; else it is refused.
        patience: How long to try.

    Raises:
        NotFoundError: No such source.
        UsageError: A file that is not these weights has the name, or there is no address.
        ZooError: They cannot be had: no address gives them, the digest is another one or was not confirmed.
    """
    target = folder / offer.file_name
    given = _check_source(offer, source) if source is not None else ""
    here = look(offer, folder)
    if here.state == WRONG:
        _refuse_or_say(offer, here, guide, replace)
    if here.state in (GOOD, UNCONFIRMED):
        return _settle(offer, here, guide)
    with Part(target, lambda: guide.say(f"another process is fetching {offer.name}: waiting for it")) as part:
        here = look(offer, folder)
        if here.state in (GOOD, UNCONFIRMED):
            return _settle(offer, here, guide)
        if source is not None:
            came_from = str(source)
            _confirm(offer, source, given, source.stat().st_size, guide)
            _copy(source, given, part)
        else:
            came_from = _from_addresses(offer, part, guide, patience or Patience())
        found, size = part.digest(), part.size
        if source is None:
            try:
                _confirm(offer, part.path, found, size, guide)
            except DeclinedError:
                part.discard()
                raise
        if offer.weights.sha256 is None:
            remember(offer, target, found)
        part.finish()
    return Obtained(target, found, size, came_from)


class DeclinedError(ZooError):
    """Somebody was shown a digest that no card has, and said no."""


def _confirm(offer: Offer, path: Path, sha256: str, size: int, guide: Guide) -> None:
    if offer.weights.sha256 is None and not guide.confirm(path, sha256, size):
        raise DeclinedError(f"{offer.name} was not confirmed: sha256 {sha256} of {path}")


def _settle(offer: Offer, here: Kept, guide: Guide) -> Obtained:
    """Weights that are there; a digest that nobody has confirmed is asked about, and the file stays either way."""
    size = here.path.stat().st_size
    if here.state == UNCONFIRMED:
        _confirm(offer, here.path, here.sha256, size, guide)
        remember(offer, here.path, here.sha256)
    return Obtained(here.path, here.sha256, size)


def _refuse_or_say(offer: Offer, here: Kept, guide: Guide, replace: bool) -> None:
    wanted = offer.weights.sha256 or "the one that was confirmed"
    if not replace:
        raise UsageError(
            f"{here.path} is there and is not {offer.name} (sha256 {here.sha256}, not {wanted}): name another folder "
            "or move it away"
        )
    guide.say(f"{here.path} is damaged (sha256 {here.sha256}, not {wanted}): it is replaced once the right one is here")


# --- From a file ---


def _check_source(offer: Offer, source: Path) -> str:
    """See that a file can be the weights before anything is touched; its digest."""
    if source.is_dir():
        raise UsageError(f"--from {source} is a folder; name the file in it")
    if not source.is_file():
        raise NotFoundError(f"--from {source}: no such file")
    with open(source, "rb") as file:
        head = file.read(200)
    if is_page(head):
        raise ZooError(f"--from {source} is a web page, not {offer.name} (saved instead of what it offers?)")
    size, said = source.stat().st_size, offer.weights.bytes
    if not size or said not in (None, size):
        raise ZooError(f"--from {source} is not {offer.name}: it has {size:,} bytes, not {said or 1:,}")
    found, wanted = digest(source), offer.weights.sha256
    if wanted not in (None, found):
        raise ZooError(f"--from {source} is not {offer.name}: sha256 {found}, the card says {wanted}")
    return found


def _copy(source: Path, sha256: str, part: Part) -> None:
    part.restart()
    part.require_room(source.stat().st_size)
    with open(source, "rb") as file:
        while chunk := file.read(_CHUNK):
            part.append(chunk)
    if part.digest() != sha256:
        part.restart()
        raise ZooError(f"--from {source} changed while it was copied")


# --- From addresses ---


def _from_addresses(offer: Offer, part: Part, guide: Guide, patience: Patience) -> str:
    """Fetch until the file is whole and right, from the first address that gives it; that address."""
    weights = offer.weights
    if not weights.urls:
        raise UsageError(f"{offer.name} has no address: give the file with --from FILE")
    troubles: dict[str, str] = {}
    left = list(weights.urls)
    rounds, furthest = 0, part.size
    while left and rounds < patience.rounds:
        if rounds:
            time.sleep(patience.pause * 2 ** (rounds - 1))
        for url in list(left):
            try:
                _try_address(offer, url, part, guide, patience.timeout)
                return url
            except UnusableError as error:
                left.remove(url)
                troubles[url] = str(error)
            except BrokenError as error:
                troubles[url] = str(error)
            guide.say(f"  {url}: {troubles[url]}")
        if part.size > furthest + _STEP:
            rounds, furthest = 0, part.size
        rounds += 1
    kept = f" {part.size:,} bytes are kept, and the same command goes on from there." if part.size else ""
    reasons = "; ".join(f"{url}: {trouble}" for url, trouble in troubles.items())
    raise ZooError(f"{offer.name} was not fetched. {reasons}.{kept} A file from elsewhere: --from FILE")


def _try_address(offer: Offer, url: str, part: Part, guide: Guide, timeout: float) -> None:
    weights, go_on = offer.weights, _may_go_on(offer, url, part)
    begun = part.size if go_on else 0
    whole = weights.bytes if weights.bytes is not None else part.origin.size if part.origin else None
    if not begun or begun != whole:
        guide.say(f"fetching {url}{f', from byte {begun:,} on' if begun else ''}")
        with guide.progress(offer.name) as progress:
            aside(lambda: fetch(url, part, weights.bytes, timeout, progress, go_on))
    if weights.sha256 is None or (found := part.digest()) == weights.sha256:
        return
    part.restart()
    if begun:
        raise BrokenError("what was kept of an earlier try does not fit: from the beginning")
    raise UnusableError(f"it sent another file: sha256 {found}, the card says {weights.sha256}")


def _may_go_on(offer: Offer, url: str, part: Part) -> bool:
    """Whether the rest may be taken from that address.

    With a digest on the card the end shows it. Without one, only from the address that gave the beginning, if it can
    say that it still has the same file.
    """
    if offer.weights.bytes is not None and part.size > offer.weights.bytes:
        return False
    if offer.weights.sha256 is not None:
        return True
    origin = part.origin
    return origin is not None and origin.url == url and (bool(origin.validator) or part.size == origin.size)
