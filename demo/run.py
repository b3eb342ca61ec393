"""Runs the demo: start Kafka, Tablestore and the flow; produce; wait; stop; read back; compare.

Usage: python -m demo [--orders 50000] [--folder demo-data/NAME] Then: python -m demo replay
demo-data/NAME

Exit code 0: every order is where it should be. 1: some are not, and the output says what is wrong.
128 + n: ended by signal n.
"""

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from demo.interruption import Interrupted, Interruption
from demo.kafka import ProducingFailedError, produce, stored
from demo.orders import orders
from demo.processes import ROOT, Child, ChildFailedError, Children
from demo.proof import Comparison, accounting, flow_end
from demo.readings import RULES, readings, series_of
from demo.readings import TOPIC as READINGS
from demo.report import Screen
from demo.tablestore import (
    ACCESS_KEY_ID,
    ACCESS_KEY_SECRET,
    Row,
    read_all,
    read_dead_letters,
    read_points,
    rows_written,
)

TOPIC = "orders"
TABLE = "orders"
KEY = "order_id"
DEAD_LETTERS = "dead_letters"
MENDED = "mended.toml"
MENDING = f"""
# What the replay corrects: some orders have another name for their key.
[[transforms]]
type = "rename"
topics = "{TOPIC}"
fields = {{ id = "order_id" }}
"""
_PRODUCED, _WRITTEN, _READ = "produced to Kafka", "written to Tablestore", "read back"
# An order takes about 100 bytes compressed and 250 uncompressed: far below the mock's limit.
_ORDERS_A_PARTITION = 12_500
_STALL_SECONDS = 60.0
_STOP_SECONDS = 45.0
_POLL_SECONDS = 0.1
_SHOWN_ROWS = 6


def environment(endpoint: str) -> dict[str, str]:
    """The environment of the demo's flow: addresses, keys and a second topic."""
    return {
        "SYNC__KAFKA__TOPICS": json.dumps([TOPIC, READINGS]),
        "SYNC__TABLES": json.dumps({READINGS: RULES}),
        "SYNC__TABLESTORE__ENDPOINT": endpoint,
        "ALIBABA_CLOUD_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": ACCESS_KEY_SECRET,
    }


class StalledError(RuntimeError):
    """Raised when the flow runs, but no more rows arrive."""


def main(argv: Sequence[str], interruption: Interruption) -> int:
    """Run the demo; returns the exit code."""
    arguments = _arguments(argv)
    screen = Screen()
    folder = _make_folder(arguments.folder)
    try:
        return _Story(arguments.orders, folder, screen, interruption).run()
    except Interrupted as interrupted:
        screen.say(f"Stopped by {interrupted}; nothing is left running. Its files: {folder}")
        return interrupted.exit_code
    except (ChildFailedError, ProducingFailedError, StalledError) as error:
        screen.fail(str(error))
        return 1


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description="Orders from an embedded Kafka into a local Tablestore, read back and checked.",
    )
    parser.add_argument("--orders", type=_count, default=50_000, help="how many (default 50000)")
    parser.add_argument(
        "--folder", type=Path, help="where to write (default demo-data/DATE-TIME, made new)"
    )
    return parser.parse_args(argv)


def _count(text: str) -> int:
    if not text.isdecimal() or not 200 <= int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 200 to 1000000")
    return int(text)


def _make_folder(wanted: Path | None) -> Path:
    if wanted is None:
        parent = ROOT / "demo-data"
        name = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
        wanted, turn = parent / name, 1
        while wanted.exists():
            turn += 1
            wanted = parent / f"{name}-{turn}"
    try:
        wanted.mkdir(parents=True)
    except FileExistsError:
        sys.exit(f"demo: {wanted} exists; name a new folder, the demo starts from nothing")
    return wanted


class _Story:
    def __init__(
        self, count: int, folder: Path, screen: Screen, interruption: Interruption
    ) -> None:
        self._count = count
        # A second topic, for a time series table: a tenth as many.
        self._readings = max(200, count // 10)
        self._folder = folder
        self._screen = screen
        self._interruption = interruption

    def run(self) -> int:
        """Run all steps; the processes end with the block, whatever happens in it."""
        began = time.monotonic()
        config = ROOT / "config.toml"
        shutil.copyfile(config, self._folder / "config.toml")
        (self._folder / MENDED).write_text(config.read_text("utf-8") + MENDING, "utf-8")
        with Children(self._interruption) as children:
            kafka, tablestore = self._start_servers(children)
            bootstrap, endpoint = kafka.wait_ready(), tablestore.wait_ready()
            self._screen.step(f"Kafka on {bootstrap}, Tablestore on {endpoint}, both of this demo")
            flow = self._start_flow(children, bootstrap, endpoint)
            produced, good = self._fill(bootstrap, endpoint, flow)
            points_produced, good_points = self._readings, self._good_readings()
            flow.stop_well(_STOP_SECONDS)
            self._screen.step("flow stopped with SIGTERM: drained, exit code 0")
            rows, comparison = self._read_back(endpoint, good)
            points = self._read_points_back(endpoint)
            dead_letters = read_dead_letters(endpoint, DEAD_LETTERS, self._interruption)
            tablestore.stop_well(_STOP_SECONDS)
            kafka.stop_well(_STOP_SECONDS)
        end = flow_end(flow.lines(), dead_letters)
        wrong = accounting(
            produced + points_produced,
            produced - good + points_produced - good_points,
            end,
            comparison.rows + points.rows,
            [*comparison.verdict(), *points.verdict()],
        )
        both = (TOPIC, produced, comparison.rows), (READINGS, points_produced, points.rows)
        for topic, number, arrived in both:
            if number != arrived + end.topics.get(topic, 0):
                wrong.append(f"{topic}: {number:,} produced, and not as many arrived or rejected")
        self._screen.rows(TABLE, rows)
        self._screen.dead_letters(f"The dead letters, whole in table {DEAD_LETTERS}", dead_letters)
        self._screen.account(produced + points_produced, end, comparison.rows + points.rows)
        for text in wrong:
            self._screen.fail(text)
        for topic, number, arrived in both if not wrong else ():
            self._screen.step(
                f"{topic} add up: produced {number:,} = written {arrived:,} + dead-lettered "
                f"{end.topics.get(topic, 0):,}; every row has the values of its record"
            )
        self._screen.say(f"{time.monotonic() - began:.1f} s in all.")
        shown = shown_path(self._folder)
        self._screen.closing(
            shown,
            f"{_python()} -m demo replay {shown}",
            f"{_python()} -m emulator --data {shown}/tablestore",
        )
        return 1 if wrong else 0

    def _start_servers(self, children: Children) -> tuple[Child, Child]:
        partitions = max(4, -(-self._count // _ORDERS_A_PARTITION))
        kafka = children.start(
            "the embedded Kafka",
            [
                "localkafka",
                "--topic",
                f"{TOPIC}:{partitions}",
                "--topic",
                f"{READINGS}:{partitions}",
            ],
            self._folder / "kafka.log",
        )
        tablestore = children.start(
            "the local Tablestore",
            ["emulator", "--port", "0", "--data", str(self._folder.resolve() / "tablestore")],
            self._folder / "tablestore.log",
        )
        return kafka, tablestore

    def _start_flow(self, children: Children, bootstrap: str, endpoint: str) -> Child:
        state = self._folder.resolve() / "state"
        return children.start(
            "the flow",
            ["bytewax.run", "flows.sync", "-r", str(state), "-s", "1", "-b", "0"],
            self._folder / "flow.log",
            {**environment(endpoint), "SYNC__KAFKA__BOOTSTRAP_SERVERS": bootstrap},
        )

    def _fill(self, bootstrap: str, endpoint: str, flow: Child) -> tuple[int, int]:
        """Produce while the flow runs, until every good order is written: (produced, good)."""
        good = sum(order.fields is not None for order in orders(self._count))
        good_readings = self._good_readings()
        began = time.monotonic()
        totals = {_PRODUCED: self._count, _WRITTEN: self._count + self._readings}
        with self._screen.bars(totals) as advance:
            produce(
                bootstrap,
                READINGS,
                readings(self._readings),
                self._interruption,
                lambda _: None,
            )
            produced = produce(
                bootstrap,
                TOPIC,
                orders(self._count),
                self._interruption,
                lambda number: advance(_PRODUCED, number),
            )
            kept = stored(bootstrap, TOPIC)
            if kept != produced:
                raise ProducingFailedError(f"Kafka holds {kept} of {produced} confirmed orders")
            self._screen.step(f"{produced:,} orders produced, {produced - good} broken on purpose")
            self._screen.step(
                f"{self._readings:,} sensor readings too, {self._readings - good_readings} broken"
            )
            rows = good + good_readings
            everything = self._count + self._readings  # also the dead letters are rows
            self._wait_for(everything, endpoint, flow, lambda number: advance(_WRITTEN, number))
        seconds = time.monotonic() - began
        self._screen.step(
            f"{rows:,} rows and {everything - rows} dead letters written, "
            f"{seconds:.1f} s after the first was produced"
        )
        return produced, good

    def _good_readings(self) -> int:
        return sum(reading.fields is not None for reading in readings(self._readings))

    def _wait_for(
        self, good: int, endpoint: str, flow: Child, advance: Callable[[int], None]
    ) -> None:
        written, moved = 0, time.monotonic()
        while True:
            before, written = written, rows_written(endpoint)
            advance(written)
            if written >= good:
                return
            flow.check()
            now = time.monotonic()
            if written > before:
                moved = now
            elif now - moved > _STALL_SECONDS:
                raise StalledError(
                    f"{written:,} of {good:,} rows arrived, and for {_STALL_SECONDS:.0f} s no "
                    f"more. See {flow.log}"
                )
            self._interruption.pause(_POLL_SECONDS)

    def _read_back(self, endpoint: str, good: int) -> tuple[list[Row], Comparison]:
        comparison = Comparison(
            {
                order.fields[KEY]: order.fields
                for order in orders(self._count)
                if order.fields is not None
            }
        )
        first: list[Row] = []
        with self._screen.bars({_READ: good}) as advance:
            for row in read_all(endpoint, TABLE, KEY, self._interruption):
                comparison.take(row)
                if comparison.rows % 500 == 0:
                    advance(_READ, comparison.rows)
                if len(first) < _SHOWN_ROWS:
                    first.append(row)
        self._screen.step(f"{comparison.rows:,} rows read back through the official SDK")
        return first, comparison

    def _read_points_back(self, endpoint: str) -> Comparison:
        """Compare the readings in the time series table with what was produced."""
        good = [reading for reading in readings(self._readings) if reading.fields is not None]
        comparison = Comparison({one.series: one.fields or {} for one in good}, "reading")
        for point in read_points(endpoint, READINGS, series_of, self._interruption):
            comparison.take(point)
        self._screen.step(f"{comparison.rows:,} points of time series read back the same way")
        return comparison


def shown_path(folder: Path) -> Path:
    """The folder as the user would type it."""
    try:
        return folder.resolve().relative_to(Path.cwd())
    except ValueError:
        return folder


def _python() -> Path:
    """The running interpreter as the user would type it."""
    python = Path(sys.executable)
    return python.relative_to(Path.cwd()) if python.is_relative_to(Path.cwd()) else python
