"""Something to try things out on: `python -m demo.playground`.

A local Kafka with a topic of orders that goes on growing, and a local Tablestore. Their addresses
and the access key go into playground.env, for `. ./playground.env` in another terminal. Everything
is in memory, and ends with this program: Ctrl-C or SIGTERM.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path
from types import FrameType

from confluent_kafka import Producer

from demo.orders import Order, orders
from demo.tablestore import ACCESS_KEY_ID, ACCESS_KEY_SECRET, INSTANCE
from emulator.local_server import LocalServer, LocalServerError
from localkafka import EmbeddedKafka, MockKafkaError

TOPIC, PARTITIONS = "orders", 4
# The embedded Kafka keeps 5 MiB a partition; at the default rate that is some hours.
_FIRST, _ROUND = 1_000, 2_000
_TICK = 0.1
_FLUSH_SECONDS = 30.0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m demo.playground",
        description="A local Kafka with orders, and a local Tablestore, until Ctrl-C.",
    )
    parser.add_argument("--rate", type=int, default=20, help="orders a second (default: 20)")
    parser.add_argument(
        "--port", type=int, default=18087, help="of the local Tablestore (default: 18087; 0: any)"
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Run until a signal. The exit code is 1 if something cannot start; the reason is printed."""
    arguments = _arguments(argv)
    ended = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    try:
        with (
            EmbeddedKafka({TOPIC: PARTITIONS}) as kafka,
            LocalServer("--port", str(arguments.port)) as server,
        ):
            _play(kafka.bootstrap, server.endpoint, arguments.rate, ended)
    except (MockKafkaError, LocalServerError) as error:
        sys.stderr.write(f"playground: {error}\n")
        return 1
    return 0


def _play(bootstrap: str, endpoint: str, rate: int, ended: threading.Event) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 2})
    stream = _endless()
    _send(producer, stream, _FIRST)
    producer.flush(_FLUSH_SECONDS)
    _write_environment(bootstrap, endpoint)
    sys.stdout.write(
        f"Kafka       {bootstrap}, topic {TOPIC}: {_FIRST:,} orders, and {rate} more a second\n"
        f"Tablestore  {endpoint}, instance {INSTANCE}: open it in a browser\n"
        "In another terminal:  . ./playground.env\n"
        "ready; Ctrl-C ends both, and forgets everything\n"
    )
    sys.stdout.flush()
    due = 0.0
    while not ended.wait(_TICK):
        due += rate * _TICK
        _send(producer, stream, int(due))
        due -= int(due)
    producer.flush(_FLUSH_SECONDS)


def _send(producer: Producer, stream: Iterator[Order], number: int) -> None:
    for _ in range(number):
        order = next(stream)
        producer.produce(TOPIC, order.value, order.key)
    producer.poll(0)


def _endless() -> Iterator[Order]:
    """The orders of the demo again and again, some broken, with numbers of their own."""
    for turn in count():
        prefix = f'"order_id":"{turn}-'.encode()
        for order in orders(_ROUND):
            value = order.value.replace(b'"order_id":"', prefix, 1)
            yield order._replace(value=value)


def _write_environment(bootstrap: str, endpoint: str) -> None:
    lines = {
        "KAFKA": bootstrap,
        "TABLESTORE": endpoint,
        "INSTANCE": INSTANCE,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET,
    }
    text = "".join(f"export {name}={value}\n" for name, value in lines.items())
    Path("playground.env").write_text(text, "utf-8")


if __name__ == "__main__":
    sys.exit(main())
