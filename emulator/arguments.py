"""The options of the command line."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from emulator import limits, settings
from emulator.settings import Options
from emulator.throughput import Limit, ThroughputError, parse_option

_DEFAULT_EFFECTS = 100_000
_DESCRIPTION = (
    "A local Tablestore for the official SDKs. When it starts, it prints its endpoint and how to"
    " connect to it; open the endpoint in a browser to see tables and rows. Stop it with Ctrl-C or"
    " SIGTERM."
)


def parse_arguments(arguments: Sequence[str]) -> Options:
    """Return the options of a command line; exits with 2 and a text for a wrong one."""
    name = Path(sys.argv[0]).name
    program = name if name == "local-tablestore" else "python -m emulator"
    parser = argparse.ArgumentParser(prog=program, description=_DESCRIPTION)
    defaults = Options()
    _add_common(parser, defaults)
    _add_switches(parser, defaults)
    _add_observing(parser, defaults)
    given = parser.parse_args(arguments)
    instances, own_keys = _instances(parser, given)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO if given.verbose else logging.WARNING)
    return Options(
        host=given.host,
        port=given.port,
        data=given.data,
        instances=instances,
        instance_keys=own_keys,
        access_key_id=given.access_key_id,
        access_key_secret=given.access_key_secret,
        open_pages=given.open_pages,
        faults=given.faults,
        effects=given.effects,
        answers=given.answers,
        ready_delay=given.ready_delay,
        not_ready_as=given.not_ready_as,
        latency=given.latency / 1000,
        discard=given.discard,
        duplicates=given.duplicates,
        missing_table=given.missing_table,
        key_order=given.key_order,
        column_names=given.column_names,
        max_filters=given.max_filters,
        table_names=given.table_names,
        analytical_stores=given.analytical_stores,
        any_instance=given.any_instance,
        key_columns_count=given.key_columns == "count",
        transaction_lifetime=given.transaction_lifetime,
        meta_delay=given.meta_delay,
        throughput=tuple(given.throughput or ()),
        table_operations_per_second=given.table_operations_per_second,
    )


def _port(text: str) -> int:
    """Return the port number that `text` holds."""
    value = int(text)
    if not 0 <= value < 1 << 16:
        raise argparse.ArgumentTypeError(f"{value} is not between 0 and 65535")
    return value


def _positive(text: str) -> int:
    """Return the number of an option that must be 1 or more."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not 1 or more")
    return value


def _amount(text: str) -> float:
    """Return a number of seconds, or whatever else cannot be negative."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of 0 or more")
    return value


def _limit(text: str) -> Limit:
    """Return the throughput limit of an option."""
    try:
        return parse_option(text)
    except ThroughputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _add_common(parser: argparse.ArgumentParser, defaults: Options) -> None:
    add = parser.add_argument
    add("--host", default=defaults.host, help="address to listen on (default: %(default)s)")
    add(
        "--port",
        type=_port,
        default=defaults.port,
        help="port to listen on; 0 picks a free one (default: %(default)s)",
    )
    add(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder in which to keep the data (default: in memory only)",
    )
    add(
        "--instance",
        action="append",
        metavar="NAME[:KEY_ID:SECRET]",
        help="an instance to serve, if you like with an access key of its own; repeatable"
        f" (default: {settings.DEFAULT_INSTANCE})",
    )
    add(
        "--any-instance",
        action="store_true",
        help="serve every other instance name too, each with its own tables",
    )
    add(
        "--access-key-id",
        metavar="ID",
        default=defaults.access_key_id,
        help="access key ID of instances without a key of their own (default: %(default)s)",
    )
    add(
        "--access-key-secret",
        metavar="SECRET",
        default=defaults.access_key_secret,
        help="the secret that belongs to it (default: %(default)s)",
    )
    add(
        "--open-pages",
        action="store_true",
        help="serve pages, counters and fault rules to every client (default: loopback only)",
    )
    add("--discard", action="store_true", help="check and count writes, but store nothing")
    add(
        "--transaction-lifetime",
        type=_amount,
        metavar="SECONDS",
        default=defaults.transaction_lifetime,
        help="time after which a local transaction is aborted (default: %(default)s, as on the"
        " service)",
    )


def _add_switches(parser: argparse.ArgumentParser, defaults: Options) -> None:
    group = parser.add_argument_group(
        "behaviour that the service does not document (see emulator/README.md)"
    )
    add = group.add_argument
    add(
        "--duplicates",
        choices=["lenient", "strict"],
        default=defaults.duplicates,
        help="a row that occurs twice in a batch: lenient applies both in order, strict refuses the"
        " batch (default: %(default)s)",
    )
    add(
        "--missing-table",
        choices=["request", "row"],
        default=defaults.missing_table,
        help="what fails when a batch names a missing table: the whole request, or only the rows of"
        " that table (default: %(default)s)",
    )
    add(
        "--key-order",
        choices=["schema", "any"],
        default=defaults.key_order,
        help="order in which primary key columns must be sent (default: %(default)s)",
    )
    add(
        "--column-names",
        choices=["any", "documented"],
        default=defaults.column_names,
        help="names of attribute columns: anything that does not start with #, or only letters,"
        " digits and _ (default: %(default)s)",
    )
    add(
        "--max-filters",
        type=_positive,
        metavar="N",
        default=defaults.max_filters,
        help="conditions allowed in one filter (default: %(default)s; the documentation says 10)",
    )
    add(
        "--table-names",
        choices=["shared", "separate"],
        default=defaults.table_names,
        help="separate: a wide-column table and a time series table may have the same name"
        " (default: %(default)s)",
    )
    add(
        "--analytical-stores",
        choices=["asked", "default"],
        default=defaults.analytical_stores,
        help="default: a time series table gets an analytical store unless its creation says"
        " otherwise (default: %(default)s)",
    )
    add(
        "--key-columns",
        choices=["count", "ignored"],
        default="count",
        help="count: a primary key column in columns_to_get is enough for a row to be returned"
        " (default: %(default)s)",
    )
    add(
        "--ready-delay",
        type=_amount,
        metavar="SECONDS",
        default=0.0,
        help="time before a new table can be used (default: 0)",
    )
    add(
        "--not-ready-as",
        metavar="CODE",
        choices=["OTSTableNotReady", "OTSObjectNotExist", "OTSPartitionUnavailable"],
        default=defaults.not_ready_as,
        help="error code until then, one of %(choices)s (default: %(default)s)",
    )
    add(
        "--meta-delay",
        type=_amount,
        metavar="SECONDS",
        default=0.0,
        help="time before QueryTimeseriesMeta finds a new time series (default: 0)",
    )
    add(
        "--table-operations-per-second",
        type=_amount,
        metavar="N",
        default=0.0,
        help="rate above which operations on tables are refused with OTSQuotaExhausted; 0 means no"
        " limit (default: 0; the service allows about 10)",
    )


def _add_observing(parser: argparse.ArgumentParser, defaults: Options) -> None:
    add = parser.add_argument_group("faults, limits and logs").add_argument
    add("--faults", type=Path, metavar="FILE", help="JSON file of fault rules to start with")
    add(
        "--effects",
        type=int,
        nargs="?",
        metavar="N",
        const=_DEFAULT_EFFECTS,
        default=0,
        help="keep the last N row changes for GET /-/effects"
        f" (default: off; without N: {_DEFAULT_EFFECTS})",
    )
    add(
        "--answers",
        type=int,
        metavar="N",
        default=defaults.answers,
        help="keep the last N answers for GET /-/answers (default: %(default)s)",
    )
    add(
        "--latency",
        type=_amount,
        metavar="MS",
        default=0.0,
        help="milliseconds to wait before each data operation (default: 0)",
    )
    add(
        "--throughput",
        action="append",
        type=_limit,
        metavar="TABLE:READ:WRITE[:KEY]",
        help="throttle a table above so many capacity units per second, in all and, with KEY, for"
        " each partition key value; TABLE * means every table, a number - means no limit;"
        " repeatable (default: no limits)",
    )
    add("--verbose", action="store_true", help="log each request to stderr")


def _instances(
    parser: argparse.ArgumentParser, given: argparse.Namespace
) -> tuple[tuple[str, ...], dict[str, tuple[str, str]]]:
    """Return the names of the instances and the keys of those that have their own."""
    secrets = {given.access_key_id: given.access_key_secret}
    own: dict[str, tuple[str, str]] = {}
    names: list[str] = []
    for text in given.instance or [settings.DEFAULT_INSTANCE]:
        name, *key = text.split(":", 2)
        if not limits.is_instance_name(name):
            parser.error(
                f"--instance {name!r}: use 3 to 16 letters, digits and hyphens; start with a letter"
                " and do not end with a hyphen"
            )
        if len(key) == 1 or not all(key):
            parser.error(f"--instance {name}: write NAME or NAME:KEY_ID:SECRET")
        if key:
            if secrets.setdefault(key[0], key[1]) != key[1]:
                parser.error(f"--instance {name}: key ID {key[0]} already has a different secret")
            own[name] = (key[0], key[1])
        names.append(name)
    return tuple(dict.fromkeys(names)), own
