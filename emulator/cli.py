"""The command: options, the texts printed at start, a clean stop."""

import argparse
import asyncio
import gc
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from aiohttp import web

from emulator import limits, regex, settings
from emulator.catalog import Catalog
from emulator.faults import FaultRuleError, Faults
from emulator.journal import Journal
from emulator.server import Server
from emulator.service import Service
from emulator.settings import Options
from emulator.storage import Store, StoreBusyError
from emulator.throughput import Limit, Throughput, ThroughputError, parse_option
from emulator.timeseries.tables import TimeseriesCatalog
from emulator.transactions import Transactions

_DEFAULT_EFFECTS = 100_000
_DESCRIPTION = (
    "A local Tablestore for the official SDKs. At start it prints where it listens and how to"
    " connect; open that address in a browser to look inside. SIGTERM or Ctrl-C stops it."
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


def _positive(text: str) -> int:
    """Return the number of an option that must be 1 or more."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not 1 or more")
    return value


def _limit(text: str) -> Limit:
    """Return the throughput limit of an option."""
    try:
        return parse_option(text)
    except ThroughputError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _add_common(parser: argparse.ArgumentParser, defaults: Options) -> None:
    add = parser.add_argument
    add("--host", default=defaults.host, help="address to listen on (%(default)s)")
    add("--port", type=int, default=defaults.port, help="0 takes a free one (%(default)s)")
    add(
        "--data",
        type=Path,
        metavar="DIR",
        help="folder of the database; without it everything is in memory",
    )
    add(
        "--instance",
        action="append",
        metavar="NAME[:KEY_ID:SECRET]",
        help=f"with tables of its own, and a key of its own if given; repeatable"
        f" ({settings.DEFAULT_INSTANCE})",
    )
    add(
        "--any-instance",
        action="store_true",
        help="serve every instance name, each with tables of its own, to the keys of this server",
    )
    add(
        "--access-key-id",
        metavar="ID",
        default=defaults.access_key_id,
        help="of the instances without a key of their own (%(default)s)",
    )
    add(
        "--access-key-secret",
        metavar="SECRET",
        default=defaults.access_key_secret,
        help="its secret (%(default)s)",
    )
    add(
        "--open-pages",
        action="store_true",
        help="pages and fault plans for every address that reaches the port, not only loopback",
    )
    add("--discard", action="store_true", help="check and count writes, store nothing")
    add(
        "--transaction-lifetime",
        type=float,
        metavar="SECONDS",
        default=defaults.transaction_lifetime,
        help="until a local transaction ends by itself (%(default)s, as on the service)",
    )


def _add_switches(parser: argparse.ArgumentParser, defaults: Options) -> None:
    group = parser.add_argument_group("where the service is not documented (emulator/README.md)")
    add = group.add_argument
    add(
        "--duplicates",
        choices=["lenient", "strict"],
        default=defaults.duplicates,
        help="repeated rows in a batch: applied in order, or all of it refused (%(default)s)",
    )
    add(
        "--missing-table",
        choices=["request", "row"],
        default=defaults.missing_table,
        help="what fails in a batch when a table is missing (%(default)s)",
    )
    add(
        "--key-order",
        choices=["schema", "any"],
        default=defaults.key_order,
        help="order in which the columns of a primary key are taken (%(default)s)",
    )
    add(
        "--column-names",
        choices=["any", "documented"],
        default=defaults.column_names,
        help="attribute columns: any text without # in front, or letters, digits and _ only"
        " (%(default)s)",
    )
    add(
        "--max-filters",
        type=_positive,
        metavar="N",
        default=defaults.max_filters,
        help="conditions in one filter (%(default)s; the guide says 10)",
    )
    add(
        "--table-names",
        choices=["shared", "separate"],
        default=defaults.table_names,
        help="whether a wide-column and a time series table may not, or may, have the same name"
        " (%(default)s)",
    )
    add(
        "--analytical-stores",
        choices=["default", "asked"],
        default=defaults.analytical_stores,
        help="whether a time series table has one when its creation does not say (%(default)s)",
    )
    add(
        "--key-columns",
        choices=["count", "ignored"],
        default="count",
        help="whether a key column in columns_to_get shows a row without other columns"
        " (%(default)s)",
    )
    add(
        "--ready-delay",
        type=float,
        metavar="SECONDS",
        default=0.0,
        help="until a new table is usable (0)",
    )
    add(
        "--not-ready-as",
        metavar="CODE",
        choices=["OTSTableNotReady", "OTSObjectNotExist", "OTSPartitionUnavailable"],
        default=defaults.not_ready_as,
        help="answer until then: %(choices)s (%(default)s)",
    )
    add(
        "--meta-delay",
        type=float,
        metavar="SECONDS",
        default=0.0,
        help="until a new time series is found by its metadata (0)",
    )
    add(
        "--table-operations-per-second",
        type=float,
        metavar="N",
        default=0.0,
        help="above it: OTSQuotaExhausted; 0: no limit (0; the service allows about 10)",
    )


def _add_observing(parser: argparse.ArgumentParser, defaults: Options) -> None:
    add = parser.add_argument_group("faults and logs").add_argument
    add("--faults", type=Path, metavar="FILE", help="JSON file with fault rules to begin with")
    add(
        "--effects",
        type=int,
        nargs="?",
        metavar="N",
        const=_DEFAULT_EFFECTS,
        default=0,
        help="keep a log of the last N row changes for GET /-/effects"
        f" (off; N: {_DEFAULT_EFFECTS})",
    )
    add(
        "--answers",
        type=int,
        metavar="N",
        default=defaults.answers,
        help="requests kept for GET /-/answers (%(default)s)",
    )
    add(
        "--latency",
        type=float,
        metavar="MS",
        default=0.0,
        help="milliseconds added to each data request (0)",
    )
    add(
        "--throughput",
        action="append",
        type=_limit,
        metavar="TABLE:READ:WRITE[:KEY]",
        help="capacity units a second above which a table throttles, and one value of its partition"
        " key; TABLE * is each, - no limit; repeatable (none)",
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
            parser.error(f"--instance {name!r}: 3..16 letters, digits and hyphens, a letter first")
        if len(key) == 1 or not all(key):
            parser.error(f"--instance {name}: give NAME, or NAME:KEY_ID:SECRET")
        if key:
            if secrets.setdefault(key[0], key[1]) != key[1]:
                parser.error(f"--instance {name}: the key id {key[0]} has another secret already")
            own[name] = (key[0], key[1])
        names.append(name)
    return tuple(dict.fromkeys(names)), own


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _introduce(options: Options, endpoint: str) -> None:
    kept = f"in {options.data}" if options.data else "in memory (--data DIR keeps it)"
    _say(f"A local Tablestore. Data: {kept}. Pages: {endpoint}/")
    _say(f"  endpoint {endpoint}")
    for instance in options.instances:
        _say("  instance {}, key id {}, secret {}".format(instance, *options.key_of(instance)))
    for language, lines in connecting(options, endpoint).items():
        _say(f"  {language}")
        for line in lines:
            _say(f"    {line}")


def connecting(options: Options, endpoint: str) -> dict[str, tuple[str, str, str]]:
    """Return, by language, the three lines that connect its SDK to the first instance."""
    instance = options.instances[0]
    key_id, secret = options.key_of(instance)
    python = ", ".join(f"'{value}'" for value in (endpoint, key_id, secret, instance))
    java = ", ".join(f'"{value}"' for value in (endpoint, key_id, secret, instance))
    go = ", ".join(f'"{value}"' for value in (endpoint, instance, key_id, secret))
    node = (
        f'accessKeyId: "{key_id}", secretAccessKey: "{secret}",'
        f' endpoint: "{endpoint}", instancename: "{instance}"'
    )
    return {
        "Python": (
            "import tablestore",
            f"client = tablestore.OTSClient({python})",
            "print(client.list_table())",
        ),
        "Java": (
            "import com.alicloud.openservices.tablestore.SyncClient;",
            f"SyncClient client = new SyncClient({java});",
            "System.out.println(client.listTable().getTableNames());",
        ),
        "Go": (
            'import "github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"',
            f"client := tablestore.NewClient({go})",
            "tables, err := client.ListTable()",
        ),
        "Node.js": (
            'const TableStore = require("tablestore");',
            f"const client = new TableStore.Client({{{node}}});",
            "client.listTable({}, console.log);",
        ),
    }


async def serve(options: Options) -> None:
    """Run until SIGTERM or SIGINT."""
    regex.limit()
    limits.configure(options.column_names == "any", options.max_filters)
    faults = Faults.from_file(options.faults) if options.faults else Faults()
    store = Store(options.data)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    catalog, series = Catalog(store, options), TimeseriesCatalog(store, options)
    catalog.find_inner = series.find_inner
    service = Service(
        options=options,
        store=store,
        catalog=catalog,
        series=series,
        journal=Journal(options.effects, options.answers),
        transactions=Transactions(options.transaction_lifetime),
        throughput=Throughput(options.throughput),
    )
    server = web.Server(Server(service, faults).handle, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, options.host, options.port, backlog=1024)
        await site.start()
        port = runner.addresses[0][1]
        every = options.host in ("0.0.0.0", "::")  # noqa: S104 - compared, not bound
        endpoint = f"http://{'127.0.0.1' if every else options.host}:{port}"
        _introduce(options, endpoint)
        _say(f"ready {endpoint}")
        await stop.wait()
    finally:
        await runner.cleanup()
        store.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    gc.set_threshold(100_000, 20, 100)  # a batch makes thousands of tuples and no cycles
    options = parse_arguments(sys.argv[1:] if arguments is None else arguments)
    try:
        asyncio.run(serve(options))
    except (StoreBusyError, FaultRuleError, OSError) as error:
        sys.stderr.write(f"emulator: {error}\n")
        return 1
    return 0
