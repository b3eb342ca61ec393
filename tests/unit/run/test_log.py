"""The log as text and as JSON."""

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from connectors.control.protocol import CommandError
from connectors.run import log as module
from connectors.settings.operation import LogSettings


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    """A log without handlers, put back afterwards."""
    made = logging.Logger("sync")  # noqa: LOG001 - one that nobody else has
    monkeypatch.setattr(module, "log", made)
    yield made
    made.handlers.clear()


def configure(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process of a run, where nobody else has set up a log."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    module.configure_logging()


def test_json(
    own: logging.Logger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One object a line, whatever the text; with what an event brings, and its traceback."""
    configure(monkeypatch)
    module.apply(LogSettings(format="json"), process=1)
    own.warning("two\nlines, %s", "ü")
    try:
        raise ValueError("why")
    except ValueError:
        own.exception("failed")
    module.report_counts("ended", {"read": 3}, ["rejected: orders"])
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (lines[0]["message"], lines[0]["level"], lines[0]["logger"]) == (
        "two\nlines, ü",
        "warning",
        "sync",
    )
    assert lines[0]["time"].endswith("Z")
    assert lines[0]["process"] == 1
    assert "ValueError: why" in lines[1]["exception"]
    assert lines[2]["message"] == "rejected: orders"
    assert lines[3]["counts"] == {"read": 3}


def test_text(
    own: logging.Logger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a cluster, with the number of the process."""
    configure(monkeypatch)
    own.info("alone")
    module.apply(LogSettings(), process=2)
    own.info("one of many")
    module.report_counts("ended", {"read": 3}, [])
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].endswith("INFO sync: alone")
    assert lines[1].endswith("INFO sync[2]: one of many")
    assert lines[2] == "sync: ended: read=3"


def test_the_level_is_that_of_the_settings_and_of_commands(
    own: logging.Logger, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word that is no level changes nothing."""
    configure(monkeypatch)
    module.apply(LogSettings(level="error"))
    own.warning("not this")
    module.set_level("debug")
    with pytest.raises(CommandError, match="debug, info, warning, error"):
        module.set_level("verbose")
    own.debug("but this")
    text = capsys.readouterr().err
    assert "but this" in text
    assert "not this" not in text


def test_a_program_that_embeds_the_flow_keeps_its_own(
    own: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither form nor level of its log is ours."""
    monkeypatch.setattr(logging.getLogger(), "handlers", [logging.StreamHandler(sys.stderr)])
    module.configure_logging()
    module.apply(LogSettings(format="json", level="debug"))
    assert own.handlers == []
    assert own.level == logging.NOTSET
    assert not module.is_json()
