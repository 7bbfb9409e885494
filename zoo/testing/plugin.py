"""Checks of a plugin as a whole: it loads, its import is light, what it declines exists."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from registry import Plugin
from zoo.testing.check import Unmet, expect

HEAVY = ("mindspore", "scipy", "cv2", "torch")
"""What importing a plugin must not import: every command of zoo imports every plugin."""

DECLINED = "ZOO_DECLINED"
"""Name in the plugin's module of the mapping ``[SUBJECT:]CHECK -> reason``."""


def check_loaded(plugin: Plugin) -> None:
    """The plugin was loaded."""
    expect(plugin.status == "loaded", f"it was not loaded: {plugin.cause}")


def check_import(plugin: Plugin) -> None:
    """Importing the plugin and registering import nothing heavy.

    It is tried in a process of its own: here everything may be imported already.
    """
    program = (
        "import sys\nfrom registry import load\n"
        f"load(only=[], extra=[{_source(plugin)!r}])\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    expect(done.returncode == 0, f"importing it in a process of its own failed: {_last_line(done.stderr)}")
    heavy = done.stdout.split()
    expect(not heavy, f"importing it imports {', '.join(heavy)}; import inside the functions that build something")


def _source(plugin: Plugin) -> str:
    """What `registry.load` takes as ``extra``: a file or a module."""
    return plugin.value if plugin.value.endswith(".py") else plugin.value.partition(":")[0]


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no message"])[-1]


def declined(plugin: Plugin) -> Any:
    """``ZOO_DECLINED`` of the plugin's module, an empty mapping without one."""
    return getattr(_module(plugin), DECLINED, {})


def _module(plugin: Plugin) -> Any:
    source = _source(plugin)
    if source.endswith(".py"):
        return sys.modules[f"zoo_plugin_file_{Path(source).stem}"]  # the name under which the registry imports files
    return importlib.import_module(source)


def reason(declined: Any, subject: str, name: str) -> str:
    """Why a check is declined; "" if it is not."""
    if not isinstance(declined, Mapping):
        return ""
    text = declined.get(f"{subject}:{name}", declined.get(name, ""))
    return " ".join(text.split()) if isinstance(text, str) else ""


def check_declined(plugin: Plugin, declined: Any, known: Collection[tuple[str, str]]) -> None:
    """Every declined check exists, and a reason is given.

    Args:
        plugin: The plugin.
        declined: Its ``ZOO_DECLINED``.
        known: (subject, check) of everything it registers.
    """
    if not isinstance(declined, Mapping):
        raise Unmet(f"{DECLINED} is {type(declined).__name__}; expected a mapping from [SUBJECT:]CHECK to the reason")
    names = {name for _, name in known}
    for key, text in declined.items():
        subject, _, name = str(key).rpartition(":")
        exists = (subject, name) in known if subject else name in names
        expect(exists, f"{DECLINED} names {key!r}, and there is no such check of what {plugin.name} registers")
        given = isinstance(text, str) and bool(text.strip())
        expect(given, f"{DECLINED} gives no reason for {key!r}; a check may be declined only with a written reason")
