"""P7: no secret in any output, whatever goes wrong. Every other flow test checks this as well."""

import json
from collections.abc import Iterator

import pytest

from tests.flows.conftest import Case
from tests.support.flow_process import free_port

pytestmark = pytest.mark.P7

SASL = "canary-of-sasl"


@pytest.fixture
def case(embedded_case: Case) -> Iterator[Case]:
    """A case with a SASL password, which the plain connection has no use for."""
    embedded_case.store.create_table(embedded_case.topic)
    flow = embedded_case.flow
    flow.env["SYNC__KAFKA__SECRET_PROPERTIES"] = json.dumps({"sasl.password": SASL})
    flow.set({"kafka": {"properties": {"sasl.username": "u"}, "metadata_timeout": 1.0}})
    yield embedded_case
    assert SASL not in flow.output(), "the SASL password is in the output"


def test_a_good_run_is_silent_about_its_secrets(case: Case) -> None:
    """Rows flow, the run ends, and the log holds neither key nor password."""
    case.orders(40)
    process = case.flow.start()
    case.wait_written(40, process)
    process.drain()
    case.verdict(minimum=40)


def test_a_wrong_setting_shows_no_secret(case: Case) -> None:
    """A setting that is refused is quoted without its neighbours."""
    case.flow.set({"window": {"rows": "many"}})
    case.flow.start().refused("window.rows")


def test_a_refused_secret_is_not_quoted(case: Case) -> None:
    """Not even where the secret itself is what is wrong, or in the wrong place."""
    case.flow.set({"kafka": {"properties": {"sasl.password": SASL}}})
    case.flow.start().refused("sasl.password")
    case.flow.set({"kafka": {"properties": {}}})
    case.flow.env["SYNC__KAFKA__SECRET_PROPERTIES"] = f'{{"sasl.password": "{SASL}"'
    case.flow.start().refused("JSON")


def test_a_refusal_by_the_client_shows_no_secret(case: Case) -> None:
    """A security protocol that cannot work: the text has the reason and no password."""
    properties = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN"}
    case.flow.set({"kafka": {"properties": {"sasl.username": "u", **properties}}})
    case.flow.start().refused("remedy")


def test_brokers_out_of_reach_show_no_secret(case: Case) -> None:
    """No broker answers: the text has address and remedy, and no password."""
    case.flow.set({"kafka": {"bootstrap_servers": f"127.0.0.1:{free_port()}"}})
    case.flow.start().refused("remedy")


def test_a_crash_shows_no_secret(case: Case) -> None:
    """A user's step that raises: the log names the line, neither values nor secrets."""
    (case.flow.folder).mkdir(exist_ok=True)
    (case.flow.folder / "crashing.py").write_text(
        "from bytewax.dataflow import Dataflow\n"
        "from connectors import steps\n"
        "from connectors.run.start import start\n"
        "\n"
        "def crash(record):\n"
        "    raise RuntimeError(repr(record.value))\n"
        "\n"
        "def get_flow():\n"
        "    run = start('crashing', None, steps.STEPS_WITH_STATE)\n"
        "    flow = Dataflow('crashing')\n"
        "    records = steps.decode('decode', steps.read(flow, run), run)\n"
        "    records = steps.map_records('crash', records, run, crash)\n"
        "    steps.write(steps.batch(steps.map_rows('map_rows', records, run), run), run)\n"
        "    return flow\n"
        "\n"
        "flow = get_flow()\n"
    )
    case.orders(4)
    case.flow.start(module="crashing").refused("crashing.py:6", "remedy")
