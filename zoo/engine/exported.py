"""Networks exported for a runtime, kept in ``ZOO_HOME/onnx`` so that each checkpoint is exported once.

A file's name is a digest of what it was made of, followed by a digest of its contents, so that nothing stale and
nothing damaged is ever used. Many processes may write and read at the same time: a file appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from registry import NotFoundError, Plugin, Registry
from zoo.files import write_bytes
from zoo.home import home
from zoo.version import zoo_version

KEEP = 16
"""Files kept; those used least recently go first. A network of 6.5 million weights is one of 26 MB."""

_ENDING, _REFUSED = ".onnx", ".refused"


@dataclass(frozen=True)
class Key:
    """What a file was made of.

    Attributes:
        digest: Of the checkpoint, the model, and the programs that make one out of the other.
    """

    digest: str

    def find(self) -> Path | None:
        """The whole, undamaged file that was made of this; None: none was."""
        for path in _folder().glob(f"{self.digest}.*{_ENDING}"):
            try:
                data = path.read_bytes()
            except OSError:  # another process has just tidied it away
                continue
            if path.name.split(".")[1] == _digest(data):
                with suppress(OSError):  # a folder that may only be read
                    os.utime(path)  # used now, for `_tidy`
                return path
        return None

    def keep(self, data: bytes) -> Path | None:
        """Keep a file made of this; None where the cache folder cannot be written."""
        path = _folder() / f"{self.digest}.{_digest(data)}{_ENDING}"
        if not _write(path, data):
            return None
        _tidy()
        return path

    def refusal(self) -> str | None:
        """Why no file can be made of this, if that was found out before."""
        try:
            return (_folder() / f"{self.digest}{_REFUSED}").read_text(encoding="utf-8")
        except OSError:
            return None

    def refuse(self, reason: str) -> None:
        """Remember that no file can be made of this."""
        _write(_folder() / f"{self.digest}{_REFUSED}", reason.encode())


def key_of(checkpoint_sha256: str, model: str, plugin: Plugin) -> Key:
    """The key of a checkpoint's export.

    Args:
        checkpoint_sha256: Hex digest of the checkpoint.
        model: Name of the model.
        plugin: Its plugin. Its sources count, not its version alone: an author changes one without the other.
    """
    parts = [checkpoint_sha256, model, zoo_version(), _sources("zoo.export"), fingerprint(plugin)]
    return Key(hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:40])


def fingerprint(plugin: Plugin) -> str:
    """A digest that changes with a plugin's version or sources."""
    return _digest(json.dumps([plugin.name, plugin.distribution, plugin.version, _sources(plugin.value)]).encode())


def backbone_fingerprint(registry: Registry, backbone: str | None, prefer: str) -> str:
    """`fingerprint` of the plugin of a backbone; "" for none, or one that is not installed."""
    if backbone is None:
        return ""
    try:
        return fingerprint(registry.owner("backbone", backbone, prefer=prefer))
    except NotFoundError:
        return ""


@cache
def _sources(module: str) -> str:
    """A digest of a module's file, or of all source files of a package."""
    path = Path(module)
    if path.suffix != ".py":
        known = sys.modules.get(module.partition(":")[0])
        origin = getattr(known, "__file__", None) or _origin(module.partition(":")[0])
        if origin is None:
            return ""
        path = Path(origin)
    files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
    total = hashlib.sha256()
    for file in files:
        total.update(str(file.relative_to(path.parent)).encode())
        total.update(file.read_bytes() if file.is_file() else b"")
    return total.hexdigest()


def _origin(module: str) -> str | None:
    import importlib.util

    found = importlib.util.find_spec(module)
    return found.origin if found else None


def _folder() -> Path:
    return home() / "onnx"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _write(path: Path, data: bytes) -> bool:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, data)
    except OSError:
        return False
    return True


def _tidy() -> None:
    """Remove the files that were used least recently, all but `KEEP`."""
    used = []
    for path in _folder().glob(f"*{_ENDING}"):
        try:
            used.append((path.stat().st_mtime_ns, path))
        except OSError:  # another process has just removed it
            continue
    for _, path in sorted(used, reverse=True)[KEEP:]:
        path.unlink(missing_ok=True)
