"""`tablestore-sync cost`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connectors.cli.options import ConfigOption, JsonOption, RecordsOption, TopicOption
from connectors.cli.output import say, say_json, screen, silence_log
from connectors.errors import StopRun

if TYPE_CHECKING:
    from connectors.inspect.cost import TableCost

EXAMPLES = (
    "tablestore-sync cost",
    "tablestore-sync cost --topic orders --rate 2500",
    "tablestore-sync cost -r state",
    "tablestore-sync cost --new-prices prices.toml",
    "tablestore-sync cost --prices prices.toml --json",
)
_TEMPLATE = """# Prices for `tablestore-sync cost --prices`: fill in those of your region.
currency = "USD"
write_units_10000 = 0.0   # of 10,000 write capacity units
storage_gb_month = 0.0    # of a GB stored for a month

# [tables.readings]       # where a table has other prices, such as a time series table
# write_units_10000 = 0.0
# storage_gb_month = 0.0
"""


def cost(
    config: ConfigOption = None,
    topic: TopicOption = None,
    records: RecordsOption = 1000,
    rate: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="N", help="Rows a second of each table; the sample's unless set."
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            "-r",
            "--state",
            metavar="FOLDER",
            help="Count what the run of this recovery folder has written, instead of a sample.",
        ),
    ] = None,
    prices: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your prices, to show money too.")
    ] = None,
    new_prices: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write such a file to fill in, and end.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what the rows of topics take: bytes, capacity units a second and a month, by table.

    Reckoned from the last records, as a run would write them, with what dropped columns or longer
    windows would change. With -r it is what a run has written since its start, at its own rate.
    """
    from connectors.cli.samples import samples_of  # noqa: PLC0415
    from connectors.control import commands  # noqa: PLC0415
    from connectors.inspect.cost import cost_of, document, price_of  # noqa: PLC0415
    from connectors.inspect.prices import read_prices  # noqa: PLC0415
    from connectors.inspect.running_cost import cost_of_run  # noqa: PLC0415
    from connectors.settings.loading import load  # noqa: PLC0415

    silence_log()
    if new_prices is not None:
        _write_template(new_prices, as_json)
        return
    known: dict[str, Any] = {} if prices is None else read_prices(prices)
    settings = load(config)
    if state is not None:
        if topic is not None:
            raise typer.BadParameter("-r counts by table: leave it out", param_hint="--topic")
        found = cost_of_run(settings, commands.status(state)["processes"])
    else:
        samples = samples_of(settings.kafka, topic, records)
        # One topic after the other, so that each has its own rate; a table of several has each.
        found = [one for messages in samples.values() for one in cost_of(settings, messages)]
    priced = [(one, price_of(one, known, rate) if known else None) for one in found]
    if as_json:
        tables = [document(one, rate, price) for one, price in priced]
        say_json({"currency": known.get("currency"), "tables": tables})
        return
    for one, price in priced:
        _say(one, rate, price, str(known.get("currency", "")), of_run=state is not None)
    if not found and state is not None:
        say(["no rows: the run has written none since it started"])
    elif not found:
        say(["no rows: the topics have no record, or all are rejected (tablestore-sync preview)"])


def _write_template(file: Path, as_json: bool) -> None:
    if file.exists():
        raise StopRun(f"{file} exists\n  remedy: fill it in, or name another file")
    file.write_text(_TEMPLATE, "utf-8")
    text = f"{file} is written: fill it in, then add --prices {file}"
    if as_json:
        say_json({"file": str(file), "text": text})
    else:
        say([text])


def _say(
    one: TableCost, rate: float | None, price: float | None, currency: str, *, of_run: bool
) -> None:
    out = screen()
    kind = "time series table" if one.mode == "timeseries" else "table"
    what = "written since the run started" if of_run else "of the sample"
    out.print(f"{kind} {one.table}: {one.rows:,} rows {what}", style="bold")
    out.print(f"  bytes a row: {one.bytes / one.rows:,.0f}")
    out.print(f"  capacity units a row: {one.units / one.rows:,.3g}")
    given = one.rows_a_second if rate is None else rate
    month, size = one.units_a_month(rate), one.bytes_a_month(rate)
    if given is None or month is None or size is None:
        out.print("  the records have no times that differ: give the rate by --rate")
    else:
        source = "since the start" if of_run else "between the sample's first and last record"
        source = "as given" if rate is not None else source
        out.print(f"  rows a second: {given:,.3g} ({source})")
        out.print(f"  capacity units a second: {one.units / one.rows * given:,.3g}")
        out.print(f"  a month of 30 days: {month:,.0f} capacity units, {size / (1 << 30):,.3g} GB")
    if price is not None:
        out.print(f"  price a month: {price:,.2f} {currency}")
    if not of_run:
        _say_changes(one)
    out.print()


def _say_changes(one: TableCost) -> None:
    out = screen()
    out.print("  what would change the units:")
    out.print("    update instead of put: nothing, as long as the same columns are sent")
    shown = 0
    for name, units in one.without_column.items():
        if units < one.units:
            shown += 1
            out.print(f"    without column {name}: {_saved(one.units, units)}")
    if not shown:
        out.print("    no single column that is dropped")
    for age, units in sorted(one.by_age.items()):
        if units < one.units:
            text = f"    window.age = {age:g}: {_saved(one.units, units)}"
            out.print(f"{text}, as records of one key replace each other in a batch")


def _saved(before: float, after: float) -> str:
    return f"{100 * (before - after) / before:.1f} % less"
