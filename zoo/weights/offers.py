"""Which published weights the installed plugins name, and for what."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from urllib.parse import unquote

from registry import BackboneSpec, ModelSpec, NotFoundError, Plugin, PluginError, Registry, Weights
from registry.errors import did_you_mean

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*\.[A-Za-z0-9]+")
"""A name that is a file's and no more: not the last word of a script's address, nothing that leads elsewhere."""


@dataclass(frozen=True)
class Offer:
    """A file of weights that a plugin names.

    Attributes:
        weights: What the card, or the backbone, says of it.
        plugin: Whose word that is.
        users: Public names of the models and backbones that name it.
        code_license: Licence of the code of the first of them, "" where none is stated.
        trained_on: Data sets that the weights have seen, empty where none is stated.
    """

    weights: Weights
    plugin: Plugin
    users: tuple[str, ...]
    code_license: str
    trained_on: tuple[str, ...]

    @property
    def name(self) -> str:
        """The weights' own name; ``PLUGIN/NAME`` is valid too."""
        return self.weights.name

    @property
    def file_name(self) -> str:
        """What the file is called: as at its first address that ends in a file name, else as the weights."""
        for url in self.weights.urls:
            last = unquote(re.split("[?#]", url)[0].rpartition("/")[2])
            if _FILE_NAME.fullmatch(last):
                return last
        return self.weights.name

    @property
    def licenses(self) -> dict[str, str]:
        """Licence of code, weights and data, and what the weights have seen, each ``not stated`` where it is not."""
        said = {
            "code": self.code_license,
            "weights": self.weights.license,
            "data": self.weights.data_license,
            "trained on": ", ".join(self.trained_on),
        }
        return {what: text or NOT_STATED for what, text in said.items()}


NOT_STATED = "not stated"
"""What stands for a licence or an origin that nobody tells."""


def offers(registry: Registry) -> list[Offer]:
    """Everything that can be downloaded, in the order of the cards; what a plugin names in two places is one offer.

    Raises:
        PluginError: A plugin gives one name to two different files.
    """
    found: dict[tuple[str, str], Offer] = {}
    for user, plugin, spec in _users(registry):
        card = spec.card if isinstance(spec, ModelSpec) else None
        for weights in spec.card.weights if isinstance(spec, ModelSpec) else spec.weights:
            key = plugin.name, weights.name
            before = found.get(key)
            if before is None:
                license = card.code_license if card else _license_of(plugin)
                seen = weights.trained_on or (card.trained_on if card else ())
                found[key] = Offer(weights, plugin, (user,), license, tuple(seen))
            elif before.weights != weights:
                raise PluginError(f"plugin {plugin.label}: it gives the name {weights.name!r} to two different weights")
            else:
                found[key] = Offer(weights, plugin, (*before.users, user), before.code_license, before.trained_on)
    return list(found.values())


def _users(registry: Registry) -> Iterator[tuple[str, Plugin, ModelSpec | BackboneSpec]]:
    for name, model in registry.models.items():
        yield name, registry.owner("model", name), model
    for name, backbone in registry.backbones.items():
        yield name, registry.owner("backbone", name), backbone


def _license_of(plugin: Plugin) -> str:
    """What the plugin's distribution says; a backbone has no card."""
    try:
        about = metadata(plugin.distribution) if plugin.distribution else {}
    except PackageNotFoundError:
        return ""
    return about.get("License-Expression") or about.get("License") or ""


def named(registry: Registry, name: str) -> Offer | None:
    """The weights of that name, ``NAME`` or ``PLUGIN/NAME``; None: there are none.

    Raises:
        NotFoundError: Several plugins have weights of that name.
    """
    found = [offer for offer in offers(registry) if name in (offer.name, f"{offer.plugin.name}/{offer.name}")]
    if len(found) > 1:
        choices = ", ".join(f"{offer.plugin.name}/{offer.name}" for offer in found)
        raise NotFoundError(f"weights {name!r} are not unique; say which: {choices}")
    return found[0] if found else None


def of_user(registry: Registry, name: str) -> list[Offer] | None:
    """The weights that a model or backbone names; None: there is no model or backbone of that name."""
    for kind in ("model", "backbone"):
        try:
            plugin, spec = registry.owner(kind, name), registry.get(kind, name)
        except NotFoundError as error:
            if "not unique" in str(error):
                raise
            continue
        user = spec.name if kind == "model" or plugin.is_core else f"{plugin.name}/{spec.name}"
        return [offer for offer in offers(registry) if user in offer.users and offer.plugin.name == plugin.name]
    return None


def unknown(registry: Registry, name: str) -> str:
    """What to say of a name that is nobody's: the nearest, how many there are, and which plugins are not loaded."""
    names = [offer.name for offer in offers(registry)]
    some = f"{', '.join(names[:8])}{', ...' if len(names) > 8 else ''} ({len(names)} in all)" if names else "none"
    near = did_you_mean(name, [*names, *registry.models, *registry.backbones])
    failed = [plugin.label for plugin in registry.plugins if plugin.status == "failed"]
    lost = f" Not loaded: {', '.join(failed)} (see zoo plugins)." if failed else ""
    return f"no weights named {name!r}, nor a model or backbone; weights: {some}.{near}{lost}"
