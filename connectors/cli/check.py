"""`tablestore-sync check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.cli.exit_codes import STOPPED
from connectors.cli.options import ConfigOption, JsonOption, StateOption
from connectors.cli.output import say, say_json, screen, silence_log

if TYPE_CHECKING:
    from connectors.preflight.runner import Group
    from connectors.settings.origins import Option

EXAMPLES = (
    "tablestore-sync check",
    "tablestore-sync check --offline --config orders.toml",
    "tablestore-sync check -r state --json",
)
_MARKS = {
    "ok": ("✓", "green"),
    "warning": ("!", "yellow"),
    "failed": ("✗", "red"),
    "skipped": ("-", "dim"),
}


def check(
    config: ConfigOption = None,
    state: StateOption = Path("state"),
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Only the settings and librdkafka's verdict on them."),
    ] = False,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="When to give up on what has not answered.")
    ] = 15.0,
    connect: Annotated[bool, typer.Option("--connect", hidden=True)] = False,  # noqa: ARG001
    as_json: JsonOption = False,
) -> None:
    """Say what the settings mean, and whether a run could start with them.

    Asks the brokers, the Schema Registry and Tablestore, and looks at the recovery folder and this
    machine. Each failure has its remedy. Nothing is changed anywhere: permission to write is tried
    by requests that cannot write.
    """
    from connectors.cli.description import describe  # noqa: PLC0415
    from connectors.kafka.property_check import check_client_properties  # noqa: PLC0415
    from connectors.preflight.plan import checks_of  # noqa: PLC0415
    from connectors.preflight.runner import run_checks  # noqa: PLC0415
    from connectors.settings.loading import load  # noqa: PLC0415
    from connectors.settings.origins import options_of  # noqa: PLC0415

    silence_log()  # each finding says what its log lines would say
    settings = load(config)
    check_client_properties(settings)
    options = options_of(settings, config)
    groups = run_checks(checks_of(settings, options, state, offline), timeout)
    failures = sum(one.status == "failed" for group in groups for one in group.findings)
    lines = describe(settings)
    if as_json:
        _say_json(lines, options, groups, failures)
    else:
        say(lines)
        _say_options(options)
        for group in groups:
            _say_group(group)
        say(["", _summary(failures, offline)])
    if failures:
        raise typer.Exit(STOPPED)


def _say_options(options: list[Option]) -> None:
    say(["", "Set, and where (all others have their default):"])
    for option in options:
        if not option.is_default:
            say([f"  {option.name} = {option.value}  ({option.origin})"])


def _say_group(group: Group) -> None:
    out = screen()
    out.print()
    out.print(group.name, style="bold")
    for finding in group.findings:
        mark, style = _MARKS[finding.status]
        out.print(f"  {mark} ", style=style, end="")
        out.print(f"{finding.name}: {finding.text}")
        if finding.remedy:
            out.print(f"      remedy: {finding.remedy}")
        if finding.grant:
            out.print(f"      grant:  {finding.grant}")


def _summary(failures: int, offline: bool) -> str:
    if failures:
        return f"{failures} of these stop a run: see their remedies."
    return "The settings are legal." if offline else "A run can start."


def _say_json(lines: list[str], options: list[Option], groups: list[Group], failures: int) -> None:
    say_json(
        {
            "ok": failures == 0,
            "description": lines,
            "options": [
                {"name": option.name, "value": option.value, "origin": option.origin}
                for option in options
            ],
            "checks": [
                {"group": group.name, **finding._asdict()}
                for group in groups
                for finding in group.findings
            ],
        }
    )
