"""How a run begins and ends as a process. Whole processes are tested in tests/flows."""

import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from connectors import steps
from connectors.errors import ConfigError, StopRun
from connectors.run import start as module
from connectors.run.start import start
from tests.unit.factories import new_run, settings


def test_elsewhere_a_start_touches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a test or a program that embeds the flow: no signals, no hook, no folder, no exit code."""
    before = (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT), sys.excepthook)
    registered: list[Any] = []
    monkeypatch.setattr("atexit.register", lambda *given: registered.append(given))
    made = settings()
    run = start("sync", made, steps.STEPS_WITH_STATE)
    assert run.settings is made
    assert (run.flow_id, run.recovery) == ("sync", None)
    assert registered == []
    after = (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT), sys.excepthook)
    assert after == before


def test_settings_come_from_a_file_or_are_given(tmp_path: Path) -> None:
    """A path is loaded, and what is wrong with it is a ConfigError."""
    file = tmp_path / "config.toml"
    file.write_text('[kafka]\ntopics = ["from-file"]\n[mapping]\ntable_name = "t"\n')
    assert start("sync", str(file), ()).settings.kafka.topics == ("from-file",)
    with pytest.raises(ConfigError):
        start("sync", str(tmp_path / "nowhere.toml"), ())


@pytest.mark.parametrize(("workers", "process", "lines"), [(1, 0, 0), (2, 0, 1), (2, 1, 0)])
def test_several_workers_of_a_process_are_warned_of(
    workers: int, process: int, lines: int, caplog: pytest.LogCaptureFixture
) -> None:
    """They are no faster than one: the log of the first process names the command for processes."""
    module.warn_of_workers(workers, process)
    texts = [record.getMessage() for record in caplog.records]
    assert [f"run --processes {workers}`" in text for text in texts] == [True] * lines


Handler = Callable[[int, FrameType | None], None]


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> dict[int, Handler]:
    """The signal handlers that are set, without setting them."""
    found: dict[int, Handler] = {}
    monkeypatch.setattr(signal, "signal", found.__setitem__)
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_drains_and_the_second_ends(
    handlers: dict[int, Handler], number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first begins a drain; the second ends at once with the usual exit code of the signal."""
    run = new_run()
    module._drain_on_signals(run)
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(logging, "shutdown", lambda: None)
    handlers[number](number, None)
    assert (run.drain_reason, run.restart, codes) == (number.name, False, [])
    handlers[number](number, None)
    assert codes == [128 + number]


def test_a_signal_during_a_restart_drains(
    handlers: dict[int, Handler], monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it drains for a restart, the first signal means: do not start again; no hard end."""
    run = new_run()
    module._drain_on_signals(run)
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    monkeypatch.setattr(logging, "shutdown", lambda: None)
    run.drain("new partitions", restart=True)
    handlers[signal.SIGTERM](signal.SIGTERM, None)
    assert (run.restart, codes) == (False, [])
    handlers[signal.SIGTERM](signal.SIGTERM, None)
    assert codes == [128 + signal.SIGTERM]


def _raised(error: Exception) -> BaseException:
    try:
        raise error
    except Exception as caught:  # noqa: BLE001 - any will do
        return caught


def _caused_by(error: BaseException) -> BaseException:
    try:
        try:
            raise error
        except BaseException as inner:
            raise RuntimeError("error calling next_batch") from inner
    except RuntimeError as outer:
        return outer


@pytest.mark.parametrize("wrapped", [_raised, _caused_by])
@pytest.mark.parametrize("error_type", [StopRun, ConfigError])
def test_an_ordered_stop_is_its_text_alone(
    error_type: type[Exception],
    wrapped: Callable[[BaseException], BaseException],
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """However deep Bytewax wrapped it: our text, and no traceback."""
    error = wrapped(error_type("the text\n  remedy: this"))
    module._report_end(type(error), error, error.__traceback__)
    assert "the text\n  remedy: this" in caplog.text
    assert "Traceback" not in capsys.readouterr().err + caplog.text


def test_anything_else_keeps_its_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """A mistake of ours is shown whole."""
    error = _caused_by(ZeroDivisionError("ours"))
    module._report_end(type(error), error, error.__traceback__)
    printed = capsys.readouterr().err
    assert "Traceback" in printed
    assert "ZeroDivisionError: ours" in printed


def test_the_last_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At a clean end what is registered runs, and one line has all counts."""
    monkeypatch.delattr(sys, "last_value", raising=False)
    run = new_run()
    run.counts.add("read", 3)
    ran: list[str] = []

    def failing() -> None:
        ran.append("failing")
        raise StopRun("the brokers are gone")

    run.on_clean_end(failing)
    run.on_clean_end(lambda: ran.append("next"))
    module._end(run)
    assert ran == ["failing", "next"]
    assert capsys.readouterr().err.startswith("sync: ended: read=3 written=0 rejected=0 filtered=0")


def test_after_a_failure_nothing_is_committed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is registered for a clean end does not run, and there is no restart."""
    monkeypatch.setattr(sys, "last_value", StopRun("x"), raising=False)
    monkeypatch.setattr(os, "execv", lambda *_: pytest.fail("started again"))
    run = new_run()
    run.on_clean_end(lambda: pytest.fail("committed"))
    run.drain("new partitions", restart=True)
    module._end(run)
    assert capsys.readouterr().err.startswith("sync: failed: read=0")


def test_new_partitions_start_the_process_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a clean drain for a restart the same command runs again, in the same process."""
    monkeypatch.delattr(sys, "last_value", raising=False)
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "bytewax.run", "flows.sync"])
    monkeypatch.setattr(logging, "shutdown", lambda: None)
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(os, "execv", lambda *given: calls.append(given))
    run = new_run()
    module._end(run)
    run.drain("new partitions", restart=True)
    module._end(run)
    assert calls == [(sys.executable, [sys.executable, "-m", "bytewax.run", "flows.sync"])]
