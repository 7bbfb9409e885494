"""Options that many commands share, and what they mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from registry import ModelSpec, NotFoundError, Registry, UsageError, load_from_environment
from registry.errors import did_you_mean

if TYPE_CHECKING:
    from zoo.config import Resolved
    from zoo.engine.checkpoint import Checkpoint
    from zoo.engine.load import LoadedModel

_F = TypeVar("_F", bound=Callable[..., Any])


def _note(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Keep an option in the state that the group and the command share: it may stand before or after the command."""
    state: dict[str, Any] = ctx.find_root().ensure_object(dict)
    assert parameter.name is not None
    if isinstance(value, tuple):
        state[parameter.name] = (*state.get(parameter.name, ()), *value)
    else:
        state[parameter.name] = bool(value) or state.get(parameter.name, False)


def _shared(*names: str, **settings: Any) -> Callable[[_F], _F]:
    return click.option(*names, expose_value=False, callback=_note, **settings)


def plugin_options(function: _F) -> _F:
    """``--plugin``, ``-p no:NAME``, ``--no-plugins``, ``--debug`` and ``--quiet``, before or after the command."""
    for option in (
        _shared("--quiet", is_flag=True, help="No progress on standard error."),
        _shared("--debug", is_flag=True, help="Show tracebacks."),
        _shared("--no-plugins", "no_plugins", is_flag=True, help="Load none but the core's own plugin."),
        _shared("-p", "blocked", multiple=True, metavar="no:NAME", help="Leave out a plugin, by entry-point name."),
        _shared(
            "--plugin", "plugins", multiple=True, metavar="MODULE|FILE.py", help="Load a plugin without packaging."
        ),
    ):
        function = option(function)
    return function


def json_option(function: _F) -> _F:
    """``--json``: data on standard output, everything else on standard error."""
    return click.option("--json", "as_json", is_flag=True, help="Print data as JSON on standard output.")(function)


def is_quiet() -> bool:
    """Whether ``--quiet`` was given."""
    return bool(_state().get("quiet"))


def registry() -> Registry:
    """The registry as options and environment ask, loaded once per command.

    Raises:
        UsageError: ``-p`` has another form than ``no:NAME``.
    """
    state = _state()
    if "registry" not in state:
        blocked = state.get("blocked", ())
        for word in blocked:
            if not word.startswith("no:"):
                raise click.UsageError(f"-p {word}: write -p no:NAME")
        state["registry"] = load_from_environment(
            no_plugins=state.get("no_plugins", False),
            blocked=[word[3:] for word in blocked],
            extra=state.get("plugins", ()),
        )
        _name_slow_imports(state["registry"])
        known = {plugin.name for plugin in state["registry"].plugins}
        for word in blocked:
            if word[3:] not in known:
                raise UsageError(f"-p {word}: no plugin {word[3:]!r}; plugins: {', '.join(sorted(known))}")
    found: Registry = state["registry"]
    return found


SLOW_SECONDS = 1.0
"""Import time of a plugin from which every command says who keeps it waiting."""


def _name_slow_imports(found: Registry) -> None:
    for plugin in found.plugins:
        if plugin.import_seconds > SLOW_SECONDS and not is_quiet():
            click.echo(
                f"note: plugin {plugin.label} takes {plugin.import_seconds:.1f} s to import, at every command: heavy "
                f"imports belong inside its builders (to leave it out: -p no:{plugin.name})",
                err=True,
            )


def _state() -> dict[str, Any]:
    state: dict[str, Any] = click.get_current_context().find_root().ensure_object(dict)
    return state


def data_options(function: _F) -> _F:
    """``--dataset`` and ``--data-root``."""
    for option in (
        click.option(
            "--data-root", metavar="DIR", help="Folder of the data set; for P3M-10k that of train/ and validation/."
        ),
        click.option("--dataset", metavar="NAME", help="Registered data set."),
    ):
        function = option(function)
    return function


device_option = click.option("--device", metavar="DEVICE", help="auto, CPU, GPU[:N] or Ascend[:N].")

_CHECKOUT_RECIPES = Path(__file__).parents[2] / "configs"
_PACKAGED_RECIPES = Path(__file__).parents[1] / "configs"


def recipe_path(name: str) -> Path:
    """The file of a recipe: a path, or the name of one that zoo carries, without ``.yaml``.

    Raises:
        NotFoundError: Neither.
    """
    path = Path(name)
    if path.is_file():
        return path
    folder = _PACKAGED_RECIPES if _PACKAGED_RECIPES.is_dir() else _CHECKOUT_RECIPES
    known = {p.stem: p for p in sorted(folder.glob("*.yaml"))}
    word = path.stem if path.suffix == ".yaml" and path.parent == Path() else name
    if word in known:
        return known[word]
    raise NotFoundError(
        f"no recipe {name!r}: no such file, and zoo carries {', '.join(known)}.{did_you_mean(word, known)}"
    )


def resolve_config(
    found: Registry,
    model: str,
    recipe: str | None = None,
    settings: tuple[str, ...] = (),
    dataset: str | None = None,
    data_root: str | None = None,
    extra: tuple[tuple[str, Any, str], ...] = (),
) -> Resolved:
    """The config of a command: plugin default < recipe < variable < option.

    Args:
        found: The registry.
        model: Name of the model.
        recipe: Value of ``-c``.
        settings: Values of ``--set``.
        dataset: Value of ``--dataset``.
        data_root: Value of ``--data-root``.
        extra: Further (key, value, origin) triples that win over everything.
    """
    from zoo.config import resolve  # brings YAML: a tenth of the time that `zoo list` takes
    from zoo.data.opening import root_from_environment

    spec = found.get("model", model)
    file = recipe_path(recipe) if recipe else None
    values: list[tuple[str, Any, str]] = [("model.name", spec.name, "MODEL")]
    if dataset is not None:
        values.append(("data.dataset", dataset, "--dataset"))
    plain = resolve(spec.config, file, settings, values)
    given = [word.partition("=")[0].strip() for word in settings]
    if data_root is not None:
        values.append(("data.root", str(Path(data_root).expanduser().absolute()), "--data-root"))
    elif "data.root" not in given:
        root = root_from_environment(plain.config.data.dataset)
        if root is not None:
            values.append(("data.root", root, "ZOO_DATA_DIR"))
        elif dataset is not None and plain.origins.get("data.root", "default") != "default":
            # Another data set than the recipe's does not lie in the recipe's folder.
            values.append(("data.root", None, "--dataset"))
    return resolve(spec.config, file, settings, [*values, *extra])


workers_option = click.option(
    "--workers",
    type=click.IntRange(min=0),
    metavar="N",
    help="Processes that score; default: one for each core, none for a few pictures. 0: none.",
)

runtime_option = click.option(
    "--runtime",
    default="auto",
    type=click.Choice(["auto", "mindspore", "onnxruntime"]),  # zoo.engine.runtimes.CHOICES, without its imports
    show_default=True,
    help="What runs the network; auto: the fastest that is installed and answers as MindSpore does.",
)


def load_for(
    found: Registry,
    spec: ModelSpec,
    checkpoint: str | None,
    dataset: str | None,
    data_root: str | None,
    device: str | None,
    eval_values: Mapping[str, Any],
    runtime: str = "auto",
    settings: tuple[str, ...] = (),
) -> LoadedModel:
    """The model that ``eval`` and ``predict`` ask for, with the config of its checkpoint.

    A model without objectives needs no checkpoint: it is taken as its plugin builds it.

    Args:
        found: The registry.
        spec: The model.
        checkpoint: Value of ``--checkpoint``; None: the best of the newest run.
        dataset: Value of ``--dataset``.
        data_root: Value of ``--data-root``.
        device: Value of ``--device``.
        eval_values: Values for the ``eval`` section; None leaves the config's.
        runtime: Value of ``--runtime``.
        settings: Values of ``--set``; beside a checkpoint, which decides the rest, only those of ``eval`` and ``data``.

    Raises:
        NotFoundError: No checkpoint.
        UsageError: The checkpoint belongs to another model, or decides what was to be set.
    """
    from zoo.config import from_dict, overlay
    from zoo.data.opening import root_from_environment
    from zoo.engine import device as devices
    from zoo.engine import runtimes
    from zoo.engine.load import config_for, load_kept, load_model
    from zoo.engine.protocol import PROTOCOLS
    from zoo.engine.run import find_checkpoint

    devices.parse(device)
    saved: Checkpoint | None = None
    kept = None
    if checkpoint is None and not spec.objectives:
        config = resolve_config(found, spec.name, None, settings, dataset, data_root).config
    else:
        for text in settings:
            if not text.strip().startswith(("eval.", "data.")):
                raise UsageError(f"--set {text}: the checkpoint decides it; only eval.* and data.* can be set")
        path = find_checkpoint(checkpoint, spec.name)
        source = runtimes.Source(found, spec, found.owner("model", spec.name), path)
        kept = runtimes.open_kept(runtime, device, source)
        saved = kept.checkpoint if kept is not None else _read(path, runtimes.host(runtime, device))
        config = config_for(saved, spec.name)
        wanted = dataset or config.data.dataset
        same = config.data.root if wanted == config.data.dataset else None
        root = str(Path(data_root).expanduser().absolute()) if data_root else same or root_from_environment(wanted)
        # What the options mean is the data set's own business.
        changed = {} if wanted == config.data.dataset else {"options": {}}
        config = overlay(config.override(data={"dataset": wanted, "root": root, **changed}), settings)
    values = {key: value for key, value in eval_values.items() if value is not None}
    plain = config.to_dict()
    plain["eval"] |= values
    config = from_dict(plain, "options")
    if kept is not None and saved is not None and not PROTOCOLS[config.eval.protocol].detail:
        say(runtimes.taken(spec.name, kept.runner))
        return load_kept(found, config, saved, kept.runner)
    if kept is not None and saved is not None:
        saved = _read(saved.path, device)
    return load_model(found, config, saved, device, runtime, say)


def _read(path: Path, device: str | None) -> Checkpoint:
    from zoo.engine import device as devices
    from zoo.engine.checkpoint import read

    devices.start(device)
    return read(path)


def say(text: str) -> None:
    """A line on standard error, unless ``--quiet``."""
    if not is_quiet():
        click.echo(text, err=True)


def command_line() -> list[str]:
    """The words of this command line, for processes that shall do the same together."""
    return list(_state()["command_line"])


def plugin_arguments() -> list[str]:
    """The plugin options of this command line again, for a process that shall see the same plugins."""
    state = _state()
    words = [part for word in state.get("blocked", ()) for part in ("-p", word)]
    words += [part for word in state.get("plugins", ()) for part in ("--plugin", word)]
    return [*words, *(["--no-plugins"] if state.get("no_plugins") else [])]
