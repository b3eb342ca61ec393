"""Where rows go and with which keys; the engine's numbers; what became of errors."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from connectors.import_config.converters import LOCAL
from connectors.import_config.errors import Refused, Unfilled
from connectors.import_config.properties import Given

_ID, _SECRET = "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
_OF_STS = ("region", "account.id", "role.name", "sts.endpoint", "client.time.out.ms")
_EXAMPLE = "https://INSTANCE.REGION.ots.aliyuncs.com"
_INSTANCE = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,14}[A-Za-z0-9]")


def tablestore(given: Given) -> dict[str, Any]:
    """[tablestore]."""
    made: dict[str, Any] = {}
    for key, name in (
        ("tablestore.endpoint", "endpoint"),
        ("tablestore.instance.name", "instance"),
    ):
        try:
            made[name] = given.required(key)
        except Unfilled:
            given.note(
                key,
                "is a placeholder that cannot be read here: set "
                f"SYNC__TABLESTORE__{name.upper()}, or write it into [tablestore]",
            )
    if "endpoint" in made:
        made["endpoint"] = _endpoint(given, made["endpoint"])
    if "instance" in made and not _INSTANCE.fullmatch(made["instance"]):
        raise Refused("tablestore.instance.name: is no instance name (3 to 16 letters, digits, -)")
    made |= _keys(given)
    return made


def _endpoint(given: Given, endpoint: str) -> str:
    key = "tablestore.endpoint"
    try:
        url = urlsplit(endpoint)
        port = url.port
    except ValueError:
        raise Refused(f"{key}: is no URL such as {_EXAMPLE}") from None
    valid = url.scheme in ("http", "https") and bool(url.hostname) and port != 0
    valid = valid and not (url.query or url.fragment or "@" in url.netloc or " " in endpoint)
    if not valid:
        raise Refused(f"{key}: is no URL such as {_EXAMPLE}")
    if url.scheme == "http" and url.hostname not in LOCAL:
        given.note(key, "is https now: requests are signed, not hidden, so http is for this host")
        return "https" + endpoint[4:]
    return endpoint


def _keys(given: Given) -> dict[str, Any]:
    made: dict[str, Any] = {}
    has_id = bool((given.raw("tablestore.access.key.id") or "").strip())
    mode = given.choice("tablestore.auth.mode", ("aksk", "sts"), "aksk" if has_id else "sts")
    if mode == "sts":
        given.note(
            "tablestore.auth.mode",
            "sts is not taken over: it was for Alibaba's own managed service. Set a key pair of a "
            f"RAM user ({_ID}, {_SECRET}), or temporary keys of a role: have them fetched into "
            "files and name those in tablestore.access_key_id_file, access_key_secret_file and "
            "security_token_file, which are read again when they change",
        )
    elif "tablestore.auth.mode" not in given:
        given.note(
            "tablestore.auth.mode",
            "was not set, which is sts in the connector's code and aksk in its documentation: the "
            "key pair is used",
        )
    for key in _OF_STS:
        if given.raw(key) is not None:
            given.note(key, "is of sts mode: not moved")
    if "client.time.out.ms" in given:
        given.number("client.time.out.ms", 0)
    for key, variable, option in (
        ("tablestore.access.key.id", _ID, "access_key_id_file"),
        ("tablestore.access.key.secret", _SECRET, "access_key_secret_file"),
    ):
        where, file = given.secret(key)
        if not where or mode == "sts":
            if key in given:
                given.note(key, "not moved: it is not used in sts mode, or is blank")
            continue
        anew = "make a new pair, the connector logged this one in clear"
        if file is not None:
            made[option] = file
            given.note(key, f"is read from {file} (tablestore.{option}); {anew}")
        else:
            given.note(key, f"is not written out: set {variable} to {where}; {anew}")
    return made


def engine(given: Given) -> None:
    """Numbers of the connector's writer, none of which has a like here; but they are checked."""
    if given.raw("insert.order.enable") is not None and not given.flag("insert.order.enable", True):
        given.note(
            "insert.order.enable",
            "false is not moved: rows of one key stay in order, at no cost of speed",
        )
    size = given.number("buffer.size", 1024, least=1)
    if size & (size - 1):
        raise Refused("buffer.size: is no power of two")
    for key, instead in (
        ("buffer.size", "window.rows, window.bytes and tablestore.queue bound what waits"),
        ("max.thread.count", "there are no callback threads"),
        ("max.concurrency", "each of window.shards has one request in flight"),
        ("bucket.count", "window.shards (64) is the like of it"),
        (
            "flush.Interval",
            "it had no effect above the time of a put; window.age (0.5 s) is its like",
        ),
    ):
        if given.raw(key) is not None:
            given.number(key, 1, least=1)
            given.note(key, f"not moved: {instead}")
    tasks = given.number("tasks.max", 1, least=1, most=2**31 - 1)
    if tasks > 1:
        given.note(
            "tasks.max",
            "not moved: one process does the work of several tasks; more workers or processes are "
            "given when it is started (docs/operations.md)",
        )


def parser(given: Given) -> None:
    """event.parse.class: a class of Java cannot come along."""
    name = given.text("event.parse.class")
    if name and not name.endswith(".DefaultEventParser"):
        given.note(
            "event.parse.class",
            "a parser of your own is not moved: write a function of one Record, and name it in "
            '[[transforms]] as type = "function" (docs/transforms.md)',
        )


def errors(given: Given, topics: list[str], tables: list[str], brokers: str) -> dict[str, Any]:
    """[errors] and [dead_letters], by section."""
    tolerance = given.choice("runtime.error.tolerance", ("none", "all"), "none")
    mode = given.choice("runtime.error.mode", ("ignore", "kafka", "tablestore"), "ignore")
    made: dict[str, Any] = {"tolerance": tolerance}
    if tolerance == "all" or "runtime.error.mode" in given:
        made["dead_letters"] = mode  # else ours is the better default, should it ever be all
    dead_letters: dict[str, Any] = {}
    of_connect = given.choice("errors.tolerance", ("none", "all"), "none")
    queue = given.text("errors.deadletterqueue.topic.name")
    topic, table = given.text("runtime.error.topic.name"), given.text("runtime.error.table.name")
    servers = given.text("runtime.error.bootstrap.servers")
    if mode == "kafka":
        given.required("runtime.error.topic.name")
        given.required("runtime.error.bootstrap.servers")
        dead_letters["topic"] = topic
        if servers != brokers:
            dead_letters["bootstrap_servers"] = servers
        elif topic in topics:
            raise Refused("runtime.error.topic.name: is one of topics: dead letters would go round")
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", topic) or topic in (".", ".."):
            raise Refused("runtime.error.topic.name: is no topic name")
        given.note(
            "runtime.error.mode",
            "dead letters keep the record's own bytes, with topic, partition, offset and code in "
            "headers, and the offset waits until they are confirmed; the connector's were JSON "
            "envelopes without an origin, and lost when the brokers failed",
        )
    elif mode == "tablestore":
        dead_letters["table"] = given.required("runtime.error.table.name")
        if table in tables:
            raise Refused("runtime.error.table.name: is the table of a topic as well")
        made["auto_create"] = given.flag("auto.create", False)
        given.note(
            "runtime.error.mode",
            "the key of the error table is the same (topic_partition, offset), its columns are "
            "others (docs/operations.md); a dead letter that fails is not lost but waited for",
        )
    elif queue and tolerance == of_connect == "all":
        made["dead_letters"], dead_letters = "kafka", {"topic": queue}
        given.note(
            "errors.deadletterqueue.topic.name",
            "takes all dead letters now: there is one policy for decoding and for rows "
            '(errors.dead_letters = "kafka"), and none is dropped',
        )
    _tell(given, tolerance, mode, of_connect, queue)
    return {"errors": made, **({"dead_letters": dead_letters} if dead_letters else {})}


def _tell(given: Given, tolerance: str, mode: str, of_connect: str, queue: str) -> None:
    if tolerance == "all":
        given.note(
            "runtime.error.tolerance",
            "holds for records that cannot be decoded too (errors.tolerance was for those), and "
            "for bad records only: outages and throttling are waited out, where the connector "
            "dropped or set aside all that came in the meantime",
        )
    if tolerance == "none" and "runtime.error.mode" in given:
        given.note("runtime.error.mode", "has no effect with tolerance none, here as there")
    for key, needed in (
        ("runtime.error.topic.name", "kafka"),
        ("runtime.error.bootstrap.servers", "kafka"),
        ("runtime.error.table.name", "tablestore"),
    ):
        if given.raw(key) and mode != needed:
            given.note(key, f"has no effect but with runtime.error.mode={needed}: not moved")
    if of_connect == "all" and tolerance == "none":
        given.note(
            "errors.tolerance",
            "not moved: it never covered this connector's own errors. There is one policy here, "
            "and runtime.error.tolerance is none: the run stops at the first bad record, one that "
            'cannot be decoded included. Set errors.tolerance = "all" to go on',
        )
        if queue:
            given.note(
                "errors.deadletterqueue.topic.name",
                'not moved: set errors.dead_letters = "kafka" and dead_letters.topic with that',
            )
    elif queue and of_connect == "none":
        given.note("errors.deadletterqueue.topic.name", "had no effect without errors.tolerance")
    elif queue and mode != "ignore":
        given.note(
            "errors.deadletterqueue.topic.name",
            f"not moved: all dead letters go where runtime.error.mode={mode} sends them",
        )
    for key in given.keys("errors."):
        if key in ("errors.tolerance", "errors.deadletterqueue.topic.name"):
            continue
        given.use(key)
        given.note(key, f"not moved: {_CONNECT_ERRORS.get(key, 'it is of Kafka Connect')}")


_CONNECT_ERRORS = {
    "errors.log.enable": 'errors.dead_letters = "log" logs the place and the reason of each',
    "errors.log.include.messages": "errors.log_payload is the like of it",
    "errors.retry.timeout": "what may pass is retried for as long as it takes",
    "errors.retry.delay.max.ms": "tablestore.retry_max is the like of it",
    "errors.deadletterqueue.topic.replication.factor": "the topic is made by you, or by "
    "errors.auto_create with the brokers' default",
    "errors.deadletterqueue.context.headers.enable": "dead letters always have headers",
}
