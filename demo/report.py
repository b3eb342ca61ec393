"""The demo's output: colours and progress bars in a terminal, else plain lines."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from demo.proof import FlowEnd
from demo.tablestore import DeadLetter, Row

_PLAIN_WIDTH = 100
_COLUMNS = ("customer_id", "amount", "currency", "city", "status", "express")

Advance = Callable[[str, int], None]
"""Sets the named bar to a number."""


class Screen:
    """All output of the demo."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=False)
        self._terminal = self._console.is_terminal
        if not self._terminal:
            self._console = Console(
                file=self._console.file, highlight=False, width=_PLAIN_WIDTH, no_color=True
            )

    def step(self, text: str) -> None:
        """Print that a step of the demo is done."""
        self._console.print(f"[green]{self._sign('✓', 'ok:')}[/] {escape(text)}", soft_wrap=True)

    def say(self, text: str = "") -> None:
        """Print a line unchanged."""
        self._console.print(escape(text), soft_wrap=True)

    def fail(self, text: str) -> None:
        """Print that the demo has failed, and why."""
        self._console.print(
            f"[bold red]{self._sign('✗', 'failed:')}[/] {escape(text)}", soft_wrap=True
        )

    @contextmanager
    def bars(self, totals: Mapping[str, int]) -> Iterator[Advance]:
        """Progress bars in a terminal; elsewhere only the steps are printed."""
        if not self._terminal:
            yield lambda _name, _number: None
            return
        columns = (
            TextColumn("  {task.description:<22}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self._console, transient=True) as progress:
            tasks = {name: progress.add_task(name, total=total) for name, total in totals.items()}
            yield lambda name, number: progress.update(tasks[name], completed=number)

    def rows(self, table: str, rows: Sequence[Row], which: str = "The first rows") -> None:
        """Print a few rows of the table."""
        shown = self._table(f"{which} of table {table}, by GetRange")
        shown.add_column("order_id", no_wrap=True)
        for name in _COLUMNS:
            number = name in ("customer_id", "amount")
            shown.add_column(name, justify="right" if number else "left", no_wrap=True)
        for row in rows:
            cells = (row.columns.get(name) for name in _COLUMNS)
            shown.add_row(row.key, *("" if cell is None else escape(str(cell)) for cell in cells))
        self._console.print(shown)
        self.say()

    def dead_letters(self, title: str, dead_letters: Sequence[DeadLetter]) -> None:
        """Print dead letters: each record's coordinates, and the reason of its rejection."""
        shown = self._table(title)
        shown.add_column("topic, partition, offset", no_wrap=True)
        shown.add_column("replays", justify="right")
        shown.add_column("reason")
        for one in sorted(dead_letters, key=lambda one: (one.topic, one.reason, one[1:3])):
            place = f"{one.topic} {one.partition} {one.offset}"
            shown.add_row(place, str(one.replays), escape(f"{one.reason}: {one.text}"))
        self._console.print(shown)
        self.say()

    def account(self, produced: int, end: FlowEnd, rows: int) -> None:
        """Print how many orders and readings ended as what."""
        shown = self._table("Where every order and reading ended up")
        shown.add_column("")
        shown.add_column("records", justify="right")
        shown.add_row("written", f"{end.counts.get('written', 0):,}")
        for reason, number in sorted(end.reasons.items()):
            shown.add_row(f"dead-lettered ({reason})", f"{number:,}")
        shown.add_section()
        shown.add_row("produced", f"{produced:,}")
        shown.add_row("rows in the two tables", f"{rows:,}")
        self._console.print(shown)
        self.say()

    def closing(self, folder: Path, replay: str, look_again: str) -> None:
        """Print where the files are, and what to try next."""
        self.say(f"Everything it used and wrote is in {folder}:")
        self.say(
            "  config.toml  mended.toml  flow.log  kafka.log  tablestore.log  state/  tablestore/"
        )
        self.say("Next:")
        self.say(f"  {replay}")
        self.say("      replay the dead letters through the corrected mapping of mended.toml")
        self.say(f"  {look_again}")
        self.say("      the same table again, for a browser or your own program")
        self.say("  README.md, config.toml")
        self.say("      your own topics and tables")

    def _table(self, title: str) -> Table:
        style = box.ROUNDED if self._terminal else box.ASCII
        return Table(title=title, title_justify="left", title_style="bold", box=style)

    def _sign(self, pretty: str, plain: str) -> str:
        return pretty if self._terminal else plain
