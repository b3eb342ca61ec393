"""[tablestore], [errors] and [dead_letters]; notes on the settings of the connector's writer."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from connectors.import_config.converters import PLAIN_HTTP, is_plain_http
from connectors.import_config.errors import UnresolvedPlaceholder, UnsupportedConnectorConfig
from connectors.import_config.properties import ConnectorProperties

_ID, _SECRET = "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
_OF_STS = ("region", "account.id", "role.name", "sts.endpoint", "client.time.out.ms")
_EXAMPLE = "https://INSTANCE.REGION.ots.aliyuncs.com"
_INSTANCE = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,14}[A-Za-z0-9]")


def tablestore(connector: ConnectorProperties) -> dict[str, Any]:
    """The values of section [tablestore]."""
    made: dict[str, Any] = {}
    for key, name in (
        ("tablestore.endpoint", "endpoint"),
        ("tablestore.instance.name", "instance"),
    ):
        try:
            made[name] = connector.required(key)
        except UnresolvedPlaceholder:
            connector.note(
                key,
                "is a placeholder that cannot be read here: set "
                f"SYNC__TABLESTORE__{name.upper()}, or write it into [tablestore]",
            )
    if "endpoint" in made:
        made["endpoint"] = _endpoint(made["endpoint"])
        if is_plain_http(made["endpoint"]):
            made["allow_plain_http"] = True
            connector.note("tablestore.endpoint", PLAIN_HTTP)
    if "instance" in made and not _INSTANCE.fullmatch(made["instance"]):
        raise UnsupportedConnectorConfig(
            "tablestore.instance.name: is not an instance name (3 to 16 letters, digits, -)"
        )
    made |= _keys(connector)
    return made


def _endpoint(endpoint: str) -> str:
    key = "tablestore.endpoint"
    try:
        url = urlsplit(endpoint)
        port = url.port
    except ValueError:
        raise UnsupportedConnectorConfig(f"{key}: is not a URL such as {_EXAMPLE}") from None
    valid = url.scheme in ("http", "https") and bool(url.hostname) and port != 0
    valid = valid and not (url.query or url.fragment or "@" in url.netloc or " " in endpoint)
    if not valid:
        raise UnsupportedConnectorConfig(f"{key}: is not a URL such as {_EXAMPLE}")
    return endpoint


def _keys(connector: ConnectorProperties) -> dict[str, Any]:
    made: dict[str, Any] = {}
    has_id = bool((connector.raw("tablestore.access.key.id") or "").strip())
    mode = connector.choice("tablestore.auth.mode", ("aksk", "sts"), "aksk" if has_id else "sts")
    if mode == "sts":
        connector.note(
            "tablestore.auth.mode",
            "sts is not imported: it is for Alibaba's own managed service. Set a key pair of a "
            f"RAM user ({_ID}, {_SECRET}), or a role (tablestore.credentials), or fetch temporary "
            "keys into files and name those in tablestore.access_key_id_file, "
            "access_key_secret_file and security_token_file, which are read again when they change",
        )
    elif "tablestore.auth.mode" not in connector:
        connector.note(
            "tablestore.auth.mode",
            "was not set, which is sts in the connector's code and aksk in its documentation: the "
            "key pair is used",
        )
    for key in _OF_STS:
        if connector.raw(key) is not None:
            connector.note(key, "is used only in sts mode: not imported")
    if "client.time.out.ms" in connector:
        connector.number("client.time.out.ms", 0)
    for key, variable, option in (
        ("tablestore.access.key.id", _ID, "access_key_id_file"),
        ("tablestore.access.key.secret", _SECRET, "access_key_secret_file"),
    ):
        where, file = connector.secret(key)
        if not where or mode == "sts":
            if key in connector:
                connector.note(key, "not imported: it is not used in sts mode, or is blank")
            continue
        advice = "create a new pair: the connector logged this one in clear text"
        if file is not None:
            made[option] = file
            connector.note(key, f"is read from {file} (tablestore.{option}); {advice}")
        else:
            connector.note(key, f"is not written out: set {variable} to {where}; {advice}")
    return made


def engine(connector: ConnectorProperties) -> None:
    """Check the numbers of the connector's writer, and note their counterparts here."""
    if connector.raw("insert.order.enable") is not None and not connector.flag(
        "insert.order.enable", True
    ):
        connector.note(
            "insert.order.enable",
            "false is not imported: rows of one key always stay in order, which costs no speed",
        )
    size = connector.number("buffer.size", 1024, minimum=1)
    if size & (size - 1):
        raise UnsupportedConnectorConfig("buffer.size: is not a power of two")
    for key, instead in (
        ("buffer.size", "window.rows, window.bytes and tablestore.queue bound what waits"),
        ("max.thread.count", "there are no callback threads"),
        ("max.concurrency", "each of window.shards has one request in flight"),
        ("bucket.count", "window.shards (64) is its counterpart"),
        (
            "flush.Interval",
            "it had no effect beyond the duration of a put; the counterpart is window.age (0.5 s)",
        ),
    ):
        if connector.raw(key) is not None:
            connector.number(key, 1, minimum=1)
            connector.note(key, f"not imported: {instead}")
    tasks = connector.number("tasks.max", 1, minimum=1, maximum=2**31 - 1)
    if tasks > 1:
        connector.note(
            "tasks.max",
            "not imported: one process does the work of several tasks; the command line says if "
            "there are more workers or processes (docs/operations.md)",
        )


def parser(connector: ConnectorProperties) -> None:
    """Note that a Java class of event.parse.class is not imported."""
    name = connector.text("event.parse.class")
    if name and not name.endswith(".DefaultEventParser"):
        connector.note(
            "event.parse.class",
            "a parser of your own is not imported: write a function of one Record, and name it in "
            '[[transforms]] as type = "function" (docs/transforms.md)',
        )


def errors(
    connector: ConnectorProperties, topics: list[str], tables: list[str], brokers: str
) -> dict[str, Any]:
    """The values of the sections [errors] and [dead_letters], by section."""
    tolerance = connector.choice("runtime.error.tolerance", ("none", "all"), "none")
    mode = connector.choice("runtime.error.mode", ("ignore", "kafka", "tablestore"), "ignore")
    made: dict[str, Any] = {"tolerance": tolerance}
    if tolerance == "all" or "runtime.error.mode" in connector:
        made["dead_letters"] = mode  # else the default here is better
    dead_letters: dict[str, Any] = {}
    of_connect = connector.choice("errors.tolerance", ("none", "all"), "none")
    queue = connector.text("errors.deadletterqueue.topic.name")
    topic, table = (
        connector.text("runtime.error.topic.name"),
        connector.text("runtime.error.table.name"),
    )
    servers = connector.text("runtime.error.bootstrap.servers")
    if mode == "kafka":
        connector.required("runtime.error.topic.name")
        connector.required("runtime.error.bootstrap.servers")
        dead_letters["topic"] = topic
        if servers != brokers:
            dead_letters["bootstrap_servers"] = servers
        elif topic in topics:
            raise UnsupportedConnectorConfig(
                "runtime.error.topic.name: is one of topics: dead letters would be read again"
            )
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", topic) or topic in (".", ".."):
            raise UnsupportedConnectorConfig("runtime.error.topic.name: is not a topic name")
        connector.note(
            "runtime.error.mode",
            "dead letters keep the record's own bytes, with topic, partition, offset and code in "
            "headers, and the offset is not stored until they are confirmed; the connector's were "
            "JSON envelopes without an origin, and were lost when the brokers failed",
        )
    elif mode == "tablestore":
        dead_letters["table"] = connector.required("runtime.error.table.name")
        if table in tables:
            raise UnsupportedConnectorConfig(
                "runtime.error.table.name: is the table of a topic as well"
            )
        made["auto_create"] = connector.flag("auto.create", False)
        connector.note(
            "runtime.error.mode",
            "the error table has the same key (topic_partition, offset) but other columns "
            "(docs/operations.md); a dead letter that cannot be written is retried, not lost",
        )
    elif queue and tolerance == of_connect == "all":
        made["dead_letters"], dead_letters = "kafka", {"topic": queue}
        connector.note(
            "errors.deadletterqueue.topic.name",
            "now receives all dead letters: one policy covers decoding and rows "
            '(errors.dead_letters = "kafka"), and none is dropped',
        )
    _note_errors(connector, tolerance, mode, of_connect, queue)
    return {"errors": made, **({"dead_letters": dead_letters} if dead_letters else {})}


def _note_errors(
    connector: ConnectorProperties, tolerance: str, mode: str, of_connect: str, queue: str
) -> None:
    if tolerance == "all":
        connector.note(
            "runtime.error.tolerance",
            "also applies to records that cannot be decoded (errors.tolerance was for those), and "
            "only to bad records: outages and throttling are waited out, where the connector "
            "dropped or dead-lettered all records that came in the meantime",
        )
    if tolerance == "none" and "runtime.error.mode" in connector:
        connector.note(
            "runtime.error.mode", "has no effect with tolerance none, as in the connector"
        )
    for key, needed in (
        ("runtime.error.topic.name", "kafka"),
        ("runtime.error.bootstrap.servers", "kafka"),
        ("runtime.error.table.name", "tablestore"),
    ):
        if connector.raw(key) and mode != needed:
            connector.note(
                key, f"has an effect only with runtime.error.mode={needed}: not imported"
            )
    if of_connect == "all" and tolerance == "none":
        connector.note(
            "errors.tolerance",
            "not imported: it never covered this connector's own errors. There is one policy here, "
            "and runtime.error.tolerance is none: the run stops at the first bad record, one that "
            'cannot be decoded included. Set errors.tolerance = "all" to go on',
        )
        if queue:
            connector.note(
                "errors.deadletterqueue.topic.name",
                'not imported: set errors.dead_letters = "kafka" and dead_letters.topic with that',
            )
    elif queue and of_connect == "none":
        connector.note(
            "errors.deadletterqueue.topic.name", "had no effect without errors.tolerance"
        )
    elif queue and mode != "ignore":
        connector.note(
            "errors.deadletterqueue.topic.name",
            f"not imported: all dead letters go where runtime.error.mode={mode} sends them",
        )
    for key in connector.keys("errors."):
        if key in ("errors.tolerance", "errors.deadletterqueue.topic.name"):
            continue
        connector.use(key)
        connector.note(
            key, f"not imported: {_CONNECT_ERRORS.get(key, 'it is for Kafka Connect itself')}"
        )


_CONNECT_ERRORS = {
    "errors.log.enable": 'errors.dead_letters = "log" logs the coordinates and the reason of each',
    "errors.log.include.messages": "the counterpart is errors.log_payload",
    "errors.retry.timeout": "transient failures are retried without end",
    "errors.retry.delay.max.ms": "the counterpart is tablestore.retry_max",
    "errors.deadletterqueue.topic.replication.factor": "you create the topic, or "
    "errors.auto_create does, with the brokers' default",
    "errors.deadletterqueue.context.headers.enable": "dead letters always have headers",
}
