"""A first configuration for topics, from a sample of each: what `init` writes, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.errors import StopRun
from connectors.formats.chunk_decoder import ChunkDecoder
from connectors.formats.registry_client import Missing, RegistryClient
from connectors.inspect.preview import Preview, RegistryWait
from connectors.inspect.propose import Guess, Proposal, propose, table_of
from connectors.inspect.recognize import FormatGuess, SchemaType, recognize
from connectors.records import Chunk, Message, Record
from connectors.settings import Settings
from connectors.settings.loading import check_values, from_values
from connectors.settings.tables import TableSettings
from connectors.transforms.chunk_step import ChunkStep
from connectors.transforms.pipeline import pipeline

# The fields of a change event of Debezium [debezium].
_EVENT = {"before", "after", "op"}
_ENOUGH = 0.9


@dataclass
class InitialConfig:
    """The values of a config.toml, and the guesses behind them."""

    values: dict[str, Any]
    guesses: dict[str, list[Guess]] = field(default_factory=dict)
    """By topic, in their order."""
    notes: list[str] = field(default_factory=list)
    """What the user should look at."""


def initial_config(
    values: Mapping[str, Any],
    samples: Mapping[str, Sequence[Message]],
    *,
    mode: str = "auto",
    on_topic: Callable[[str], None] = lambda _: None,
) -> InitialConfig:
    """The configuration for the topics of `samples`.

    `values` has [kafka], [tablestore] and, where it is known, [format.registry]. `mode` is
    wide_column, timeseries or auto. Raises StopRun for topics of different formats, and where the
    registry is needed and does not answer.
    """
    made = InitialConfig({**values, **table_names([*samples])})
    made.guesses = {topic: [] for topic in samples}
    _add_format(made, samples)
    settings = from_values(made.values)
    if _are_change_events(settings, samples, made):
        made.values["transforms"] = [{"type": "debezium"}]
        settings = from_values(made.values)
    proposals = []
    for topic, messages in samples.items():
        on_topic(topic)
        proposals.append(_proposal(made, settings, topic, messages, mode))
    _add_tables(made, proposals)
    check_values(made.values)
    return made


def table_names(topics: Sequence[str]) -> dict[str, Any]:
    """[mapping] for topics whose names no table can have; {} where there are none."""
    renamed = {topic: table_of(topic) for topic in topics if topic != table_of(topic)}
    return {"mapping": {"topics": renamed}} if renamed else {}


def _add_format(made: InitialConfig, samples: Mapping[str, Sequence[Message]]) -> None:
    schema_type = _schema_type(made.values)
    formats: dict[str, Any] = dict(made.values.get("format", {}))
    found: dict[str, dict[str, FormatGuess]] = {"value": {}, "key": {}}
    for side, of_topics in found.items():
        for topic, messages in samples.items():
            guess = recognize(messages, side, schema_type)
            if guess is not None:
                of_topics[topic] = guess
                made.guesses[topic].append(Guess(f"{side} format", guess.word, guess.evidence))
        words = {guess.word for guess in of_topics.values()}
        if len(words) > 1 and side == "value":
            each = ", ".join(f"{topic} {guess.word}" for topic, guess in of_topics.items())
            raise StopRun(
                f"the topics have values of different formats ({each})\n  remedy: make a "
                "configuration, and later a run, for the topics of each format"
            )
        if len(words) == 1:
            formats[side] = words.pop()
    every = [guess for of_topics in found.values() for guess in of_topics.values()]
    if any(guess.needs_registry for guess in every):
        registry = dict(formats.get("registry", {}))
        if not registry.get("url"):
            guess = next(one for one in every if one.needs_registry)
            raise StopRun(
                f"the records need a Schema Registry: {guess.evidence}\n  remedy: give its URL by "
                "--registry"
            )
        if any(guess.ids_in_headers for guess in every):
            registry["schema_id"] = "header"
        formats["registry"] = registry
    made.notes += [
        f"the format {guess.word} is a guess: {guess.evidence}"
        for guess in {guess.evidence: guess for guess in every if not guess.is_sure}.values()
    ]
    if formats:
        made.values["format"] = formats


def _schema_type(values: Mapping[str, Any]) -> SchemaType | None:
    url = values.get("format", {}).get("registry", {}).get("url")
    if not url:
        return None
    registry = from_values(dict(values)).format.registry
    client = RegistryClient(registry, RegistryWait().wait)

    def ask(schema_id: int) -> str | None:
        found = client.get(f"/schemas/ids/{schema_id}")
        return None if isinstance(found, Missing) else str(found.get("schemaType", "AVRO"))

    return ask


def _are_change_events(
    settings: Settings, samples: Mapping[str, Sequence[Message]], made: InitialConfig
) -> bool:
    """Whether all topics have change events of Debezium; notes the evidence."""
    found = {}
    for topic, messages in samples.items():
        values = [record.value for record in _decoded(settings, messages)]
        objects = [one for one in map(_payload, values) if one is not None]
        events = sum(one.keys() >= _EVENT for one in objects)
        if not objects or events < _ENOUGH * len(objects):
            return False
        found[topic] = f"{events:,} of {len(objects):,} have before, after and op"
    for topic, evidence in found.items():
        made.guesses[topic].append(Guess("records", "change events of Debezium", evidence))
    return bool(found)


def _payload(value: Any) -> dict[str, Any] | None:
    """The object itself, or that in an envelope of Kafka Connect."""
    if isinstance(value, dict) and {*value} == {"schema", "payload"}:
        value = value["payload"]
    return value if isinstance(value, dict) else None


def _decoded(settings: Settings, messages: Sequence[Message]) -> list[Record]:
    """The records that can be decoded, with their keys, behind the transforms."""
    with_keys = settings.model_copy(update={"table": _WITH_KEYS, "tables": {}})
    decoder = ChunkDecoder(with_keys, wait=RegistryWait().wait)
    function: Any = pipeline(settings)
    step = None
    if function is not None:
        step = ChunkStep("transform", function, False, lambda *_: None)
    records: list[Record] = []
    for message in messages:
        chunk = Chunk(str(message.topic()), message.partition(), [message])
        decoded = decoder.decode_chunk(chunk)
        records += decoded.records if step is None else step.apply(decoded).records
    return records


# A table whose rows need the record's key, so that it is decoded.
_WITH_KEYS = TableSettings.model_validate(
    {"primary_key_mode": "record_key", "primary_key": [{"name": "id"}]}
)


def _proposal(
    made: InitialConfig,
    settings: Settings,
    topic: str,
    messages: Sequence[Message],
    mode: str,
) -> Proposal:
    records = _decoded(settings, messages)
    is_change_log = bool(settings.transforms)
    rows = [one for one in records if one.change == "upsert" and one.value is not None]
    proposal = propose(
        topic,
        [record.value for record in rows],
        [record.key for record in rows],
        is_change_log=is_change_log,
        tombstones=sum(message.value() is None for message in messages),
        mode=mode,
    )
    rejected = _try(made.values, proposal, messages)
    if rejected and "columns" in proposal.rules:
        with_all = Proposal(topic, proposal.table, {**proposal.rules, "columns": "all"})
        rejected_with_all = _try(made.values, with_all, messages)
        if rejected_with_all.total() < rejected.total():
            proposal.rules["columns"] = "all"
            proposal.guess("columns", "all", "with the list above more records are rejected")
            rejected = rejected_with_all
    made.guesses[topic] += proposal.guesses
    fine = len(messages) - rejected.total()
    text = f"{fine:,} of {len(messages):,} records become rows, deletes or nothing"
    if rejected:
        text += "; rejected: " + ", ".join(f"{n:,} {code}" for code, n in rejected.most_common())
    made.guesses[topic].append(Guess("tried", f"table {proposal.table}", text))
    return proposal


def _try(
    values: Mapping[str, Any], proposal: Proposal, messages: Sequence[Message]
) -> Counter[str]:
    """Why records of the sample would be rejected: how many, by code."""
    whole = {
        **values,
        "table": proposal.rules,
    }
    preview = Preview(from_values(whole))
    rejected: Counter[str] = Counter()
    for message in messages:
        rejected.update([one.code for one in preview.of(message).rejections[:1]])
    return rejected


def _add_tables(made: InitialConfig, proposals: Sequence[Proposal]) -> None:
    for one in proposals:
        one.rules["auto_create"] = True
    if len(proposals) == 1:
        made.values["table"] = proposals[0].rules
    else:
        made.values["tables"] = {one.table: one.rules for one in proposals}
    made.values["errors"] = {
        "tolerance": "all",
        "dead_letters": "tablestore",
        "auto_create": True,
    }
