"""The command line ``zoo``: one file per command, each imported when it is called.

Everything that goes wrong on purpose leaves as one line on standard error with the exit code of its error
class; anything else is a bug (exit 3), with a traceback only under ``--debug``.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
import traceback
from typing import Any

import click
from click.exceptions import NoArgsIsHelpError

from registry import UsageError, ZooError
from registry.errors import did_you_mean
from zoo.interrupt import Interrupted, ctrl_c

_COMMANDS = {
    "train": "train a registered model",
    "eval": "score a model on the test splits of a data set",
    "score": "score a folder of mattes, no model needed",
    "predict": "cut pictures and videos out: mattes, cut-outs, composites",
    "export": "write a network as an ONNX or MINDIR file",
    "convert": "make a checkpoint of another framework's weights",
    "download": "fetch the published weights that a card names",
    "compare": "hold two results side by side",
    "bench": "time and rank registered models",
    "doctor": "say whether zoo works on this machine, and what to do where it does not",
    "list": "list what is installed",
    "info": "show the card of one thing",
    "plugins": "show the plugins and why some are not loaded",
    "data": "draw the demo set, check a copy of a data set, prepare it",
}
"""Commands and their line in ``zoo --help``; the module of a command has its name (``eval_`` for ``eval``)."""

_MODULES = {"eval": "eval_", "list": "list_"}


class _Commands(click.Group):
    """The group of all commands; the module of a command is imported only when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        module = importlib.import_module(f"zoo.cli.{_MODULES.get(name, name)}")
        command = getattr(module, "command", None)
        assert isinstance(command, click.Command), f"zoo.cli.{name} defines no command"
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in _COMMANDS:
            text = f"no command {args[0]!r}; commands: {', '.join(_COMMANDS)}."
            raise UsageError(text + did_you_mean(args[0], _COMMANDS))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


def _show_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from zoo.version import zoo_version

        click.echo(f"zoo {zoo_version()}")
        ctx.exit()


def _group() -> click.Group:
    from zoo.cli.options import plugin_options

    @click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
    @click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Version.")
    @plugin_options
    def zoo() -> None:
        """Train, evaluate and benchmark image matting models that register as plugins."""

    return zoo


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the command ``zoo``; ends the process with the documented exit code."""
    from zoo.engine.outcome import tell

    code = run(sys.argv[1:] if arguments is None else arguments)
    tell(code)
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command line; the exit code."""
    with ctrl_c():
        return _run(arguments)


def _run(arguments: list[str]) -> int:
    debug = "--debug" in arguments
    before = _on_terminate(_raise_terminated)
    try:
        # Click answers with ctx.exit's code where a command was cut short (--help, --version).
        code = _group().main(
            args=arguments, prog_name="zoo", standalone_mode=False, obj={"command_line": tuple(arguments)}
        )
        return code if isinstance(code, int) else 0
    except ZooError as error:
        return _fail(str(error), error.exit_code, debug)
    except NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return UsageError.exit_code
    except click.ClickException as error:
        where = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "zoo"
        return _fail(f"{error.format_message()} (see {where} --help)", UsageError.exit_code, debug)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted", 130, debug)
    except BrokenPipeError:
        # The reader of our output left, as `zoo list | head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _fail(f"{error.filename or 'a file'}: {error.strerror or error}", ZooError.exit_code, debug)
    except Interrupted as stop:
        return stop.exit_code
    except Exception as error:
        text = " ".join(str(error).split())
        return _fail(f"internal error: {type(error).__name__}: {text} (run again with --debug and report it)", 3, debug)
    finally:
        _on_terminate(before)


def _on_terminate(handler: Any) -> Any:
    """Set what SIGTERM does; what it did before. Nothing outside the main thread, where Python delivers no signals."""
    if threading.current_thread() is threading.main_thread():
        return signal.signal(signal.SIGTERM, handler)
    return None


def _raise_terminated(number: int, frame: Any) -> None:
    raise Interrupted(number)


def _fail(text: str, code: int, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    click.echo(f"zoo: {' '.join(text.split())}", err=True)
    return code
