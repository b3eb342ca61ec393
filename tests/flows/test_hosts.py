"""A run on several hosts, each a network namespace: killed, stopped, cut off, and rescaled.

SYNC_TEST_HOSTS=1 (`make hosts`) runs the long part too.
"""

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.flows.conftest import Case
from tests.support import netns
from tests.support.flow_process import FlowProcess
from tests.support.wait import until

LONG = bool(os.environ.get("SYNC_TEST_HOSTS"))
PORT = 2101


class Hosts:
    """The hosts of a case, and the supervisor of each of them that has one."""

    def __init__(self, case: Case, network: netns.Network, shared: bool) -> None:
        self._case = case
        self._network = network
        self._shared = shared
        self.supervisors: dict[int, FlowProcess] = {}

    def folder(self, host: int) -> Path:
        """The recovery folder of a host."""
        name = "state" if self._shared else f"state-{host}"
        return self._case.flow.folder / name

    def start(self, hosts: int, *which: int) -> None:
        """Start a run of so many hosts, in the order in which they are named."""
        addresses = ",".join(f"{a}:{PORT}" for a in self._network.addresses[:hosts])
        for host in which:
            run = ("-m", "connectors.cli", "run", "-r", str(self.folder(host)))
            where = ("--hosts", addresses, "--host-index", str(host)) if hosts > 1 else ()
            program = [*run, "--snapshot-interval", "1", *where]
            self.supervisors[host] = self._case.flow.run_program(
                self._network.program(host, program), f"host-{host}"
            )

    def pids(self, host: int) -> list[int]:
        """Everything that runs on a host, its supervisor first."""
        supervisor = self.supervisors[host].pid
        children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text()
        return [supervisor, *map(int, children.split())]

    def signal(self, host: int, number: int) -> None:
        """Send a signal to every process that runs on a host."""
        for pid in self.pids(host):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self, host: int) -> None:
        """Kill every process of a host at once, as a power cut does."""
        self.signal(host, signal.SIGKILL)
        self.supervisors.pop(host).process.wait()

    def drain(self) -> None:
        """SIGTERM to all; each ends with code 0."""
        for supervisor in self.supervisors.values():
            supervisor.terminate()
        for supervisor in self.supervisors.values():
            assert supervisor.wait(120) == 0, self.text()
        self.supervisors.clear()

    def text(self) -> str:
        """The output of all hosts."""
        return "\n".join(f"== {one.name}\n{one.text()}" for one in self.supervisors.values())

    def wait_restarted(self, host: int, times: int = 1) -> None:
        """Wait until a supervisor has started its process again so often."""
        supervisor = self.supervisors[host]
        until(lambda: f"(restart {times})" in supervisor.text(), self.text, 120)


@pytest.fixture
def hosts(embedded_case: Case, request: pytest.FixtureRequest) -> Iterator[Hosts]:
    """Three hosts that have the case's Kafka and Tablestore on their 127.0.0.1."""
    reason = netns.why_not()
    if reason is not None:
        pytest.skip(reason)
    case = embedded_case
    case.store.create_table(case.topic)
    limits = {"backoff_initial": 0.2, "backoff_max": 2, "progress_deadline": 12}
    # The long part has many starts in which a host is missing; it has the machine for itself.
    limits["forming_deadline"] = 12 if LONG else 60
    case.flow.set({"supervisor": limits})
    ports = [int(one.rpartition(":")[2]) for one in case.broker.bootstrap.split(",")]
    ports.append(int(case.store.url.rpartition(":")[2]))
    with netns.Network(3, ports) as network:
        yield Hosts(case, network, getattr(request, "param", "own") == "shared")
        case.flow.stop_all()


class Producing:
    """Orders without end: `more` sends some, and waits until all are in the table."""

    def __init__(self, case: Case, hosts: Hosts) -> None:
        self._case = case
        self._hosts = hosts
        self.sent = 0

    def send(self, number: int = 200) -> None:
        """Produce `number` records without waiting for their rows."""
        self._case.orders(number, first=self.sent)
        self.sent += number

    def more(self, number: int = 200) -> None:
        """Produce, and wait until the group has committed it all."""
        self.send(number)
        case = self._case
        ends = {p: end for p, end in case.broker.ends(case.topic, 4).items() if end}
        until(lambda: case.committed() == ends, self._hosts.text, 180)


@pytest.mark.P1
@pytest.mark.timeout(400)
def test_a_host_is_killed_and_a_host_is_drained(embedded_case: Case, hosts: Hosts) -> None:
    """P1: of two hosts, each with a folder of its own; the other waits until it is back."""
    produce = Producing(embedded_case, hosts)
    hosts.start(2, 1, 0)
    produce.more()
    hosts.kill(1)
    produce.send()
    hosts.wait_restarted(0)
    hosts.start(2, 1)
    produce.more()
    leaves = hosts.supervisors.pop(1)  # drained alone: the other one waits for it
    leaves.terminate()
    assert leaves.wait(120) == 0, leaves.text()
    assert "this host has left the run" in leaves.text()
    produce.send()
    hosts.wait_restarted(0, 2)
    assert "error connecting" not in hosts.text(), "what each process says each second"
    hosts.start(2, 1)
    produce.more()
    hosts.drain()
    embedded_case.verdict(minimum=produce.sent)


@pytest.mark.P1
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not LONG, reason="the long part: `make hosts`")
@pytest.mark.parametrize("hosts", ["own", "shared"], indirect=True)
def test_three_hosts(embedded_case: Case, hosts: Hosts) -> None:
    """P1: 1 -> 3 -> 2 -> 1 hosts on the same state, with every kind of failure between them."""
    produce = Producing(embedded_case, hosts)
    everybody: Sequence[Sequence[int]] = ((0, 1, 2), (2, 1, 0), (1, 2, 0))
    hosts.start(1, 0)
    produce.more()
    hosts.drain()
    for order in everybody:  # restarted in any order
        hosts.start(3, *order)
        produce.more()
        hosts.drain()
    hosts.start(3, 0, 1, 2)
    produce.more()
    for host in (0, 1, 2):  # killed, each of them once
        hosts.kill(host)
        produce.send()
        hosts.wait_restarted((host + 1) % 3)
        hosts.start(3, host)
        produce.more()
    for host in (0, 2):  # stopped, and going on
        other = (host + 1) % 3
        before = hosts.supervisors[other].text().count("(restart ")
        hosts.signal(host, signal.SIGSTOP)
        produce.send()
        hosts.wait_restarted(other, before + 1)
        hosts.signal(host, signal.SIGCONT)
        produce.more()
    for host in (1, 0):  # cut off, and back
        other = (host + 1) % 3
        before = hosts.supervisors[other].text().count("(restart ")
        hosts._network.cut(host)
        produce.send()
        hosts.wait_restarted(other, before + 1)
        hosts._network.mend(host)
        produce.more()
    hosts.drain()
    for number in (2, 1):
        hosts.start(number, *reversed(range(number)))
        produce.more()
        hosts.drain()
    embedded_case.verdict(minimum=produce.sent)
