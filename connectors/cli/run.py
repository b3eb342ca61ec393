"""`tablestore-sync run`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from connectors.cli.options import ConfigOption, FlowOption, StateOption

EXAMPLES = (
    "tablestore-sync run",
    "tablestore-sync run --config orders.toml -r orders-state --processes 2",
    "tablestore-sync run --flow my_flows.orders",
    "tablestore-sync run --hosts 10.0.0.1:2101,10.0.0.2:2101 --host-index 0",
)


def run(
    config: ConfigOption = None,
    state: StateOption = Path("state"),
    flow: FlowOption = "flows.sync",
    processes: Annotated[
        int, typer.Option(metavar="N", help="Processes on this host, as a cluster.")
    ] = 1,
    workers: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Worker threads of each process; one unless given. They share "
            "an interpreter, so more are no faster: take --processes.",
        ),
    ] = None,
    snapshot_interval: Annotated[
        int, typer.Option(metavar="SECONDS", help="Seconds between two snapshots.")
    ] = 5,
    hosts: Annotated[
        str | None,
        typer.Option(
            metavar="A:PORT,B:PORT",
            help="A run on several hosts: their addresses, the same list on each. A host's "
            "processes take as many ports, from its port on.",
        ),
    ] = None,
    host_index: Annotated[
        int | None,
        typer.Option(metavar="I", help="Which of the hosts this is, from 0 on; 0 has the state."),
    ] = None,
) -> None:
    """Move the topics into their tables, until SIGTERM or SIGINT.

    It goes on where the last run with the same recovery folder has stopped. The processes are
    watched: when one dies or they are stuck, all are started again, and the log says why.
    """
    from connectors.errors import ConfigError  # noqa: PLC0415
    from connectors.settings.loading import CONFIG_VARIABLE, load  # noqa: PLC0415
    from connectors.supervisor import service  # noqa: PLC0415
    from connectors.supervisor.plan import RunPlan, parse_hosts  # noqa: PLC0415

    if (hosts is None) != (host_index is None):
        raise ConfigError("--hosts and --host-index go together: give both, or none of them")
    plan = RunPlan(
        folder=state,
        flow=flow,
        processes=processes,
        workers=workers,
        snapshot_seconds=snapshot_interval,
        hosts=() if hosts is None else parse_hosts(hosts, processes),
        host=host_index or 0,
    )
    if config is not None:
        os.environ[CONFIG_VARIABLE] = str(config)
    code = service.run(plan, load(config))
    if code:
        raise typer.Exit(code)
