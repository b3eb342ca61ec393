"""Which processes a run has, and their command lines."""

import sys
from pathlib import Path

import pytest

from connectors.errors import ConfigError
from connectors.supervisor.plan import RunPlan, free_ports, parse_hosts

FOLDER = Path("state")
RECOVERY = ["-r", "state", "-s", "5", "-b", "0"]


def test_one_process_is_no_cluster() -> None:
    """It is what a user starts by hand."""
    program = [sys.executable, "-m", "bytewax.run", "flows.sync", *RECOVERY]
    assert RunPlan(FOLDER).programs() == [program]
    own = RunPlan(FOLDER, flow="my.page", workers=2).programs()
    assert own == [[*program[:3], "my.page", *RECOVERY, "-w", "2"]]


def test_several_processes_are_a_cluster_on_the_loopback() -> None:
    """Each has its number and a port of its own, and all have the same addresses."""
    programs = RunPlan(FOLDER, processes=3).programs()
    assert [program[-4:-1] for program in programs] == [["-i", str(n), "-a"] for n in range(3)]
    (addresses,) = {program[-1] for program in programs}
    hosts = [address.rpartition(":") for address in addresses.split(";")]
    assert {host for host, _, _ in hosts} == {"127.0.0.1"}
    assert len({port for _, _, port in hosts}) == 3


def test_several_hosts() -> None:
    """A host has the processes of its number, on ports that follow one another."""
    hosts = parse_hosts("10.0.0.1:2101, b:2101", 2)
    plan = RunPlan(FOLDER, processes=2, hosts=hosts, host=1)
    assert [program[-4:] for program in plan.programs()] == [
        ["-i", number, "-a", "10.0.0.1:2101;10.0.0.1:2102;b:2101;b:2102"] for number in ("2", "3")
    ]
    alone = RunPlan(FOLDER, hosts=parse_hosts("a:1", 1)).programs()
    assert "-a" not in alone[0], "a single process is no cluster"


@pytest.mark.parametrize(
    ("text", "processes"),
    [("a", 1), ("a:0", 1), ("a:70000", 1), ("a:65535", 2), ("a:1,", 1), ("a:1,a:1", 1),
     ("a:1,a:2", 2), ("a:1;b:1", 1), ("a b:1", 1), ("::1:1", 1)],
)  # fmt: skip
def test_what_is_no_list_of_hosts(text: str, processes: int) -> None:
    """It is refused with an example of one that is."""
    with pytest.raises(ConfigError, match="--hosts"):
        parse_hosts(text, processes)


def test_addresses_of_version_6() -> None:
    """IPv6 addresses of hosts are accepted in brackets."""
    assert parse_hosts("[::1]:1,[fe80::2]:1", 1) == ("[::1]:1", "[fe80::2]:1")


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"processes": 0}, "--processes"),
        ({"workers": -1}, "--workers"),
        ({"processes": 1000}, "--processes"),
        ({"snapshot_seconds": -1}, "--snapshot-interval"),
        ({"hosts": ("a:1", "b:1"), "host": 2}, "--host-index"),
        ({"hosts": ("a:1", "b:1"), "host": -1}, "--host-index"),
    ],
)
def test_what_cannot_be(wrong: dict[str, object], word: str) -> None:
    """A plan that cannot work is refused with the name of the option."""
    with pytest.raises(ConfigError, match=word):
        RunPlan(FOLDER, **wrong)  # type: ignore[arg-type]


def test_free_ports_are_distinct() -> None:
    """All are looked for before one is given back."""
    assert len(set(free_ports(20))) == 20
