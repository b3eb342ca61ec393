"""Brokers, topics and their ACLs, the consumer group, and the topic of dead letters."""

from __future__ import annotations

import re

from connectors.kafka.probes import Access, Brokers, Probes
from connectors.preflight.finding import Finding
from connectors.preflight.runner import Check
from connectors.settings import Settings

_GROUP = "Kafka"
_REACH = (
    "check that the brokers run, and that kafka.bootstrap_servers and the security properties are "
    "theirs"
)
_READS = ("read", "describe")


def kafka_checks(
    settings: Settings,
    timeout: float,
    probes: Probes = Probes(),  # noqa: B008 - a value
) -> list[Check]:
    """The checks of the source, and of the topic of dead letters where there is one."""
    looks = _KafkaLooks(settings, timeout, probes)
    checks = [Check(_GROUP, "brokers", looks.brokers)]
    if settings.kafka.topics:
        checks.append(Check(_GROUP, "topics", looks.topics))
        checks.append(Check(_GROUP, f"group {settings.kafka.group}", looks.group))
    if settings.errors.tolerance == "all" and settings.errors.dead_letters == "kafka":
        name = f"dead-letter topic {settings.dead_letters.topic}"
        checks.append(Check("Dead letters", name, looks.dead_letters))
    return checks


class _KafkaLooks:
    def __init__(self, settings: Settings, timeout: float, probes: Probes) -> None:
        self._settings = settings
        self._probes = probes
        self._timeout = timeout

    def brokers(self) -> list[Finding]:
        kafka = self._settings.kafka
        found = self._probes.brokers(kafka.client_properties(), self._timeout)
        if not isinstance(found, Brokers):
            text = f"no answer from {kafka.bootstrap_servers}: {found}"
            return [Finding("brokers", "failed", text, _REACH)]
        text = f"{found.number} in cluster {found.cluster or 'without an id'}"
        findings = [Finding("brokers", "ok", text)]
        if kafka.topics_pattern is not None:
            findings.append(_pattern(kafka.topics_pattern, found))
        return findings

    def topics(self) -> list[Finding]:
        kafka = self._settings.kafka
        found = self._probes.topics(kafka.client_properties(), kafka.topics, self._timeout)
        return [self._topic(topic, found[topic]) for topic in kafka.topics]

    def _topic(self, topic: str, access: Access) -> Finding:
        name = f"topic {topic}"
        grant = self._acl(f"--topic {topic}", _READS)
        if not access.problem and access.operations is not None:
            lacking = _lacking(access.operations, _READS)
            if lacking:
                remedy = f"grant {lacking} on the topic to the user of kafka.properties"
                return Finding(name, "failed", f"{lacking} is not granted", remedy, grant)
            partitions = f"{access.partitions} partitions"
            return Finding(name, "ok", f"{partitions}; Read and Describe are granted")
        problem: str | None = access.problem
        if not problem:
            problem = self._probes.read(
                self._settings.kafka, topic, access.partitions, self._timeout
            )
        if problem == "missing":
            remedy = "correct kafka.topics, create it, or grant Describe on it where it exists"
            return Finding(name, "failed", "the brokers know no such topic", remedy, grant)
        if problem == "denied":
            remedy = "grant Read and Describe on the topic to the user of kafka.properties"
            return Finding(name, "failed", "access is denied", remedy, grant)
        if problem:
            return Finding(name, "failed", problem, _REACH)
        partitions = f"{access.partitions} partitions"
        if problem is None:
            return Finding(name, "ok", f"{partitions}; a record was read")
        return Finding(name, "ok", f"{partitions}; it has no record to try to read")

    def group(self) -> list[Finding]:
        kafka = self._settings.kafka
        name = f"group {kafka.group}"
        access = self._probes.group(kafka, kafka.topics[0], self._timeout)
        grant = self._acl(f"--group {kafka.group}", ("read",))
        remedy = "grant Read on the group to the user of kafka.properties, or set kafka.group"
        if access.problem == "denied":
            return [Finding(name, "failed", "access is denied", remedy, grant)]
        if access.problem:
            return [Finding(name, "failed", access.problem, _REACH)]
        if access.operations is None:
            text = "its offsets can be read; the brokers do not say whether they can be committed"
            return [Finding(name, "ok", text)]
        if _lacking(access.operations, ("read",)):
            return [Finding(name, "failed", "Read is not granted", remedy, grant)]
        return [Finding(name, "ok", "Read is granted, so offsets can be committed")]

    def dead_letters(self) -> list[Finding]:
        settings = self._settings
        topic = settings.dead_letters.topic
        name = f"dead-letter topic {topic}"
        properties = settings.dead_letters.client_properties(settings.kafka)
        brokers = self._probes.brokers(properties, self._timeout)
        if not isinstance(brokers, Brokers):
            remedy = "check that the brokers of [dead_letters] run, and its properties"
            return [Finding(name, "failed", f"its brokers do not answer: {brokers}", remedy)]
        access = self._probes.topics(properties, [topic], self._timeout)[topic]
        grant = self._acl(f"--topic {topic}", ("write", "describe"))
        if access.problem == "missing" and settings.errors.auto_create:
            return [Finding(name, "ok", "does not exist; it is created at the start")]
        if access.problem == "missing":
            remedy = "create the topic, or set errors.auto_create = true"
            return [Finding(name, "failed", "does not exist", remedy)]
        remedy = "grant Write and Describe on the topic, or name another dead_letters.topic"
        if access.problem == "denied":
            return [Finding(name, "failed", "access is denied", remedy, grant)]
        if access.problem:
            return [Finding(name, "failed", access.problem, _REACH)]
        if access.operations is None:
            text = "exists; the brokers do not say whether it may be written to"
            return [Finding(name, "ok", text)]
        lacking = _lacking(access.operations, ("write", "describe"))
        if lacking:
            return [Finding(name, "failed", f"{lacking} is not granted", remedy, grant)]
        return [Finding(name, "ok", "exists; Write and Describe are granted")]

    def _acl(self, resource: str, operations: tuple[str, ...]) -> str:
        kafka = self._settings.kafka
        user = kafka.properties.get("sasl.username", "NAME")
        words = " ".join(f"--operation {operation.capitalize()}" for operation in operations)
        return (
            f"kafka-acls.sh --bootstrap-server {kafka.bootstrap_servers} --add "
            f"--allow-principal User:{user} {words} {resource}"
        )


def _pattern(pattern: str, brokers: Brokers) -> Finding:
    matching = sorted(topic for topic in brokers.topics if re.fullmatch(pattern, topic))
    name = f"topics that match {pattern}"
    if matching:
        shown = ", ".join(matching[:10]) + (" and more" if len(matching) > 10 else "")
        return Finding(name, "ok", f"{len(matching)}: {shown}")
    return Finding(
        name,
        "warning",
        "none that this user can see",
        "correct kafka.topics_pattern, or grant Describe; topics that come later are found",
    )


def _lacking(operations: frozenset[str], wanted: tuple[str, ...]) -> str:
    if "all" in operations:
        return ""
    return " and ".join(one.capitalize() for one in wanted if one not in operations)
