"""The command: what it prints when it starts, the server, and a clean stop."""

import asyncio
import gc
import signal
import sys
from collections.abc import Sequence

from aiohttp import web

from emulator import limits, regex
from emulator.arguments import parse_arguments
from emulator.catalog import Catalog
from emulator.faults import FaultRuleError, Faults
from emulator.journal import Journal
from emulator.server import Server
from emulator.service import Service
from emulator.settings import Options
from emulator.storage import Store, StoreBusyError
from emulator.throughput import Throughput
from emulator.timeseries.tables import TimeseriesCatalog
from emulator.transactions import Transactions


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _introduce(options: Options, endpoint: str) -> None:
    kept = f"in {options.data}" if options.data else "in memory (use --data DIR to keep it)"
    _say(f"A local Tablestore. Data: {kept}. Web pages: {endpoint}/")
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
    """Run the server until SIGTERM or SIGINT."""
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
        sys.stderr.write(f"local-tablestore: {error}\n")
        return 1
    return 0
