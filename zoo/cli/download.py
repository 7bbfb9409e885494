"""``zoo download NAME``: fetch published weights, or take them from a file, and check them."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from registry import NotFoundError, UsageError
from zoo.cli import options
from zoo.weights.kept import GOOD, cache_folder, look
from zoo.weights.obtain import Guide, Obtained, obtain
from zoo.weights.offers import Offer, named, of_user, unknown

if TYPE_CHECKING:
    from zoo.weights.progress import Progress


@click.command("download")
@click.argument("name")
@click.option("--to", metavar="DIR", help="Folder for the file; default: the cache, where model.pretrained looks.")
@click.option("--from", "source", metavar="FILE", help="Take it from a file instead of the net; checked alike.")
@click.option("--yes", is_flag=True, help="Accept the digest of weights for which none is published.")
@options.json_option
@options.plugin_options
def command(name: str, to: str | None, source: str | None, yes: bool, as_json: bool) -> None:
    """Fetch the weights NAME, as a card names them, or the only ones of the model or backbone NAME.

    Licences and origin are shown first. A download that broke off goes on where it stopped. The file is checked by size
    and sha256 before it gets its name; where no digest is published, the file's own is shown and must be confirmed.
    """
    offer = _choose(name, as_json)
    for line in _about(offer):
        click.echo(line, err=as_json)
    folder = Path(to).expanduser() if to else cache_folder(offer)
    file = Path(source).expanduser() if source else None
    guide = _Guide(offer, yes)
    if to and file is None and (kept := look(offer, cache_folder(offer))).state == GOOD:
        file, guide.known = kept.path, kept.sha256
    found = obtain(offer, folder, guide, file, replace=to is None)
    if as_json:
        click.echo(json.dumps(_facts(offer, found), indent=2, ensure_ascii=False))
        return
    click.echo(
        f"{'here' if found.source else 'was here':<12} {found.path}: {found.size:,} bytes, sha256 {found.sha256}"
    )
    click.echo(f"{'next':<12} {_next(offer, found.path)}")


def _choose(name: str, as_json: bool) -> Offer:
    """The weights that a name means.

    Raises:
        NotFoundError: Nothing has the name, or what has it names no weights.
        UsageError: It is a model or backbone with several; they are listed.
    """
    found = options.registry()
    if (offer := named(found, name)) is not None:
        return offer
    several = of_user(found, name)
    if several is None:
        raise NotFoundError(unknown(found, name))
    if not several:
        raise NotFoundError(f"{name} names no published weights; train it, or convert a file (zoo convert)")
    if len(several) == 1:
        return several[0]
    if as_json:
        click.echo(json.dumps([_offered(offer) for offer in several], indent=2, ensure_ascii=False))
    else:
        click.echo("\n\n".join("\n".join(_about(offer)) for offer in several))
    names = ", ".join(offer.name for offer in several)
    raise UsageError(f"{name} has several weights: {names}; say which (zoo download {several[0].name})")


def _about(offer: Offer) -> list[str]:
    """What somebody must know before fetching."""
    size = f", {offer.weights.bytes:,} bytes" if offer.weights.bytes is not None else ""
    said = offer.licenses
    seen = said.pop("trained on")
    digest = offer.weights.sha256 or "not published: it is shown after fetching and must be confirmed"
    places = offer.weights.urls or ("no address: give the file with --from FILE",)
    return [
        f"{'weights':<12} {offer.name}, for {', '.join(offer.users)}; of plugin {offer.plugin.label}",
        f"{'file':<12} {offer.file_name}{size}",
        f"{'licence':<12} {'; '.join(f'{what}: {text}' for what, text in said.items())}",
        f"{'trained on':<12} {seen}",
        f"{'sha256':<12} {digest}",
        *(f"{'' if number else 'from':<12} {url}" for number, url in enumerate(places)),
    ]


def _offered(offer: Offer) -> dict[str, Any]:
    weights, said = offer.weights, offer.licenses
    return {
        "name": offer.name,
        "plugin": offer.plugin.name,
        "for": list(offer.users),
        "urls": list(weights.urls),
        "license": said["weights"],
        "code_license": said["code"],
        "data_license": said["data"],
        "trained_on": list(offer.trained_on),
        "bytes": weights.bytes,
        "sha256": weights.sha256,
    }


def _facts(offer: Offer, found: Obtained) -> dict[str, Any]:
    """What ``--json`` says: size and digest are now the file's own."""
    return {
        **_offered(offer),
        "bytes": found.size,
        "sha256": found.sha256,
        "sha256_published": offer.weights.sha256 is not None,
        "file": str(found.path),
        "source": found.source or None,
    }


class _Guide(Guide):
    """Speaks on standard error, asks at a terminal.

    Args:
        offer: The weights.
        yes: The answer, whatever the digest.
    """

    def __init__(self, offer: Offer, yes: bool) -> None:
        from zoo.engine.console import Console

        self.known = ""  # a digest that was confirmed before
        self._offer, self._yes = offer, yes
        self._console = Console(options.is_quiet())

    def say(self, text: str) -> None:
        self._console.say(text)

    def progress(self, doing: str) -> Progress:
        from zoo.weights.progress import Progress

        return Progress(self._console, doing)

    def confirm(self, path: Path, sha256: str, size: int) -> bool:
        if sha256 == self.known:
            return True
        name = self._offer.name
        click.echo(f"{name}: no digest is published. This file has {size:,} bytes and", err=True)
        click.echo(f"  sha256 {sha256}{_hint(self._offer.file_name, sha256)}", err=True)
        if self._yes:
            return True
        if not sys.stdin.isatty():
            raise UsageError(
                f"{name}: compare sha256 {sha256} with what its authors say, then confirm it: run it again with --yes"
            )
        return click.confirm("Keep it?", err=True)


_STEM_DIGEST = re.compile(r"-([0-9a-f]{8})\.[A-Za-z0-9]+")


def _hint(file_name: str, sha256: str) -> str:
    """Some zoos put the first eight digits into the file's name: no proof, but where they differ a reason to ask."""
    found = _STEM_DIGEST.search(file_name)
    if not found:
        return ""
    agrees = "begins so" if sha256.startswith(found[1]) else "begins otherwise"
    return f"\n  the file's name says {found[1]}, its digest {agrees}"


def _next(offer: Offer, path: Path) -> str:
    """How the file is used."""
    from zoo.engine.foreign import MINDSPORE, recognise_file

    user = offer.users[0]
    if recognise_file(path) != MINDSPORE:
        return f"zoo convert {user.rpartition('/')[2]} {path} NEW.ckpt"
    chosen = f" --set model.backbone={user}" if "/" in user else ""
    return f"zoo train MODEL{chosen} --set model.pretrained={offer.name}"
