"""The command line: which process it becomes, and what it says of a configuration."""

import os
import sys
from pathlib import Path

import pytest

from connectors import cli
from connectors.supervisor import service
from connectors.supervisor.plan import RunPlan

pytestmark = pytest.mark.unit

CONFIG = """
[kafka]
bootstrap_servers = "127.0.0.1:9092"
topics = ["orders", "readings"]
[tables.readings]
mode = "timeseries"
[tables.misspelt]
auto_create = true
[tables.readings.timeseries]
measurement = "m"
"""

_KEY = (
    'primary_key_mode = "record_value"\n'
    'primary_key = [{{ name = "{}", type = "string" }}, {{ name = "id", type = "string" }}]'
)


class BecameError(Exception):
    """Stands for the process that would run in this one's place."""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A config.toml in the present folder, an environment of its own, and no exec."""
    file = tmp_path / "config.toml"
    file.write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    own = {name: text for name, text in os.environ.items() if not name.startswith("SYNC_")}
    monkeypatch.setattr(os, "environ", own)

    def become(program: str, arguments: list[str]) -> None:
        assert program == sys.executable
        raise BecameError(arguments[1:])

    monkeypatch.setattr(os, "execv", become)
    return file


def became(*arguments: str) -> list[str]:
    """The command line of the process that a command becomes."""
    with pytest.raises(BecameError) as raised:
        cli.main(arguments)
    found: list[str] = raised.value.args[0]
    return found


def test_run_supervises_what_its_options_say(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a recovery folder, a file of settings, processes and workers as given."""
    plans: list[RunPlan] = []

    def run(plan: RunPlan, _: object) -> int:
        plans.append(plan)
        return 7

    monkeypatch.setattr(service, "run", run)
    assert cli.main(["run"]) == 7
    where = ("--config", str(config), "-r", "x", "--flow", "my.page")
    cli.main(["run", *where, "--workers", "2", "--processes", "3", "--snapshot-interval", "1"])
    cli.main(["run", "--hosts", "a:1,b:1", "--host-index", "1"])
    assert plans == [
        RunPlan(Path("state")),
        RunPlan(Path("x"), "my.page", 3, 2, 1),
        RunPlan(Path("state"), hosts=("a:1", "b:1"), host=1),
    ]
    assert os.environ["SYNC_CONFIG"] == str(config)


def test_replay_s_options_are_settings(config: Path) -> None:
    """Each option is the setting of its name; what is not given stays with config.toml."""
    flow = ["-m", "bytewax.run", "flows.replay"]
    assert became("replay", "--state", "x") == [*flow, "-r", "x", "-s", "5", "-b", "0"]
    assert not [name for name in os.environ if name.startswith("SYNC_")]
    where = ("--from", "table", "--to", "topic", "--dry-run")
    which = ("--topic", "a", "--topic", "b", "--code", "x", "--max-replays", "1")
    when = ("--since", "2026-01-01T00:00:00Z", "--until", "2026-02-01T00:00:00Z")
    became("replay", *where, *which, *when, "--count", "5", "--rate", "2.5")
    given = {name: text for name, text in os.environ.items() if name.startswith("SYNC_")}
    assert given == {
        "SYNC__REPLAY__SOURCE": "table",
        "SYNC__REPLAY__TARGET": "topic",
        "SYNC__REPLAY__TOPICS": '["a", "b"]',
        "SYNC__REPLAY__CODES": '["x"]',
        "SYNC__REPLAY__SINCE": "2026-01-01T00:00:00Z",
        "SYNC__REPLAY__UNTIL": "2026-02-01T00:00:00Z",
        "SYNC__REPLAY__COUNT": "5",
        "SYNC__REPLAY__RATE": "2.5",
        "SYNC__REPLAY__MAX_REPLAYS": "1",
        "SYNC__REPLAY__DRY_RUN": "true",
    }


def test_another_selection_of_dead_letters_begins_at_the_first(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The position of one says nothing about another; count and rate are no selection."""

    def folder(*options: str) -> str:
        for name in [name for name in os.environ if name.startswith("SYNC_")]:
            monkeypatch.delenv(name)
        return became("replay", *options)[4]

    one, two, *others = (
        folder(),
        folder("--count", "9", "--rate", "2", "--dry-run"),
        folder("--from", "table"),
        folder("--to", "topic"),
        folder("--code", "a"),
        folder("--topic", "a"),
        folder("--since", "2026-01-01T00:00:00Z"),
    )
    assert one == two
    assert len({one, *others}) == 1 + len(others)
    assert all(name.startswith("replay-state/") for name in (one, *others))


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ("replay --count none", "replay.count"),
        ("replay --since yesterday", "replay.since: allowed: a time since 1970 with its zone"),
        ("replay --to topic --only-missing", "only_missing"),
        ("run --config missing.toml", "missing.toml"),
        ("run --processes 0", "--processes"),
        ("run --hosts a:1,b:1", "--host-index"),
        ("run --hosts a --host-index 0", "--hosts"),
        ("pause -r nowhere", "nowhere"),
        ("offsets reset -r nowhere --to latest", "nowhere"),
    ],
)
def test_a_wrong_option_is_reported_before_anything_runs(
    config: Path, capsys: pytest.CaptureFixture[str], arguments: str, word: str
) -> None:
    """Exit code 1 and the setting's name, without a traceback."""
    assert cli.main(arguments.split()) == 1
    assert word in capsys.readouterr().err


def test_check_says_what_a_configuration_means(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line a topic with its table and key, and what has no effect."""
    assert cli.main(["check", "--offline"]) == 0
    text = capsys.readouterr().out
    assert "topic orders -> table orders, primary key (topic_partition string, offset int" in text
    assert "topic readings -> time series table readings" in text
    assert "rejected records: the run stops" in text
    assert "no effect: tables.misspelt" in text


def test_check_describes_routes(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What names a record's table, which tables it may be, and what happens without a name."""
    config.write_text(
        '[kafka]\ntopics = ["no.table"]\n[mapping]\nroute_field = "kind"\n'
        'route_tables = ["a", "b"]\nroute_missing = "reject"\n[tables.b]\nmode = "timeseries"\n'
    )
    assert cli.main(["check", "--offline"]) == 0
    printed = capsys.readouterr().out
    assert "the field kind names the record's table; without it: a rejection" in printed
    assert "route to table a, primary key (topic_partition string, offset integer)" in printed
    assert "route to time series table b" in printed
    assert "no.table ->" not in printed


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("", 'primary_key_mode = "search"'),
        ('primary_key_mode = "search"', None),
        (_KEY.format("created_at"), "begins with created_at"),
        (_KEY.format("eventTime"), "begins with eventTime"),
        (_KEY.format("day"), "begins with day"),
        (_KEY.format("order_id"), None),
        (_KEY.format("latest"), None),
        ('mode = "timeseries"', None),
    ],
)
def test_check_warns_of_hot_partition_keys(
    config: Path, capsys: pytest.CaptureFixture[str], table: str, words: str | None
) -> None:
    """Keys of few values, or of growing ones, meet the limits of one partition."""
    config.write_text(f'[kafka]\ntopics = ["orders", "bills"]\n[table]\n{table}\n')
    assert cli.main(["check", "--offline"]) == 0
    warnings = [line for line in capsys.readouterr().out.splitlines() if "warning: " in line]
    if words is None:
        assert warnings == []
    else:
        assert len(warnings) == 1
        assert warnings[0].startswith("warning: orders, bills: ")
        assert words in warnings[0]


def test_the_former_option_is_read_with_a_warning(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Scripts that have it go on; the new one wins."""
    became("replay", "--most-replays", "2")
    assert os.environ["SYNC__REPLAY__MAX_REPLAYS"] == "2"
    assert "--max-replays" in capsys.readouterr().err
    became("replay", "--most-replays", "2", "--max-replays", "4")
    assert os.environ["SYNC__REPLAY__MAX_REPLAYS"] == "4"
