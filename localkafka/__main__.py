"""A local Kafka in a process of its own: `python -m localkafka --topic orders:4`.

Prints `ready HOST:PORT` on stdout once clients can connect. SIGTERM or SIGINT: ends with code 0.
"""

import argparse
import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType

from localkafka.apache import ApacheKafka
from localkafka.jars import KafkaUnavailableError
from localkafka.mock import EmbeddedKafka, MockKafkaError

_PARENT_CHECK_SECONDS = 0.25


def _topic(text: str) -> tuple[str, int]:
    name, _, count = text.rpartition(":")
    if not name or not count.isdecimal() or int(count) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME:PARTITIONS, such as orders:4")
    return name, int(count)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m localkafka", description="Kafka on 127.0.0.1 for trying things out."
    )
    parser.add_argument(
        "--topic",
        action="append",
        default=[],
        type=_topic,
        metavar="NAME:PARTITIONS",
        help="make this topic (may be given again)",
    )
    parser.add_argument(
        "--apache",
        action="store_true",
        help="the real broker (needs Java 17, and Maven the first time) instead of the mock",
    )
    parser.add_argument(
        "--exit-with-parent",
        action="store_true",
        help="end when the starting process ends, so that nothing is left behind",
    )
    return parser.parse_args(argv)


def _watch_parent(parent: int, ended: threading.Event) -> None:
    while not ended.wait(_PARENT_CHECK_SECONDS):
        if os.getppid() != parent:
            ended.set()


def main(argv: Sequence[str] | None = None) -> int:
    """Run until a signal. The exit code is 1 if Kafka cannot start; the reason is printed."""
    parent = os.getppid()
    arguments = _arguments(argv)
    ended = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    if arguments.exit_with_parent:
        threading.Thread(target=_watch_parent, args=(parent, ended), daemon=True).start()
    topics = dict(arguments.topic)
    try:
        with ApacheKafka(topics) if arguments.apache else EmbeddedKafka(topics) as kafka:
            sys.stdout.write(f"ready {kafka.bootstrap}\n")
            sys.stdout.flush()
            ended.wait()
    except (KafkaUnavailableError, MockKafkaError) as error:
        sys.stderr.write(f"localkafka: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
