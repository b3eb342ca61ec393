"""What the errors that reach the end of a process mean."""

import errno
import itertools
from pathlib import Path

import pytest

from connectors.errors import ConfigError, NoAnswer, StopRun
from connectors.run.ends import kind_of, reason_of

STATE = Path("/somewhere/state")


def chained(*errors: BaseException) -> BaseException:
    """The first one, caused by the next and so on."""
    for one, cause in itertools.pairwise(errors):
        one.__cause__ = cause
    return errors[0]


@pytest.mark.parametrize("error_type", [StopRun, ConfigError])
def test_an_ordered_stop(error_type: type[Exception]) -> None:
    """Its own text, whatever Rust has printed and however deep it is."""
    error = chained(RuntimeError("error calling next_batch"), error_type("this\n  remedy: that"))
    assert reason_of(error, "SqliteFailure disk I/O error", STATE) == "this\n  remedy: that"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ('SqliteFailure(Error { code: DiskFull }, Some("database or disk is full"))', "full"),
        ("SqliteFailure(Error { code: ReadOnly, extended_code: 8 })", "read-only"),
        ('SqliteFailure(Error { code: SystemIoFailure }, Some("disk I/O error"))', "make room"),
        ('SqliteFailure(Error { code: CannotOpen }, Some("unable to open"))', "permissions"),
        ('SqliteFailure(Error { code: DatabaseBusy }, Some("database is locked"))', "another"),
    ],
)
def test_the_store_says_why(said: str, words: str) -> None:
    """In the error itself, or only in what Rust has printed."""
    for found in (
        reason_of(RuntimeError(f"called `Result::unwrap()` on {said}"), "", STATE),
        reason_of(RuntimeError("Box<dyn Any>"), f"panicked at src/recovery.rs\n{said}", STATE),
    ):
        assert found is not None
        assert words in found
        assert str(STATE) in found
        assert "remedy: " in found


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_our_own_files_on_a_bad_disk(number: int) -> None:
    """The manifest, written by Python."""
    error = chained(RuntimeError("x"), OSError(number, "words", "state/manifest.json"))
    found = reason_of(error, "", STATE)
    assert found is not None
    assert found.startswith("state/manifest.json cannot be written: the disk")


@pytest.mark.parametrize("text", ["Send thread panic: Any { .. }", "Recv thread panic: Any { .. }"])
def test_a_peer_is_gone(text: str) -> None:
    """As timely says it."""
    found = reason_of(RuntimeError(text), "", None)
    assert found is not None
    assert "another process" in found


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("a bug"),
        OSError(errno.ENOENT, "no such file"),
        ValueError("disk I/O error"),
        KeyError("database is locked"),
    ],
)
def test_anything_else_is_unknown(error: Exception) -> None:
    """A mistake of ours keeps its traceback, whatever words are in it."""
    assert reason_of(error, "thread 'x' panicked at src/x.rs", STATE) is None


@pytest.mark.parametrize(
    ("error", "printed", "kind"),
    [
        (StopRun("x"), "", "stop"),
        (ConfigError("x"), "", "stop"),
        (NoAnswer("x"), "", "passing"),
        (RuntimeError("x"), "Recv thread panic", "peer"),
        (OSError(errno.ENOSPC, "x"), "", "stop"),
        (ValueError("x"), "", "error"),
    ],
)
def test_the_kinds_of_ends(error: BaseException, printed: str, kind: str) -> None:
    """A supervisor distinguishes causes, consequences, and what may pass, by these."""
    wrapped = RuntimeError("of Bytewax")
    wrapped.__cause__ = error
    assert kind_of(wrapped, reason_of(wrapped, printed, None)) == kind
