"""import-config of converters: each becomes a format, with its Schema Registry."""

import pytest

from tests.unit.import_config.factories import SECRET, imported

_CONFLUENT = "io.confluent.connect"
_CONNECT = "org.apache.kafka.connect"


@pytest.mark.parametrize(
    ("converter", "word"),
    [
        (f"{_CONNECT}.json.JsonConverter", "connect_json"),
        (f"{_CONNECT}.storage.StringConverter", "string"),
        (f"{_CONNECT}.converters.ByteArrayConverter", "bytes"),
        (f"{_CONNECT}.converters.IntegerConverter", "integer"),
        (f"{_CONNECT}.converters.LongConverter", "long"),
        (f"{_CONNECT}.converters.DoubleConverter", "double"),
        (f"{_CONFLUENT}.avro.AvroConverter", "avro"),
        (f"{_CONFLUENT}.protobuf.ProtobufConverter", "protobuf"),
        (f"{_CONFLUENT}.json.JsonSchemaConverter", "json_schema"),
        ("com.example.Own", "bytes"),
    ],
)
@pytest.mark.parametrize("part", ["key", "value"])
def test_converters(part: str, converter: str, word: str) -> None:
    """Each has its format; one of a stranger is noted. Connect's JSON has envelopes by default."""
    key = f"{part}.converter"
    keys = {key: converter, f"{key}.schemas.enable": "true"}
    if word in ("avro", "protobuf", "json_schema"):
        keys |= {
            f"{key}.schema.registry.url": "https://user:pw@reg:8081,https://other",
            f"{key}.basic.auth.credentials.source": "USER_INFO",
            f"{key}.basic.auth.user.info": f"user:{SECRET}",
            f"{key}.value.subject.name.strategy": "x.TopicNameStrategy",
        }
    made, notes = imported(keys)
    assert getattr(made.format, part) == word
    if "registry" in repr(keys):
        assert made.format.registry.url == "https://reg:8081,https://other"
        assert not made.format.registry.allow_plain_http
        assert "SYNC__FORMAT__REGISTRY__PASSWORD" in notes[f"{key}.basic.auth.user.info"]
    if converter == "com.example.Own":
        assert "not imported" in notes[key]


def test_plain_http_to_other_hosts_stays_http() -> None:
    """With the option that allows it, and a note; on this host neither is needed."""
    registry = "value.converter.schema.registry.url"
    keys = {
        "tablestore.endpoint": "http://tablestore:8080",
        "value.converter": f"{_CONFLUENT}.avro.AvroConverter",
        registry: "http://a:8081, http://localhost:8082,",
    }
    made, notes = imported(keys)
    assert made.tablestore.endpoint == "http://tablestore:8080"
    assert made.format.registry.url == "http://a:8081,http://localhost:8082"
    assert made.tablestore.allow_plain_http
    assert made.format.registry.allow_plain_http
    assert "https" in notes["tablestore.endpoint"]
    assert "https" in notes[registry]
    made, notes = imported({"tablestore.endpoint": "http://127.0.0.1:1"})
    assert not made.tablestore.allow_plain_http
    assert "tablestore.endpoint" not in notes
