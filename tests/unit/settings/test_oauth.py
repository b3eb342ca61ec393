"""Tokens of a function of the user: checked, kept while they are valid, and nothing is raised."""

import logging
import sys
import types
from collections.abc import Callable
from typing import Any

import pytest

from connectors.errors import StopRun
from connectors.settings.oauth import oauth_callback
from tests.unit.factories import CANARY, settings
from tests.unit.fake_clock import FakeClock

OAUTH = {"sasl.mechanism": "OAUTHBEARER", "security.protocol": "SASL_SSL"}


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A module of the user whose `token` a test sets."""
    module = types.ModuleType("user_tokens")
    monkeypatch.setitem(sys.modules, "user_tokens", module)
    return module


def callback(function: Any, token: Callable[[str], Any]) -> tuple[Callable[[str], Any], FakeClock]:
    """The client's callback, on a clock that waits move."""
    function.token = token
    clock = FakeClock(1_800_000_000.0)

    def sleep(seconds: float) -> None:
        clock.now += seconds

    return oauth_callback("user_tokens:token", clock, sleep), clock


@pytest.mark.parametrize("more", [(), ("me",), ("me", {}), ("me", {"logicalCluster": "x"})])
def test_a_token_is_handed_on(function: types.ModuleType, more: tuple[Any, ...]) -> None:
    """With the configuration that the function is called with."""
    asked = []

    def token(config: str) -> Any:
        asked.append(config)
        return ("abc.def-1==", 1_800_003_600, *more)

    give, _ = callback(function, token)
    assert give("scope=x") == ("abc.def-1==", 1_800_003_600, *more)
    assert asked == ["scope=x"]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        CANARY,
        (CANARY,),
        (CANARY, "soon"),
        (CANARY, True),
        (CANARY, 5),
        (CANARY, 1_800_003_600_000),
        (CANARY + "\n", 1_800_003_600),
        (CANARY.encode(), 1_800_003_600),
        ("", 1_800_003_600),
        (CANARY, 1_800_003_600, 5),
        (CANARY, 1_800_003_600, "me", {"a": 1}),
        (CANARY, 1_800_003_600, "me", [], 1),
        ValueError(CANARY),
    ],
)
def test_what_is_no_token_ends_nothing(
    function: types.ModuleType, answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Tried some times, and reported without its content; the answer is one that brokers deny."""

    def token(_: str) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    give, clock = callback(function, token)
    with caplog.at_level(logging.WARNING):
        found = give("")
    assert found[0] == "no-token"
    assert found[1] > clock.now
    assert "remedy" in caplog.text
    assert CANARY not in caplog.text


def test_the_last_token_goes_on_while_it_is_valid(function: types.ModuleType) -> None:
    """An issuer that is away for a while is no end."""
    good = ("good", 1_800_000_100.0)
    answers: list[Any] = [good]

    def token(_: str) -> Any:
        if answers:
            return answers.pop()
        raise TimeoutError

    give, clock = callback(function, token)
    assert give("") == good
    assert give("") == good
    clock.now += 100
    assert give("")[0] == "no-token"


def test_the_settings(function: types.ModuleType) -> None:
    """It needs its mechanism; dead letters on the same brokers have it too, on others not."""
    function.token = lambda _: None  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="OAUTHBEARER"):
        settings(kafka={"oauth_function": "user_tokens:token"})
    with pytest.raises(ValueError, match=r"package\.module:function"):
        settings(kafka={"oauth_function": "token", "properties": OAUTH})
    with pytest.raises(ValueError, match="oauth_function"):
        settings(kafka={"properties": {"oauth_cb": "x"}})
    made = settings(kafka={"oauth_function": "user_tokens:token", "properties": OAUTH})
    assert callable(made.kafka.client_properties()["oauth_cb"])
    assert callable(made.dead_letters.client_properties(made.kafka)["oauth_cb"])
    other = settings(dead_letters={"bootstrap_servers": "b:1"}).dead_letters
    assert "oauth_cb" not in other.client_properties(made.kafka)
    missing = settings(kafka={"oauth_function": "user_tokens:nobody", "properties": OAUTH})
    with pytest.raises(StopRun, match=r"kafka\.oauth_function: cannot find"):
        missing.kafka.client_properties()
