"""A run in a terminal, with the numbers of its page."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from connectors.errors import StopRun
from connectors.http_api.aggregate import RunProvider
from connectors.http_api.models import Status
from connectors.run.folder_lock import processes_of

_MAX_PARTITIONS = 20
_MAX_REASONS = 5
_MAX_DRIFT = 10


def addresses_of(folder: Path) -> dict[int, str]:
    """The endpoints of the processes of a run, by number, as its recovery folder has them.

    Without those of processes that a former run had more. Raises StopRun where there are none.
    """
    found: dict[int, str] = {}
    for file in sorted(folder.glob("process-*.http")):
        number = file.stem.removeprefix("process-")
        if number.isascii() and number.isdigit():
            found[int(number)] = file.read_text("utf-8").strip()
    if not found:
        raise StopRun(
            f"no run with an endpoint has used the recovery folder {folder}.\n  remedy: set "
            "http.port (0: any free one) and start the run, or name its address with --url"
        )
    running = processes_of(folder)
    return {number: url for number, url in found.items() if number in running} or found


def show_run(
    addresses: Callable[[], Mapping[int, str]],
    console: Console,
    every: float = 2.0,
    times: int | None = None,
) -> None:
    """Show the run every so many seconds until Ctrl-C, or so many times.

    Where the console is no terminal, each is printed below the last.
    """
    provider = RunProvider(addresses)
    before: tuple[float, Status] | None = None
    with Live(console=console, auto_refresh=False, screen=times is None) as live:
        while times is None or times > 0:
            status = asyncio.run(provider.status())
            now = time.monotonic()
            live.update(_screen(status, before, now), refresh=True)
            before = now, status
            if times is not None:
                times -= 1
            if times != 0:
                time.sleep(every)


def status_of(addresses: Callable[[], Mapping[int, str]]) -> dict[str, Any]:
    """The JSON of /status of the whole run."""
    return asyncio.run(RunProvider(addresses).status()).model_dump(mode="json")


def _screen(status: Status, before: tuple[float, Status] | None, now: float) -> RenderableType:
    """The whole screen of a run's status, with its problems first."""
    parts: list[RenderableType] = [_headline(status)]
    parts += [_problem(problem.subject, problem.text) for problem in status.problems]
    parts.append(_flow(status, before, now))
    parts.append(_partitions(status))
    if status.tables:
        parts.append(_tables(status))
    if status.rejections:
        parts.append(_rejections(status))
    if status.drift:
        parts.append(_drift(status))
    if len(status.processes) > 1 or any(one.error for one in status.processes):
        parts.append(_processes(status))
    return Group(*parts)


def _headline(status: Status) -> Text:
    mood = "" if status.ready else ", not ready" if status.healthy else ", not healthy"
    style = "bold green" if status.ready else "bold yellow" if status.healthy else "bold red"
    line = Text(f"tablestore-sync {status.flow} ")
    line.append(f"{status.state}{mood}", style)
    age = _seconds(status.snapshots.age_seconds)
    return line.append(f"  {status.snapshots.number:,} snapshots, the last {age} ago")


def _problem(subject: str, text: str) -> Text:
    return Text(f"! {f'{subject}: ' if subject else ''}{text.splitlines()[0]}", "yellow")


def _flow(status: Status, before: tuple[float, Status] | None, now: float) -> Table:
    counts, requests = status.counts, status.requests
    table = Table(title="Flow", title_justify="left", expand=True)
    for name in ("lag", "read", "filtered", "rejected", "batches", "in flight", "written"):
        table.add_column(name, justify="right")
    lags = [one.lag_records for one in status.partitions if one.lag_records is not None]
    ages = [one.lag_seconds for one in status.partitions if one.lag_seconds is not None]
    fill = requests.fill_sum / requests.batches if requests.batches else 0.0
    table.add_row(
        f"{sum(lags):,}" if lags else "-",
        *(f"{counts.get(name, 0):,}" for name in ("read", "filtered", "rejected")),
        f"{requests.batches:,}",
        f"{requests.in_flight:,} requests",
        f"{counts.get('written', 0):,}",
    )
    table.add_row(
        _seconds(max(ages)) if ages else "-",
        _rate("read", status, before, now),
        "",
        _rate("rejected", status, before, now),
        f"{fill:.0%} full",
        f"{requests.waiting_shards:,} shards wait",
        _rate("written", status, before, now),
    )
    return table


def _rate(name: str, status: Status, before: tuple[float, Status] | None, now: float) -> str:
    if before is None or now <= before[0]:
        return ""
    grown = status.counts.get(name, 0) - before[1].counts.get(name, 0)
    # A process that was started again begins at 0.
    return f"{grown / (now - before[0]):,.0f}/s" if grown >= 0 else ""


def _partitions(status: Status) -> Table:
    """A table of the partitions with the highest lag."""
    shown = sorted(status.partitions, key=lambda one: -(one.lag_records or 0))[:_MAX_PARTITIONS]
    hidden = len(status.partitions) - len(shown)
    title = f"Partitions{f' (without {hidden:,} that lag less)' if hidden else ''}"
    table = Table(title=title, title_justify="left", expand=True)
    table.add_column("topic")
    for name in ("partition", "lag", "in time", "durable offset", "end", "process"):
        table.add_column(name, justify="right")
    for one in shown:
        table.add_row(
            Text(one.topic),
            str(one.partition),
            "-" if one.lag_records is None else f"{one.lag_records:,}",
            _seconds(one.lag_seconds),
            f"{one.durable_offset:,}",
            "-" if one.end_offset is None else f"{one.end_offset:,}",
            str(one.process),
            style="red" if one.is_stalled else None,
        )
    return table


def _tables(status: Status) -> Table:
    table = Table(title="Tables", title_justify="left", expand=True)
    table.add_column("table")
    for name in ("written", "sent again", "rejected", "MiB", "requests", "failed"):
        table.add_column(name, justify="right")
    for one in status.tables:
        requests = sum(one.requests.values())
        table.add_row(
            Text(one.table),
            *(f"{one.rows.get(outcome, 0):,}" for outcome in ("written", "retried", "rejected")),
            f"{one.bytes / (1 << 20):,.0f}",
            f"{requests:,}",
            f"{requests - one.requests.get('OK', 0):,}",
        )
    return table


def _rejections(status: Status) -> Group:
    table = Table(title="Rejections", title_justify="left", expand=True)
    for name in ("stage", "code", "goes to"):
        table.add_column(name)
    table.add_column("records", justify="right")
    for one in sorted(status.rejections, key=lambda each: -each.number):
        table.add_row(Text(one.stage), Text(one.code), Text(one.destination), f"{one.number:,}")
    return Group(table, *(Text(reason) for reason in status.last_rejected[-_MAX_REASONS:]))


def _drift(status: Status) -> Table:
    table = Table(title="Drift", title_justify="left", expand=True)
    for name in ("topic", "field", "what was noticed"):
        table.add_column(name)
    for one in status.drift[-_MAX_DRIFT:]:
        table.add_row(Text(one.topic), Text(one.field), Text(one.text))
    return table


def _processes(status: Status) -> Table:
    table = Table(title="Processes", title_justify="left", expand=True)
    table.add_column("process", justify="right")
    table.add_column("state")
    for name in ("pid", "restarts", "MiB"):
        table.add_column(name, justify="right")
    for one in status.processes:
        resident = one.memory.resident if one.memory is not None else None
        table.add_row(
            str(one.process),
            Text(one.error or one.state),
            "-" if one.pid is None else str(one.pid),
            str(one.restarts),
            "-" if resident is None else f"{resident / (1 << 20):,.0f}",
        )
    return table


def _seconds(value: float | None) -> str:
    if value is None:
        return "-"
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 120:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} min" if value < 7200 else f"{value / 3600:.1f} h"
