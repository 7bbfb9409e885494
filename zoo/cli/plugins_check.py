"""``zoo plugins check NAME``: does a plugin keep its side of the contract?"""

from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING, Any

import click

from registry import ZooError
from zoo.cli import options

if TYPE_CHECKING:
    from zoo.testing import Check, Outcome


@click.command("check")
@click.argument("name")
@click.option(
    "--only", default="*", metavar="PATTERN", help="Shell pattern of a check, of what it is about, or SUBJECT:CHECK."
)
@click.option("--set", "settings", multiple=True, metavar="a.b=v", help="Change one value of the models' config.")
@click.option("--data-root", metavar="DIR", help="Folder of the data set; without it data sets may be skipped.")
@options.json_option
@options.plugin_options
def check(name: str, only: str, settings: tuple[str, ...], data_root: str | None, as_json: bool) -> None:
    """Check everything that plugin NAME registers, with small inputs.

    A check that does not apply is skipped, one that the plugin declines with a reason (ZOO_DECLINED in its module) is
    not run; both are shown.
    """
    from zoo.testing.check import FAILED
    from zoo.testing.everything import checks, find
    from zoo.testing.for_pytest import wanted

    found = options.registry()
    plugin = find(found, name)
    chosen = wanted(checks(found, plugin.name, settings, data_root), only)
    debug = click.get_current_context().find_root().ensure_object(dict).get("debug", False)
    done = []
    for each in chosen:
        outcome = each.run()
        done.append((each, outcome))
        if not as_json:
            click.echo(_row(each, outcome))
        if outcome.error is not None and debug:
            click.echo("".join(traceback.format_exception(outcome.error)), err=True, nl=False)
    failed = [each for each, outcome in done if outcome.status == FAILED]
    if as_json:
        record = {"plugin": plugin.name, "distribution": plugin.distribution, "version": plugin.version}
        click.echo(json.dumps({**record, "checks": [_facts(*pair) for pair in done]}, indent=2))
    if failed:
        names = "; ".join(map(str, failed[:3])) + ("; ..." if len(failed) > 3 else "")
        raise ZooError(f"plugin {plugin.label}: {len(failed)} of {len(done)} checks failed: {names}")
    counts = [(word, sum(outcome.status == word for _, outcome in done)) for word in ("ok", "declined", "skipped")]
    click.echo(f"plugin {plugin.label}: {', '.join(f'{n} {word}' for word, n in counts if n)}", err=True)


def _row(check: Check, outcome: Outcome) -> str:
    status = outcome.status.upper() if outcome.status == "failed" else outcome.status
    subject = f"{check.kind} {check.subject}"
    return f"{check.name:<19} {subject:<28} {status:<8} {outcome.seconds:6.1f} s  {outcome.reason}".rstrip()


def _facts(check: Check, outcome: Outcome) -> dict[str, Any]:
    return {
        "check": check.name,
        "kind": check.kind,
        "subject": check.subject,
        "status": outcome.status,
        "reason": outcome.reason,
        "seconds": outcome.seconds,
    }
