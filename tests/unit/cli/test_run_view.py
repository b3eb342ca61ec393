"""The run in a terminal: the numbers of the page, over HTTP."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from connectors.cli.app import main
from connectors.cli.run_view import addresses_of, show_run
from connectors.errors import StopRun
from connectors.http_api.models import Status
from connectors.http_api.server import Endpoint
from connectors.run.context import Run
from connectors.run.folder_lock import lock_process


def shown(addresses: dict[int, str], times: int = 1) -> str:
    """What is printed, in 120 columns, where there is no terminal."""
    out = StringIO()
    console = Console(file=out, width=120, force_terminal=False)
    show_run(lambda: addresses, console, every=0.01, times=times)
    return out.getvalue()


def test_the_numbers_are_those_of_the_run(endpoint: Endpoint, run: Run) -> None:
    """Counts, lag, partitions, tables, rejections with their reasons."""
    text = shown({0: endpoint.url})
    for expected in (
        "running",
        "160",
        "140",
        "orders",
        "clicks",
        "50% full",
        "json_invalid",
        "colour",
    ):
        assert expected in text
    assert "topic orders" in text or "orders" in text.partition("Rejections")[2]


def test_what_is_wrong_comes_first(endpoint: Endpoint, run: Run) -> None:
    """The screen of a run begins with its problem and its state."""
    run.counts.note_stalled("orders:0", True)
    text = shown({0: endpoint.url})
    assert "not ready" in text
    assert text.index("orders:0: nothing is read") < text.index("Flow")


def test_rates_come_with_the_second_look(endpoint: Endpoint, run: Run) -> None:
    """They are of the time between the two."""
    assert "/s" not in shown({0: endpoint.url})
    assert "/s" in shown({0: endpoint.url}, times=2)


def test_a_process_that_does_not_answer_is_named(endpoint: Endpoint) -> None:
    """The others are shown all the same."""
    text = shown({0: endpoint.url, 1: "http://127.0.0.1:9"})
    assert "process 1: no answer" in text
    assert "160" in text


def test_markup_in_names_is_text(endpoint: Endpoint, run: Run) -> None:
    """A table's name cannot colour the screen, nor break it."""
    run.meters.table("[red]x[/]").request("OK", 0.1, 1)
    run.meters.waiting_topics = {"[/nonsense]": "[bold]why[/bold]"}
    text = shown({0: endpoint.url})
    assert "[red]x[/]" in text
    assert "[/nonsense]: [bold]why[/bold]" in text


def test_the_command_prints_the_status_as_json(
    endpoint: Endpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    """And shows the same in the terminal; a folder without a run is code 1."""
    assert main(["top", "--url", endpoint.url, "--json"]) == 0
    status = Status.model_validate_json(capsys.readouterr().out)
    assert status.counts["read"] == 160
    assert main(["top", "--url", f"{endpoint.url}/", "--once"]) == 0
    assert "running" in capsys.readouterr().out
    assert main(["top", "-r", "nothing", "--once"]) == 1


def test_addresses_are_in_the_recovery_folder(tmp_path: Path) -> None:
    """As each process has written its own; without one there is a remedy."""
    with pytest.raises(StopRun, match=r"http\.port"):
        addresses_of(tmp_path)
    (tmp_path / "process-0.http").write_text("http://127.0.0.1:1")
    (tmp_path / "process-11.http").write_text("http://127.0.0.1:2\n")
    (tmp_path / "process-x.http").write_text("no")
    assert addresses_of(tmp_path) == {0: "http://127.0.0.1:1", 11: "http://127.0.0.1:2"}
    lock = lock_process(tmp_path, 0, supervised=True)
    assert addresses_of(tmp_path) == {0: "http://127.0.0.1:1"}, "a former run had more processes"
    lock.close()
