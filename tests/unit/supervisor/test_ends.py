"""Which process is the cause of the end of all."""

import itertools

import pytest

from connectors.supervisor.ends import ProcessEnd, cause_of, signal_name

STOP = ProcessEnd(0, 10, 1, "stop", "the table is missing", killed=False)
PASSING = ProcessEnd(1, 11, 1, "passing", "no answer", killed=False)
ERROR = ProcessEnd(2, 12, 1, "error", "Traceback", killed=False)
SIGNAL = ProcessEnd(3, 13, -9, None, "", killed=False)
CODE = ProcessEnd(4, 14, 3, None, "", killed=False)
PEER = ProcessEnd(5, 15, 1, "peer", "lost", killed=False)
ABORTED = ProcessEnd(6, 16, -6, "peer", "lost, and then aborted", killed=False)
KILLED = ProcessEnd(7, 17, -9, None, "", killed=True)
CLEAN = ProcessEnd(8, 18, 0, None, "", killed=False)
FROM_CAUSE_TO_CONSEQUENCE = [STOP, PASSING, ERROR, SIGNAL, CODE, PEER, KILLED, CLEAN]


@pytest.mark.parametrize(
    ("cause", "other"), [*itertools.combinations(FROM_CAUSE_TO_CONSEQUENCE, 2)]
)
def test_the_better_reason_is_the_cause(cause: ProcessEnd, other: ProcessEnd) -> None:
    """The more likely cause is found whichever of the two processes ended first."""
    assert cause_of([cause, other]) == cause_of([other, cause]) == cause


def test_of_equals_the_first_is_the_cause() -> None:
    """Of two ends of the same rank, the one that was seen first is the cause."""
    second = SIGNAL._replace(number=9)
    assert cause_of([second, SIGNAL]) == second


def test_what_a_process_said_counts_however_it_ended_then() -> None:
    """Python may abort while it tears down, after the process has said why it ends."""
    assert ABORTED.rank == "peer"
    assert cause_of([ABORTED, SIGNAL]) == SIGNAL


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (STOP, "stopped: the table is missing"),
        (ERROR, "an error that is not known"),
        (SIGNAL, "was ended by SIGKILL"),
        (CODE, "exit code 3"),
        (PEER, "see the log of the other hosts"),
        (KILLED, "by its supervisor"),
    ],
)
def test_the_reason_in_words(end: ProcessEnd, words: str) -> None:
    """One line, but for what a process has said."""
    assert words in end.why
    assert "\n" not in end.why


def test_signals_have_names() -> None:
    """Also those that Python does not know."""
    assert signal_name(11) == "SIGSEGV"
    assert signal_name(200) == "signal 200"
