"""The registry: which plugins are there, what each offers, and why some are not.

Plugins are loaded one by one, each against a plugin manager of its own, so that what goes wrong in
one of them (a broken import, ``SystemExit``, a misspelt hook) leaves nothing behind and harms nobody.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import pluggy

from registry import hookspecs
from registry.errors import NotFoundError, PluginError, did_you_mean
from registry.hookspecs import API, GROUP
from registry.specs import BackboneSpec, DatasetSpec, MetricSpec, ModelSpec, Spec

CORE = "core"
"""Entry-point name of zoo's own data sets and metrics."""

_CORE_MODULE = "zoo.builtin"

_HOOKS: Mapping[str, tuple[str, type]] = {
    "register_models": ("model", ModelSpec),
    "register_backbones": ("backbone", BackboneSpec),
    "register_datasets": ("dataset", DatasetSpec),
    "register_metrics": ("metric", MetricSpec),
}

_KINDS: Mapping[type, str] = {cls: kind for kind, cls in _HOOKS.values()}

KINDS: tuple[str, ...] = tuple(_KINDS.values())
"""The kinds of things that can be registered."""

_T = TypeVar("_T", ModelSpec, BackboneSpec, DatasetSpec, MetricSpec)


@dataclass(frozen=True)
class Plugin:
    """One entry point (or file given with ``--plugin``) and what became of it.

    Attributes:
        name: Entry-point name, or the stem of the file.
        distribution: Name of the distribution, "" for a module or file without one.
        version: Version of the distribution, "" without one.
        value: What the entry point names, or the path of the file.
        status: ``loaded``, ``failed`` or ``blocked``.
        cause: Why it is not loaded, in one line; "" if it is.
        specs: What it registered, in order; empty unless loaded.
        attempted: Names that it registered before it failed; nothing of them is kept.
        import_seconds: Seconds that importing and registering took.
        api: Version of the contract it states.
    """

    name: str
    distribution: str = ""
    version: str = ""
    value: str = ""
    status: str = "loaded"
    cause: str = ""
    specs: tuple[Spec, ...] = ()
    attempted: tuple[str, ...] = ()
    import_seconds: float = 0.0
    api: int = API

    @property
    def is_core(self) -> bool:
        """Whether this is zoo's own plugin, which no stranger's entry point can pose as."""
        return self.name == CORE and self.value == _CORE_MODULE

    @property
    def offers(self) -> dict[str, list[str]]:
        """Names offered, by kind; only kinds with at least one name."""
        found: dict[str, list[str]] = {}
        for spec in self.specs:
            found.setdefault(_KINDS[type(spec)], []).append(spec.name)
        return found

    @property
    def label(self) -> str:
        """``NAME (zoo-NAME 0.1.0)``: how messages name the plugin."""
        return (
            f"{self.name} ({self.distribution} {self.version})" if self.distribution else f"{self.name} ({self.value})"
        )

    @property
    def removal(self) -> str:
        """What to do to be rid of it, as one clause."""
        return f"pip uninstall {self.distribution}" if self.distribution else f"leave out --plugin {self.value}"


@dataclass(frozen=True)
class Registry:
    """Everything registered; build one with `load`.

    Attributes:
        plugins: Every plugin found, loaded or not, the core first, then by name.
    """

    plugins: tuple[Plugin, ...] = ()

    @property
    def models(self) -> Mapping[str, ModelSpec]:
        """Registered models by name."""
        return MappingProxyType(dict(self._items(ModelSpec)))

    @property
    def backbones(self) -> Mapping[str, BackboneSpec]:
        """Registered backbones by full name, ``PLUGIN/NAME``."""
        return MappingProxyType(dict(self._items(BackboneSpec)))

    @property
    def datasets(self) -> Mapping[str, DatasetSpec]:
        """Registered data sets: the core's by short name, others by ``PLUGIN/NAME``."""
        return MappingProxyType(dict(self._items(DatasetSpec)))

    @property
    def metrics(self) -> Mapping[str, MetricSpec]:
        """Registered metrics: the core's by short name, others by ``PLUGIN/NAME``."""
        return MappingProxyType(dict(self._items(MetricSpec)))

    def _items(self, cls: type[_T]) -> Iterator[tuple[str, _T]]:
        for plugin in self.plugins:
            for spec in plugin.specs:
                if isinstance(spec, cls):
                    yield _public_name(plugin, spec), spec

    def names(self, kind: str) -> list[str]:
        """Public names of one kind, sorted."""
        cls = next(c for c, k in _KINDS.items() if k == kind)
        return sorted(name for name, _ in self._items(cls))

    def get(self, kind: str, name: str, prefer: str | None = None) -> Any:
        """The spec of that kind and name.

        Args:
            kind: One of `KINDS`.
            name: Full (``PLUGIN/NAME``) or short name; a short one must be unique.
            prefer: Name of the plugin whose own things win a short name (that of the model at hand).

        Raises:
            NotFoundError: Nothing, or more than one thing, has that name.
        """
        return self._find(kind, name, prefer)[1]

    def owner(self, kind: str, name: str, prefer: str | None = None) -> Plugin:
        """The plugin that registered the thing of that kind and name.

        Raises:
            NotFoundError: Nothing, or more than one thing, has that name.
        """
        return self._find(kind, name, prefer)[0]

    def _find(self, kind: str, name: str, prefer: str | None) -> tuple[Plugin, Spec]:
        cls = next(c for c, k in _KINDS.items() if k == kind)
        every = [(p, s) for p in self.plugins for s in p.specs if isinstance(s, cls)]
        found = [(p, s) for p, s in every if name == f"{p.name}/{s.name}"] or [
            (p, s) for p, s in every if name == s.name
        ]
        own = [(p, s) for p, s in found if p.name == prefer] or [(p, s) for p, s in found if p.is_core]
        if len(own or found) == 1:
            return (own or found)[0]
        if found:
            choices = ", ".join(sorted(f"{p.name}/{s.name}" for p, s in found))
            raise NotFoundError(f"{kind} name {name!r} is not unique; say which: {choices}")
        raise NotFoundError(self._unknown(kind, name, [_public_name(p, s) for p, s in every]))

    def _unknown(self, kind: str, name: str, known: list[str]) -> str:
        text = f"no {kind} named {name!r}; installed: {', '.join(sorted(known)) or 'none'}."
        failed = [p for p in self.plugins if p.status == "failed" and _nearby(name, p)]
        blocked = [p for p in self.plugins if p.status == "blocked" and _nearby(name, p)]
        if failed:
            text += f" Plugin {failed[0].label} was not loaded: {failed[0].cause}."
        elif blocked:
            text += f" Plugin {blocked[0].label} is {blocked[0].cause}."
        elif not known and kind == "model":
            text += " Models come as plugins: install one (pip install zoo-NAME)."
        return text + did_you_mean(name, [*known, *(full.split("/")[-1] for full in known)])


def _nearby(name: str, plugin: Plugin) -> bool:
    short = name.rpartition("/")[2]
    return short in plugin.attempted or name in (
        plugin.name,
        plugin.distribution,
        plugin.distribution.removeprefix("zoo-"),
    )


def _public_name(plugin: Plugin, spec: Spec) -> str:
    if isinstance(spec, ModelSpec) or plugin.is_core:
        return spec.name
    return f"{plugin.name}/{spec.name}"


# --- Loading ---------------------------------------------------------------------------------------


def load(
    only: Iterable[str] | None = None,
    blocked: Iterable[str] = (),
    extra: Iterable[str] = (),
    strict: bool = False,
    points: Iterable[EntryPoint] | None = None,
) -> Registry:
    """Load every plugin of the entry-point group ``zoo``.

    Args:
        only: Entry-point names to load; None means all. The core's own is always loaded.
        blocked: Entry-point names to leave out.
        extra: Modules or ``.py`` files to load as plugins, with no packaging.
        strict: Raise the first failure instead of setting the plugin aside (for plugin authors).
        points: Entry points to use instead of the installed ones (for tests).

    Returns:
        The registry. Failed plugins are in it with their cause.

    Raises:
        PluginError: ``strict`` is set and a plugin failed.
        NotFoundError: A file of ``extra`` does not exist.
    """
    wanted = None if only is None else set(only)
    out = set(blocked)
    plugins: list[Plugin] = []
    for point, (distribution, version) in _unique(entry_points(group=GROUP) if points is None else points):
        base = Plugin(name=point.name, distribution=distribution, version=version, value=point.value)
        left_out = point.name in out or (wanted is not None and point.name not in wanted)
        if left_out and not base.is_core:
            why = "-p no:" + point.name if point.name in out else "not named in ZOO_LOAD_PLUGINS, or --no-plugins"
            plugins.append(replace(base, status="blocked", cause=f"left out by {why}"))
            continue
        plugins.append(_load_one(base, point.load, strict))
    for source in dict.fromkeys(extra):
        base = Plugin(name=Path(source).stem if source.endswith(".py") else source.rpartition(".")[2], value=source)
        plugins.append(_load_one(base, _module_loader(source), strict))
    return _settle(plugins, strict)


def load_from_environment(no_plugins: bool = False, blocked: Iterable[str] = (), extra: Iterable[str] = ()) -> Registry:
    """`load` as the environment asks: ``ZOO_LOAD_PLUGINS`` and ``ZOO_STRICT_PLUGINS``.

    Args:
        no_plugins: Load none but the core's own.
        blocked: As for `load`.
        extra: As for `load`.
    """
    listed = os.environ.get("ZOO_LOAD_PLUGINS")
    only: list[str] | None = None
    if no_plugins:
        only = []
    elif listed is not None:
        only = [name.strip() for name in listed.split(",") if name.strip()]
    return load(only=only, blocked=blocked, extra=extra, strict=os.environ.get("ZOO_STRICT_PLUGINS") == "1")


def _unique(points: Iterable[EntryPoint]) -> list[tuple[EntryPoint, tuple[str, str]]]:
    """Each with its distribution, the core first, then by name; one seen twice on the path counts once."""
    seen: dict[tuple[str, str, str], tuple[EntryPoint, tuple[str, str]]] = {}
    for point in points:
        distribution = _distribution(point)
        seen.setdefault((point.name, point.value, _normal(distribution[0])), (point, distribution))
    return sorted(seen.values(), key=lambda one: (one[0].name != CORE, one[0].name, one[1][0] or "~"))


def _distribution(point: EntryPoint) -> tuple[str, str]:
    """Name and version of an entry point's distribution; "" where its metadata are gone (a half-done uninstall)."""
    try:
        if point.dist is None:
            return "", ""
        found = point.dist.metadata  # the file is parsed anew at each look: once for both
        return found["Name"] or "", found["Version"] or ""
    except Exception:
        return "", ""


def _normal(distribution: str) -> str:
    """A distribution's name as PyPI compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _module_loader(source: str) -> Callable[[], Any]:
    if not source.endswith(".py"):

        def from_path() -> Any:
            # An installed script does not see the current folder, where a plugin in the making lies.
            if os.getcwd() not in sys.path:
                sys.path.insert(0, os.getcwd())
            return importlib.import_module(source)

        return from_path
    path = Path(source)
    if not path.is_file():
        raise NotFoundError(f"--plugin {source}: no such file")

    def from_file() -> Any:
        # A name of its own, so that a file called numpy.py cannot replace a module.
        name = f"zoo_plugin_file_{path.stem}"
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{source} is no Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module

    return from_file


def _load_one(base: Plugin, load_module: Callable[[], Any], strict: bool) -> Plugin:
    started = time.perf_counter()
    specs: list[Spec] = []
    try:
        # What a plugin prints while it loads must not get between the data of --json.
        with contextlib.redirect_stdout(sys.stderr):
            module = load_module()
            api = getattr(module, "ZOO_API", API)
            if api != API:
                raise PluginError(f"it is written for plugin API {api!r}, this zoo offers API {API}")
            _collect(base.name, module, specs)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        # BaseException: a plugin that calls sys.exit() at import must not take zoo with it.
        if strict:
            raise PluginError(f"plugin {base.label}: {_one_line(error)}") from error
        seconds = time.perf_counter() - started
        attempted = tuple(spec.name for spec in specs)
        return replace(base, status="failed", cause=_one_line(error), attempted=attempted, import_seconds=seconds)
    return replace(base, specs=tuple(specs), import_seconds=time.perf_counter() - started, api=api)


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, PluginError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _collect(name: str, module: Any, specs: list[Spec]) -> None:
    """Add what the hooks of one module register to ``specs``.

    pluggy passes over functions that carry no ``@hookimpl`` in silence, and over misspelt ones until
    asked; both are mistakes of the author that would otherwise look like an empty plugin.
    """
    _check_hooks(module)
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(module, name)
    manager.check_pending()
    for hook, (kind, cls) in _HOOKS.items():
        getattr(manager.hook, hook)(register=_collector(specs, hook, kind, cls))
    if not specs:
        raise PluginError(f"it offers nothing: implement one of {', '.join(_HOOKS)} and call register(...)")


def _collector(specs: list[Spec], hook: str, kind: str, cls: type) -> Callable[[Spec], None]:
    def register(spec: Spec) -> None:
        if not isinstance(spec, cls):
            raise TypeError(f"{hook} got {type(spec).__name__}, expected {cls.__name__}")
        if any(isinstance(other, cls) and other.name == spec.name for other in specs):
            raise PluginError(f"it registers {kind} {spec.name!r} twice")
        specs.append(spec)

    return register


def _check_hooks(module: Any) -> None:
    for attribute in dir(module):
        function = getattr(module, attribute, None)
        marked = isinstance(getattr(function, f"{GROUP}_impl", None), dict)  # a mock has every attribute
        if marked and attribute not in _HOOKS:
            raise PluginError(
                f"unknown hook {attribute!r}; hooks: {', '.join(_HOOKS)}.{did_you_mean(attribute, _HOOKS)}"
            )
        if (
            not marked
            and attribute in _HOOKS
            and getattr(function, "__module__", None) == getattr(module, "__name__", "")
        ):
            raise PluginError(f"{attribute} is not marked: put @hookimpl above it")


# --- Who owns a name ---------------------------------------------------------------------------------


def _settle(plugins: list[Plugin], strict: bool) -> Registry:
    """Set aside whoever registered a name that belongs to somebody else.

    A model name belongs to the distribution ``zoo-NAME`` if that offers it, else to the
    alphabetically first distribution that does. Names of the core belong to the core, and two plugins of one name
    would share their ``PLUGIN/NAME`` forms, so the second one yields.
    """
    standing: list[Plugin] = []
    verdicts = {id(p): p for p in plugins}
    undecided = [p for p in plugins if p.status == "loaded"]
    while undecided:
        # Whoever has a rightful claim on every name stands; in a circle of claims, the first does.
        clean = [p for p in undecided if not _trespass(p, standing + undecided)] or undecided[:1]
        standing += clean
        rest = [p for p in undecided if p not in clean]
        undecided = []
        for plugin in rest:
            cause = _trespass(plugin, standing)
            if cause and strict:
                raise PluginError(f"plugin {plugin.label}: {cause}")
            if cause:
                attempted = tuple(spec.name for spec in plugin.specs)
                verdicts[id(plugin)] = replace(plugin, status="failed", cause=cause, attempted=attempted, specs=())
            else:
                undecided.append(plugin)
    return Registry(tuple(verdicts[id(p)] for p in plugins))


def _trespass(plugin: Plugin, others: list[Plugin]) -> str:
    """Why one of the others has the better claim on a name of this plugin, or ""."""
    for other in others:
        if other is plugin:
            continue
        if other.name == plugin.name and _rank(other, "") < _rank(plugin, ""):
            return f"the plugin name {plugin.name!r} belongs to {other.label}"
        for spec in plugin.specs:
            if not any(type(s) is type(spec) and s.name == spec.name for s in other.specs):
                continue
            kind = _KINDS[type(spec)]
            if other.is_core:
                return f"{kind} {spec.name!r} belongs to {other.label}; {plugin.label} cannot take it"
            if isinstance(spec, ModelSpec) and _rank(other, spec.name) < _rank(plugin, spec.name):
                return (
                    f"{kind} {spec.name!r} is offered by {other.label} and by {plugin.label}; it belongs to the first"
                )
    return ""


def _rank(plugin: Plugin, model: str) -> tuple[bool, bool, bool, str, str, str]:
    """Claim of a plugin on a model name; the lowest wins."""
    distribution = _normal(plugin.distribution)
    return (
        not plugin.is_core,
        distribution != _normal(f"zoo-{model}"),
        not distribution,
        distribution,
        plugin.value,
        plugin.name,
    )
