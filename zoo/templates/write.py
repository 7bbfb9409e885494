"""From templates to the folder of a new plugin, whole or not at all."""

from __future__ import annotations

import importlib.util
import os
import re
import secrets
import shutil
from pathlib import Path
from string import Template

from registry import Registry, UsageError, ZooError

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40
_SUFFIX = ".tmpl"
_HERE = Path(__file__).parent

_DESCRIPTIONS = {
    "model": "{title}, an image matting model as a plugin of zoo",
    "backbone": "{title}, an encoder as a plugin of zoo",
    "dataset": "{title}, an image matting data set as a plugin of zoo",
    "metric": "{title}, an image matting metric as a plugin of zoo",
}

_FIGURES = {"side": 256, "parameters": 61_121, "macs": 415_236_096}
"""Short side of the model's input in pixels, and what its network has and does at that size; a test measures both."""


def refuse_taken(registry: Registry, name: str, kind: str) -> None:
    """Refuse a name that cannot be a plugin's, or is somebody's already.

    Args:
        registry: What is installed.
        name: Of the new plugin.
        kind: What it shall offer.

    Raises:
        UsageError: It is malformed or taken.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        without = name.removeprefix("zoo-")
        hint = f" The distribution is named zoo-{without} by itself: give {without!r}." if without != name else ""
        raise UsageError(
            f"{name!r} cannot be the name of a plugin: use small letters, digits and single '-', begin with a letter, "
            f"{_LONGEST} at most.{hint}"
        )
    if name.startswith("zoo-"):
        raise UsageError(f"the distribution of {name!r} would be zoo-{name}: leave out the prefix zoo-")
    owners = [p for p in registry.plugins if name in (p.name, p.distribution.removeprefix("zoo-"))]
    if owners:
        raise UsageError(f"the plugin name {name!r} is taken by {owners[0].label}")
    offered = _values(name)["metric"] if kind == "metric" else name
    if offered in registry.names(kind):
        raise UsageError(f"the {kind} name {offered!r} is taken by {registry.owner(kind, offered).label}")
    if importlib.util.find_spec(_package(name)) is not None:
        raise UsageError(f"a package {_package(name)} is installed already; take another name")


def write_plugin(folder: Path, name: str, kind: str) -> list[Path]:
    """Write a distribution, first beside its place, then moved into it.

    Args:
        folder: Its folder, which does not exist yet.
        name: Of the plugin, checked by `refuse_taken`.
        kind: ``model``, ``backbone``, ``dataset`` or ``metric``.

    Returns:
        The files, as paths within the folder.

    Raises:
        UsageError: The folder exists.
        ZooError: It cannot be written.
    """
    if os.path.lexists(folder):
        raise UsageError(f"{folder} is there already; give another folder with --output")
    texts = _texts(name, kind)
    aside = folder.parent / f".{secrets.token_hex(8)}.part"
    try:
        for file, text in texts.items():
            (aside / file).parent.mkdir(parents=True, exist_ok=True)
            (aside / file).write_text(text, encoding="utf-8")
        os.rename(aside, folder)
    except OSError as error:
        raise ZooError(f"{folder} cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return sorted(texts)


def _texts(name: str, kind: str) -> dict[Path, str]:
    """What the files hold, by their paths; a kind's own file replaces the common one."""
    values = _values(name)
    for figure, number in _FIGURES.items():
        values |= {figure: f"{number:_}", f"{figure}_for_people": f"{number:,}"}
    values["description"] = _DESCRIPTIONS[kind].format(title=values["title"])
    found = {}
    for source in (_HERE / "common", _HERE / kind):
        for file in sorted(source.rglob(f"*{_SUFFIX}")):
            place = str(file.relative_to(source)).removesuffix(_SUFFIX).replace("zoo_NAME", values["package"])
            found[Path(place)] = Template(file.read_text(encoding="utf-8")).substitute(values)
    return found


def _values(name: str) -> dict[str, str]:
    return {
        "name": name,
        "package": _package(name),
        "title": name.replace("-", " ").capitalize(),
        "metric": name.upper(),
    }


def _package(name: str) -> str:
    return f"zoo_{name.replace('-', '_')}"
