"""The public names: what a flow's page and the tests of its steps import."""

import subprocess
import sys
from pathlib import Path

import pytest

import connectors
from connectors import errors, records, steps, testing
from connectors.run.start import start

NAMES = {
    "UNAVAILABLE": records.UNAVAILABLE,
    "ConfigError": errors.ConfigError,
    "PlainMessage": records.PlainMessage,
    "Record": records.Record,
    "Rejection": errors.Rejection,
    "StopRun": errors.StopRun,
    "start": start,
    "steps": steps,
    "testing": testing,
}


def test_the_list_is_fixed() -> None:
    """Removing a name would break users' pages."""
    assert connectors.__all__ == [*NAMES]
    assert dir(connectors) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_each_name_imports_what_its_home_has(name: str) -> None:
    """The same object, whichever way it is imported; in a process that imported nothing else."""
    assert getattr(connectors, name) is NAMES[name]
    program = f"from connectors import {name}; import connectors; connectors.{name}"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_the_names_for_tests_are_fixed() -> None:
    """Users' tests are written with them; docs/testing.md has each."""
    page = (Path(__file__).parents[2] / "docs" / "testing.md").read_text("utf-8")
    assert testing.__all__ == [
        "CapturedRow",
        "Clock",
        "FlowDriver",
        "FlowResult",
        "SchemaRegistry",
        "message",
        "produce",
        "read_table",
        "record",
        "run_flow",
        "run_on_kafka",
    ]
    for name in testing.__all__:
        assert f"`{name}" in page, name
        assert getattr(testing, name).__doc__, name


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As of any package."""
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = connectors.no_such_name


def test_importing_a_part_does_not_import_all() -> None:
    """Settings are read without Bytewax, Kafka or Tablestore."""
    program = """
import sys
import connectors, connectors.settings
from connectors import Record, Rejection
print(sorted({"bytewax", "confluent_kafka", "tablestore"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_the_replay_page_with_the_former_home_of_its_settings() -> None:
    """A copy of the page goes on as it is."""
    from connectors.replay import adapt_settings
    from connectors.run import replaying

    assert replaying.flow_id is adapt_settings.flow_id
    assert replaying.reading_dead_letters is adapt_settings.reading_dead_letters
    assert records.Rejection is errors.Rejection
